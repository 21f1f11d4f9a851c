// A hash table from the bytes of a cell to a level, without making a String.
// It uses open addressing over the levels and the texts that mean "missing". It is built once a field; its size is that
// of the schema.

import Basics

/// Maps byte strings to numbers. Lookup costs one hash and, as a rule, one comparison.
final class TextTable {
    /// What `code` answers for a text that is not in the table.
    static let absent = Int64.min

    private struct Entry: BitwiseCopyable {
        var start = 0, length = -1                       // length -1: a free place
        var hash: UInt64 = 0
        var code: Int64 = 0
    }
    private let entries: Buffer<Entry>
    private let bytes: Buffer<UInt8>
    private let mask: Int
    // The same memory as pointers, for the loop.
    private let first: UnsafePointer<Entry>
    private let text: UnsafePointer<UInt8>

    /// - Parameter texts: pairs of text and code; of two equal texts the first one counts.
    init(_ texts: [(text: String, code: Int64)]) throws {
        var size = 4
        while size < texts.count * 2 { size *= 2 }
        mask = size - 1
        entries = try Buffer<Entry>(count: size, for: "the levels of a column")
        bytes = try Buffer<UInt8>(count: texts.reduce(0) { $0 + $1.text.utf8.count }, for: "the levels of a column")
        (first, text) = (UnsafePointer(entries.base), UnsafePointer(bytes.base))
        for i in 0..<size { entries[i] = Entry() }
        var used = 0
        for (text, code) in texts {
            let start = used
            for b in text.utf8 {
                bytes[used] = b
                used += 1
            }
            let length = used - start
            let h = TextTable.hash(bytes.base + start, length)
            var i = Int(truncatingIfNeeded: h) & mask
            while entries[i].length >= 0, !matches(entries[i], bytes.base + start, length, h) { i = (i + 1) & mask }
            if entries[i].length < 0 { entries[i] = Entry(start: start, length: length, hash: h, code: code) }
        }
    }

    func code(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int64 {
        let h = TextTable.hash(p, count)
        var i = Int(truncatingIfNeeded: h) & mask
        while true {
            let e = first[i]
            if e.length < 0 { return TextTable.absent }
            if matches(e, p, count, h) { return e.code }
            i = (i + 1) & mask
        }
    }

    @inline(__always) private func matches(_ e: Entry, _ p: UnsafePointer<UInt8>, _ count: Int, _ h: UInt64) -> Bool {
        guard e.hash == h, e.length == count else { return false }
        let q = UnsafeRawPointer(text + e.start), r = UnsafeRawPointer(p)
        var i = 0
        while i &+ 8 <= count {
            let a = q.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            if a != r.loadUnaligned(fromByteOffset: i, as: UInt64.self) { return false }
            i = i &+ 8
        }
        return TextTable.tail(q, i, count) == TextTable.tail(r, i, count)
    }

    /// The last count - i < 8 bytes as one number; pieces may overlap, bytes outside the text are never read.
    @inline(__always) private static func tail(_ p: UnsafeRawPointer, _ i: Int, _ count: Int) -> UInt64 {
        let n = count &- i
        if n >= 4 {
            return UInt64(p.loadUnaligned(fromByteOffset: i, as: UInt32.self)) << 32
                | UInt64(p.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
        }
        if n == 0 { return 0 }
        // First, middle and last byte: all of them when there are at most three.
        return UInt64(p.load(fromByteOffset: i, as: UInt8.self))
            | UInt64(p.load(fromByteOffset: i &+ n / 2, as: UInt8.self)) << 8
            | UInt64(p.load(fromByteOffset: count &- 1, as: UInt8.self)) << 16
    }

    /// Multiply and fold eight bytes at a time. The texts are public and the table is built from them, so no key is
    /// needed.
    @inline(__always) static func hash(_ p: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        var h = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        let raw = UnsafeRawPointer(p)
        var i = 0
        while i &+ 8 <= count {
            h = fold(h ^ raw.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            i = i &+ 8
        }
        return fold(h ^ tail(raw, i, count))
    }

    @inline(__always) private static func fold(_ x: UInt64) -> UInt64 {
        let m = x.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return m.high ^ m.low
    }
}
