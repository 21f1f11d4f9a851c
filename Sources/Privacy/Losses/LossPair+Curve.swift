// A dominating pair for mechanisms of which only zero-concentrated privacy is known.
// It is built from the (ε, δ) curve that follows from ρ.

import Glibc

/// Stands for every mechanism that is ρ-zCDP, in both directions.
///
/// The Gaussian mechanism of that ρ does not: two ρ-zCDP pairs may have curves that cross. But for every ε ≥ 0 their
/// δ(ε) is at most c(ε) = min over α of the conversion (arXiv 2004.00010v4, proposition 12), and at most the total
/// variation √(1 − e^{−ρ}); and H(y) = δ(log y) is convex, with H(1/y) = 1 − 1/y + H′(y)/y of the other direction. So H
/// lies below the largest convex function under c, which is the curve of a pair (Zhu, Dong and Wang 2022, arXiv
/// 2106.08567, proposition 8): the one whose losses are the corners of the hull through points of c. Falsifiers:
/// LossDistributionTests (Gaussian, exponential and Laplace mechanisms of the same ρ stay below).
struct ConcentratedPair: AtomicLossPair {
    /// Sum over all such releases, at least 1e-10: below that differences of the curve are rounding.
    let rho: Double
    init(rho: Double) { self.rho = max(rho, 1e-10) }
    /// Points on either side of ε = 0.
    static let half = 400
    /// A larger ρ is left to the Rényi accountant.
    static let largest = 50.0

    func atoms(reach: Double) -> (nodes: LossNodes, infinity: Double) {
        let far = rho + reach * (2 * rho).squareRoot(), d = far / Double(Self.half), n = Self.half
        // h[i]: bound on H at e^{i d}, i ≥ 0; g: bound on 1 − H at e^{−i d}, from below.
        var h: [Double] = []
        for i in 0...n { h.append(min(bound(d * Double(i)), h.last ?? 1)) }
        func y(_ i: Int) -> Double { exp(d * Double(i)) }
        func low(_ i: Int) -> Double { y(-i) * (1 - h[i]) }
        /// (H_a − H_b) / (y_b − y_a) for a < b.
        func fall(_ a: Int, _ b: Int) -> Double {
            let drop = a >= 0 ? h[a] - h[b] : b <= 0 ? low(-b) - low(-a) : (1 - low(-a)) - h[b]
            return drop / (y(b) - y(a))
        }
        // Lower hull in y, from H(0) = 1; falls get smaller. −n − 1 stands for y = 0.
        func fallOf(_ a: Int, _ b: Int) -> Double { a < -n ? (b <= 0 ? low(-b) : 1 - h[b]) / y(b) : fall(a, b) }
        var hull = [-n - 1]
        for i in -n...n {
            while hull.count >= 2,
                fallOf(hull[hull.count - 2], hull[hull.count - 1]) <= fallOf(hull[hull.count - 1], i) {
                hull.removeLast()
            }
            hull.append(i)
        }
        var nodes = LossNodes()
        for k in 1..<hull.count {
            let at = hull[k], before = fallOf(hull[k - 1], at), after = k + 1 < hull.count ? fallOf(at, hull[k + 1]) : 0
            // Differences of values up to 1 over cells of width d.
            nodes.add(d * Double(at), max(0, y(at) * (before - after)) + 16 * unitRoundoff / min(d, 1))
        }
        return (nodes, h[n] * (1 + 1e-9))
    }

    /// Least δ at ε ≥ 0 over the orders, at most √(1 − e^{−ρ}).
    private func bound(_ epsilon: Double) -> Double {
        func exponent(_ t: Double) -> Double {
            let a = 1 + exp(t)
            return (a - 1) * (rho * a - epsilon + log1p(-1 / a)) - log(a)
                + 16 * unitRoundoff * a * (rho * a + epsilon + 1)
        }
        var lo = -12.0, hi = log(max(2, 2 * (epsilon + rho + 10) / rho))
        let golden = 0.381966011250105
        var a = lo + golden * (hi - lo), b = hi - golden * (hi - lo), fa = exponent(a), fb = exponent(b)
        for _ in 0..<50 {
            if fa < fb { hi = b; b = a; fb = fa; a = lo + golden * (hi - lo); fa = exponent(a) }
            else { lo = a; a = b; fa = fb; b = hi - golden * (hi - lo); fb = exponent(b) }
        }
        return min(1, exp(min(fa, fb)) * (1 + 1e-12), (-expm1(-rho)).squareRoot() * (1 + 0x1p-50))
    }
}
