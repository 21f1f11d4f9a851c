// The releases of a ledger as an accountant takes them.

import Basics

extension Accountant {
    /// Adds a release as a row of group g (its place in the ledger) meets it, or a person of `rows` rows.
    ///
    /// Releases that draw everybody are added as (1/2σ²)-zCDP: histograms and marginals have discrete Gaussian noise, which is that at every order (arXiv
    /// 2004.00010v4, theorem 14), while the loss distribution of a Gaussian does not stand for it. Sampled ones are Gaussian sums rounded to a public grid.
    /// - Throws: `.argument` when there is no such group.
    package mutating func compose(_ release: Ledger.Release, group g: Int) throws {
        if let rho = release.rho { return try compose(.zeroConcentrated(rho: rho), count: release.count) }
        if let delta = release.selection { return try compose(.selection(delta: delta), count: release.count) }
        guard release.groups.indices.contains(g) else { throw Failure(.argument, "group: not in the ledger") }
        // Rows of one person may be of any groups.
        let shares = rows == 1 ? [release.groups[g]] : release.groups
        try compose(.of(rate: shares.map(\.samplingRate).max() ?? 1, noise: shares.map(\.noiseMultiplier).min() ?? 0), count: release.count)
    }
}

extension Mechanism {
    /// A Gaussian sum of a ledger or a plan, continuous or discrete.
    package static func of(rate: Double, noise: Double) -> Mechanism {
        // Norms that are equal in exact arithmetic may differ in their last bits by what noisy counts they were computed from.
        let noise = noise * (1 - 0x1p-44)
        return rate >= 1 && noise > 0 ? .zeroConcentrated(rho: 0.5 / noise / noise * (1 + 0x1p-50)) : .gaussian(rate: rate, noise: noise)
    }
}
