// The price of a release for a person who has several rows, each drawn by a coin of its own. Proofs are in docs/PRIVACY.md.

import Glibc

/// Rényi divergence of order α between the outputs of one Poisson-sampled Gaussian sum on two tables that differ by up to k rows: an upper
/// bound for both directions.
///
/// J of the k rows are drawn, J ~ Bin(k, q), and together they move the sum by at most J C. With Q = 1 − (1−q)^k the release is a mixture over
/// J given J ≥ 1 of mechanisms that draw one thing of length at most J C with probability Q. exp((α − 1) D_α) is jointly convex, hence
///
///     exp((α−1) D) ≤ Σ_{j=1}^{k} P(J = j)/Q · exp((α−1) D_α(Q, σ/j))
///
/// with D_α(q, σ) the divergence for one row. Rows of one person may have different rates and norms: q is the largest rate, σ the least multiplier.
/// Falsifiers: PersonDivergenceTests (numerical integration of the exact mixture in both directions; mutants).
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
    let miss = log1p(-p), hit = -expm1(Double(k) * miss), a = Double(order)
    let most = min(1, hit * (1 + 0x1p-50)), logHit = log(hit)
    var terms = ContiguousArray<Double>(), top = -Double.infinity, size = 0.0
    for j in 1...k {
        // exp((α−1) D) − 1 of a shift of j rows: the weights add to one, so the ones are left out and nothing cancels.
        let x = (a - 1) * rdpSubsampledGaussian(q: most, sigma: (sigma / Double(j)).nextDown, order: order)
        guard x.isFinite else { return .infinity }
        if x == 0 { continue }
        let choose = logBinomial(k, j), drawn = Double(j) * log(p), rest = Double(k - j) * miss
        let t = choose + drawn + rest - logHit + (x > 30 ? x : log(expm1(x)))
        terms.append(t)
        top = max(top, t)
        size = max(size, choose - drawn - rest + abs(logHit) + abs(x))
    }
    guard top > -.infinity else { return .leastNormalMagnitude }
    var sum = 0.0
    for t in terms { sum += exp(t - top) }
    let l = top + log(sum), logA = l > 0 ? l + log1p(exp(-l)) : log1p(exp(l)), error = 0x1p-49 * (size + 16)
    let r = (logA * (1 + error) + (l > 0 ? error : 0)) / (a - 1)
    return r >= 0 ? r * (1 + 0x1p-50) + .leastNonzeroMagnitude : .infinity
}

/// Rényi divergence of order α of a mechanism that is ρ-zCDP for one row, between tables that differ by up to k rows: k² ρ α (Bun and Steinke
/// 2016, arXiv 1605.02065, proposition 1.9).
package func rdpZeroConcentrated(rho: Double, order: Int, rows k: Int) -> Double {
    guard k >= 1, k <= 1024 else { return .infinity }
    return rdpZeroConcentrated(rho: rho * Double(k * k), order: order)
}
