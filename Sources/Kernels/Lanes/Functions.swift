// exp, log, sine, cosine and the normal distribution in lanes.
// They are polynomials of our own with fused sums, so that a row is equal on every machine. Errors are below 3e-7
// relative (exp, log) or 1e-7 absolute (the others) on the stated ranges; a test measures them.

/// e^x. Arguments are held in [-86, 88]; not-a-number stays.
@inline(__always) func exponential(_ x: V) -> V {
    let x = larger(smaller(x, splat(88)), splat(-86))
    // x = k log 2 + r with |r| <= log 2 / 2; the sum with 1.5 * 2^23 leaves k in the low bits.
    let shifted = fma(splat(12_582_912), x, splat(1.442_695_04))
    let k = shifted - splat(12_582_912)
    let r = fma(fma(x, k, splat(-0.693_145_75)), k, splat(-1.428_606_8e-6))
    var p = fma(splat(1 / 720), r, splat(1 / 5040))
    p = fma(splat(1 / 120), p, r)
    p = fma(splat(1 / 24), p, r)
    p = fma(splat(1 / 6), p, r)
    p = fma(splat(0.5), p, r)
    p = fma(splat(1), p, r)
    p = fma(splat(1), p, r)
    return floats(bits(p) &+ (bits(shifted) &<< VI(repeating: 23)))
}

/// Natural logarithm of positive normal numbers, by log m = 2 artanh((m - 1) / (m + 1)).
@inline(__always) func logarithm(_ x: V) -> V {
    // x = 2^e m with m in [sqrt(1/2), sqrt 2)
    let raw = bits(x) &- VI(repeating: 0x3f35_04f3)
    let e = raw &>> VI(repeating: 23)
    let m = floats(bits(x) &- (e &<< VI(repeating: 23)))
    let s = (m - splat(1)) / (m + splat(1)), s2 = s * s
    var p = fma(splat(2 / 7), s2, splat(2 / 9))
    p = fma(splat(2 / 5), p, s2)
    p = fma(splat(2 / 3), p, s2)
    p = fma(splat(2), p, s2)
    // |e| < 2^22: its float is exact by the same trick as in `exponential`.
    let ef = floats(e &+ VI(repeating: 0x4b40_0000)) - splat(12_582_912)
    return fma(fma(s * p, ef, splat(-2.121_944_4e-4)), ef, splat(0.693_359_375))
}

/// 1 / sqrt x for positive normal x, by halving the exponent and three steps of Newton; finite at 0.
@inline(__always) func inverseRoot(_ x: V) -> V {
    let half = x * splat(-0.5)
    var y = floats(VI(repeating: 0x5f37_5a86) &- (bits(x) &>> VI(repeating: 1)))
    y = y * fma(splat(1.5), half * y, y)
    y = y * fma(splat(1.5), half * y, y)
    return y * fma(splat(1.5), half * y, y)
}

/// 1 / (1 + e^-x).
@inline(__always) func logistic(_ x: V) -> V { splat(1) / (splat(1) + exponential(-x)) }

/// Density and distribution function of the standard normal. The upper tail is the density times a polynomial in 1 / (1
/// + p |x|) (the form of Hastings 1955; coefficients fitted here to 1e-8).
@inline(__always) func normal(_ x: V) -> (density: V, below: V) {
    let size = larger(x, -x)
    let density = exponential(x * x * splat(-0.5)) * splat(0.398_942_28)
    let t = splat(1) / fma(splat(1), size, splat(0.28))
    var p = splat(-0.265_220_07)
    p = fma(splat(0.977261788), p, t)
    p = fma(splat(-0.594042753), p, t)
    p = fma(splat(0.674048532), p, t)
    p = fma(splat(0.1691929), p, t)
    p = fma(splat(0.292073716), p, t)
    let tail = density * p * t
    return (density, blend(positive(-x), tail, splat(1) - tail))
}

/// Sine and cosine for |x| < 1e4, by reduction to |r| <= pi / 4.
@inline(__always) func sineCosine(_ x: V) -> (sine: V, cosine: V) {
    let shifted = fma(splat(12_582_912), x, splat(0.636_619_77))
    let k = shifted - splat(12_582_912)
    var r = fma(x, k, splat(-1.570_312_5))
    r = fma(r, k, splat(-4.837_512_97e-4))
    r = fma(r, k, splat(-7.549_789_95e-8))
    let r2 = r * r
    var s = fma(splat(-1 / 5040), r2, splat(1 / 362_880))
    s = fma(splat(1 / 120), s, r2)
    s = fma(splat(-1 / 6), s, r2)
    s = fma(r, s * r2, r)
    var c = fma(splat(-1 / 720), r2, splat(1 / 40_320))
    c = fma(splat(1 / 24), c, r2)
    c = fma(splat(-0.5), c, r2)
    c = fma(splat(1), c, r2)
    let turn = bits(shifted) & VI(repeating: 3)
    let odd = equal(turn & VI(repeating: 1), VI(repeating: 1))
    let sine = blend(odd, c, s), cosine = blend(odd, s, c)
    // quadrants 2 and 3 turn the sine's sign, 1 and 2 the cosine's
    let signOfSine = (turn & VI(repeating: 2)) &<< VI(repeating: 30)
    let signOfCosine = ((turn &+ VI(repeating: 1)) & VI(repeating: 2)) &<< VI(repeating: 30)
    return (floats(bits(sine) ^ signOfSine), floats(bits(cosine) ^ signOfCosine))
}
