// The price of a release for a person who has several rows, each drawn by a coin of its own. Proofs are in docs/PRIVACY.md.

import Glibc

/// Rényi divergence of order α between the outputs of one Poisson-sampled Gaussian sum on two tables that differ by up to k rows: an upper
/// bound for both directions.
///
/// J ~ Bin(k, q) of the k rows are drawn, and together they move the sum by at most J C. With the person against without, aligned rows are the worst:
///
///     exp((α−1) D) ≤ E_{x ~ N(0,1)} (Σ_j P(J = j) exp(j x/σ − j²/2σ²))^α
///
/// a mixture of Gaussians of deviation 1, integrated by a sum. Without against with, for Q = 1 − (1−q)^k and D_α(q, σ) the divergence for one row,
///
///     exp((α−1) D) ≤ Σ_{j=1}^{k} P(J = j)/Q · exp((α−1) min(D_α(Q, σ/j), −log(1−Q)))
///
/// Rows of one person may have different rates and norms: q is the largest rate, σ the least multiplier.
/// Falsifiers: PersonDivergenceTests (numerical integration of both directions; mutants).
///
/// - Parameters:
///   - q: probability that a row is in the batch, in [0, 1].
///   - sigma: deviation of the noise over the L2 norm of one row; above 0, finite.
///   - order: α, 2 … 1024.
///   - rows: k, 1 … 1024.
/// - Returns: nats, ≥ 0; ∞ for anything outside these ranges.
package func rdpSubsampledGaussian(q: Double, sigma: Double, order: Int, rows k: Int) -> Double {
    guard k != 1 else { return rdpSubsampledGaussian(q: q, sigma: sigma, order: order) }
    guard k >= 1, k <= 1024, q >= 0, q <= 1, sigma > 0, sigma.isFinite, order >= 2, order <= 1024 else { return .infinity }
    if q == 0 { return 0 }
    let p = q.nextUp
    guard p < 1 else { return rdpSubsampledGaussian(q: 1, sigma: (sigma / Double(k)).nextDown, order: order) }
    let weights = (0...k).map { logBinomial(k, $0) + Double($0) * log(p) + Double(k - $0) * log1p(-p) }
    let r = max(withAgainstWithout(weights, sigma.nextDown, order), withoutAgainstWith(weights, p, sigma, order)) / Double(order - 1)
    return r >= 0 ? r * (1 + 0x1p-50) + .leastNonzeroMagnitude : .infinity
}

/// (α − 1) D of the first direction. The integrand is a sum of Gaussians of deviation 1 between 0 and kα/σ, for each of which the trapezoidal rule
/// with step 1/2 is exact to 2 exp(−8π²) and the range, 10 deviations more on both sides, to 10⁻²²: far below the rounding that is added.
private func withAgainstWithout(_ weights: [Double], _ sigma: Double, _ order: Int) -> Double {
    let k = weights.count - 1, a = Double(order), step = 0.5, low = -10.0, reach = Double(k) * a / sigma + 20
    guard reach < 20_000 else { return .infinity }
    let n = Int(reach / step) + 1, linear = 1 / sigma
    let terms = (0...k).map { weights[$0] - 0.5 * Double($0 * $0) * linear * linear }
    var logs = ContiguousArray<Double>(), top = -Double.infinity
    logs.reserveCapacity(n)
    for i in 0..<n {
        let x = low + Double(i) * step
        var most = -Double.infinity, sum = 0.0
        for j in 0...k { most = max(most, terms[j] + Double(j) * x * linear) }
        for j in 0...k { sum += exp(terms[j] + Double(j) * x * linear - most) }
        let l = a * (most + log(sum)) - 0.5 * x * x
        logs.append(l)
        top = max(top, l)
    }
    var sum = 0.0
    for l in logs { sum += exp(l - top) }
    // What an exponent can be wrong by: its largest parts, rounded.
    let size = a * (Double(k) * reach * linear + 0.5 * Double(k * k) * linear * linear + 40) + 0.5 * reach * reach
    let result = top + log(sum * step) - 0.5 * log(2 * Double.pi) + 0x1p-51 * size
    return result.isNaN ? .infinity : max(result, 0)
}

/// (α − 1) D of the second direction.
private func withoutAgainstWith(_ weights: [Double], _ p: Double, _ sigma: Double, _ order: Int) -> Double {
    let k = weights.count - 1, a = Double(order), miss = Double(k) * log1p(-p), hit = -expm1(miss)
    let most = min(1, hit * (1 + 0x1p-50)), worst = most < 1 ? -log1p(-most) * (1 + 0x1p-50) : .infinity, logHit = log(hit)
    var terms = ContiguousArray<Double>(), top = -Double.infinity, size = 0.0
    for j in 1...k {
        // exp(x) − 1: the weights add to one, so the ones are left out and nothing cancels.
        let x = (a - 1) * min(worst, rdpSubsampledGaussian(q: most, sigma: (sigma / Double(j)).nextDown, order: order))
        guard x.isFinite else { return .infinity }
        if x == 0 { continue }
        let t = weights[j] - logHit + (x > 30 ? x : log(expm1(x)))
        terms.append(t)
        top = max(top, t)
        size = max(size, logBinomial(k, j) - Double(j) * log(p) + abs(miss) + abs(logHit) + abs(x))
    }
    guard top > -.infinity else { return .leastNormalMagnitude }
    var sum = 0.0
    for t in terms { sum += exp(t - top) }
    let l = top + log(sum), logA = l > 0 ? l + log1p(exp(-l)) : log1p(exp(l)), error = 0x1p-49 * (size + 16)
    return logA * (1 + error) + (l > 0 ? error : 0)
}

/// Rényi divergence of order α of a mechanism that is ρ-zCDP for one row, between tables that differ by up to k rows: k² ρ α (Bun and Steinke
/// 2016, arXiv 1605.02065, proposition 1.9).
package func rdpZeroConcentrated(rho: Double, order: Int, rows k: Int) -> Double {
    guard k >= 1, k <= 1024 else { return .infinity }
    return rdpZeroConcentrated(rho: rho * Double(k * k), order: order)
}
