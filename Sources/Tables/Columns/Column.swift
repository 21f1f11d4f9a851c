// The cells of one column, each as small as the schema allows.
// 8, 16, 32 or 64 bits of offset with the all-ones pattern for missing, or a double with NaN for missing when the field
// is a number without a step. TableBuilder and Table grow columns and check them.

import Basics
import Glibc

/// How a column's cells are stored; follows from the schema alone.
package enum CellStorage: BitwiseCopyable, Sendable {
    case uint8, uint16, uint32, uint64, float64

    package init(_ field: Field) {
        guard let values = field.kind.count else { self = .float64; return }
        let count = values + Int64(field.reasons.count)
        switch count {                                   // one pattern is taken by missing
        case ...0xFF: self = .uint8
        case ...0xFFFF: self = .uint16
        case ...0xFFFF_FFFF: self = .uint32
        default: self = .uint64
        }
    }

    package var bytes: Int {
        switch self {
        case .uint8: return 1
        case .uint16: return 2
        case .uint32: return 4
        case .uint64, .float64: return 8
        }
    }
}

package final class Column: @unchecked Sendable {
    package let field: Field
    package let storage: CellStorage
    let domain: Domain
    /// Whether cells may say why they are missing (MissingReason.swift).
    let hasReasons: Bool
    /// The cells, `rows` of them in the form of `storage`.
    package private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    /// Cells that did not fit and were replaced while the column was read, as the option "invalid": "coerce" allows.
    package var replaced = 0

    init(_ field: Field, capacity: Int) throws {
        self.field = field
        storage = CellStorage(field)
        domain = try Domain(field)
        hasReasons = !field.reasons.isEmpty
        self.capacity = max(capacity, 1)
        base = try Column.resize(nil, self.capacity, storage.bytes)
    }

    deinit { free(base) }

    private static func resize(_ old: UnsafeMutableRawPointer?, _ count: Int,
                               _ bytes: Int) throws -> UnsafeMutableRawPointer {
        let (size, over) = count.multipliedReportingOverflow(by: bytes)
        guard !over, size > 0, let p = realloc(old, size) else {
            throw Failure(.noMemory, "not enough memory for a table of \(count) rows")
        }
        return p
    }

    /// Room for exactly `count` cells, kept ones included. After an error the column is as it was.
    func setCapacity(_ count: Int) throws {
        base = try Column.resize(base, max(count, 1), storage.bytes)
        capacity = max(count, 1)
    }

    // MARK: reading, row in 0..<rows

    /// The offset of a cell: level index, 0 or 1, (value - minimum) / step. -1 is missing, and always for a number
    /// without a step; below -1 it says why the cell is missing (MissingReason.swift).
    package func offset(_ row: Int) -> Int64 {
        let k = Column.offset(base, storage, row)
        guard hasReasons, k >= domain.reasonBase else { return k }
        return MissingReason.offset(Int(k - domain.reasonBase))
    }

    /// The offset of a cell as it is stored, for loops that keep the column's memory at hand: a reason is a place from
    /// `domain.reasonBase` on.
    @inline(__always) static func offset(_ base: UnsafeMutableRawPointer, _ storage: CellStorage, _ row: Int) -> Int64 {
        switch storage {
        case .uint8:
            let v = base.load(fromByteOffset: row, as: UInt8.self)
            return v == .max ? missingOffset : Int64(v)
        case .uint16:
            let v = base.load(fromByteOffset: row &* 2, as: UInt16.self)
            return v == .max ? missingOffset : Int64(v)
        case .uint32:
            let v = base.load(fromByteOffset: row &* 4, as: UInt32.self)
            return v == .max ? missingOffset : Int64(v)
        case .uint64:
            return Int64(bitPattern: base.load(fromByteOffset: row &* 8, as: UInt64.self))   // all ones is -1
        case .float64:
            return missingOffset
        }
    }

    package func isMissing(_ row: Int) -> Bool {
        storage == .float64 ? base.load(fromByteOffset: row &* 8, as: Double.self).isNaN : offset(row) < 0
    }

    /// The value: level index, 0 or 1, the number, days, or microseconds. NaN is missing; its payload says why, where
    /// that is known.
    package func double(_ row: Int) -> Double {
        if storage == .float64 { return base.load(fromByteOffset: row &* 8, as: Double.self) }
        let k = offset(row)
        return k < 0 ? MissingReason.of(offset: k).map(MissingReason.number) ?? .nan : value(of: k)
    }

    /// The value that an offset stands for.
    package func value(of offset: Int64) -> Double {
        if let grid = domain.grid { return grid.value(offset) }
        return Double(domain.origin &+ offset &* domain.step)
    }

    /// The whole value of an integer, date, datetime, boolean or level index; nil is missing, and always for numbers.
    package func int64(_ row: Int) -> Int64? {
        guard domain.tag != .grid, storage != .float64 else { return nil }
        let k = offset(row)
        return k < 0 ? nil : domain.origin &+ k &* domain.step
    }

    // MARK: writing, row in 0..<capacity

    /// Stores an offset as `offset` gives it, known to be in the domain or negative; instead of one whose value means
    /// "missing" the one next to it.
    package func put(_ row: Int, _ offset: Int64) {
        guard let r = MissingReason.of(offset: offset) else {
            return Column.put(base, storage, row, domain.known(offset), .nan)
        }
        Column.put(base, storage, row, domain.place(ofReason: r), MissingReason.number(r))
    }

    /// Stores what `CellParser.parse` gave: `value` for a number without a step, otherwise an offset known to be in the
    /// domain, or -1.
    @inline(__always) func put(_ row: Int, _ offset: Int64, _ value: Double) {
        Column.put(base, storage, row, offset, value)
    }

    /// Stores a cell, for loops that keep the column's memory at hand.
    @inline(__always)
    static func put(_ base: UnsafeMutableRawPointer, _ storage: CellStorage, _ row: Int, _ offset: Int64,
                    _ value: Double) {
        switch storage {
        case .uint8: base.storeBytes(of: UInt8(truncatingIfNeeded: offset), toByteOffset: row, as: UInt8.self)
        case .uint16: base.storeBytes(of: UInt16(truncatingIfNeeded: offset), toByteOffset: row &* 2, as: UInt16.self)
        case .uint32: base.storeBytes(of: UInt32(truncatingIfNeeded: offset), toByteOffset: row &* 4, as: UInt32.self)
        case .uint64: base.storeBytes(of: UInt64(bitPattern: offset), toByteOffset: row &* 8, as: UInt64.self)
        case .float64: base.storeBytes(of: value, toByteOffset: row &* 8, as: Double.self)
        }
    }

    /// Stores a number of a column without a step.
    package func put(_ row: Int, number: Double) {
        base.storeBytes(of: domain.known(number), toByteOffset: row &* 8, as: Double.self)
    }

    /// Stores a value given as a double, NaN as missing; returns -1, >= 0, or the `BadCell` code of a value that is not
    /// stored. `nearest`: a value outside the domain counts as the nearest one inside.
    func store(_ row: Int, _ v: Double, nearest: Bool = false) -> Int64 {
        if v.isNaN { return storeMissing(row) }
        let k = domain.offset(ofDouble: v, nearest: nearest)
        guard k >= 0 else { return k == missingOffset ? storeMissing(row) : k }
        put(row, k, of: v)
        return k
    }

    func store(_ row: Int, int v: Int64, nearest: Bool = false) -> Int64 {
        let k = domain.offset(ofInt: v, nearest: nearest)
        guard k >= 0 else { return k == missingOffset ? storeMissing(row) : k }
        put(row, k, of: Double(v))
        return k
    }

    /// Stores what the domain gave for a value: its offset, or the place of a reason.
    private func put(_ row: Int, _ k: Int64, of v: Double) {
        if k >= domain.reasonBase { put(row, k, domain.stored(k, v)) }
        else if storage == .float64 { put(row, 0, domain.clamped(v)) }
        else { put(row, k) }
    }

    func storeMissing(_ row: Int) -> Int64 {
        guard !field.required else { return BadCell.missing.rawValue }
        put(row, missingOffset)
        return missingOffset
    }
}
