// The texts of one column of rows, each with how often it was met: secret, and wiped.

import Basics
import Glibc

/// Different texts with their counts: a hash table with open addressing in memory that is checked and wiped.
final class TextCounts {
    private struct Entry: BitwiseCopyable {
        var start = 0, length = 0
        var hash: UInt64 = 0
    }
    private(set) var count = 0
    private(set) var isOverfull = false
    private(set) var counts: Buffer<Int64>
    private var entries: Buffer<Entry>
    private var bytes: Buffer<UInt8>, used = 0
    /// Places in `entries`, from 1; 0 is free. A power of two, at most half full.
    private var table: Buffer<UInt32>
    /// Secret, so that nobody can choose texts that meet.
    private let seed: UInt64

    init(seed: UInt64) throws {
        self.seed = seed
        (counts, entries) = (try Buffer(count: 64, for: "texts"), try Buffer(count: 64, for: "texts"))
        (bytes, table) = (try Buffer(count: 1024, for: "texts"), try Buffer(count: 128, for: "texts"))
    }

    /// Adds `times` to the count of a text, modulo 2⁶⁴. With more than `DomainDoor.maxTexts` different ones all are
    /// forgotten, and stay so.
    /// - Throws: `.noMemory`.
    func add(_ text: UnsafeBufferPointer<UInt8>, times: UInt64 = 1) throws {
        guard !isOverfull else { return }
        let h = hash(text)
        var i = Int(truncatingIfNeeded: h) & (table.count - 1)
        while table.base[i] != 0 {
            let e = Int(table.base[i]) - 1
            if entries.base[e].hash == h, entries.base[e].length == text.count, text.isEmpty
                || memcmp(bytes.base + entries.base[e].start, text.baseAddress!, text.count) == 0 {
                counts.base[e] &+= Int64(bitPattern: times)
                return
            }
            i = (i + 1) & (table.count - 1)
        }
        guard count < DomainDoor.maxTexts else {
            overflow()
            return
        }
        if count == counts.count {
            counts = try Self.grown(counts, count)
            entries = try Self.grown(entries, count)
        }
        while used + text.count > bytes.count { bytes = try Self.grown(bytes, used) }
        if let p = text.baseAddress { memcpy(bytes.base + used, p, text.count) }
        entries.base[count] = Entry(start: used, length: text.count, hash: h)
        counts.base[count] = Int64(bitPattern: times)
        (used, count) = (used + text.count, count + 1)
        table.base[i] = UInt32(count)
        if 2 * count > table.count { try rehash() }
    }

    /// A column of too many texts holds no levels.
    func overflow() {
        wipe()
        isOverfull = true
    }

    func bytes(_ i: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes.base + entries.base[i].start, count: entries.base[i].length)
    }

    func text(_ i: Int) -> String { String(decoding: bytes(i), as: UTF8.self) }

    /// Bytes of all texts together.
    var size: Int { used }

    /// Numbers of the texts in the order of their bytes, whatever the order they came in. Heapsort: in place, as the
    /// memory was checked.
    /// - Throws: `.noMemory`.
    func sorted() throws -> Buffer<UInt32> {
        let order = try Buffer<UInt32>(count: count, for: "texts"), p = order.base
        for i in 0..<count { p[i] = UInt32(i) }
        func sink(_ start: Int, _ end: Int) {
            var i = start
            let x = p[i]
            while 2 * i + 1 < end {
                var child = 2 * i + 1
                if child + 1 < end, isBefore(p[child], p[child + 1]) { child += 1 }
                if !isBefore(x, p[child]) { break }
                p[i] = p[child]
                i = child
            }
            p[i] = x
        }
        for i in stride(from: count / 2 - 1, through: 0, by: -1) { sink(i, count) }
        for end in stride(from: count - 1, to: 0, by: -1) {
            (p[0], p[end]) = (p[end], p[0])
            sink(0, end)
        }
        return order
    }

    private func isBefore(_ i: UInt32, _ k: UInt32) -> Bool {
        let a = bytes(Int(i)), b = bytes(Int(k)), n = min(a.count, b.count)
        let sign = n > 0 ? memcmp(a.baseAddress!, b.baseAddress!, n) : 0
        return sign != 0 ? sign < 0 : a.count < b.count
    }

    func wipe() {
        explicit_bzero(counts.base, counts.count * 8)
        explicit_bzero(bytes.base, bytes.count)
        explicit_bzero(entries.base, entries.count * MemoryLayout<Entry>.stride)
        explicit_bzero(table.base, table.count * 4)
        (count, used) = (0, 0)
    }

    private static func grown<T>(_ old: Buffer<T>, _ kept: Int) throws -> Buffer<T> {
        let new = try Buffer<T>(count: 2 * old.count, for: "texts")
        new.base.update(from: old.base, count: kept)
        explicit_bzero(old.base, old.count * MemoryLayout<T>.stride)
        return new
    }

    private func rehash() throws {
        let new = try Buffer<UInt32>(count: 2 * table.count, for: "texts")
        for e in 0..<count {
            var i = Int(truncatingIfNeeded: entries.base[e].hash) & (new.count - 1)
            while new.base[i] != 0 { i = (i + 1) & (new.count - 1) }
            new.base[i] = UInt32(e + 1)
        }
        table = new
    }

    private func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var h = seed ^ UInt64(truncatingIfNeeded: text.count)
        for b in text {
            let m = (h ^ UInt64(b)).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
            h = m.high ^ m.low
        }
        return h
    }
}
