// Computes the two checksums of the format: lookup3 of structures, Fletcher-32 of chunks.

/// lookup3 with the initial value 0.
func lookup3(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    func rotated(_ x: UInt32, _ n: UInt32) -> UInt32 { x << n | x >> (32 - n) }
    func word(_ start: Int, _ count: Int) -> UInt32 {
        var value: UInt32 = 0
        for i in 0..<max(0, min(4, count)) { value |= UInt32(bytes[start + i]) << UInt32(8 * i) }
        return value
    }
    var a = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count), b = a, c = a
    var at = 0, left = bytes.count
    func whole(_ start: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
    }
    while left > 12 {
        a = a &+ whole(at)
        b = b &+ whole(at + 4)
        c = c &+ whole(at + 8)
        a = (a &- c) ^ rotated(c, 4); c = c &+ b
        b = (b &- a) ^ rotated(a, 6); a = a &+ c
        c = (c &- b) ^ rotated(b, 8); b = b &+ a
        a = (a &- c) ^ rotated(c, 16); c = c &+ b
        b = (b &- a) ^ rotated(a, 19); a = a &+ c
        c = (c &- b) ^ rotated(b, 4); b = b &+ a
        (at, left) = (at + 12, left - 12)
    }
    guard left > 0 else { return c }
    a = a &+ word(at, left)
    b = b &+ word(at + 4, left - 4)
    c = c &+ word(at + 8, left - 8)
    c = (c ^ b) &- rotated(b, 14)
    a = (a ^ c) &- rotated(c, 11)
    b = (b ^ a) &- rotated(a, 25)
    c = (c ^ b) &- rotated(b, 16)
    a = (a ^ c) &- rotated(c, 4)
    b = (b ^ a) &- rotated(a, 14)
    c = (c ^ b) &- rotated(b, 24)
    return c
}

/// Fletcher's checksum over 16-bit words, first byte high; an odd last byte counts as the high one.
func fletcher32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    guard let base = bytes.baseAddress else { return 0 }
    var low: UInt32 = 0, high: UInt32 = 0
    func folded(_ x: UInt32) -> UInt32 { (x & 0xFFFF) + (x >> 16) }
    var at = 0
    let words = bytes.count / 2
    while at < words {
        // 360 words cannot overflow 32 bits.
        let stop = min(at + 360, words)
        for i in at..<stop {
            low &+= UInt32(UInt16(bigEndian: base.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)))
            high &+= low
        }
        at = stop
        (low, high) = (folded(low), folded(high))
    }
    if bytes.count % 2 == 1 {
        low &+= UInt32(bytes[bytes.count - 1]) << 8
        high &+= low
        (low, high) = (folded(low), folded(high))
    }
    return folded(high) << 16 | folded(low)
}
