// SHA-256 (FIPS 180-4): the digest that model files carry against damage.
// Of private rows it only tells persons apart in memory (Tables/Persons.swift); no digest of a row leaves it.

import Glibc

/// A running digest. Feed bytes with `update`, read the result with `digest` or `hexDigest`; reading does not end it.
package struct SHA256 {
    private var state: SIMD8<UInt32> = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c,
        0x1f83_d9ab, 0x5be0_cd19]
    private var pending = [UInt8](repeating: 0, count: 64)  // the block that is not full yet
    private var filled = 0
    // bytes so far; the standard's limit of 2^61 is out of reach
    private var length: UInt64 = 0

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard var p = bytes.baseAddress else { return }
        var n = bytes.count
        length &+= UInt64(n)
        if filled > 0 {
            let take = min(64 - filled, n)
            pending.withUnsafeMutableBytes { ($0.baseAddress! + filled).copyMemory(from: p, byteCount: take) }
            (filled, p, n) = (filled + take, p + take, n - take)
            guard filled == 64 else { return }
            filled = 0
            state = pending.withUnsafeBytes { compress(state, $0.baseAddress!, 1) }
        }
        let blocks = n / 64
        state = compress(state, p, blocks)
        (p, n) = (p + blocks * 64, n - blocks * 64)
        if n > 0 { pending.withUnsafeMutableBytes { $0.baseAddress!.copyMemory(from: p, byteCount: n) } }
        filled = n
    }

    package mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// The 32 bytes of the digest of everything fed so far.
    package var digest: [UInt8] {
        var tail = Array(pending[0..<filled])
        tail.append(0x80)
        tail.append(contentsOf: repeatElement(0, count: (120 - tail.count % 64) % 64))
        for shift in stride(from: 56, through: 0, by: -8) {
            tail.append(UInt8(truncatingIfNeeded: (length &* 8) >> UInt64(shift)))
        }
        let end = tail.withUnsafeBytes { compress(state, $0.baseAddress!, tail.count / 64) }
        var out: [UInt8] = []
        for i in 0..<8 {
            for shift in [24, 16, 8, 0] { out.append(UInt8(truncatingIfNeeded: end[i] >> UInt32(shift))) }
        }
        return out
    }

    /// 64 lower-case hexadecimal digits.
    package func hexDigest() -> String {
        let hex = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [hex[Int($0 >> 4)], hex[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// The round constants: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
private let roundConstants: [UInt32] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
        0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
        0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351,
        0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
        0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]

@inline(__always) private func rotr(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 &- n) }

/// The state after `blocks` blocks of 64 bytes at `p` (any alignment).
private func compress(_ start: SIMD8<UInt32>, _ p: UnsafeRawPointer, _ blocks: Int) -> SIMD8<UInt32> {
    guard blocks > 0 else { return start }
    return roundConstants.withUnsafeBufferPointer { kBuffer in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { wBuffer in
            let k = kBuffer.baseAddress!, w = wBuffer.baseAddress!
            var h = start
            for block in 0..<blocks {
                let m = p + block &* 64
                for t in 0..<16 { w[t] = UInt32(bigEndian: m.loadUnaligned(fromByteOffset: t &* 4, as: UInt32.self)) }
                for t in 16..<64 {
                    let x = w[t &- 15], y = w[t &- 2]
                    let s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3), s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >> 10)
                    w[t] = w[t &- 16] &+ s0 &+ w[t &- 7] &+ s1
                }
                var a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], i = h[7]
                // One round moves every letter one place on; eight rounds with the names rotated instead need no moves.
                @inline(__always) func round(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32,
                    _ f: UInt32, _ g: UInt32,
                                             _ h: inout UInt32, _ t: Int) {
                    let t1 = h &+ (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) &+ (g ^ (e & (f ^ g))) &+ k[t] &+ w[t]
                    let t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) &+ ((a & b) | (c & (a | b)))
                    d = d &+ t1
                    h = t1 &+ t2
                }
                var t = 0
                while t < 64 {
                    round(a, b, c, &d, e, f, g, &i, t)
                    round(i, a, b, &c, d, e, f, &g, t &+ 1)
                    round(g, i, a, &b, c, d, e, &f, t &+ 2)
                    round(f, g, i, &a, b, c, d, &e, t &+ 3)
                    round(e, f, g, &i, a, b, c, &d, t &+ 4)
                    round(d, e, f, &g, i, a, b, &c, t &+ 5)
                    round(c, d, e, &f, g, i, a, &b, t &+ 6)
                    round(b, c, d, &e, f, g, i, &a, t &+ 7)
                    t = t &+ 8
                }
                h = h &+ SIMD8(a, b, c, d, e, f, g, i)
            }
            return h
        }
    }
}
