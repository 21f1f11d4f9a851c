// The list of a plan whose releases are all constants, priced exactly: what its ledger admits.

import Basics
import Glibc

/// Releases whose rates, noise and counts were fixed before any row was read.
///
/// # Guarantee
/// All releases of the list, in any order, each of what it is computed from chosen after earlier ones were seen, and
/// any part of them, are (ε, δ)-private for neighbours that differ by up to `rows` rows of any groups: `epsilon` is an
/// upper bound by `ExactComposition`, and `admits` lets nothing else pass. A parameter that follows from a released
/// value is no constant; a list cannot know where its numbers come from, so whoever makes one vouches for that. Proof
/// in docs/PRIVACY.md, section 15; falsifiers: ConstantReleasesTests (mutants: noise of another share, a constant that
/// was not one).
package struct ConstantReleases: Sendable, Equatable {
    package let releases: [Ledger.Release]
    package let groups: [String]
    package let rows: Int
    /// Exact price of the whole list for the group that pays most, at most the promise.
    package let epsilon: Double
    package let delta: Double

    /// - Parameters:
    ///   - releases: Gaussian ones with a share for each group; those of discrete noise with the least sensitivity that
    ///     they may have.
    ///   - rows: rows that neighbours differ by, 1 … 1024.
    ///   - epsilon, delta: the promise.
    /// - Throws: `.budget` when the list costs more; `.argument`, `.unsupported` for what cannot be priced.
    package init(_ releases: [Ledger.Release], groups: [String], rows: Int, epsilon: Double, delta: Double) throws {
        guard releases.allSatisfy({ $0.groups.isEmpty || $0.groups.map(\.group) == groups }) else {
            throw Failure(.argument, "constants: a release is of other groups")
        }
        var most = 0.0
        for c in try Ledger.compositions(releases, groups: groups.count, rows: rows) {
            most = max(most, try c.epsilon(delta: delta))
        }
        guard most <= epsilon else { throw Failure(.budget, "the plan's releases cost more than its epsilon") }
        (self.releases, self.groups, self.rows, self.epsilon, self.delta) = (releases, groups, rows, most, delta)
    }

    /// Whether these releases are on the list, each no more often than there.
    package func admits(_ done: [Ledger.Release]) -> Bool {
        var left = releases.map(\.count)
        for r in done {
            var count = r.count
            for i in releases.indices where count > 0 && covers(releases[i], r) {
                let taken = min(count, left[i])
                left[i] -= taken
                count -= taken
            }
            guard count == 0 else { return false }
        }
        return true
    }

    /// Whether `r` is what was planned: the same mechanism, on a grid that is no coarser beside its noise.
    private func covers(_ planned: Ledger.Release, _ r: Ledger.Release) -> Bool {
        guard planned.name == r.name else { return false }
        guard case .gaussian(let shares, let least?) = planned.mechanism,
            case .gaussian(shares, let own?) = r.mechanism, own > least else {
            return planned.mechanism == r.mechanism
        }
        func excess(_ s: Double) -> Double { GaussianPrivacy.discreteExcess(standardDeviation: s) }
        return shares.allSatisfy { excess($0.noiseMultiplier * own) <= excess($0.noiseMultiplier * least) }
    }
}

extension Ledger {
    /// Exact composition of what was released so far, for a row of group g (its place) or a person. A bound only where
    /// all parameters are constants.
    /// - Throws: as `ExactComposition.init`.
    package func exactComposition(group g: Int) throws -> ExactComposition {
        try ExactComposition(releases.map { ($0.exactMechanism(group: g, rows: budget.multiplicity), $0.count) },
            rows: budget.multiplicity)
    }

    /// Figures of risk of what was released so far, for a row of group g or a person: exact where all parameters are
    /// constants, else from the divergence at α*.
    package func risk(group g: Int) throws -> RiskFigures {
        guard constants == nil else { return try RiskFigures(exactComposition(group: g)) }
        return RiskFigures(rdp: spent(group: g), order: order, selection: selection)
    }

    /// One composition for each different list of shares; for persons one alone.
    fileprivate static func compositions(_ releases: [Release], groups: Int, rows: Int) throws -> [ExactComposition] {
        var lists: [[Accounting]] = []
        for g in 0..<(rows == 1 ? max(groups, 1) : 1) {
            let list = releases.map { Accounting(mechanism: $0.exactMechanism(group: g, rows: rows), count: $0.count) }
            if !lists.contains(list) { lists.append(list) }
        }
        return try lists.map { try ExactComposition($0.map { ($0.mechanism, $0.count) }, rows: rows) }
    }

    private struct Accounting: Equatable { let mechanism: Privacy.Mechanism, count: Int }
}

extension Ledger.Release {
    /// Itself as an accountant takes it, with Gaussian noise as what it is, discrete or continuous.
    func exactMechanism(group g: Int, rows: Int) -> Privacy.Mechanism {
        switch mechanism {
        case .zeroConcentrated(let rho): return .zeroConcentrated(rho: rho)
        case .selection(let delta): return .selection(delta: delta)
        case .gaussian(let shares, let sensitivity):
            let all = rows == 1 && shares.indices.contains(g) ? [shares[g]] : shares
            // Norms that are equal in exact arithmetic may differ in their last bits.
            let q = all.map(\.samplingRate).max() ?? 1, noise = (all.map(\.noiseMultiplier).min() ?? 0) * (1 - 0x1p-44)
            return sensitivity.map { .jointDiscreteGaussian(noise: noise, sensitivity: $0) }
                ?? .gaussian(rate: q, noise: noise)
        }
    }
}
