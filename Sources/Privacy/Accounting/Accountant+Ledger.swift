// Composes the releases of a ledger in an accountant, for one group or for any.

import Basics

extension Accountant {
    /// Adds a release as a row of group g (its place in the ledger) meets it, or a person of `rows` rows, whose rows
    /// may be of any groups.
    ///
    /// Releases that draw everybody have discrete Gaussian noise, and are added as that where the ledger holds their
    /// sensitivity, else as (1/2σ²)-zCDP, which such noise is at every order (arXiv 2004.00010v4, theorem 14) while
    /// the loss distribution of a Gaussian does not stand for it. Sampled ones are Gaussian sums rounded to a public
    /// grid.
    /// - Parameter group: nil for any group. For one row every figure is then that of the group that pays most for it.
    ///   For k rows, now or when `rows` is set later, it is that of k rows at the largest rate and the least noise of
    ///   all groups: the price of each of k rows is increasing in its rate and falling in its noise, so nobody pays
    ///   more, however the k rows lie in groups (docs/PRIVACY.md, section 8).
    /// - Throws: `.argument` when there is no such group.
    package mutating func compose(_ release: Ledger.Release, group: Int?) throws {
        if let rho = release.rho { return try compose(.zeroConcentrated(rho: rho), count: release.count) }
        if let delta = release.selection { return try compose(.selection(delta: delta), count: release.count) }
        guard let g = group else {
            guard !release.groups.isEmpty, ofAnyGroup.allSatisfy({ $0.groups.count == release.groups.count }) else {
                throw Failure(.argument, "group: the releases are of different ledgers")
            }
            // What cannot be priced is refused now, not when a figure is asked for.
            for share in Set(release.groups) {
                var probe = Accountant(kind, rows: rows)
                try probe.compose(share.mechanism(release.sensitivity), count: release.count)
            }
            return ofAnyGroup.append(release)
        }
        guard release.groups.indices.contains(g) else { throw Failure(.argument, "group: not in the ledger") }
        let share = rows == 1 ? release.groups[g] : release.dearestShare
        try compose(share.mechanism(release.sensitivity), count: release.count)
    }

    /// The accountants of which the largest figure is that of any group: one for each different list of rates and
    /// noises, one alone for several rows.
    var byGroup: [Accountant] {
        var own = self
        own.ofAnyGroup = []
        guard let first = ofAnyGroup.first else { return [own] }
        var lists = Set<[Ledger.Share]>()
        if rows > 1 { lists.insert(ofAnyGroup.map(\.dearestShare)) }
        else { for g in first.groups.indices { lists.insert(ofAnyGroup.map { $0.groups[g].nameless }) } }
        return lists.map { shares in
            var a = own
            // They were composed once already, so nothing is thrown but for too many of them: then nothing is known.
            do {
                for (share, release) in zip(shares, ofAnyGroup) {
                    try a.compose(share.mechanism(release.sensitivity), count: release.count)
                }
            }
            catch { a.giveUp() }
            return a
        }
    }
}

extension Ledger.Share {
    fileprivate func mechanism(_ sensitivity: Double?) -> Mechanism {
        .of(rate: samplingRate, noise: noiseMultiplier, sensitivity: sensitivity)
    }
    fileprivate var nameless: Ledger.Share {
        .init(group: "", samplingRate: samplingRate, noiseMultiplier: noiseMultiplier)
    }
}

extension Ledger.Release {
    /// The largest rate and the least noise of all groups.
    fileprivate var dearestShare: Ledger.Share {
        .init(group: "", samplingRate: groups.map(\.samplingRate).max() ?? 1,
            noiseMultiplier: groups.map(\.noiseMultiplier).min() ?? 0)
    }
}

extension Mechanism {
    /// A Gaussian sum of a ledger or a plan, continuous or discrete.
    /// - Parameter sensitivity: of discrete noise where it is known, L2 norm in steps.
    package static func of(rate: Double, noise: Double, sensitivity: Double? = nil) -> Mechanism {
        // Norms that are equal in exact arithmetic may differ in their last bits by what noisy counts they were
        // computed from.
        let noise = noise * (1 - 0x1p-44)
        if let sensitivity { return .jointDiscreteGaussian(noise: noise, sensitivity: sensitivity) }
        return rate >= 1 && noise > 0 ? .zeroConcentrated(rho: 0.5 / noise / noise * (1 + 0x1p-50))
            : .gaussian(rate: rate, noise: noise)
    }
}
