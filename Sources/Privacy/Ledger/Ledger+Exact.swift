// Exact prices and figures of risk of a ledger's releases.

import Basics
import Glibc

extension Ledger {
    /// What a ledger's ε are computed by.
    package enum Accounting: String, Sendable, CaseIterable {
        /// Divergences at the one order α*, whatever the parameters follow from.
        case renyi
        /// Exact composition of constants of the plan.
        case exact
        /// Exact composition of Gaussian releases of all rows, whatever their noise follows from.
        case gaussian
    }

    package var accountant: Accounting { constants == nil ? budget.accountant : .exact }

    /// Exact composition of what was released so far, for a row of group g (its place) or a person. A bound only where
    /// all parameters are constants.
    /// - Throws: as `ExactComposition.init`.
    package func exactComposition(group g: Int) throws -> ExactComposition {
        try exactComposition(releases, group: g)
    }

    private func exactComposition(_ releases: [Release], group g: Int) throws -> ExactComposition {
        try ExactComposition(releases.map { ($0.exactMechanism(group: g, rows: budget.multiplicity), $0.count) },
            rows: budget.multiplicity)
    }

    /// Exact ε of every group at δ; ∞ where the releases have no exact price.
    var exactEpsilons: [Double] {
        let rows = budget.multiplicity
        return (try? Self.mapMechanisms(releases, groups: groups.count, rows: rows) {
            try PriceMemory.epsilon($0, rows: rows, delta: delta)
        }) ?? groups.map { _ in .infinity }
    }

    /// Figures of risk of what was released so far, for a row of each group, or a person: exact where all parameters
    /// are constants or all releases Gaussian, else from the divergences at α*. A schema that was estimated from the
    /// rows counts too.
    /// - Throws: as `ExactComposition.init`.
    package func risk() throws -> LedgerRisk {
        let rows = budget.multiplicity
        guard accountant == .renyi else {
            return LedgerRisk(groups: groups, figures: try Self.mapMechanisms(releasesTogether, groups: groups.count,
                rows: rows) { try PriceMemory.risk($0, rows: rows) })
        }
        var known: [(rdp: Double, figures: RiskFigures)] = []
        return LedgerRisk(groups: groups, figures: groups.indices.map { g in
            let rdp = spentTogether(group: g)
            if let same = known.first(where: { $0.rdp == rdp }) { return same.figures }
            known.append((rdp, PriceMemory.risk(rdp: rdp, order: order, selection: selectionTogether)))
            return known[known.count - 1].figures
        })
    }

    /// The trade-off curve of the group that pays most, or of one group.
    /// - Throws: `.argument` for an unknown group; as `ExactComposition.init`.
    package func tradeOff(group name: String? = nil) throws -> TradeOff {
        let epsilons = self.epsilons
        guard let g = name.map({ groups.firstIndex(of: $0) })
            ?? groups.indices.max(by: { epsilons[$0] < epsilons[$1] }) else {
            throw Failure(.argument, "group: not in the ledger")
        }
        if accountant != .renyi { return try TradeOff(exactComposition(releasesTogether, group: g)) }
        return TradeOff(rdp: spentTogether(group: g), order: order, selection: selectionTogether)
    }

    /// Divergence at α* of these releases and of the estimate of the schema.
    private func spentTogether(group g: Int) -> Double {
        spent(group: g) + (domainRelease.map { domainCost($0) * (1 + 0x1p-51) } ?? 0)
    }

    /// These releases and the estimate of the schema.
    private var releasesTogether: [Release] {
        guard let d = domainRelease else { return releases }
        let noise = Release(name: "domain", groups: groups.map {
            Share(group: $0, samplingRate: 1, noiseMultiplier: d.noiseMultiplier)
        }, sensitivity: d.sensitivity)
        return releases + [noise] + (d.selection > 0 ? [Release(name: "domain", selection: d.selection)] : [])
    }
    private var selectionTogether: Double { selection + (domainRelease?.selection ?? 0) }

    /// `body` of the releases as every group meets them: computed once for groups with equal shares, and once for
    /// persons, whose rows may be of any groups.
    static func mapMechanisms<R>(_ releases: [Release], groups: Int, rows: Int,
        _ body: ([(mechanism: Privacy.Mechanism, count: Int)]) throws -> R) rethrows -> [R] {
        var known: [[Privacy.Mechanism]: R] = [:]
        return try (0..<groups).map { g in
            let own = releases.map { $0.exactMechanism(group: g, rows: rows) }
            if let same = known[own] { return same }
            let r = try body(Array(zip(own, releases.map(\.count))))
            known[own] = r
            return r
        }
    }
}

extension Budget {
    /// What ε are computed by where the filter keeps the promise.
    package var accountant: Ledger.Accounting { filter == .gaussian ? .gaussian : .renyi }
}

/// Figures of risk of a ledger: of each group, and of the whole table, which is the largest of each figure.
package struct LedgerRisk: Sendable, Equatable {
    package let groups: [String]
    /// In the order of `groups`.
    package let figures: [RiskFigures]

    /// For a row of any group, also for somebody whose group the attacker wants to learn.
    package var whole: RiskFigures { .largest(of: figures) }

    /// {"whole": …, "groups": {name: …}}, each as `RiskFigures.json`.
    package var json: JSON {
        .object(JSONObject([("whole", whole.json),
                            ("groups", .object(JSONObject(zip(groups, figures).map { ($0, $1.json) })))]))
    }
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
