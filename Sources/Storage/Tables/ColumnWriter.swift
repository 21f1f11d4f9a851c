// Writes one column of a table into a dataframe, in the encoding of ColumnEncoding.swift.

import Basics
import Tables

final class ColumnWriter {
    private let encoding: ColumnEncoding
    private let values: RowWriter
    /// Which rows are missing, of nullable elements.
    private let mask: RowWriter?
    /// The values of the reasons why cells are missing, as bits; nil for one that is no value of the type.
    private let reasons: [UInt64?]

    /// A writer of the column `field` as the element `name` of `group`.
    init(_ field: Field, in group: GroupWriter, as name: String, chunkRows: Int) throws {
        encoding = ColumnEncoding(field)
        reasons = field.reasonValues
        switch encoding {
        case .categorical(let codes):
            (values, mask) = try group.rawGroup(name) { group in
                try group.encoding("categorical", "0.2.0")
                try group.write(attribute: "ordered", false, of: group.handle)
                try writeCategories(field, to: group)
                return (try RowWriter(group, "codes", .number(codes), chunkRows: chunkRows), nil)
            }
        case .boolean(let nullable):
            let element = nullable ? "nullable-boolean" : nil
            (values, mask) = try Self.make(.boolean, element, unit: nil, in: group, as: name, chunkRows)
        case .integer(let type, let nullable, let unit):
            let element = nullable ? "nullable-integer" : nil
            (values, mask) = try Self.make(.number(type), element, unit: unit, in: group, as: name, chunkRows)
        case .double(let unit):
            (values, mask) =
                (try RowWriter(group, name, .number(.float64), chunkRows: chunkRows, units: unit?.text), nil)
        }
    }

    /// - Parameter nullable: AnnData's name of the element with a mask; nil for a plain array.
    private static func make(_ type: ElementType, _ nullable: String?, unit: TimeUnit?, in group: GroupWriter,
        as name: String,
                             _ chunkRows: Int) throws -> (RowWriter, RowWriter?) {
        guard let nullable else {
            return (try RowWriter(group, name, type, chunkRows: chunkRows, units: unit?.text), nil)
        }
        return try group.rawGroup(name) { group in
            try group.encoding(nullable, "0.1.0")
            if let unit { try group.attribute("units", unit.text) }
            return (try RowWriter(group, "values", type, chunkRows: chunkRows),
                try RowWriter(group, "mask", .boolean, chunkRows: chunkRows))
        }
    }

    /// Appends rows `first ..< first + count` of `column`.
    func append(_ column: Column, first: Int, count: Int) throws {
        try values.append(count) { target, start, n in
            let row = first + start
            switch encoding {
            case .categorical(let type): put(type, target, n) { column.offset(row + $0) }
            case .boolean: put(.int8, target, n) { max(0, column.offset(row + $0)) }
            case .integer(let type, _, let unit):
                let divisor: Int64 = unit == .seconds ? 1_000_000 : 1
                put(type, target, n) {
                    (column.int64(row + $0) ?? reason(column, row + $0).map { Int64(bitPattern: $0) } ?? 0) / divisor
                }
            case .double:
                let target = target.assumingMemoryBound(to: Double.self)
                // Moments are whole numbers.
                for i in 0..<n {
                    let why = reason(column, row + i)
                    target[i] = why.map { column.field.type == .number ? Double(bitPattern: $0)
                        : Double(Int64(bitPattern: $0)) } ?? column.double(row + i)
                }
            }
        }
        try mask?.append(count) { target, start, n in
            put(.int8, target, n) {
                let row = first + start + $0
                return column.isMissing(row) && reason(column, row) == nil ? 1 : 0
            }
        }
    }

    /// The value of the reason why a cell is missing; nil where there is none, or where it is no value of the type.
    private func reason(_ column: Column, _ row: Int) -> UInt64? { column.reason(row).flatMap { reasons[$0] } }

    func finish() throws {
        try values.finish()
        try mask?.finish()
    }
}

/// `n` integers of the given width. The values fit it by the choice of the encoding.
private func put(_ type: NumberType, _ target: UnsafeMutableRawPointer, _ n: Int, _ value: (Int) -> Int64) {
    switch type {
    case .int8:
        let target = target.assumingMemoryBound(to: Int8.self)
        for i in 0..<n { target[i] = Int8(truncatingIfNeeded: value(i)) }
    case .int16:
        let target = target.assumingMemoryBound(to: Int16.self)
        for i in 0..<n { target[i] = Int16(truncatingIfNeeded: value(i)) }
    case .int32:
        let target = target.assumingMemoryBound(to: Int32.self)
        for i in 0..<n { target[i] = Int32(truncatingIfNeeded: value(i)) }
    default:
        let target = target.assumingMemoryBound(to: Int64.self)
        for i in 0..<n { target[i] = value(i) }
    }
}

/// The levels, in the type the field declares for them.
private func writeCategories(_ field: Field, to group: GroupWriter) throws {
    let levels = field.levels ?? []
    let integers = levels.compactMap { Int64($0) }, numbers = levels.compactMap { Double($0) }
    if field.type == .integer, integers.count == levels.count {
        try group.tensor("categories", shape: [levels.count], integers)
    } else if field.type == .number, numbers.count == levels.count {
        try group.tensor("categories", shape: [levels.count], numbers)
    } else {
        try group.strings("categories", levels)
    }
}
