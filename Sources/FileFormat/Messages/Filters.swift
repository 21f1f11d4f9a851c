// Undoes the filters of chunks: Fletcher-32, deflate, shuffle (filter message 1 and 2).

import Basics
import CZlib

struct Filters {
    enum Filter: Equatable {
        case deflate
        /// Bytes of equal weight of all elements of this size stand together.
        case shuffle(Int)
        case fletcher32
        case other(Int)
    }
    let filters: [Filter]

    static let none = Filters(filters: [])
    private init(filters: [Filter]) { self.filters = filters }

    var areKnown: Bool {
        filters.allSatisfy {
            if case .other = $0 { return false }
            return true
        }
    }

    init(_ c: inout Cursor) throws {
        let version = try c.byte(), count = try c.byte()
        guard version == 1 || version == 2 else { throw c.unknown("has filters of version \(version)") }
        guard count <= 32 else { throw c.damaged("has \(count) filters") }
        if version == 1 { try c.skip(6) }
        var filters: [Filter] = []
        for _ in 0..<count {
            let code = try c.short()
            let name = try version == 1 || code >= 256 ? c.short() : 0
            try c.skip(2)
            let values = try c.short()
            try c.skip(version == 1 ? name.padded : name)
            let first = values > 0 ? try c.word() : 0
            try c.skip(4 * max(0, values - 1) + (version == 1 && values % 2 == 1 ? 4 : 0))
            switch code {
            case 1: filters.append(.deflate)
            case 2:
                guard first > 0 else { throw c.damaged("shuffles elements without a size") }
                filters.append(.shuffle(first))
            case 3: filters.append(.fletcher32)
            default: filters.append(.other(code))
            }
        }
        self.filters = filters
    }

    /// Memory for the chunks of one data set on their way back.
    final class Workspace {
        private var first: Buffer<UInt8>, second: Buffer<UInt8>
        init() throws { (first, second) = (try Buffer(count: 0), try Buffer(count: 0)) }

        fileprivate func grow(_ count: Int) throws {
            if first.count < count { first = try Buffer(count: count, for: "a chunk") }
            if second.count < count { second = try Buffer(count: count, for: "a chunk") }
        }
        fileprivate var from: UnsafeMutablePointer<UInt8> { first.base }
        fileprivate var to: UnsafeMutablePointer<UInt8> { second.base }
        fileprivate func swap() { (first, second) = (second, first) }
    }

    /// Reads the chunk of `stored` bytes at `address` and undoes the filters whose bit in `mask` is 0.
    /// - Returns: the elements, exactly `expected` bytes, valid until the next call.
    /// - Throws: `BrokenRule` when they are not so many.
    func chunk(_ source: ByteSource, _ address: Int, stored: Int, expected: Int, mask: Int,
               _ workspace: Workspace) throws
        -> UnsafeRawBufferPointer {
        // No filter of these makes more of what it packs than a few bytes and a thousandth.
        guard expected <= 1 << 40, stored <= expected + expected / 512 + 1024 else {
            throw BrokenRule("damaged: a chunk is larger than its elements")
        }
        try workspace.grow(max(stored, expected + 4))
        try source.read(address, stored, into: workspace.from, "a chunk")
        var count = stored
        for (i, filter) in filters.enumerated().reversed() where mask >> i & 1 == 0 {
            switch filter {
            case .fletcher32:
                guard count >= 4 else { throw BrokenRule("damaged: a chunk is shorter than its checksum") }
                count -= 4
                let sum = fletcher32(UnsafeRawBufferPointer(start: workspace.from, count: count))
                let kept = UInt32(littleEndian: UnsafeRawPointer(workspace.from + count).loadUnaligned(as: UInt32.self))
                // Releases before 1.6.3 exchanged the bytes of each half.
                let old = (sum & 0x00FF_00FF) << 8 | (sum >> 8) & 0x00FF_00FF
                guard kept == sum || kept == old else {
                    throw BrokenRule("damaged: a chunk does not have its checksum")
                }
            case .deflate:
                var length = uLong(expected + 4)                 // a checksum may have been packed too
                guard uncompress(workspace.to, &length, workspace.from, uLong(count)) == Z_OK else {
                    throw BrokenRule("damaged: a chunk cannot be unpacked")
                }
                count = Int(length)
                workspace.swap()
            case .shuffle(let size):
                let elements = count / size
                guard size > 1, elements > 1 else { continue }       // nothing was moved
                unshuffle(workspace.from, workspace.to, count, size: size, elements: elements)
                workspace.swap()
            case .other:
                throw BrokenRule("a filter other than shuffle, deflate (gzip) and Fletcher-32, which is not read")
            }
        }
        guard count == expected else {
            throw BrokenRule("damaged: a chunk holds another number of elements than its data set says")
        }
        return UnsafeRawBufferPointer(start: workspace.from, count: count)
    }
}

/// Brings the bytes of each element together again: `from` holds the first bytes of all elements, then the second ones,
/// and so on, and behind them what is left of `count` bytes.
private func unshuffle(_ from: UnsafePointer<UInt8>, _ to: UnsafeMutablePointer<UInt8>, _ count: Int, size: Int,
    elements: Int) {
    if size == 8 {
        let raw = UnsafeMutableRawPointer(to)
        for i in 0..<elements {
            // Low bytes first, on every machine.
            let low = UInt64(from[i]) | UInt64(from[elements + i]) << 8 | UInt64(from[2 * elements + i]) << 16
                | UInt64(from[3 * elements + i]) << 24
            let high = UInt64(from[4 * elements + i]) | UInt64(from[5 * elements + i]) << 8
                | UInt64(from[6 * elements + i]) << 16
                | UInt64(from[7 * elements + i]) << 24
            raw.storeBytes(of: (low | high << 32).littleEndian, toByteOffset: 8 * i, as: UInt64.self)
        }
    } else {
        // A piece of the elements at a time, so that it stays in the processor's cache.
        for start in stride(from: 0, to: elements, by: 1024) {
            let stop = min(start + 1024, elements)
            for byte in 0..<size {
                let column = from + byte * elements
                for i in start..<stop { to[i * size + byte] = column[i] }
            }
        }
    }
    let done = elements * size
    (to + done).update(from: from + done, count: count - done)
}
