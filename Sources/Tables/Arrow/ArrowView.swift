// One array of a host, checked before a cell is read: lengths, offsets, buffer counts, pointers.
// The interface does not say how long the buffers are. That they hold what the checked lengths need is the host's word.

import Basics
import CArrow

/// Cells `0..<count` of an array of the given type. Borrowed: valid until the array is released.
struct ArrowView {
    let type: ArrowType
    let count: Int
    /// Where cell 0 lies, in cells from the start of the buffers.
    private let start: Int
    private let valid: UnsafeRawPointer?
    private let data: UnsafeRawPointer?
    private let bytes: UnsafeRawPointer?
    /// Text views: data buffers and their sizes.
    private let pieces: UnsafeMutablePointer<UnsafeRawPointer?>?
    private let sizes: UnsafeRawPointer?
    private let pieceCount: Int
    private let column: String

    /// - Parameters:
    ///   - first, count: the cells wanted, counted from the array's own offset; nil: all.
    ///   - column: its name, for messages.
    /// - Throws: `.format` for an array that breaks the rules of the interface.
    init(_ array: UnsafePointer<ArrowArray>, _ type: ArrowType, first: Int = 0, count wanted: Int? = nil,
         column: String) throws {
        let a = array.pointee
        func broken(_ what: String) -> Failure { brokenArray(column, what) }
        try checkArray(a, column)
        let count = wanted ?? Int(a.length)
        guard first >= 0, count >= 0, first <= a.length, count <= Int(a.length) - first else {
            throw broken("is shorter than its batch")
        }
        // Below length + offset, which checkArray has added.
        start = Int(a.offset) + first
        self.type = type
        self.count = count
        self.column = column
        if type == .null {                                                     // has no buffers that mean anything
            (valid, data, bytes, pieces, sizes, pieceCount) = (nil, nil, nil, nil, nil, 0)
            return
        }
        let buffers: Int64
        switch type {
        case .text, .largeText: buffers = 3
        case .textView: buffers = max(3, a.n_buffers)
        default: buffers = 2
        }
        guard a.n_buffers == buffers, a.n_buffers <= 1 << 20, let list = a.buffers else {
            throw broken("has a wrong number of buffers")
        }
        let (end, over) = (start + count + 1).multipliedReportingOverflow(by: 32)
        guard !over, end >= 0 else { throw broken("is longer than memory") }
        valid = list[0]
        data = list[1]
        if valid == nil, a.null_count > 0 { throw broken("counts missing cells and has no validity buffer") }
        // An array without cells may come without memory.
        if data == nil, count > 0 { throw broken("has no data buffer") }
        if type == .textView {
            pieceCount = Int(a.n_buffers) - 3
            pieces = list + 2
            sizes = list[Int(a.n_buffers) - 1]
            bytes = nil
            if pieceCount > 0, sizes == nil { throw broken("has no sizes of its text buffers") }
        } else {
            (pieces, sizes, pieceCount) = (nil, nil, 0)
            bytes = type == .text || type == .largeText ? list[2] : nil
        }
    }

    @inline(__always) func isValid(_ i: Int) -> Bool {
        guard let valid else { return type != .null }
        let k = start &+ i
        return valid.load(fromByteOffset: k >> 3, as: UInt8.self) >> UInt8(k & 7) & 1 == 1
    }

    /// Cell i of a boolean array.
    @inline(__always) func bit(_ i: Int) -> Bool {
        guard let data else { return false }
        let k = start &+ i
        return data.load(fromByteOffset: k >> 3, as: UInt8.self) >> UInt8(k & 7) & 1 == 1
    }

    /// Cell i of an array whose cells are `T`s. Hosts need not align their buffers.
    @inline(__always) func load<T: BitwiseCopyable>(_ i: Int, as: T.Type) -> T {
        data.unsafelyUnwrapped.loadUnaligned(fromByteOffset: (start &+ i) &* MemoryLayout<T>.size, as: T.self)
    }

    /// The 64-bit words of a whole number of `bytes` bytes, the lowest first; the sign is carried into all four.
    func words(_ i: Int, bytes: Int) -> (UInt64, UInt64, UInt64, UInt64) {
        if bytes < 16 {
            let v = bytes == 4 ? Int64(load(i, as: Int32.self)) : load(i, as: Int64.self)
            let sign: UInt64 = v < 0 ? .max : 0
            return (UInt64(bitPattern: v), sign, sign, sign)
        }
        let at = data.unsafelyUnwrapped + (start + i) * bytes
        func word(_ k: Int) -> UInt64 { at.loadUnaligned(fromByteOffset: k * 8, as: UInt64.self) }
        if bytes == 32 { return (word(0), word(1), word(2), word(3)) }
        let sign: UInt64 = word(1) >> 63 == 1 ? .max : 0
        return (word(0), word(1), sign, sign)
    }

    /// The bytes of cell i of a text array.
    /// - Throws: `.format` for offsets that fall or lie outside.
    func text(_ i: Int) throws -> UnsafeBufferPointer<UInt8> {
        let from: Int, to: Int
        switch type {
        case .text: (from, to) = (Int(load(i, as: Int32.self)), Int(load(i + 1, as: Int32.self)))
        case .largeText: (from, to) = (Int(load(i, as: Int64.self)), Int(load(i + 1, as: Int64.self)))
        default: return try viewedText(i)
        }
        guard from >= 0, from <= to, bytes != nil || from == to else {
            throw brokenArray(column, "has offsets of texts that do not rise")
        }
        return slice(bytes, from, to - from)
    }

    private func viewedText(_ i: Int) throws -> UnsafeBufferPointer<UInt8> {
        let cell = data.unsafelyUnwrapped + (start + i) * 16
        let length = Int(cell.loadUnaligned(as: Int32.self))
        guard length >= 0 else { throw brokenArray(column, "has a text of negative length") }
        if length <= 12 { return slice(cell, 4, length) }
        let piece = Int(cell.loadUnaligned(fromByteOffset: 8, as: Int32.self))
        let from = Int(cell.loadUnaligned(fromByteOffset: 12, as: Int32.self))
        guard piece >= 0, piece < pieceCount, let memory = pieces?[piece],
              let size = sizes?.loadUnaligned(fromByteOffset: piece * 8, as: Int64.self), from >= 0, from <= size,
              length <= size - Int64(from) else { throw brokenArray(column, "has a text outside its buffers") }
        return slice(memory, from, length)
    }

    private func slice(_ p: UnsafeRawPointer?, _ from: Int, _ count: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: p.map { ($0 + from).assumingMemoryBound(to: UInt8.self) },
                            count: p == nil ? 0 : count)
    }
}

func brokenArray(_ column: String, _ what: String) -> Failure {
    Failure(.format, "column \(quoted(column)): its Arrow array \(what)")
}

/// What holds for an array of any type.
func checkArray(_ a: ArrowArray, _ column: String) throws {
    guard a.release != nil else { throw brokenArray(column, "was released") }
    guard a.length >= 0, a.offset >= 0, a.null_count >= -1, a.n_buffers >= 0, a.n_children >= 0 else {
        throw brokenArray(column, "has a negative length, offset or count")
    }
    guard a.length <= Int64.max / 64 - a.offset else { throw brokenArray(column, "is longer than memory") }
}
