// Prices a list of releases, by Rényi divergences or by privacy-loss distributions.
// Numbers in, numbers out: nothing here knows of rows. A training's own filter is Budget.swift.

import Basics
import Glibc

/// One release, as neighbours that differ in one row see it.
package enum Mechanism: Sendable, Hashable {
    /// A Gaussian sum over a Poisson sample: rate in [0, 1]; noise in norms of a row, ≥ 0.
    case gaussian(rate: Double, noise: Double)
    /// Laplace noise: its scale over the L1 norm that a row can add, ≥ 0.
    case laplace(noise: Double)
    /// Discrete Gaussian noise on a whole number: its standard deviation, ≥ 0, and the most a row moves the number, ≥
    /// 1. Not sampled.
    case discreteGaussian(standardDeviation: Double, shift: Int)
    /// Discrete Gaussian noise on whole numbers that a row moves together: standard deviation over the L2 sensitivity,
    /// ≥ 0, and that sensitivity in steps, ≥ 1. Histograms and marginals. Not sampled.
    case jointDiscreteGaussian(noise: Double, sensitivity: Double)
    /// (ε, 0)-private, ε ≥ 0.
    case pure(epsilon: Double)
    /// ρ-zCDP, ρ ≥ 0.
    case zeroConcentrated(rho: Double)
    /// With probability δ at most, something shows that one row, or person, alone holds; whatever that is. For all rows
    /// of a person together.
    case selection(delta: Double)

    /// This mechanism with its noise multiplied by s; what has no noise stays.
    package func scaled(_ s: Double) -> Mechanism {
        switch self {
        case .gaussian(let q, let noise): .gaussian(rate: q, noise: noise * s)
        case .laplace(let noise): .laplace(noise: noise * s)
        case .discreteGaussian(let d, let shift): .discreteGaussian(standardDeviation: d * s, shift: shift)
        case .jointDiscreteGaussian(let noise, let sensitivity):
            .jointDiscreteGaussian(noise: noise * s, sensitivity: sensitivity)
        case .pure, .zeroConcentrated, .selection: self
        }
    }

    /// Rényi divergence of order α between tables that differ by up to `rows` rows; δ_sel apart.
    func divergence(order: Int, rows k: Int) -> Double {
        let a = Double(order), n = Double(k)
        switch self {
        case .gaussian(let q, let noise):
            return q == 0 ? 0 : rdpSubsampledGaussian(q: q, sigma: noise, order: order, rows: k)
        case .laplace(let noise): return rdpLaplace(scale: noise / n, order: a)
        case .discreteGaussian(let d, let shift):
            return rdpDiscreteGaussian(standardDeviation: d, shift: shift * k, order: a)
        case .jointDiscreteGaussian(let noise, _):
            let r = n / noise.nextDown
            return rdpZeroConcentrated(rho: 0.5 * r * r * (1 + 0x1p-50), order: order)
        case .pure(let e): return e == 0 ? 0 : rdpPure(epsilon: e * n, order: a)
        case .zeroConcentrated(let rho): return rho == 0 ? 0 : rdpZeroConcentrated(rho: rho, order: order, rows: k)
        case .selection: return 0
        }
    }

    var isNothing: Bool {
        switch self {
        case .gaussian(let q, _): q == 0
        case .pure(let e): e == 0
        case .zeroConcentrated(let rho): rho == 0
        case .selection(let d): d == 0
        default: false
        }
    }
    /// What a factor on the noise multiplies; nil: nothing.
    var noise: Double? {
        switch self {
        case .gaussian(_, let noise), .laplace(let noise), .discreteGaussian(let noise, _),
            .jointDiscreteGaussian(let noise, _):
            noise
        default: nil
        }
    }
}

