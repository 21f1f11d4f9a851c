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
        let most = try Self.epsilon(releases, groups: groups, rows: rows, delta: delta)
        guard most <= epsilon else { throw Failure(.budget, "the plan's releases cost more than its epsilon") }
        (self.releases, self.groups, self.rows, self.epsilon, self.delta) = (releases, groups, rows, most, delta)
    }

    /// Exact ε at δ of the group that pays most.
    /// - Parameter selection: δ_sel that thresholded histograms may use beside the list.
    /// - Throws: `.argument`, `.unsupported` for what cannot be priced.
    package static func epsilon(_ releases: [Ledger.Release], groups: [String], rows: Int, selection: Double = 0,
        delta: Double) throws -> Double {
        let all = releases + (selection > 0 ? [Ledger.Release(name: "selection", selection: selection)] : [])
        return try Ledger.mapMechanisms(all, groups: groups.count, rows: rows) {
            try PriceMemory.epsilon($0, rows: rows, delta: delta)
        }.reduce(0, max)
    }

    /// The least factor on all noise with which the releases meet (ε, δ) for every group; a little more, never less.
    /// - Throws: as `ExactCalibration.leastFactor`.
    package static func leastFactor(_ releases: [Ledger.Release], groups: [String], rows: Int, epsilon: Double,
        delta: Double) throws -> Double {
        try Ledger.mapMechanisms(releases, groups: groups.count, rows: rows) {
            try PriceMemory.leastFactor($0, rows: rows, epsilon: epsilon, delta: delta)
        }.reduce(0, max)
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
