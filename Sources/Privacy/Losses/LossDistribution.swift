// The privacy-loss distribution of one release in one direction, on a grid, rounded towards more loss.
// How each mechanism fills it is in LossPair.swift, composition in LossComposition.swift; proofs are in
// docs/PRIVACY.md.

import Basics
import Glibc

/// Masses of L = log(P/Q) under P on whole multiples of a step, and at ∞.
///
/// # Guarantee
/// For every ε the δ(ε) = E[(1 − e^{ε − L})⁺] of these masses, read at ε − `drift`, is at least that of the pair (P, Q)
/// it was filled from. A set of outcomes whose losses lie between two grid points is replaced by those two points with
/// masses that keep both P and Q of the set: the likelihood ratio is spread, so every convex function of it has a
/// larger mean (Doroshenko et al. 2022, arXiv 2207.04380, "connect the dots"). What rounding could have lost is added
/// to masses, and moved from the lower point to the upper. Falsifiers: LossDistributionTests.
struct LossDistribution {
    let step: Double
    /// Grid point of the first mass: loss `lowest` · step.
    let lowest: Int
    let masses: Buffer<Double>
    var infinity = 0.0
    /// By how much losses may be larger than their grid points.
    var drift = 0.0
    private let rest: Double, share: Double

    /// More points than this are refused: the caller takes a longer step.
    static let maxPoints = 1 << 22

    init(step: Double, lowest: Int, highest: Int) throws {
        (self.step, self.lowest) = (step, lowest)
        guard step > 0, highest >= lowest, highest - lowest < Self.maxPoints else {
            throw Failure(.internal, "a loss distribution: out of range")
        }
        masses = try Buffer(count: highest - lowest + 2, for: "a loss distribution")
        rest = exp(-step)
        share = -expm1(-step)
    }

    var highest: Int { lowest + masses.count - 1 }
    func loss(_ point: Int) -> Double { Double(point) * step }

    /// Outcomes with losses in [point, point + 1] · step, to which P gives `p` and Q gives q; `scaled` = q
    /// e^{loss(point)}.
    /// - Parameters:
    ///   - errorP, errorScaled: what `p` and `scaled` may be wrong by.
    @inline(__always)
    mutating func add(point: Int, p: Double, scaled: Double, errorP: Double, errorScaled: Double) {
        // a + b = p,  a + b e^{−h} = q e^{ℓ}
        let a = (scaled - p * rest - errorScaled - errorP) / share - 4 * unitRoundoff * p / share
        let low = min(max(a, 0), p), i = point &- lowest
        masses.base[i] += low
        masses.base[i &+ 1] += p - low + errorP
    }

    /// One outcome of probability `p` under P and the given loss.
    mutating func add(loss l: Double, p: Double) {
        guard p > 0 else { return }
        // On a point of the grid but for rounding: there, and what rounding is worth is the drift.
        let nearest = (l / step).rounded()
        if abs(l - nearest * step) <= 8 * unitRoundoff * abs(l), nearest >= Double(lowest), nearest <= Double(highest) {
            masses.base[Int(nearest) - lowest] += p * (1 + 4 * unitRoundoff)
            drift = max(drift, 16 * unitRoundoff * abs(l))
            return
        }
        let point = min(max(Int((l / step).rounded(.down)), lowest), highest - 1)
        drift = max(drift, 4 * unitRoundoff * abs(l))
        add(point: point, p: p, scaled: p * exp(loss(point) - l), errorP: 4 * unitRoundoff * p,
            errorScaled: 8 * unitRoundoff * (1 + abs(l)) * p)
    }

    /// Outcomes of probability `p` under P whose losses are at most that of `point`.
    mutating func addBelow(point: Int, p: Double) { masses.base[point - lowest] += p * (1 + 8 * unitRoundoff) }

    /// δ at ε, for one release: a slow twin of what composition computes.
    func delta(epsilon: Double) -> Double {
        var d = infinity
        for i in 0..<masses.count where loss(lowest + i) + drift > epsilon {
            d -= masses[i] * expm1(epsilon - drift - loss(lowest + i))
        }
        return min(1, d)
    }
}
