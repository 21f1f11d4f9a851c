// Composes privacy-loss distributions by convolution, one direction at a time.
// What each distribution is: LossDistribution.swift. Proofs are in docs/PRIVACY.md.

import Basics
import Glibc

/// Releases in one direction, each with its count; all parameters constants.
///
/// Masses are tilted by e^{θℓ} before they are transformed (Esscher) and back afterwards: the interesting tail is then
/// in the middle of the window, so what rounding and wrapping add is small beside δ, however small δ is.
struct LossComposition {
    let pairs: [(pair: any LossPair, count: Int)]

    /// Parts of e^{K − θε} that what leaves the window may add: e^−30 and less.
    private static let slack = 30.0
    static let bits = 12...20
    /// More different releases than this are left to the Rényi accountant.
    static let maxPairs = 512
    /// By how much of ε the grid may raise it, about.
    static let coarseness = 2e-4

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
        /// Least θ on the given side of `from` that is `reached`, about; where `hopeless` comes first (the losses end),
        /// that θ.
        func first(from: Double, sign: Double, scale: Double, where reached: (Double) -> Bool,
            until hopeless: (Double) -> Bool) -> Double {
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
        var theta = 0.0, upper = 0.0, bottom = 0.0, top = 0.0, reach = 0.0
        /// About the ε that is asked for.
        var scale = 0.0
        /// Whether no sum of losses lies above it.
        var isWhole = false
    }

    private enum Question { case epsilon(delta: Double), delta(epsilon: Double) }

    private func window(_ question: Question) -> Window? {
        let wide = pairs.map { ($0.pair.nodes(reach: 12), Double($0.count)) }
        let c = Cumulants(nodes: wide), start = c.at(0)
        guard start.mean.isFinite, start.variance.isFinite else { return nil }
        let scale = 0.1 / max(start.variance.squareRoot(), 1e-300)
        var w = Window()
        // (1 − e^{ε − L})⁺ ≤ e^{θ(L − ε)} θ^θ/(1 + θ)^{1 + θ}: −log of what that leaves of δ at the ε of the tilted
        // mean.
        func thin(_ t: Double) -> Double {
            let x = c.at(t)
            return t * x.mean - x.k + log1p(t) + t * log1p(1 / t)
        }
        switch question {
        case .epsilon(let delta):
            w.theta = c.first(from: 0, sign: 1, scale: scale) { thin($0) >= -log(delta) } until: {
                $0 * $0 * c.at($0).variance < 1e-3
            }
        case .delta(let epsilon):
            w.theta = start.mean >= epsilon ? 0
                : c.first(from: 0, sign: 1, scale: scale) { c.at($0).mean >= epsilon } until: {
                $0 * $0 * c.at($0).variance < 1e-3
            }
        }
        // Sums of losses end here.
        let most = wide.reduce(0.0) { $0 + $1.1 * ($1.0.losses.max() ?? 0) }, least = wide.reduce(0.0) {
            $0 + $1.1 * ($1.0.losses.min() ?? 0)
        }
        var at = c.at(w.theta)
        if case .epsilon(let delta) = question, thin(w.theta) < -0.98 * log(delta) {
            // They end before the tail is that thin: any tilt that lifts their end far above the rest will do.
            w.theta = 300 / max(most - least, 1e-300)
            at = c.at(w.theta)
        }
        let lost = max(0, w.theta * at.mean - at.k), count = pairs.reduce(0.0) { $0 + Double($1.count) }
        guard at.k.isFinite, at.variance.isFinite else { return nil }
        w.reach = (2 * (lost + log(count + 1) + Self.slack)).squareRoot()
        func leaves(_ t: Double) -> Bool {
            let x = c.at(t)
            return (t - w.theta) * x.mean - (x.k - at.k) >= Self.slack
        }
        func ends(_ t: Double) -> Bool { abs(t - w.theta) * c.at(t).variance.squareRoot() < 0.03 }
        let unit = 1 / max(at.variance.squareRoot(), 1e-300)
        w.upper = c.first(from: w.theta, sign: 1, scale: unit, where: leaves, until: ends)
        w.top = c.at(w.upper).mean
        w.bottom = c.at(c.first(from: w.theta, sign: -1, scale: unit, where: leaves, until: ends)).mean
        // Losses that end near the window's ends: all of them belong inside.
        if most - w.top < 0.02 * (w.top - w.bottom) { w.top = max(w.top, most) }
        if w.bottom - least < 0.02 * (w.top - w.bottom) { w.bottom = min(w.bottom, least) }
        w.isWhole = w.top >= most
        if case .delta(let epsilon) = question { (w.bottom, w.top) = (min(w.bottom, epsilon), max(w.top, epsilon)) }
        w.scale = max(at.mean, 1e-3 * at.variance.squareRoot(), 1e-6 * (w.top - w.bottom))
        return w.top.isFinite && w.bottom.isFinite ? w : nil
    }

