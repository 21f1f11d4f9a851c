// The Rényi divergence of a release for a person who has several rows.
// Each row is drawn by a coin of its own. Proofs are in docs/PRIVACY.md, section 8.

import Glibc

/// Rényi divergence of order α between the outputs of one Poisson-sampled Gaussian sum on two tables that differ by up
/// to k rows: an upper bound for both directions, exact for aligned rows up to rounding.
///
/// J ~ Bin(k, q) of the k rows are drawn, and together they move the sum by at most J C. Aligned rows are the worst, in
/// both directions (Kahane's convexity inequality; docs/PRIVACY.md, section 8), so with r(x) = Σ_j P(J = j) exp(j x/σ −
/// j²/2σ²) the ratio of the densities
///
///     with the person against without:   exp((α−1) D) ≤ E_{x ~ N(0,1)} r(x)^α
///     without against with:              exp((α−1) D) ≤ E_{x ~ N(0,1)} r(x)^{1−α}
///
/// and the larger of the two is charged. Rows of one person may have different rates and norms: q is the largest rate,
/// σ the least multiplier. Falsifiers: PersonDivergenceTests (numerical integration of both directions; mutants).
///
/// - Parameters:
///   - q: probability that a row is in the batch, in [0, 1].
///   - sigma: standard deviation of the noise over the L2 norm of one row; above 0, finite.
///   - order: α, 2 … 1024.
///   - rows: k, 1 … 1024.
/// - Returns: nats, ≥ 0; ∞ for anything outside these ranges.
package func rdpSubsampledGaussian(q: Double, sigma: Double, order: Int, rows k: Int) -> Double {
    guard k != 1 else { return rdpSubsampledGaussian(q: q, sigma: sigma, order: order) }
    guard k >= 1, k <= 1024, q >= 0, q <= 1, sigma > 0, sigma.isFinite, order >= 2, order <= 1024 else {
        return .infinity
    }
    if q == 0 { return 0 }
    let p = q.nextUp
    guard p < 1 else { return rdpSubsampledGaussian(q: 1, sigma: (sigma / Double(k)).nextDown, order: order) }
    let weights = (0...k).map { logBinomial(k, $0) + Double($0) * log(p) + Double(k - $0) * log1p(-p) }
    let r = max(withAgainstWithout(weights, sigma.nextDown, order),
        withoutAgainstWith(weights, sigma.nextDown, order)) / Double(order - 1)
    return r >= 0 ? r * (1 + 0x1p-50) + .leastNonzeroMagnitude : .infinity
}

/// exp() of anything less is 0: such terms, most of them where k is large, cost nothing.
private let leastExponent = -746.0

/// (α − 1) D of the first direction. The integrand is a sum of Gaussians of standard deviation 1 between 0 and kα/σ,
/// for each of which the trapezoidal rule with step 1/2 is exact to 2 exp(−8π²) and the range, 10 standard deviations
/// more on both sides, to 10⁻²²: far below the rounding that is added.
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
        for j in 0...k {
            let below = terms[j] + Double(j) * x * linear - most
            if below > leastExponent { sum += exp(below) }
        }
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

/// (α − 1) D of the second direction, by the trapezoidal rule with a step h that is as short as its error bound asks
/// for.
///
/// With c = 1/σ the terms of r(x + iy) have phases between 0 and k c y, so |r(x + iy)| ≥ cos(k c y/2) r(x) while k c y
/// < π; and r rises with x, so r^{1−α} is at most P(J = 0)^{1−α}. The integrand is therefore analytic in a strip of
/// half width y, on whose lines its integral is at most e^{y²/2} cos(k c y/2)^{1−α} times the one that is sought, and
/// the sum is wrong by at most twice that over e^{2πy/h} − 1 (Trefethen and Weideman 2014, SIAM Review 56, theorem
/// 5.1). What is left out on the left is at most P(J = 0)^{1−α} times the normal tail.
private func withoutAgainstWith(_ weights: [Double], _ sigma: Double, _ order: Int) -> Double {
    let k = weights.count - 1, a1 = Double(order - 1), c = 1 / sigma, slack = 46.0
    // A smaller r is a larger integrand: terms that weigh next to nothing may be left out.
    let heaviest = weights.max() ?? 0
    let live = (0...k).filter { $0 == 0 || weights[$0] > heaviest - 80 }, widest = Double(live.last ?? 0) * c
    let terms = live.map { weights[$0] - 0.5 * Double($0 * $0) * c * c }
    /// log of the relative error with step h in a strip of half width y.
    func error(_ h: Double, _ y: Double) -> Double {
        let phase = 0.5 * widest * y
        return phase < 1.5 ? 0.5 * y * y - a1 * log(cos(phase)) - 2 * Double.pi * y / h : .infinity
    }
    var step = 0.5
    while step > 1e-4,
        !(1...24).contains(where: { error(step,
            min(0.125 * Double($0) / max(widest, 0.03), 2 * Double.pi / step)) < -slack }) {
        step *= 0.8
    }
    guard step > 1e-4 else { return .infinity }
    func logRatio(_ x: Double) -> Double {
        var most = -Double.infinity, sum = 0.0
        for (i, j) in live.enumerated() { most = max(most, terms[i] + Double(j) * x * c) }
        for (i, j) in live.enumerated() {
            let below = terms[i] + Double(j) * x * c - most
            if below > leastExponent { sum += exp(below) }
        }
        return most + log(sum)
    }
    let ceiling = -a1 * weights[0]
    var logs = ContiguousArray<Double>(), top = -Double.infinity
    func visit(_ x: Double) {
        let l = -a1 * logRatio(x) - 0.5 * x * x
        logs.append(l)
        top = max(top, l)
    }
    var x = 0.0
    // To the right r is above what it is here, and the normal density ends it.
    repeat { visit(x); x += step } while x < 12
    let last = logs[logs.count - 1]
    x = -step
    while x > -12 || ceiling - 0.5 * x * x > top - slack {
        visit(x)
        x -= step
        guard logs.count < 20_000 else { return .infinity }
    }
    var sum = 0.0
    for l in logs { sum += exp(l - top) }
    // What the rule, the two ends and the exponents can be wrong by.
    let ends = (exp(ceiling + logNormalTail(x) - top) + exp(last - top)) * 8
    let size = a1 * (widest * (abs(x) + 12) + 0.5 * widest * widest + abs(weights[0]) + 40) + 0.5 * x * x
    let result = top + log((sum * step + ends) * (1 + 4 * exp(-slack))) - 0.5 * log(2 * Double.pi) + 0x1p-51 * size
    return result.isNaN ? .infinity : max(result, 0)
}

/// Rényi divergence of order α of a mechanism that is ρ-zCDP for one row, between tables that differ by up to k rows:
/// k² ρ α (Bun and Steinke 2016, arXiv 1605.02065, proposition 1.9).
package func rdpZeroConcentrated(rho: Double, order: Int, rows k: Int) -> Double {
    guard k >= 1, k <= 1024 else { return .infinity }
    return rdpZeroConcentrated(rho: rho * Double(k * k), order: order)
}
