// The Rényi divergence of one release: the sampled Gaussian sum at integer orders, and ρ-zCDP.
// The only formulas through which a release gets its price. Composition and conversion to (ε, δ) are in
// RenyiAccountant.swift.

import Glibc

/// log k! for k = 0 … 1024, by compensated summation.
private let logFactorial: [Double] = {
    var table = [0.0], sum = 0.0, lost = 0.0
    for k in 1...1024 {
        let y = log(Double(k)) - lost, t = sum + y
        lost = (t - sum) - y
        sum = t
        table.append(sum)
    }
    return table
}()

/// log C(n, k) for 0 ≤ k ≤ n ≤ 1024.
func logBinomial(_ n: Int, _ k: Int) -> Double { logFactorial[n] - logFactorial[k] - logFactorial[n - k] }

/// Rényi divergence of order α between the outputs of one sampled Gaussian sum on two tables that differ by one row, in
/// either direction: an upper bound that is exact up to rounding.
///
///     A = Σ_{k=0}^{α} C(α,k) (1−q)^{α−k} q^k exp((k² − k) / 2σ²),   D_α = log A / (α − 1)
///
/// Mironov, Talwar and Zhang 2019, arXiv 1908.10530, section 3.3 (integer orders); the same paper shows that the other
/// direction is smaller. The binomial weights sum to one, so A − 1 = Σ_{k≥2} of the same with exp(…) − 1: all terms are
/// positive and nothing cancels, which the plain sum does for small q. Rounding goes up: q one unit up, σ one unit
/// down, the result by its error bound.
///
/// - Parameters:
///   - q: probability that a row is in the batch, in [0, 1].
///   - sigma: noise multiplier, standard deviation of the noise over the L2 norm one row can add; above 0, finite.
///   - order: α, 2 … 1024.
/// - Returns: nats, ≥ 0; ∞ for anything outside these ranges (fails closed).
package func rdpSubsampledGaussian(q: Double, sigma: Double, order: Int) -> Double {
    guard q >= 0, q <= 1, sigma > 0, sigma.isFinite, order >= 2, order <= 1024 else { return .infinity }
    if q == 0 { return 0 }
    let a = Double(order), s = sigma.nextDown, half = 0.5 / s / s
    // Mironov 2017, arXiv 1702.07476v3, proposition 7.
    if q == 1 { return closed(a * half) }
    let p = q.nextUp
    guard p < 1 else { return closed(a * half) }
    let logQ = log(p), logRest = log1p(-p)
    var terms = ContiguousArray<Double>()
    terms.reserveCapacity(order)
    var top = -Double.infinity, size = 0.0
    for k in 2...order {
        let x = Double(k * (k - 1)) * half
        let grown = x > 30 ? x : log(expm1(x))           // log(eˣ − 1) ≤ x
        let choose = logBinomial(order, k)
        let rest = k == order ? 0 : Double(order - k) * logRest, drawn = Double(k) * logQ
        let t = choose + rest + drawn + grown
        terms.append(t)
        top = max(top, t)
        size = max(size, logFactorial[order] - rest - drawn + abs(grown))
    }
    guard top.isFinite else { return top == -.infinity ? closed(Double.leastNormalMagnitude) : .infinity }
    var sum = 0.0
    for t in terms { sum += exp(t - top) }
    let l = top + log(sum)
    // log(1 + eˡ) without loss at either end, and what the logarithms above can be wrong by.
    let logA = l > 0 ? l + log1p(exp(-l)) : log1p(exp(l))
    let error = 0x1p-50 * (size + 16)
    return closed((logA * (1 + error) + (l > 0 ? error : 0)) / (a - 1))
}

/// Rényi divergence of order α of a ρ-zCDP mechanism: ρ α (Bun and Steinke 2016, arXiv 1605.02065, definition 1.1),
/// rounded up.
/// - Returns: nats, ≥ 0; ∞ for anything outside ρ > 0, finite, and α in 2 … 1024.
package func rdpZeroConcentrated(rho: Double, order: Int) -> Double {
    guard rho > 0, rho.isFinite, order >= 2, order <= 1024 else { return .infinity }
    return closed(rho * Double(order))
}

/// A few units up; not a number and negative are ∞.
@inline(__always)
private func closed(_ r: Double) -> Double {
    guard r >= 0 else { return .infinity }
    return r * (1 + 0x1p-50) + .leastNonzeroMagnitude
}
