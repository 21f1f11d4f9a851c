// Rényi divergences of Laplace, discrete Gaussian and ε-private mechanisms, and at fractional orders.
// A host may use such mechanisms beside a training. Integer orders of the sampled Gaussian sum are in
// RenyiDivergence.swift.

import Glibc

/// Laplace noise of scale b times the largest move, at any order α > 1: log(α/(2α−1) e^{(α−1)/b} + (α−1)/(2α−1)
/// e^{−α/b}) / (α−1) (Mironov 2017, arXiv 1702.07476v3, proposition 6), rounded up.
/// - Returns: nats, ≥ 0; ∞ for anything outside b > 0, finite, α in (1, 10000].
package func rdpLaplace(scale b: Double, order a: Double) -> Double {
    guard b > 0, b.isFinite, a > 1, a <= 1e4 else { return .infinity }
    let e = 1 / b.nextDown
    guard e.isFinite else { return .infinity }
    // It is 1/b-private, hence (1/b)²/2-zCDP.
    let x = (a - 1) * e, p = a / (2 * a - 1), r = (a - 1) / (2 * a - 1)
    let exact = x > 30 ? x + log(p + r * exp(-x - a * e)) : log1p(p * expm1(x) + r * expm1(-a * e))
    return rounded(min(e, 0.5 * a * e * e, (exact + 0x1p-49 * (x + a * e)) / (a - 1)))
}

/// ε-private mechanisms at any order α > 1: that of randomised response, log((e^{αε} + e^{(1−α)ε}) / (1 + e^ε)) /
/// (α−1), which all of them are post-processing of (Kairouz, Oh and Viswanath 2015, arXiv 1311.0776), rounded up; at
/// most α ε²/2 (Bun and Steinke 2016, arXiv 1605.02065, proposition 3.3).
/// - Returns: nats, ≥ 0; ∞ for anything outside ε > 0, finite, α in (1, 10000].
package func rdpPure(epsilon e: Double, order a: Double) -> Double {
    guard e > 0, e.isFinite, a > 1, a <= 1e4 else { return .infinity }
    let x = (a - 1) * e
    let exact = (x + log1p(exp(-(2 * a - 1) * e)) - log1p(exp(-e))) / (a - 1)
    return rounded(min(e, 0.5 * a * e * e, exact + 0x1p-50 * (x + 2) / (a - 1)))
}

/// Discrete Gaussian noise of standard deviation s on a whole number that moves by `shift`, at any order: α shift² / (2
/// s²) (Canonne, Kamath and Steinke 2020, arXiv 2004.00010v4, theorem 14), rounded up. Not sampled.
package func rdpDiscreteGaussian(standardDeviation s: Double, shift: Int, order a: Double) -> Double {
    guard s > 0, s.isFinite, shift >= 1, a > 1, a <= 1e4 else { return .infinity }
    let r = Double(shift) / s
    return rounded(0.5 * a * r * r * (1 + 0x1p-50))
}

/// The sampled Gaussian sum at any order α in (1, 10000]: an upper bound for both directions, never 0 for q > 0.
///
/// At integer orders it is the binomial sum (up to 1024). Elsewhere the lesser of two bounds: (α−1) D_α is convex in α,
/// so a chord between whole orders is above it; and with u = q(e^ℓ − 1), ℓ the loss without sampling, A − 1 = E[(1+u)^α
/// − 1 − αu] under Q is the mean of a convex function of u, which grows when every cell of x is replaced by its two
/// ends with the same mass and mean. The first is within 1/(8σ²) of (α−1)D; the second within the square of a cell.
/// Falsifiers: FractionalOrderTests.
package func rdpSubsampledGaussian(q: Double, sigma: Double, order a: Double) -> Double {
    guard q >= 0, q <= 1, sigma > 0, sigma.isFinite, a > 1, a <= 1e4 else { return .infinity }
    if q == 0 { return 0 }
    if q == 1 || q.nextUp >= 1 { let s = sigma.nextDown; return rounded(0.5 * a / s / s) }
    let whole = a.rounded(.down)
    if a == whole, a <= 1024 { return rdpSubsampledGaussian(q: q, sigma: sigma, order: Int(a)) }
    func moment(_ n: Int) -> Double { n <= 1 ? 0 : Double(n - 1) * rdpSubsampledGaussian(q: q, sigma: sigma, order: n) }
    var best = Double.infinity
    if a < 1024 {
        let t = a - whole
        best = ((1 - t) * moment(Int(whole)) + t * moment(Int(whole) + 1)) / (a - 1)
    } else {
        // Convexity of the mixture: at most that of the whole mechanism, which draws everybody.
        best = 0.5 * a / sigma / sigma
    }
    return rounded(min(best, chordBound(q: q.nextUp, sigma: sigma.nextDown, order: a)))
}

/// The second bound above; ∞ where it would need too many cells or its numbers overflow.
private func chordBound(q: Double, sigma: Double, order a: Double) -> Double {
    let reach = 12.0, width = 1.0 / 256, s2 = sigma * sigma
    let cells = ((a / sigma + 2 * reach) / width).rounded(.up)
    guard cells <= 65_536, (a + reach * sigma) / s2 * a < 600 else { return .infinity }
    /// (1+u)^α − 1 − αu ≥ 0; the series where that cancels.
    func excess(_ u: Double) -> Double {
        if abs(u) * a < 1e-2 {
            return a * (a - 1) / 2 * u * u * (1
                + (a - 2) / 3 * u * (1 + (a - 3) / 4 * u * (1 + (a - 4) / 5 * u * (1 + (a - 5) / 6 * u))))
        }
        return expm1(a * log1p(u)) - a * u
    }
    func u(_ x: Double) -> Double { q * expm1((x - 0.5) / s2) }
    let n = Int(cells), low = -reach * sigma, h = (a + 2 * reach * sigma) / Double(n)
    var sum = normalTail(reach) * max(excess(-q), 0),
        left = (u: u(low), g: excess(u(low)), zero: NormalEdge(low / sigma), one: NormalEdge((low - 1) / sigma))
    for i in 1...n {
        let x = low + h * Double(i),
            r = (u: u(x), g: excess(u(x)), zero: NormalEdge(x / sigma), one: NormalEdge((x - 1) / sigma))
        // mass, and E[u; cell]
        let p = normalCell(left.zero, r.zero), moved = q * (normalCell(left.one, r.one) - p)
        let gap = r.u - left.u
        guard gap > 0 else { sum += max(left.g, r.g) * (p + left.zero.error + r.zero.error); left = r; continue }
        let right = min(max((moved - left.u * p) / gap, 0), p)
        // What rounding can have moved from the dearer end to the cheaper.
        let slip = min(p, (left.zero.error + r.zero.error + left.one.error + r.one.error + 8 * unitRoundoff * p) * (1
            + abs(left.u)) / gap)
        sum += left.g * (p - right) + r.g * right + abs(r.g - left.g) * slip
            + max(left.g, r.g) * (left.zero.error + r.zero.error)
        left = r
    }
    // Above the last cell 1 + u ≤ e^ℓ: E[(1+u)^α] ≤ e^{(α²−α)/2σ²} · tail of N(α, σ²).
    sum += exp((a * a - a) / (2 * s2) + logNormalTail(reach))
    guard sum >= 0 else { return .infinity }
    return log1p(sum) * (1 + 1e-10) / (a - 1)
}

/// A few units up; not a number and negative are ∞.
private func rounded(_ r: Double) -> Double {
    guard r >= 0 else { return .infinity }
    return r * (1 + 0x1p-50) + .leastNonzeroMagnitude
}
