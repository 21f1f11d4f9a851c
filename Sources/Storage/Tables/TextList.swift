// Keeps many texts of a file in one piece of memory whose growth may fail without ending the process.

import Basics

/// Byte strings, numbered from 0.
final class TextList {
    private(set) var count = 0
    private var bytes: Buffer<UInt8>
    private var ends: Buffer<Int>
    private var used = 0

    init() throws { (bytes, ends) = (try Buffer(count: 4096, for: "text"), try Buffer(count: 256, for: "text")) }

    func append(_ text: UnsafeBufferPointer<UInt8>) throws {
        while text.count > bytes.count - used { bytes = try Self.doubled(bytes) }
        if count == ends.count { ends = try Self.doubled(ends) }
        if let base = text.baseAddress { (bytes.base + used).update(from: base, count: text.count) }
        used += text.count
        ends[count] = used
        count += 1
    }

    func append(_ text: String) throws {
        var text = text
        try text.withUTF8 { try append($0) }
    }

    func removeAll() { (count, used) = (0, 0) }

    /// Valid until the list changes.
    subscript(i: Int) -> UnsafeBufferPointer<UInt8> {
        let start = i == 0 ? 0 : ends[i - 1]
        return UnsafeBufferPointer(start: bytes.base + start, count: ends[i] - start)
    }

    private static func doubled<T>(_ old: Buffer<T>) throws -> Buffer<T> {
        let (count, overflow) = old.count.multipliedReportingOverflow(by: 2)
        guard !overflow else { throw Failure(.noMemory, "not enough memory for text") }
        let new = try Buffer<T>(count: count, for: "text")
        new.base.update(from: old.base, count: old.count)
        return new
    }
}
