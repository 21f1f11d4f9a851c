// Solves noise from (ε, δ) for constant releases, by their exact composition.

import Basics
import Glibc

package enum ExactCalibration {
    /// How far above the least factor the result may be, relatively.
    static let tolerance = 1e-7

    /// The least factor on all noise with which the releases meet (ε, δ) in both directions; a little more, never less.
    ///
    /// Noise without sampling is solved in closed form (`GaussianPrivacy`), everything else by bisection of loss
    /// distributions.
    /// - Parameters:
    ///   - releases: constants of the plan: each mechanism's noise is its share, which the factor multiplies; what has
    ///     no noise stays.
    ///   - rows: rows that neighbours differ by, 1 … 1024.
    /// - Throws: `.argument` for parameters out of range; `.budget` when no factor up to `Budget.maxNoise` meets them.
    package static func leastFactor(_ releases: [(mechanism: Mechanism, count: Int)], rows: Int = 1, epsilon: Double,
        delta: Double) throws -> Double {
        guard epsilon > 0, epsilon.isFinite, delta > 0, delta < 1 else {
            throw Failure(.argument, "calibration: epsilon and delta are out of range")
        }
        let noises = releases.filter { $0.count > 0 && !$0.mechanism.isNothing }.compactMap(\.mechanism.noise)
        guard noises.allSatisfy({ $0 > 0 }) else { throw Failure(.argument, "calibration: a noise must be above 0") }
        func cost(_ s: Double) throws -> Double {
            try ExactComposition(releases.map { ($0.mechanism.scaled(s), $0.count) }, rows: rows).epsilon(delta: delta)
        }
        if noises.isEmpty {
            guard try cost(1) <= epsilon else { throw unreachable }
            return 1
        }
        // No less than is needed: the Rényi bound of the same constants, which is never below the exact one.
        var high = try Accountant.calibrate(.renyi, releases, rows: rows, epsilon: epsilon, delta: delta)
        let whole = try ExactComposition(releases, rows: rows)
        guard whole.isGaussian else {
            guard try cost(high) <= epsilon else { throw unreachable }
            return try Accountant.leastFactor(from: high, epsilon: epsilon, cost: cost)
        }
        // A closed form, but for discrete noise, whose excess depends on the factor: from just above what would do
        // without that.
        guard let room = GaussianPrivacy.largest(epsilon: epsilon, delta: delta) else { throw unreachable }
        var low = 1e-3 / (noises.max() ?? 1)
        for step in [1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 0.1] {
            let s = whole.gaussian.mu / room.mu * (1 + step)
            if s > low, s < high, try cost(s) <= epsilon { high = s; break }
            low = max(low, min(s, high))
        }
        while high / low > 1 + tolerance {
            let mid = (low * high).squareRoot()
            if mid <= low || mid >= high { break }
            if try cost(mid) <= epsilon { high = mid } else { low = mid }
        }
        return high
    }

    package static let unreachable = Failure(.budget, "no factor on the noise meets this epsilon at this delta")
}
