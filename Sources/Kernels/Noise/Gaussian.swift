// Gaussian numbers in double precision from random bits.
// The C library's logarithm and sine are called once a number and would cost more than a training step. This is
// straight-line arithmetic without tables or branches; every instruction set gives the same bits.

/// Natural logarithm for x in (0, 1]; error at most a few units of 1e-16.
/// x = 2ᵉ m with m in [√½, √2); log m = 2 artanh((m − 1)/(m + 1)) by its series: |s| ≤ .1716, the first dropped term is
/// 2e-18.
@inline(__always)
private func logarithm(_ x: Double) -> Double {
    // Adding the distance from √½ to 1 moves the exponent where the mantissa passes √2.
    let shifted = x.bitPattern &+ (0x3FF0_0000_0000_0000 &- 0x3FE6_A09E_667F_3BCD)
    let m = Double(bitPattern: (shifted & 0x000F_FFFF_FFFF_FFFF) &+ 0x3FE6_A09E_667F_3BCD)
    // A small integer in the low bits of 2⁵² is that integer: exponent − 1023 without a conversion.
    let e = Double(bitPattern: (shifted &>> 52) | 0x4330_0000_0000_0000) - (0x1p52 + 1023)
    let s = (m - 1) / (m + 1), z = s * s
    var p = 2.0 / 21
    p = p * z + 2.0 / 19
    p = p * z + 2.0 / 17
    p = p * z + 2.0 / 15
    p = p * z + 2.0 / 13
    p = p * z + 2.0 / 11
    p = p * z + 2.0 / 9
    p = p * z + 2.0 / 7
    p = p * z + 2.0 / 5
    p = p * z + 2.0 / 3
    return e * 0.693147180559945309 + (s + s + s * z * p)
}

/// Sine for t in [0, π/4] by its series; the first dropped term is below 5e-17.
@inline(__always)
private func sine(_ t: Double) -> Double {
    let z = t * t
    var s = -1 / 1_307_674_368_000.0
    s = s * z + 1 / 6_227_020_800.0
    s = s * z - 1 / 39_916_800.0
    s = s * z + 1 / 362_880.0
    s = s * z - 1 / 5_040.0
    s = s * z + 1 / 120.0
    s = s * z - 1 / 6.0
    return t + t * z * s
}

/// Cosine for t in [0, π/4].
@inline(__always)
private func cosine(_ t: Double) -> Double {
    let z = t * t
    var c = 1 / 20_922_789_888_000.0
    c = c * z - 1 / 87_178_291_200.0
    c = c * z + 1 / 479_001_600.0
    c = c * z - 1 / 3_628_800.0
    c = c * z + 1 / 40_320.0
    c = c * z - 1 / 720.0
    c = c * z + 1 / 24.0
    c = c * z - 0.5
    return c * z + 1
}

/// 52 random bits as a double in [1, 2).
@inline(__always)
private func mantissa(_ bits: UInt64) -> Double { Double(bitPattern: (bits &>> 12) | 0x3FF0_0000_0000_0000) }

/// Standard normals from random words by Box and Muller 1958: word i and word i + half make number i and number i +
/// half. The radius uses 53 bits, uniform in (0, 1]; the angle 52 bits inside an octant and three more for the octant.
/// words, out: [2 half], not overlapping.
package func boxMuller(_ words: UnsafePointer<UInt64>, _ out: UnsafeMutablePointer<Double>, _ half: Int) {
    // Three loops: the square root of the standard library is a call that keeps a loop from becoming vectors.
    var i = 0
    while i < half {
        let a = words[i]
        // 2 − [1, 2) less half a unit for every other word.
        let u = (2 - mantissa(a)) - Double(bitPattern: (0 &- (a & 1)) & 0x3CA0_0000_0000_0000)
        out[i] = -2 * logarithm(u)
        i = i &+ 1
    }
    i = 0
    while i < half { out[i] = out[i].squareRoot(); i = i &+ 1 }
    i = 0
    while i < half {
        let b = words[i &+ half], r = out[i]
        let t = (mantissa(b) - 1) * 0.785398163397448310
        let s = sine(t).bitPattern, c = cosine(t).bitPattern
        let swap = (s ^ c) & (0 &- (b & 1)), sign: UInt64 = 1 << 63
        out[i] = r * Double(bitPattern: s ^ swap ^ ((b &<< 62) & sign))
        out[i &+ half] = r * Double(bitPattern: c ^ swap ^ ((b &<< 61) & sign))
        i = i &+ 1
    }
}
