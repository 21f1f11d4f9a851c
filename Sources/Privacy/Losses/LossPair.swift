// Dominating pairs of distributions: what stands for one release in one direction.
// Proofs are in docs/PRIVACY.md; the Gaussian ones are in LossPair+Gaussian.swift, what is known only by a Rényi curve
// in LossPair+Curve.swift.

import Glibc

/// A pair (P, Q) that dominates what one release does to two neighbouring tables.
protocol LossPair: Sendable {
    /// Losses with their masses under P, for planning alone: nothing that is reported rests on their accuracy.
    /// - Parameter reach: standard deviations that matter.
    func nodes(reach: Double) -> LossNodes
    /// The masses on a grid; what lies more than `reach` standard deviations out may go to ∞.
    func distribution(step: Double, reach: Double) throws -> LossDistribution
    /// Atoms lie on multiples of it, or the largest ones do: a grid that has these points moves nothing.
    var lattice: Double? { get }
}

extension LossPair {
    var lattice: Double? { nil }
}

struct LossNodes: Sendable {
    var losses: [Double] = [], masses: [Double] = []
    mutating func add(_ l: Double, _ p: Double) { if p > 0, l.isFinite { losses.append(l); masses.append(p) } }
}

/// Pairs that are finitely many outcomes and no more: their losses, their masses under P, and what is at ∞.
protocol AtomicLossPair: LossPair {
    func atoms(reach: Double) -> (nodes: LossNodes, infinity: Double)
}

extension AtomicLossPair {
    func nodes(reach: Double) -> LossNodes { atoms(reach: reach).nodes }
    func distribution(step: Double, reach: Double) throws -> LossDistribution {
        let (n, infinity) = atoms(reach: reach)
        guard let low = n.losses.min(), let high = n.losses.max(),
            (high - low) / step < Double(LossDistribution.maxPoints), max(high, -low) / step < 0x1p51 else {
            throw tooManyPoints
        }
        var d = try LossDistribution(step: step, lowest: Int((low / step).rounded(.down)) - 1,
            highest: Int((high / step).rounded(.up)) + 1)
        for (l, p) in zip(n.losses, n.masses) { d.add(loss: l, p: p) }
        d.infinity = infinity
        return d
    }
}

/// ε-private mechanisms: post-processing of randomised response, which keeps a bit with probability e^ε/(1 + e^ε)
/// (Kairouz, Oh and Viswanath 2015, arXiv 1311.0776).
struct PurePair: AtomicLossPair {
    /// Above 0.
    let epsilon: Double
    var lattice: Double? { epsilon }
    func atoms(reach: Double) -> (nodes: LossNodes, infinity: Double) {
        var n = LossNodes()
        n.add(epsilon, 1 / (1 + exp(-epsilon)))
        n.add(-epsilon, 1 / (1 + exp(epsilon)))
        return (n, 0)
    }
}

/// Laplace noise on a number that moves by 1: losses from −1/b to 1/b, with atoms at both ends.
struct LaplacePair: LossPair {
    /// Scale of the noise over the largest move; above 0.
    let scale: Double
    private var e: Double { 1 / scale }
    var lattice: Double? { e }

    func nodes(reach: Double) -> LossNodes {
        var n = LossNodes()
        n.add(e, 0.5)
        n.add(-e, 0.5 * exp(-e))
        let count = 512, d = 2 * e / Double(count)
        for i in 0..<count {
            let l = -e + d * Double(i)
            n.add(l + d / 2, 0.5 * exp((l - e) / 2) * expm1(d / 2))
        }
        return n
    }

    func distribution(step: Double, reach: Double) throws -> LossDistribution {
        let low = (-e / step).rounded(.down), high = (e / step).rounded(.up)
        guard high - low < Double(LossDistribution.maxPoints) else { throw tooManyPoints }
        var d = try LossDistribution(step: step, lowest: Int(low), highest: Int(high))
        d.add(loss: e, p: 0.5)
        d.add(loss: -e, p: 0.5 * exp(-e))
        for i in Int(low)..<Int(high) {
            let grid = d.loss(i), a = max(grid, -e), b = min(d.loss(i + 1), e)
            guard b > a else { continue }
            let p = 0.5 * exp((a - e) / 2) * expm1((b - a) / 2),
                scaled = 0.5 * exp(grid - (a + e) / 2) * -expm1((a - b) / 2)
            let error = 8 * unitRoundoff * (1 + e)
            // A sliver that rounding left at an end.
            if b - a <= 16 * unitRoundoff * e {
                d.addBelow(point: a == grid ? i : i + 1, p: p * 2 + 16 * unitRoundoff * e)
                continue
            }
            // b − a is a difference of numbers up to e.
            let width = 8 * unitRoundoff * (abs(a) + abs(b)) / (b - a)
            d.add(point: i, p: p, scaled: scaled, errorP: p * (error + width), errorScaled: scaled * (error + width))
        }
        d.drift = max(d.drift, 32 * unitRoundoff * e)
        return d
    }
}

/// Discrete Gaussian noise on a whole number that moves by `shift`: outcomes are whole numbers, so losses are atoms.
struct DiscreteGaussianPair: AtomicLossPair {
    /// Standard deviation of the noise, above 0.
    let standardDeviation: Double
    let shift: Int
    /// Wider noise has too many outcomes to go through; then the Rényi curve stands for it, which is nearly the same
    /// there.
    static let widest = 2e4
    var lattice: Double? { Double(shift) / (2 * standardDeviation * standardDeviation) }

    func atoms(reach: Double) -> (nodes: LossNodes, infinity: Double) {
        let far = Int((reach * standardDeviation).rounded(.up)) + 2, v = 2 * standardDeviation * standardDeviation,
            s = Double(shift)
        let total = (1...far).reduce(0.5) { $0 + exp(-Double($1) * Double($1) / v) } * 2
        var n = LossNodes()
        // Largest relative error of a mass, from its exponent and the sum.
        let up = 1 + 8 * unitRoundoff * (Double(far) * Double(far) / v + 2 + Double(far))
        for y in -far...far { n.add((s * s + 2 * s * Double(y)) / v, exp(-Double(y) * Double(y) / v) / total * up) }
        // Σ_{y > far} is at most what the continuous one has above far (arXiv 2004.00010v4, proposition 25); the lower
        // tail is no loss.
        let beyond = normalTail(Double(far) / standardDeviation) * 1.001
        // Noise far below a step: nothing a double can say.
        guard !n.masses.isEmpty else { return (n, 1) }
        n.masses[0] += beyond
        return (n, beyond)
    }
}

let tooManyPoints = LossTooFine()
/// A step so short that a distribution would have too many points.
struct LossTooFine: Error {}
