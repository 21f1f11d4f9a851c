// Composes Rényi divergences and converts them to (ε, δ).
// Knows nothing of rows or budgets: numbers in, numbers out, rounded towards more loss. Anything it cannot price is ∞.

import Glibc

/// A Rényi curve over a fixed set of integer orders: what all composed releases cost one group.
///
/// Fixed parameters only: a minimum over orders taken afterwards is a bound when no parameter depended on a released
/// value. Where one did, the figure at the order fixed in the plan is the bound (Feldman and Zrnic 2020, arXiv
/// 2008.11193): `Budget`, `Ledger`.
package struct RenyiAccountant: Sendable {
    /// 2 … 64, 128, 256, 512, 1024.
    package static let orders: [Int] = Array(2...64) + [128, 256, 512, 1024]

    /// Divergence at each of `orders`, nats.
    package private(set) var curve = [Double](repeating: 0, count: RenyiAccountant.orders.count)

    package init() {}

    /// Adds `count` equal releases. A negative count makes the curve ∞.
    package mutating func compose(noiseMultiplier: Double, samplingRate: Double, count: Int = 1) {
        if count == 0 { return }
        for (i, order) in Self.orders.enumerated() {
            curve[i] += count < 0 ? .infinity
                : Double(count) * rdpSubsampledGaussian(q: samplingRate, sigma: noiseMultiplier, order: order)
        }
    }

    /// Adds a release of a ledger as a row of group g (its place there) meets it, or a person of `rows` rows.
    package mutating func compose(_ release: Ledger.Release, group g: Int, rows: Int) {
        for (i, order) in Self.orders.enumerated() {
            curve[i] += release.divergence(group: g, order: order, rows: rows)
        }
    }

    /// Least ε at `delta` over the orders, and the order that gives it.
    package func best(delta: Double) -> (epsilon: Double, order: Int) {
        var best = (epsilon: Double.infinity, order: Self.orders[0])
        for (r, order) in zip(curve, Self.orders) {
            let e = Self.epsilon(rdp: r, order: order, delta: delta)
            if e < best.epsilon { best = (e, order) }
        }
        return best
    }

    package func epsilon(delta: Double) -> Double { best(delta: delta).epsilon }

    /// Least δ at `epsilon` over the orders, at most 1.
    package func delta(epsilon: Double) -> Double {
        zip(curve, Self.orders).reduce(1) { min($0, Self.delta(rdp: $1.0, order: $1.1, epsilon: epsilon)) }
    }

    /// ε of a divergence at one order:
    ///
    ///     ε = R + log((α−1)/α) − (log δ + log α)/(α−1)
    ///
    /// Canonne, Kamath and Steinke 2020, arXiv 2004.00010v4, proposition 12; never below 0, and 0 when δ² > 1 − e^(−R)
    /// (the total variation distance is at most √(1 − e^(−KL)), Bretagnolle and Huber 1979, and KL ≤ R).
    /// - Returns: ∞ when `rdp` is negative or not a number, or `delta` is not inside (0, 1).
    package static func epsilon(rdp: Double, order: Int, delta: Double) -> Double {
        guard rdp >= 0, rdp.isFinite, delta > 0, delta < 1, order >= 2 else { return .infinity }
        if delta * delta > -expm1(-rdp) { return 0 }
        let a = Double(order)
        let terms = (log1p(-1 / a), (log(delta) + log(a)) / (a - 1))
        let e = rdp + terms.0 - terms.1
        // A few units of the largest term: rounding must not take anything off.
        return max(0, e + 0x1p-50 * (rdp - terms.0 + abs(terms.1)))
    }

    /// δ of a divergence at one order: the inverse of `epsilon`, at most 1.
    /// - Returns: 1 when `rdp` is negative or not a number, or `epsilon` is negative or not a number.
    package static func delta(rdp: Double, order: Int, epsilon: Double) -> Double {
        guard rdp >= 0, rdp.isFinite, epsilon >= 0, order >= 2 else { return 1 }
        let a = Double(order)
        let exponent = (a - 1) * (rdp - epsilon + log1p(-1 / a)) - log(a)
        let error = 0x1p-50 * ((a - 1) * (rdp + (epsilon.isFinite ? epsilon : 0) + 1) + log(a))
        let d = min(exp(exponent + error), (-expm1(-rdp)).squareRoot() * (1 + 0x1p-50))
        return d >= 0 ? min(d.nextUp, 1) : 1
    }
}
