// A keyed digest of a multiset of rows: two passes over rows elsewhere can be compared without a word about any row.
// SipHash-2-4 with 128 bits (Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF"; the reference code's
// variant of 128 bits), of each row's cells, added over rows modulo 2⁶⁴ in each half. Without the key it tells nothing,
// and keys and digests live in memory only.

import Basics
import Glibc

/// SipHash-2-4-128 of `count` bytes.
package func sipHash(_ key: SIMD2<UInt64>, _ bytes: UnsafeRawPointer, _ count: Int) -> SIMD2<UInt64> {
    var v0 = key[0] ^ 0x736f_6d65_7073_6575, v1 = key[1] ^ 0x646f_7261_6e64_6f6d ^ 0xee
    var v2 = key[0] ^ 0x6c79_6765_6e65_7261, v3 = key[1] ^ 0x7465_6462_7974_6573
    @inline(__always) func turn(_ x: UInt64, _ n: UInt64) -> UInt64 { x << n | x >> (64 &- n) }
    @inline(__always) func rounds(_ n: Int) {
        for _ in 0..<n {
            v0 = v0 &+ v1
            v1 = turn(v1, 13) ^ v0
            v0 = turn(v0, 32)
            v2 = v2 &+ v3
            v3 = turn(v3, 16) ^ v2
            v0 = v0 &+ v3
            v3 = turn(v3, 21) ^ v0
            v2 = v2 &+ v1
            v1 = turn(v1, 17) ^ v2
            v2 = turn(v2, 32)
        }
    }
    var at = 0
    while at &+ 8 <= count {
        let m = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        v3 ^= m
        rounds(2)
        v0 ^= m
        at = at &+ 8
    }
    var last = UInt64(truncatingIfNeeded: count) << 56, shift: UInt64 = 0
    while at < count {
        last |= UInt64(bytes.load(fromByteOffset: at, as: UInt8.self)) << shift
        (at, shift) = (at &+ 1, shift &+ 8)
    }
    v3 ^= last
    rounds(2)
    v0 ^= last
    v2 ^= 0xee
    rounds(4)
    let low = v0 ^ v1 ^ v2 ^ v3
    v1 ^= 0xdd
    rounds(4)
    return SIMD2(low, v0 ^ v1 ^ v2 ^ v3)
}

extension PrivateTable {
    /// Σ over rows of the keyed hash of a row's cells, in the order of the columns.
    /// - Throws: `.noMemory`.
    func digest(_ key: SIMD2<UInt64>) throws -> SIMD2<UInt64> {
        let block = 512, widths = columns.map { if case .wide? = $0 { 2 } else { 1 } }, row = widths.reduce(0, +)
        let bytes = try Buffer<UInt8>(count: block * row, for: "a digest of rows")
        defer { wiped(bytes) }
        var sum = SIMD2<UInt64>(), first = 0
        while first < rows {
            let n = min(block, rows - first)
            var place = 0
            for (column, width) in zip(columns, widths) {
                let to = bytes.base + place
                switch column {
                case .narrow(let c): for i in 0..<n { to[i &* row] = c.base[first &+ i] }
                case .wide(let c):
                    for i in 0..<n {
                        let v = c.base[first &+ i]
                        to[i &* row] = UInt8(truncatingIfNeeded: v)
                        to[i &* row &+ 1] = UInt8(truncatingIfNeeded: v >> 8)
                    }
                case nil: break
                }
                place += width
            }
            for i in 0..<n { sum = sum &+ sipHash(key, bytes.base + i &* row, row) }
            first += n
        }
        return sum
    }
}
