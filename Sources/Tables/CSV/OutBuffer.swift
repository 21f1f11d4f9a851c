// Text on its way out, gathered in one fixed buffer and handed on when that is full.

import Basics

final class OutBuffer {
    private let bytes: Buffer<UInt8>
    private var count = 0
    private let sink: (UnsafeRawBufferPointer) throws -> Void

    init(room: Int = 1 << 20, sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
        bytes = try Buffer<UInt8>(count: max(room, 64), for: "writing a file")
        self.sink = sink
    }

    func flush() throws {
        guard count > 0 else { return }
        let n = count
        count = 0
        try sink(UnsafeRawBufferPointer(start: bytes.base, count: n))
    }

    func append(_ b: UInt8) throws {
        if count == bytes.count { try flush() }
        bytes.base[count] = b
        count += 1
    }

    func append(_ p: UnsafePointer<UInt8>, _ n: Int) throws {
        if n > bytes.count - count { try flush() }
        guard n <= bytes.count else { return try sink(UnsafeRawBufferPointer(start: p, count: n)) }
        (bytes.base + count).update(from: p, count: n)
        count += n
    }

    func append(_ text: String) throws { try withText(text) { try append($0, $1) } }

    func append(whole v: Int64) throws { try append(digitsOf: v.magnitude, negative: v < 0, decimals: 0) }

    /// units / 10^decimals with all of its decimals: 340 and 2 give "3.40". `decimals` is at most 22.
    func append(_ units: Int64, decimals: Int) throws {
        try append(digitsOf: units.magnitude, negative: units < 0, decimals: decimals)
    }

    /// Exactly `width` digits of v >= 0, zeros in front.
    func append(_ v: Int64, width: Int) throws {
        if count + width > bytes.count { try flush() }
        var rest = v
        for i in stride(from: width - 1, through: 0, by: -1) {
            bytes.base[count + i] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += width
    }

    private func append(digitsOf magnitude: UInt64, negative: Bool, decimals: Int) throws {
        if count + 48 > bytes.count { try flush() }
        // Written backwards to the end of a 48 byte window, then moved to its front.
        let window = bytes.base + count
        var at = 48, digits = 0
        var rest = magnitude
        repeat {
            at -= 1
            window[at] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            digits += 1
            if digits == decimals {
                at -= 1
                window[at] = UInt8(ascii: ".")
            }
        } while rest > 0 || digits <= decimals
        if negative {
            at -= 1
            window[at] = UInt8(ascii: "-")
        }
        window.update(from: window + at, count: 48 - at)
        count += 48 - at
    }
}
