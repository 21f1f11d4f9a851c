// Random numbers for public work: sampling rows and starting weights.
// The generator is counter-based, so row k of a seed is equal whatever was drawn before it. It is not for noise,
// batches or anything that a private row takes part in (Privacy/SecureRandom).

import Glibc

/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", table 2): a
/// bijection of the 128-bit counter (row, purpose, block) under a 64-bit key.
package struct CounterStream: BitwiseCopyable {
    private let key: (UInt32, UInt32)
    private let row: UInt64
    private let purpose: UInt32
    private var block: UInt32 = 0
    private var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    private var left = 0

    /// Streams that differ in seed, row or purpose are independent of one another.
    package init(seed: UInt64, row: UInt64, purpose: UInt32) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.row = row
        self.purpose = purpose
    }

    /// Ten rounds of Philox4x32: four random words for each counter under a key.
    package static func philox(_ counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32))
        -> (UInt32, UInt32, UInt32, UInt32) {
        var (a, b, c, d) = counter
        var (k0, k1) = key
        for _ in 0..<10 {
            let p = UInt64(a) &* 0xD251_1F53, q = UInt64(c) &* 0xCD9E_8D57
            (a, b, c, d) = (UInt32(q >> 32) ^ b ^ k0, UInt32(truncatingIfNeeded: q), UInt32(p >> 32) ^ d ^ k1,
                            UInt32(truncatingIfNeeded: p))
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        return (a, b, c, d)
    }

    /// 32 random bits.
    package mutating func next32() -> UInt32 {
        if left == 0 {
            words = Self.philox((UInt32(truncatingIfNeeded: row), UInt32(truncatingIfNeeded: row >> 32), purpose,
                                 block), key: key)
            block &+= 1
            left = 4
        }
        left -= 1
        switch left {
        case 3: return words.0
        case 2: return words.1
        case 1: return words.2
        default: return words.3
        }
    }

    /// In [0, 1), a multiple of 2⁻²⁴.
    package mutating func uniform() -> Float { Float(next32() >> 8) * 0x1p-24 }

    /// In [0, 1), a multiple of 2⁻⁵³.
    package mutating func uniformDouble() -> Double {
        let hi = UInt64(next32()), lo = UInt64(next32())
        return Double((hi << 32 | lo) >> 11) * 0x1p-53
    }

    /// Two standard normals by Box and Muller 1958 in double precision.
    package mutating func normalPair() -> (Float, Float) {
        let u = 1 - uniformDouble(), v = uniformDouble()
        let r = (-2 * log(u)).squareRoot()
        return (Float(r * cos(2 * .pi * v)), Float(r * sin(2 * .pi * v)))
    }

    /// Standard normals into x[0 ..< n].
    package mutating func fillNormal(_ x: UnsafeMutablePointer<Float>, _ n: Int) {
        var i = 0
        while i < n {
            let (a, b) = normalPair()
            x[i] = a
            if i + 1 < n { x[i + 1] = b }
            i += 2
        }
    }
}
