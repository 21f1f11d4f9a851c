// Texts in a host's memory: one piece of bytes, offsets into it, and which of them are there.

import Basics

/// `count` texts, checked to lie one behind the other; that `bytes` is as long as the last offset says is the caller's
/// word.
struct HostTexts {
    let count: Int
    private let bytes: UnsafePointer<UInt8>?
    private let offsets: UnsafePointer<Int64>
    private let valid: UnsafePointer<UInt8>?

    /// - Throws: `.argument` for pointers that are missing, a negative count, offsets that fall.
    init(_ bytes: UnsafePointer<CChar>?, _ offsets: UnsafePointer<Int64>?, _ valid: UnsafePointer<UInt8>?,
         _ count: Int64) throws {
        let offsets = try pointer(offsets, "offsets")
        guard count >= 0 else { throw Failure(.argument, "count: must be 0 or more") }
        self.count = Int(count)
        guard offsets[0] >= 0, (0..<self.count).allSatisfy({ offsets[$0] <= offsets[$0 + 1] }),
            bytes != nil || offsets[self.count] == offsets[0] else {
            throw Failure(.argument, "offsets: must not fall, and bytes must not be NULL")
        }
        self.bytes = bytes.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self) }
        (self.offsets, self.valid) = (offsets, valid)
    }

    /// Nil is missing.
    subscript(i: Int) -> UnsafeBufferPointer<UInt8>? {
        if let valid, valid[i] == 0 { return nil }
        return UnsafeBufferPointer(start: bytes.map { $0 + Int(offsets[i]) }, count: Int(offsets[i + 1] - offsets[i]))
    }
}
