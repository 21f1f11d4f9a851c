// The exact price of constant releases: Gaussian ones in closed form, others by loss distributions.

import Basics
import Glibc

/// Releases whose parameters are constants, fixed before any row was read, for neighbours that differ by up to `rows`
/// rows.
///
/// # Guarantee
/// `epsilon` and `delta` are upper bounds for adding and for removing the rows. All Gaussian releases that draw
/// everybody are one of √(Σ μ²) (`GaussianPrivacy`); all that are known to be ρ-zCDP are one of Σ ρ; sampled ones are
/// composed by convolution, each direction apart. Falsifiers: ExactCompositionTests (closed forms; mutants: rounded
/// down, one direction alone, noise of another share).
package struct ExactComposition: Sendable {
    package let rows: Int
    /// All Gaussian releases at rate 1, continuous or discrete.
    package private(set) var gaussian = GaussianPrivacy()
    private var others: [(mechanism: Mechanism, count: Int)] = []
    private var concentrated = 0.0
    /// Σ δ_sel, −Σ log(1 − δ_sel), and what discrete distributions have outside the numbers that were looked at.
    private var selection = 0.0, shift = 0.0, beyond = 0.0

    /// - Throws: `.argument` for parameters out of range, as `Accountant.compose`; `.unsupported` for a release without
    ///   noise or too many different ones.
    package init(_ releases: [(mechanism: Mechanism, count: Int)], rows: Int = 1) throws {
        self.rows = rows
        guard (1...Accountant.maxRows).contains(rows) else {
            throw Failure(.argument, "rows: must be from 1 to \(Accountant.maxRows)")
        }
        let n = Double(rows)
        for (m, count) in releases {
            var checked = Accountant(.pld, rows: rows)
            try checked.compose(m, count: count)
            if count == 0 || m.isNothing { continue }
            guard m.noise != 0 else { throw Failure(.unsupported, "a release without noise has no finite price") }
            switch m {
            case .gaussian(let q, let noise) where q == 1:
                gaussian.compose(noise: noise.nextDown, rows: rows, count: count)
            case .jointDiscreteGaussian(let noise, let sensitivity): discrete(noise, noise * sensitivity, count)
            case .discreteGaussian(let s, let move) where s > DiscreteGaussianPair.widest:
                discrete(s / Double(move), s, count)
            case .zeroConcentrated(let rho): concentrated += Double(count) * rho * n * n * (1 + 0x1p-50)
            case .selection(let d):
                selection += Double(count) * d
                shift -= Double(count) * log1p(-d)
            default:
                if let i = others.firstIndex(where: { $0.mechanism == m }) {
                    others[i].count += count
                } else {
                    others.append((m, count))
                }
            }
        }
        guard others.count < LossComposition.maxPairs - 2 else {
            throw Failure(.unsupported, "too many different releases")
        }
        (selection, shift) = (selection * (1 + 0x1p-40), shift * (1 + 0x1p-40))
    }

    private mutating func discrete(_ noise: Double, _ s: Double, _ count: Int) {
        let excess = GaussianPrivacy.discreteExcess(standardDeviation: s)
        guard excess < 0.1 else {
            let m = Double(rows) / noise
            return concentrated += Double(count) * 0.5 * m * m * (1 + 0x1p-48)
        }
        gaussian.compose(noise: noise / (1 + excess) * (1 - 0x1p-50), rows: rows, count: count)
        // A joint release has at most 2²⁰ tables, a person at most 1024 rows.
        beyond += Double(count) * GaussianPrivacy.beyond * 0x1p20 * Double(rows)
    }

    /// Whether the closed form says it all.
    package var isGaussian: Bool { others.isEmpty && concentrated == 0 }

    /// Least ε ≥ 0 at `delta` in (0, 1), for the worse of both directions; ∞ where the numbers do not allow one.
    package func epsilon(delta: Double) throws -> Double {
        let left = selection + beyond == 0 ? delta : (delta - selection - beyond).nextDown
        guard delta < 1, left > 0 else { return .infinity }
        var e = isGaussian ? gaussian.epsilon(delta: left) : 0
        if !isGaussian {
            for removing in [true, false] {
                e = max(e, try composition(removing: removing)?.epsilon(delta: left) ?? .infinity)
            }
        }
        return shift == 0 ? e : (e + shift) * (1 + 0x1p-50)
    }

    /// Least δ at `epsilon` ≥ 0, at most 1, for the worse of both directions.
    package func delta(epsilon: Double) throws -> Double {
        let e = shift == 0 ? epsilon : (epsilon - shift).nextDown
        guard e >= 0 else { return 1 }
        var d = isGaussian ? gaussian.delta(epsilon: e) : 0
        if !isGaussian {
            for removing in [true, false] { d = max(d, try composition(removing: removing)?.delta(epsilon: e) ?? 1) }
        }
        return min(1, (d + selection + beyond) * (1 + 0x1p-50))
    }

    /// δ at every ε of a fine grid, in one direction, without selection: for figures that need the whole curve.
    func curve(removing: Bool) throws -> LossCurve {
        if isGaussian {
            // Supporting lines at these points are within 1e-6 of the curve.
            let m = gaussian.mu, end = m * m + 12 * m, n = 4_000
            return LossCurve(points: (0...n).map { i in
                let e = end * Double(i) / Double(n)
                return (e, min(1, gaussian.delta(epsilon: e) + beyond))
            })
        }
        guard let c = try composition(removing: removing)?.curve() else { return LossCurve(points: [(0, 1)]) }
        return beyond == 0 ? c : LossCurve(points: c.points.map { ($0.epsilon, min(1, $0.delta + beyond)) })
    }

    /// δ_sel and −log(1 − δ_sel), rounded up.
    var selectionRisk: (delta: Double, shift: Double) { (selection, shift) }

    private func composition(removing: Bool) -> LossComposition? {
        var pairs: [(pair: any LossPair, count: Int)] = []
        let n = Double(rows)
        if gaussian.square > 0 {
            pairs.append((GaussianPair(rate: 1, sigma: (1 / gaussian.mu).nextDown, rows: 1, removing: removing), 1))
        }
        for (m, count) in others {
            switch m {
            case .gaussian(let q, let noise):
                pairs.append((GaussianPair(rate: q, sigma: noise, rows: rows, removing: removing), count))
            case .discreteGaussian(let s, let move):
                pairs.append((DiscreteGaussianPair(standardDeviation: s, shift: move * rows), count))
            case .laplace(let noise): pairs.append((LaplacePair(scale: noise / n), count))
            case .pure(let e): pairs.append((PurePair(epsilon: e * n), count))
            default: return nil
            }
        }
        if concentrated > ConcentratedPair.largest { return nil }
        if concentrated > 0 { pairs.append((ConcentratedPair(rho: concentrated), 1)) }
        return LossComposition(pairs: pairs)
    }
}

/// Points (ε_i, δ_i) with δ(ε_i) ≤ δ_i, ε_i ≥ 0 ascending, of one direction.
struct LossCurve: Sendable {
    let points: [(epsilon: Double, delta: Double)]

    /// Upper bound on P(S) where Q(S) ≤ a: the least of δ_i + a e^{ε_i}.
    func power(_ a: Double) -> Double { points.reduce(1) { min($0, $1.delta + a * exp($1.epsilon)) } }

    /// Upper bound on Q(S) where P(S) ≤ a, from P(Sᶜ) ≥ 1 − a: the least of 1 − e^{−ε_i} (1 − a − δ_i).
    func reversePower(_ a: Double) -> Double { points.reduce(1) { min($0, 1 - exp(-$1.epsilon) * (1 - a - $1.delta)) } }
}
