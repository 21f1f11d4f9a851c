// Gaussian releases of all rows in closed form, and how far discrete noise is from them.

import Basics
import Glibc

/// μ-Gaussian privacy: no test tells two neighbours apart better than N(0, 1) from N(μ, 1) (Dong, Roth and Su 2019,
/// arXiv 1905.02383).
///
/// # Guarantee
/// Releases of μ_1, μ_2, … are together √(Σ μ_i²)-Gaussian private, also when each μ_i is chosen after the earlier
/// releases were seen, as long as the sum of squares stays below a bound that was fixed in advance (Smith and Thakurta
/// 2022, arXiv 2210.17520). k rows are kμ-Gaussian private. The conversion is exact: Balle and Wang 2018, arXiv
/// 1805.06530, theorem 8. Rounded towards more loss. Falsifiers: ExactCompositionTests.
package struct GaussianPrivacy: Sendable, Equatable {
    /// Σ μ_i², ≥ 0.
    package private(set) var square: Double
    package init(square: Double = 0) { self.square = square }

    /// √(Σ μ_i²), rounded up.
    package var mu: Double { square.squareRoot() * (1 + 0x1p-51) }

    /// Adds `count` releases of noise multiplier σ, for neighbours that differ by up to `rows` rows.
    package mutating func compose(noise: Double, rows: Int = 1, count: Int = 1) {
        let m = Double(rows) / noise
        square = (square + Double(count) * m * m * (1 + 0x1p-50)) * (1 + 0x1p-52)
    }

    /// δ at ε ≥ 0: Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ).
    package func delta(epsilon: Double) -> Double {
        guard square > 0 else { return 0 }
        guard square.isFinite, epsilon >= 0 else { return 1 }
        if epsilon == .infinity { return 0 }
        let m = mu, a = 0.5 * m - epsilon / m, b = -0.5 * m - epsilon / m
        let first = a > 0 ? 1 - normalTail(a) : normalTail(a), second = exp(epsilon + logNormalTail(b))
        // z is wrong by a few units, and with it a tail by as many times 1 + z².
        let error = 16 * unitRoundoff * ((1 + a * a) * first + (1 + b * b + epsilon) * second)
        return min(1, max(0, first - second) + error + .leastNormalMagnitude)
    }

    /// Least ε at δ in (0, 1), within 1e-13 of itself above it; ∞ where there is none.
    package func epsilon(delta: Double) -> Double {
        guard square.isFinite, delta > 0, delta < 1 else { return .infinity }
        if self.delta(epsilon: 0) <= delta { return 0 }
        let m = mu
        var low = 0.0, high = m * m + 40 * m
        guard self.delta(epsilon: high) <= delta else { return .infinity }
        while high - low > 1e-13 * high {
            let mid = 0.5 * (low + high)
            if mid <= low || mid >= high { break }
            if self.delta(epsilon: mid) <= delta { high = mid } else { low = mid }
        }
        return high
    }

    /// The largest μ, from below, that is (ε, δ)-private: the ceiling of a filter over Gaussian releases.
    /// - Returns: nil for ε outside (0, 1e4] or δ outside [1e-250, 1).
    package static func largest(epsilon: Double, delta: Double) -> GaussianPrivacy? {
        guard epsilon > 0, epsilon <= 1e4, delta >= 1e-250, delta < 1 else { return nil }
        func fits(_ m: Double) -> Bool { GaussianPrivacy(square: m * m).delta(epsilon: epsilon) <= delta }
        var low = 1e-6, high = 300.0
        guard fits(low) else { return nil }
        if fits(high) { return GaussianPrivacy(square: high * high) }
        while high / low > 1 + 1e-14 {
            let mid = (low * high).squareRoot()
            if mid <= low || mid >= high { break }
            if fits(mid) { low = mid } else { high = mid }
        }
        return GaussianPrivacy(square: low * low * (1 - 0x1p-50))
    }

    // MARK: discrete noise

    /// Discrete noise wider than this is priced as ρ-zCDP, where it is cheaper to price: then the two hardly differ.
    static let widest = 2e4
    /// What of a discrete distribution lies outside the numbers that `discreteExcess` looks at, for each number that is
    /// released.
    static let beyond = 1e-29

    /// κ such that discrete Gaussian noise of standard deviation s on whole numbers that move together by a vector of
    /// length C is (1 + κ) C/s-Gaussian private, up to the probability `beyond` for each number; about 1/(24 s²).
    ///
    /// The trade-off curve of Y and Y + w has its corners where a test accepts all y above some z, and a convex curve
    /// that is above another convex one at its corners is above it everywhere. So it is enough that Φ⁻¹(P(Y ≤ z)) −
    /// Φ⁻¹(P(Y < z)) ≤ (1 + κ)/s for every z, which is looked up for all z within 11.5 s; w of these differences make a
    /// step of w. Proof in docs/PRIVACY.md, section 15.
    /// - Returns: ∞ for s outside [0.3, `widest`].
    package static func discreteExcess(standardDeviation s: Double) -> Double {
        guard s >= 0.3, s <= widest else { return .infinity }
        let far = Int((14 * s).rounded(.up)) + 2, v = 2 * s * s
        /// Unnormalised mass above z, added from the far end.
        var above = [Double](repeating: 0, count: far + 1)
        for z in stride(from: far - 1, through: 0, by: -1) {
            above[z] = above[z + 1] + exp(-Double(z + 1) * Double(z + 1) / v)
        }
        let total = 2 * above[0] + 1, correction = 1 + 1 / (12 * v)
        var most = 0.0, before: Double?, z = 0
        while z < far {
            let p = above[z] / total
            guard p > 1e-30 else { break }
            // Φ̄(t) = p, by Newton in logarithms.
            var t = (Double(z) + 0.5) / s * correction
            let goal = log(p)
            for _ in 0..<4 {
                let tail = t > 0 ? logNormalTail(t) : log1p(-normalTail(t)),
                    density = -0.5 * t * t - 0.5 * log(2 * Double.pi)
                let next = t + (tail - goal) / exp(density - tail)
                if abs(next - t) < 1e-15 * (1 + abs(t)) { t = next; break }
                t = next
            }
            most = max(most, t - (before ?? -t))
            before = t
            z += 1
        }
        guard before != nil, most.isFinite else { return .infinity }
        return max(0, most * s - 1) + 64 * unitRoundoff * (1 + s) * 16
    }
}