    // MARK: answers

    /// Least ε ≥ 0 at δ in (0, 1): an upper bound, ∞ where the numbers do not allow one.
    func epsilon(delta: Double) throws -> Double {
        guard !pairs.isEmpty else { return 0 }
        guard var w = window(.epsilon(delta: delta)), let sum = try composed(w) else { return .infinity }
        let e = sum.epsilon(delta: delta)
        // Where few losses are large ε lies far below the tilted mean: the grid that suits it is finer.
        guard e.isFinite, e < 0.5 * w.scale else { return e }
        w.scale = max(e, 1e-4 * w.scale)
        return min(e, try composed(w)?.epsilon(delta: delta) ?? e)
    }

    /// Least δ at ε ≥ 0: an upper bound, at most 1.
    func delta(epsilon: Double) throws -> Double {
        guard !pairs.isEmpty else { return 0 }
        guard let w = window(.delta(epsilon: epsilon)), let sum = try composed(w) else { return 1 }
        return sum.delta(epsilon: epsilon)
    }

    /// δ at every ε ≥ 0 of a fine grid; nil where the numbers do not allow one.
    func curve() throws -> LossCurve? {
        guard !pairs.isEmpty else { return LossCurve(points: [(0, 0)]) }
        guard let w = window(.delta(epsilon: 0)) else { return nil }
        return try composed(w, coarseness: Self.coarseness / 10)?.curve()
    }

    private func composed(_ w: Window, coarseness: Double = Self.coarseness) throws -> ComposedLoss? {
        let count = pairs.reduce(0.0) { $0 + Double($1.count) }
        let width = max(w.top - w.bottom, 1e-9 * max(abs(w.top), abs(w.bottom)), 1e-100)
        // A spread over a cell of width h that keeps the mean of e^{−L} raises log E[e^{θL}] by about θ(θ+1) h²/12,
        // which is θ times what it adds to ε; and it adds at most h to a loss.
        let fine = max((12 * coarseness * w.scale / (count * (w.theta + 1))).squareRoot(),
            coarseness * w.scale / count), wanted = width / fine + 64
        guard width.isFinite, wanted.isFinite else { return nil }
        let bits = min(max(Int(log2(wanted).rounded(.up)), Self.bits.lowerBound), Self.bits.upperBound)
        // Each release may lift the largest loss by one point.
        let spare = w.isWhole ? min(count, Double(1 << (bits - 2))) : 0
        var step = width / (Double(1 << bits - 64) - spare)
        if let lattice = pairs.max(by: { $0.count < $1.count })?.pair.lattice, lattice >= step, lattice / step < 1e9 {
            step = lattice / (lattice / step).rounded(.down)
        }
        let transform = try FourierTransform(bits: bits)
        for _ in 0..<16 {
            // Any tilt is sound; one beyond this would leave the range of doubles inside the window.
            let theta = min(w.theta, 500 / (step * Double(1 << bits)))
            do {
                return try ComposedLoss(pairs, transform, step: step, theta: theta, upper: w.upper, bottom: w.bottom,
                    reach: w.reach)
            }
            catch is LossTooFine { step *= 2 }
        }
        return nil
    }
}