/// Composes releases and answers ε and δ. A value; equal releases are one entry.
///
/// # Guarantee
/// For releases whose parameters are constants, fixed before any row was read: an upper bound on ε at δ, and on δ at ε,
/// for neighbours that differ by adding or removing up to `rows` rows. Where parameters follow from released values
/// only `.renyi` with one order fixed in advance is a bound: `order`. Falsifiers: AccountantTests,
/// LossCompositionTests, RenyiAccountantTests.
package struct Accountant: Sendable {
    package enum Kind: String, Sendable, CaseIterable { case renyi, pld }
    package let kind: Kind
    /// Rows that neighbours differ by, 1 … 1024.
    package var rows: Int
    /// The one order that may be asked; nil: all of them.
    package let order: Int?
    package private(set) var entries: [(mechanism: Mechanism, count: Int)] = []
    /// Releases of a ledger for a row or person of any group, whichever pays most: priced when a figure is asked for
    /// (Accountant+Ledger.swift).
    var ofAnyGroup: [Ledger.Release] = []
    private var infinite = false

    package static let maxRows = 1024, maxReleases = 1 << 53
    /// Different entries of one accountant.
    package static let maxEntries = 10_000

    package init(_ kind: Kind = .renyi, rows: Int = 1, order: Int? = nil) {
        (self.kind, self.rows, self.order) = (kind, rows, order)
    }

    /// - Throws: `.argument` for parameters out of range or too many releases; nothing is added then.
    package mutating func compose(_ m: Mechanism, count: Int = 1) throws {
        guard count >= 0, count <= Self.maxReleases else { throw Failure(.argument, "count: must be from 0 to 2^53") }
        switch m {
        case .gaussian(let q, let noise):
            guard q >= 0, q <= 1 else { throw Failure(.argument, "sampling_rate: must be from 0 to 1") }
            try Self.check(noise, "noise_multiplier")
        case .laplace(let noise): try Self.check(noise, "noise_multiplier")
        case .discreteGaussian(let d, let shift):
            try Self.check(d, "deviation")
            guard shift >= 1, shift <= 1 << 40 else { throw Failure(.argument, "sensitivity: must be from 1 to 2^40") }
        case .jointDiscreteGaussian(let noise, let sensitivity):
            try Self.check(noise, "noise_multiplier")
            guard sensitivity >= 1, sensitivity <= 0x1p40 else {
                throw Failure(.argument, "sensitivity: must be from 1 to 2^40")
            }
        case .pure(let e): try Self.check(e, "epsilon")
        case .zeroConcentrated(let rho): try Self.check(rho, "rho")
        case .selection(let d):
            guard d >= 0, d < 1 else { throw Failure(.argument, "delta: must be 0 or more, and below 1") }
        }
        if count == 0 || m.isNothing { return }
        if m.noise == 0 { infinite = true; return }
        if let i = entries.firstIndex(where: { $0.mechanism == m }) {
            let (sum, overflow) = entries[i].count.addingReportingOverflow(count)
            guard !overflow, sum <= Self.maxReleases else { throw Failure(.argument, "count: must be from 0 to 2^53") }
            entries[i].count = sum
        } else {
            guard entries.count < Self.maxEntries else {
                throw Failure(.argument, "an accountant holds \(Self.maxEntries) different releases at most")
            }
            entries.append((m, count))
        }
    }

    /// Every figure from now on is "nothing is promised".
    mutating func giveUp() { infinite = true }

    private static func check(_ x: Double, _ name: String) throws {
        guard x >= 0, x.isFinite else { throw Failure(.argument, "\(name): must be 0 or more, and finite") }
    }

    /// Σ δ_sel and −Σ log(1 − δ_sel), rounded up.
    private var selection: (delta: Double, shift: Double) {
        var d = 0.0, s = 0.0
        for case (.selection(let x), let count) in entries { d += Double(count) * x; s -= Double(count) * log1p(-x) }
        return (d * (1 + 0x1p-40), s * (1 + 0x1p-40))
    }

    /// Divergence at one of the orders, nats.
    package func divergence(order: Int) -> Double {
        ofAnyGroup.isEmpty ? ownDivergence(order: order) : byGroup.reduce(0) { max($0, $1.ownDivergence(order: order)) }
    }

    private func ownDivergence(order: Int) -> Double {
        if infinite { return .infinity }
        return entries.reduce(0) { $0 + Double($1.count) * $1.mechanism.divergence(order: order, rows: rows) } * (1
            + 0x1p-52 * Double(entries.count))
    }

    /// Least ε at `delta` in (0, 1), nats; ∞ where there is none.
    package func epsilon(delta: Double) throws -> Double {
        guard ofAnyGroup.isEmpty else { return try byGroup.reduce(0) { try max($0, $1.epsilon(delta: delta)) } }
        guard delta > 0, delta < 1, !infinite else { return .infinity }
        let s = selection, left = s.delta == 0 ? delta : (delta - s.delta).nextDown
        guard left > 0 else { return .infinity }
        var e = orders.reduce(Double.infinity) {
            min($0, RenyiAccountant.epsilon(rdp: divergence(order: $1), order: $1, delta: left))
        }
        if s.shift > 0 { e = (e + s.shift) * (1 + 0x1p-50) }
        return kind == .pld ? min(e, (try? exact().epsilon(delta: delta)) ?? .infinity) : e
    }

    /// Least δ at `epsilon` ≥ 0, at most 1.
    package func delta(epsilon: Double) throws -> Double {
        guard ofAnyGroup.isEmpty else { return try byGroup.reduce(0) { try max($0, $1.delta(epsilon: epsilon)) } }
        guard epsilon >= 0, !infinite else { return 1 }
        guard !entries.isEmpty else { return 0 }
        let s = selection, e = s.shift == 0 ? epsilon : (epsilon - s.shift).nextDown
        guard e >= 0 else { return 1 }
        var d = orders.reduce(1.0) { min($0, RenyiAccountant.delta(rdp: divergence(order: $1), order: $1, epsilon: e)) }
        if s.delta > 0 { d = min(1, (d + s.delta) * (1 + 0x1p-50)) }
        return kind == .pld && e.isFinite ? min(d, (try? exact().delta(epsilon: epsilon)) ?? 1) : min(1, d)
    }

    /// By privacy-loss distributions: a bound where all parameters are constants.
    private func exact() throws -> ExactComposition { try ExactComposition(entries, rows: rows) }

    private var orders: [Int] { order.map { [$0] } ?? RenyiAccountant.orders }
}
