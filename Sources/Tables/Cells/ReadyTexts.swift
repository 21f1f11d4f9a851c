// The texts of a column that are known before any row: its levels, or false and true.
// They are quoted and in bytes, one after the other in one piece of memory.

import Basics

/// Text k is `bytes[starts[k] ..< starts[k + 1]]`.
final class ReadyTexts {
    private let bytes: Buffer<UInt8>
    private let starts: Buffer<Int>
    let count: Int

    init(_ texts: [[UInt8]]) throws {
        count = texts.count
        bytes = try Buffer<UInt8>(count: texts.reduce(0) { $0 + $1.count }, for: "the levels of a column")
        starts = try Buffer<Int>(count: texts.count + 1, for: "the levels of a column")
        var used = 0
        for (k, text) in texts.enumerated() {
            starts[k] = used
            for b in text {
                bytes[used] = b
                used += 1
            }
        }
        starts[texts.count] = used
    }

    /// Valid while this object lives.
    var view: View { View(bytes: UnsafePointer(bytes.base), starts: UnsafePointer(starts.base)) }

    struct View: BitwiseCopyable {
        let bytes: UnsafePointer<UInt8>
        let starts: UnsafePointer<Int>

        @inline(__always) subscript(k: Int) -> UnsafeBufferPointer<UInt8> {
            UnsafeBufferPointer(start: bytes + starts[k], count: starts[k + 1] - starts[k])
        }
    }
}
