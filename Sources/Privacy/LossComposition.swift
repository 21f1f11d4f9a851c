// Composition of privacy-loss distributions by convolution, one direction at a time: products of transforms, with every truncation and every
// rounding added to δ. What each distribution is: LossDistribution.swift. Proofs are in docs/PRIVACY.md.

import Basics
import Glibc

/// Releases in one direction, each with its count; all parameters constants.
///
/// Masses are tilted by e^{θℓ} before they are transformed (Esscher) and back afterwards: the interesting tail is then in the middle of the
/// window, so what rounding and wrapping add is small beside δ, however small δ is.
struct LossComposition {
    let pairs: [(pair: any LossPair, count: Int)]

    /// Parts of e^{K − θε} that what leaves the window may add: e^−30 and less.
    private static let slack = 30.0
    static let bits = 12...18
    /// More different releases than this are left to the Rényi accountant.
    static let mostPairs = 512
    /// Variance that a step may add, relative to the whole.
    static let coarseness = 1e-4

    // MARK: planning

    /// Σ n log E[e^{θL}] over the nodes and its derivatives.
    private struct Cumulants {
        let nodes: [(nodes: LossNodes, count: Double)]
        func at(_ theta: Double) -> (k: Double, mean: Double, variance: Double) {
            var k = 0.0, mean = 0.0, variance = 0.0
            for (n, count) in nodes {
                var top = -Double.infinity
                for l in n.losses { top = max(top, theta * l) }
                var s = 0.0, first = 0.0, second = 0.0
                for (l, p) in zip(n.losses, n.masses) {
                    let w = p * exp(theta * l - top)
                    s += w
                    first += w * l
                    second += w * l * l
                }
                let m = first / s
                k += count * (top + log(s))
                mean += count * m
                variance += count * max(0, second / s - m * m)
            }
            return (k, mean, variance)
        }
        /// Least θ on the given side of `from` that is `reached`, about; where `hopeless` comes first (the losses end), that θ.
        func first(from: Double, sign: Double, scale: Double, where reached: (Double) -> Bool, until hopeless: (Double) -> Bool) -> Double {
            var step = scale, inside = 0.0, isReached = false
            for _ in 0..<80 {
                isReached = reached(from + sign * step)
                if isReached || hopeless(from + sign * step) { break }
                inside = step
                step *= 1.5
            }
            guard isReached else { return from + sign * step }
            for _ in 0..<12 {
                let mid = 0.5 * (inside + step)
                if reached(from + sign * mid) { step = mid } else { inside = mid }
            }
            return from + sign * step
        }
    }

    private struct Window {
        var theta = 0.0, upper = 0.0, bottom = 0.0, top = 0.0, reach = 0.0, deviation = 0.0
    }

    private enum Question { case epsilon(delta: Double), delta(epsilon: Double) }

    private func window(_ question: Question) -> Window? {
        let wide = pairs.map { ($0.pair.nodes(reach: 12), Double($0.count)) }
        let c = Cumulants(nodes: wide), start = c.at(0)
        guard start.mean.isFinite, start.variance.isFinite else { return nil }
        let scale = 0.1 / max(start.variance.squareRoot(), 1e-300)
        var w = Window()
        switch question {
        case .epsilon(let delta):
            w.theta = c.first(from: 0, sign: 1, scale: scale) { t in
                let x = c.at(t)
                return t * x.mean - x.k >= -log(delta)
            } until: { $0 * $0 * c.at($0).variance < 1e-3 }
        case .delta(let epsilon):
            w.theta = start.mean >= epsilon ? 0 : c.first(from: 0, sign: 1, scale: scale) { c.at($0).mean >= epsilon } until: { $0 * $0 * c.at($0).variance < 1e-3 }
        }
        let at = c.at(w.theta), lost = max(0, w.theta * at.mean - at.k), count = pairs.reduce(0.0) { $0 + Double($1.count) }
        guard at.k.isFinite, at.variance.isFinite else { return nil }
        w.deviation = at.variance.squareRoot()
        w.reach = (2 * (lost + log(count + 1) + Self.slack)).squareRoot()
        func leaves(_ t: Double) -> Bool {
            let x = c.at(t)
            return (t - w.theta) * x.mean - (x.k - at.k) >= Self.slack
        }
        func ends(_ t: Double) -> Bool { abs(t - w.theta) * c.at(t).variance.squareRoot() < 0.03 }
        let unit = 1 / max(w.deviation, 1e-300)
        w.upper = c.first(from: w.theta, sign: 1, scale: unit, where: leaves, until: ends)
        w.top = c.at(w.upper).mean
        w.bottom = c.at(c.first(from: w.theta, sign: -1, scale: unit, where: leaves, until: ends)).mean
        // Losses that end near the window's ends: all of them belong inside.
        let most = wide.reduce(0.0) { $0 + $1.1 * ($1.0.losses.max() ?? 0) }, least = wide.reduce(0.0) { $0 + $1.1 * ($1.0.losses.min() ?? 0) }
        if most - w.top < 0.02 * (w.top - w.bottom) { w.top = max(w.top, most) }
        if w.bottom - least < 0.02 * (w.top - w.bottom) { w.bottom = min(w.bottom, least) }
        if case .delta(let epsilon) = question { (w.bottom, w.top) = (min(w.bottom, epsilon), max(w.top, epsilon)) }
        return w.top.isFinite && w.bottom.isFinite ? w : nil
    }

    // MARK: answers

    /// Least ε ≥ 0 at δ in (0, 1): an upper bound, ∞ where the numbers do not allow one.
    func epsilon(delta: Double) throws -> Double {
        guard !pairs.isEmpty else { return 0 }
        guard let w = window(.epsilon(delta: delta)), let sum = try composed(w) else { return .infinity }
        return sum.epsilon(delta: delta)
    }

    /// Least δ at ε ≥ 0: an upper bound, at most 1.
    func delta(epsilon: Double) throws -> Double {
        guard !pairs.isEmpty else { return 0 }
        guard let w = window(.delta(epsilon: epsilon)), let sum = try composed(w) else { return 1 }
        return sum.delta(epsilon: epsilon)
    }

    private func composed(_ w: Window) throws -> ComposedLoss? {
        let count = pairs.reduce(0.0) { $0 + Double($1.count) }
        let width = max(w.top - w.bottom, 1e-9 * max(abs(w.top), abs(w.bottom)), 1e-100)
        let wanted = width / max(w.deviation, 1e-9 * width) / 2 * (count / Self.coarseness).squareRoot()
        guard width.isFinite, wanted.isFinite else { return nil }
        let bits = min(max(Int(log2(max(wanted, 1)).rounded(.up)), Self.bits.lowerBound), Self.bits.upperBound)
        var step = width / Double(1 << bits - 64)
        let transform = try FourierTransform(bits: bits)
        for _ in 0..<16 {
            // Any tilt is sound; one beyond this would leave the range of doubles inside the window.
            let theta = min(w.theta, 500 / (step * Double(1 << bits)))
            do { return try ComposedLoss(pairs, transform, step: step, theta: theta, upper: w.upper, bottom: w.bottom, reach: w.reach) }
            catch is LossTooFine { step *= 2 }
        }
        return nil
    }
}
