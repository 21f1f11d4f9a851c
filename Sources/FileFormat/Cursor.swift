// Reads the fields of one structure of a file, one after the other, and never beyond its end.
// No count or length in a file can lead beyond the bytes that were read for the structure.

import Basics

/// A rule of the format that a file breaks, or something in it that is not read, as the end of a sentence.
package struct BrokenRule: Error {
    package let rule: String
    package init(_ rule: String) { self.rule = rule }
}

/// A position in the bytes of a structure. All numbers in HDF5's structures are little-endian.
struct Cursor {
    private let owner: Buffer<UInt8>
    /// The bytes of `owner`. Walking the class itself, from another module, costs several times as much.
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position: Int
    let end: Int
    /// The structure, for messages.
    let what: String

    init(_ owner: Buffer<UInt8>, _ range: Range<Int>, _ what: String) {
        bytes = UnsafeBufferPointer(start: owner.base, count: owner.count)
        (self.owner, position, self.what) = (owner, min(range.lowerBound, owner.count), what)
        end = max(position, min(range.upperBound, owner.count))
    }

    private init(_ owner: Buffer<UInt8>, _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ what: String) {
        (self.owner, self.bytes, self.what) = (owner, bytes, what)
        (position, end) = (range.lowerBound, range.upperBound)
    }

    var left: Int { end - position }

    func damaged(_ rule: String) -> BrokenRule { BrokenRule("damaged: \(what) \(rule)") }
    func unknown(_ rule: String) -> BrokenRule { BrokenRule("\(what) \(rule), which this release does not read") }

    private mutating func advance(_ count: Int) throws -> Int {
        guard count >= 0, count <= left else { throw damaged("is cut short") }
        defer { position += count }
        return position
    }

    mutating func skip(_ count: Int) throws { _ = try advance(count) }

    mutating func byte() throws -> Int {
        let place = try advance(1)
        return withExtendedLifetime(owner) { Int(bytes[place]) }
    }

    /// An unsigned number of `width` bytes, 0 to 8.
    mutating func number(_ width: Int) throws -> UInt64 {
        guard width <= 8 else { throw damaged("has a number of \(width) bytes") }
        let start = try advance(width)
        var value: UInt64 = 0
        withExtendedLifetime(owner) {
            for i in (0..<width).reversed() { value = value << 8 | UInt64(bytes[start + i]) }
        }
        return value
    }

    mutating func short() throws -> Int { Int(try number(2)) }
    mutating func word() throws -> Int { Int(try number(4)) }

    /// A length or count of 8 bytes.
    mutating func length() throws -> Int {
        guard let value = Int(exactly: try number(8)) else { throw damaged("has a length beyond all files") }
        return value
    }

    /// A place in the file; nil for the address that means none.
    mutating func address() throws -> Int? {
        let value = try number(8)
        if value == .max { return nil }
        guard let place = Int(exactly: value) else { throw damaged("has an address beyond all files") }
        return place
    }

    mutating func requiredAddress() throws -> Int {
        guard let place = try address() else { throw damaged("has no address where one is needed") }
        return place
    }

    mutating func expect(_ signature: String) throws {
        let start = try advance(signature.utf8.count)
        let found = withExtendedLifetime(owner) {
            signature.utf8.enumerated().allSatisfy { bytes[start + $0.offset] == $0.element }
        }
        guard found else { throw damaged("does not begin with \(signature)") }
    }

    /// A version byte that must be `version`.
    mutating func expect(version: Int) throws {
        let found = try byte()
        guard found == version else { throw unknown("is of version \(found)") }
    }

    /// The next `count` bytes as a structure of its own.
    mutating func part(_ count: Int, _ what: String? = nil) throws -> Cursor {
        let start = try advance(count)
        return Cursor(owner, bytes, start..<start + count, what ?? self.what)
    }

    /// The bytes up to a NUL, which is passed over; at most 64 KiB.
    mutating func terminated() throws -> [UInt8] {
        let limit = min(end, position + (64 << 10))
        let stop = withExtendedLifetime(owner) { (position..<limit).first { bytes[$0] == 0 } }
        guard let stop else { throw damaged("has a name without an end") }
        let name = try array(stop - position)
        position = stop + 1
        return name
    }

    mutating func array(_ count: Int) throws -> [UInt8] {
        let start = try advance(count)
        return withExtendedLifetime(owner) { Array(UnsafeBufferPointer(rebasing: bytes[start..<start + count])) }
    }

    /// Hands `count` bytes from `start`, a place such as `position` gives, to `body`.
    func withBytes<R>(_ start: Int, _ count: Int, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        guard start >= 0, count >= 0, count <= end, start <= end - count else { throw damaged("is cut short") }
        return try withExtendedLifetime(owner) {
            try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<start + count]))
        }
    }
}

extension Int {
    /// Rounded up to a multiple of 8.
    var padded: Int { (self + 7) & ~7 }

    /// The number of bits that hold the number, less one; 0 for 0.
    var logarithm: Int { self <= 0 ? 0 : bitWidth - 1 - leadingZeroBitCount }
}
