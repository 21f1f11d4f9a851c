// The append-only list of releases from which every privacy figure is computed.
// A value type: a copy can be charged ahead and written to disk before the door draws anything. Its JSON form is in
// Ledger+JSON.swift.

import Basics
import Glibc

package struct Ledger: Sendable, Equatable {
    /// One group's part in a release.
    package struct Share: Sendable, Hashable {
        package let group: String
        /// Probability that a row of the group took part, in [0, 1].
        package let samplingRate: Double
        /// Standard deviation of the noise over the L2 norm that one row of the group can add; above 0.
        package let noiseMultiplier: Double
        package init(group: String, samplingRate: Double, noiseMultiplier: Double) {
            (self.group, self.samplingRate, self.noiseMultiplier) = (group, samplingRate, noiseMultiplier)
        }
    }
    /// `count` equal mechanisms, each with randomness of its own.
    package struct Release: Sendable, Equatable {
        package enum Mechanism: Sendable, Equatable {
            /// Poisson-sampled Gaussian sums: one share for each group of the ledger, in its order.
            /// - sensitivity: where everybody is drawn and the noise is discrete, the L2 norm in whole steps that a row
            ///   moves; else nil.
            case gaussian([Share], sensitivity: Double?)
            /// Zero-concentrated privacy, for a row of any group: divergence ρ α at every order α (Bun and Steinke
            /// 2016, arXiv 1605.02065). Above 0.
            case zeroConcentrated(rho: Double)
            /// δ_sel of a thresholded histogram: probability that something shows which one row, or person, alone
            /// holds. Its noise is a release of its own.
            case selection(delta: Double)
        }
        package let name: String
        package let count: Int
        package let mechanism: Mechanism

        package init(name: String, count: Int = 1, mechanism: Mechanism) {
            (self.name, self.count, self.mechanism) = (name, count, mechanism)
        }
        package init(name: String, count: Int = 1, groups: [Share], sensitivity: Double? = nil) {
            self.init(name: name, count: count, mechanism: .gaussian(groups, sensitivity: sensitivity))
        }
        package init(name: String, count: Int = 1, rho: Double) {
            self.init(name: name, count: count, mechanism: .zeroConcentrated(rho: rho))
        }
        package init(name: String, selection: Double) { self.init(name: name, mechanism: .selection(delta: selection)) }

        /// The shares of a Gaussian sum; none for other mechanisms.
        package var groups: [Share] { if case .gaussian(let shares, _) = mechanism { shares } else { [] } }
        package var sensitivity: Double? { if case .gaussian(_, let c) = mechanism { c } else { nil } }
        package var rho: Double? { if case .zeroConcentrated(let rho) = mechanism { rho } else { nil } }
        package var isGaussian: Bool {
            if case .gaussian(let shares, _) = mechanism { shares.allSatisfy { $0.samplingRate == 1 } } else { false }
        }
        package var selection: Double? { if case .selection(let delta) = mechanism { delta } else { nil } }

        /// This mechanism, `count` times.
        package func times(_ count: Int) -> Release { Release(name: name, count: count, mechanism: mechanism) }

        /// Divergence of all of them for a row of group g (its place in the ledger), nats, or for a person of `rows`
        /// rows, whose rows may be of any groups: then the highest rate and the least noise count. ∞ when there is no
        /// such group.
        package func divergence(group g: Int, order: Int, rows: Int) -> Double {
            switch mechanism {
            case .zeroConcentrated(let rho):
                return Double(count) * rdpZeroConcentrated(rho: rho, order: order, rows: rows)
            case .selection: return 0
            case .gaussian:
                guard let own = share(group: g, rows: rows) else { return .infinity }
                return Double(count) * rdpSubsampledGaussian(q: own.rate, sigma: own.noise, order: order, rows: rows)
            }
        }

        /// What one of them costs a row, or a person, of group g under a budget; ∞ where its filter does not allow it.
        func unit(group g: Int, _ budget: Budget) -> Double {
            switch mechanism {
            case .zeroConcentrated(let rho): return budget.cost(rho: rho)
            case .selection: return 0
            case .gaussian(_, let sensitivity):
                guard let own = share(group: g, rows: budget.multiplicity) else { return .infinity }
                return budget.cost(rate: own.rate, noise: own.noise, sensitivity: sensitivity)
            }
        }

        private func share(group g: Int, rows: Int) -> (rate: Double, noise: Double)? {
            guard groups.indices.contains(g) else { return nil }
            if rows == 1 { return (groups[g].samplingRate, groups[g].noiseMultiplier) }
            return (groups.map(\.samplingRate).max() ?? 1, groups.map(\.noiseMultiplier).min() ?? 0)
        }
        func isSame(_ r: Release) -> Bool { name == r.name && mechanism == r.mechanism }
    }

    /// The run of the same shared budget in which bounds and levels of this training's schema were bought. That run is
    /// charged for them, and not this one; whoever sees the schema and what was trained has the ε of both.
    package struct DomainRelease: Sendable, Equatable {
        package let run: String
        package let noiseMultiplier: Double
        /// Of its discrete noise, in whole steps; nil in older files.
        package let sensitivity: Double?
        /// Its δ_sel; 0 where no levels were bought.
        package let selection: Double

        /// - Returns: nil where the run bought no domain.
        package init?(_ run: Account.Run) {
            guard run.kind == .domain, let first = run.ledger.releases.first,
                  let sigma = first.groups.first?.noiseMultiplier else { return nil }
            self.init(run: run.id, noiseMultiplier: sigma,
                      sensitivity: run.ledger.budget.filter == .gaussian ? first.sensitivity : nil,
                      selection: run.ledger.selection)
        }

        init(run: String, noiseMultiplier: Double, sensitivity: Double? = nil, selection: Double) {
            (self.run, self.noiseMultiplier, self.selection) = (run, noiseMultiplier, selection)
            self.sensitivity = sensitivity
        }
    }

    /// The promise: ε (nats) at δ, whatever is released under this ledger.
    package let target: Double, delta: Double
    /// α*, fixed before the first release.
    package let order: Int
    /// The filter that every charge must pass.
    package let budget: Budget
    /// Every declared group, whether or not anybody is in it.
    package let groups: [String]
    /// What the promise takes for granted, in words.
    package private(set) var assumptions: [String]
    package private(set) var releases: [Release] = []
    package internal(set) var domainRelease: DomainRelease?
    /// The plan's list of constants, which then is what charges are admitted by, and exact prices are figures of; nil:
    /// the filter at α*.
    package internal(set) var constants: ConstantReleases?
    /// Divergence at α* of one release of each entry, in the order of `groups`. Derived; kept so that a step does not
    /// price its past again.
    private var unit: [[Double]] = []

    /// Recorded when noise, batches or the rows' randomness come from a test seed.
    package static let notPrivate = "deterministic noise: not private"
    /// What neighbours differ by.
    package var neighbouring: String { Self.neighbouring(rows: budget.rowsPerPerson) }
    static func neighbouring(rows: Int) -> String {
        rows == 0 ? "add/remove one row" : "add/remove one person of at most \(rows) rows"
    }
    /// Counts stay where doubles are exact.
    static let maxReleases = 1 << 53

    /// An empty ledger.
    /// - Throws: `.argument` when ε, δ or the order allow nothing at all, or group names repeat or are missing.
    package init(epsilon: Double, delta: Double, order: Int, groups: [String] = ["all"],
        assumptions: [String] = []) throws {
        guard let budget = Budget(epsilon: epsilon, delta: delta, order: order) else { throw Self.nothing }
        try self.init(budget: budget, groups: groups, assumptions: assumptions)
    }

    package init(budget: Budget, groups: [String] = ["all"], assumptions: [String] = []) throws {
        guard !groups.isEmpty, Set(groups).count == groups.count else {
            throw Failure(.argument, "ledger: groups must be named, each once")
        }
        (target, delta, order, self.budget, self.groups, self.assumptions) = (budget.epsilon, budget.delta,
            budget.order, budget, groups, assumptions)
    }

    static let nothing = Failure(.argument, "ledger: epsilon, delta and order allow no release at all")

    // MARK: charging

    /// Records a release before it is drawn, or refuses it. Equal releases in a row become one entry with their count.
    ///
    /// # Guarantee
    /// After every charge each group's divergences at α* add up to at most R*, or, with `constants`, all releases are
    /// on that list, whose exact price is within (ε, δ). A refused charge changes nothing. Falsifiers: LedgerTests,
    /// BudgetTests, ConstantReleasesTests.
    /// - Throws: `.budget` when a group would end above R*; `.argument` for a release of other groups or parameters out
    ///   of range.
    package mutating func charge(_ release: Release) throws {
        switch release.mechanism {
        case .zeroConcentrated(let rho):
            guard rho > 0, rho.isFinite else { throw Failure(.argument, "ledger: rho is out of range") }
        case .selection(let delta):
            guard delta > 0, delta < 1 else { throw Failure(.argument, "ledger: a probability is out of range") }
            guard delta + selection <= budget.selection else {
                throw Failure(.budget, "the part of delta for thresholded histograms does not allow another release "
                    + quoted(release.name))
            }
        case .gaussian(let shares, let sensitivity):
            guard shares.count == groups.count, zip(shares, groups).allSatisfy({ $0.group == $1 }) else {
                throw Failure(.argument, "ledger: a release must name every group of the ledger, in its order")
            }
            guard sensitivity.map({ $0 >= 1 && $0 <= 0x1p40 && shares.allSatisfy { $0.samplingRate == 1 } })
                ?? true else {
                throw Failure(.argument, "ledger: a sensitivity of discrete noise is out of range")
            }
        }
        guard release.count >= 1, release.count <= Self.maxReleases else {
            throw Failure(.argument, "ledger: the count of a release must be at least 1")
        }
        for share in release.groups
            where !(share.samplingRate >= 0 && share.samplingRate <= 1 && share.noiseMultiplier > 0
                && share.noiseMultiplier.isFinite) {
            throw Failure(.argument, "ledger: a sampling rate or noise multiplier is out of range")
        }
        if budget.filter == .gaussian { try checkGaussian(release) }
        let last = releases.indices.last.flatMap { releases[$0].isSame(release) && release.selection == nil ? $0 : nil }
        var next = self
        if let last {
            let (count, overflow) = releases[last].count.addingReportingOverflow(release.count)
            guard !overflow, count <= Self.maxReleases else { throw Failure(.budget, "ledger: too many releases") }
            next.releases[last] = release.times(count)
        } else {
            next.releases.append(release)
            next.unit.append(groups.indices.map { release.unit(group: $0, budget) })
        }
        if let constants {
            guard constants.admits(next.releases) else {
                throw Failure(.budget, "the release \(quoted(release.name)) is not on the plan's list of constants, "
                    + "or was made as often as planned")
            }
        } else {
            for g in groups.indices where !(next.spent(group: g) <= budget.ceiling) {
                throw Failure(.budget, "the privacy budget does not allow another release \(quoted(release.name))")
            }
        }
        self = next
    }

    private func checkGaussian(_ release: Release) throws {
        guard release.isGaussian || release.selection != nil else {
            throw Failure(.argument, "the budget's filter is \"gaussian\", which adds Gaussian releases of all rows "
                + "alone: \(quoted(release.name)) is none; make a budget with the filter \"renyi\" for it")
        }
        let discrete = (releases + [release]).reduce(0) { $0 + ($1.sensitivity == nil ? 0 : Double($1.count)) }
        guard discrete <= Double(Budget.mostDiscrete) else {
            throw Failure(.budget, "the budget's filter allows \(Budget.mostDiscrete) releases with discrete noise in "
                + "one run")
        }
    }

    /// From now on charges are admitted by a list of constants that was fixed with the plan, instead of by the filter.
    /// - Throws: `.state` when what was charged already is not on the list; `.argument` when it is of another promise,
    ///   unit or other groups.
    package mutating func admit(by list: ConstantReleases) throws {
        guard list.epsilon <= target, list.delta == delta, list.rows == budget.multiplicity,
            list.groups == groups else {
            throw Failure(.argument, "ledger: the list of constants is of another promise")
        }
        guard list.admits(releases) else {
            throw Failure(.state, "ledger: what was charged is not on the list of constants")
        }
        constants = list
    }

    /// Adds an assumption unless it is there.
    package mutating func assume(_ assumption: String) {
        if !assumptions.contains(assumption) { assumptions.append(assumption) }
    }

    /// Notes where the schema was bought.
    package mutating func record(domainRelease: DomainRelease) { self.domainRelease = domainRelease }

    /// False when the noise can be predicted.
    package var isPrivate: Bool { !assumptions.contains(Self.notPrivate) }

    // MARK: figures

    /// Divergence of all releases at α*, nats. `group`: place in `groups`.
    package func spent(group g: Int) -> Double {
        var sum = 0.0
        for (release, unit) in zip(releases, unit) { sum += Double(release.count) * unit[g] }
        // Each addition may round half a unit down.
        return sum * (1 + 0x1p-52 * Double(releases.count))
    }

    /// The largest `spent` of all groups.
    package var maxSpent: Double { groups.indices.reduce(0) { max($0, spent(group: $1)) } }

    /// Σ δ_sel of all releases, rounded up.
    package var selection: Double {
        releases.reduce(0) { $0 + ($1.selection ?? 0) } * (1 + 0x1p-52 * Double(releases.count))
    }

    /// Divergence of all releases at any integer order, for checks by others; ∞ for an unknown group.
    package func rdp(_ group: String, at order: Int) -> Double {
        guard let g = groups.firstIndex(of: group) else { return .infinity }
        return releases.reduce(0) { $0 + $1.divergence(group: g, order: order, rows: budget.multiplicity) }
    }

    /// ε of every group at δ, in the order of `groups`: adding or removing a row of that group. With `constants` by
    /// exact composition, else by the budget's filter.
    ///
    /// It depends on noisy counts where rates do, and is exact given them; the promise made in advance is `target`.
    package var epsilons: [Double] {
        constants == nil ? groups.indices.map { budget.epsilon(spent: spent(group: $0)) } : exactEpsilons
    }

    /// ε of every group by the divergences at α*: always a bound, never below the exact one where there is one.
    package var renyiEpsilons: [Double] {
        groups.indices.map { g in
            budget.renyiEpsilon(spent: budget.filter == .renyi ? spent(group: g) : rdp(groups[g], at: order))
        }
    }

    /// One of `epsilons`; ∞ for an unknown group.
    package func epsilon(_ group: String) -> Double { groups.firstIndex(of: group).map { epsilons[$0] } ?? .infinity }

    /// Largest ε over all declared groups.
    package var epsilon: Double { epsilons.reduce(0, max) }

    /// A bound on `epsilon` that costs nothing to compute, for progress events. `epsilon` itself where no convolution
    /// is needed for it.
    package var quickEpsilon: Double {
        guard let constants else { return epsilon }
        let renyi = renyiEpsilons.reduce(0, max)
        return releases.allSatisfy({ $0.isGaussian }) ? epsilon : min(constants.epsilon, renyi)
    }

    /// Divergence at α* of group g (its place) when everything is spent: what `spent` is a part of. With `constants`
    /// that of the whole list, else R*.
    package func capacity(group g: Int) -> Double {
        guard let constants else { return budget.ceiling }
        return constants.releases.reduce(0) {
            $0 + $1.divergence(group: g, order: order, rows: budget.multiplicity)
        }
    }

    /// ε of the purchase of the schema alone, and of it and these releases together for the group that pays most; nil
    /// where none was bought.
    package var epsilonOfDomain: (alone: Double, together: Double)? {
        domainRelease.map {
            let own = domainCost($0)
            return (budget.epsilon(spent: own), budget.epsilon(spent: (own + maxSpent) * (1 + 0x1p-52)))
        }
    }

    /// What the run that bought the schema was charged.
    func domainCost(_ d: DomainRelease) -> Double {
        budget.cost(rate: 1, noise: d.noiseMultiplier, sensitivity: d.sensitivity)
    }

    /// Upper bound on what changing one row can cost: removing it from group g and adding another to group h.
    /// (ε_g + ε_h, (1 + e^{min(ε_g, ε_h)}) δ), composed through the table without the row.
    package func changingOneRow(from g: String, to h: String) -> (epsilon: Double, delta: Double) {
        let a = epsilon(g), b = epsilon(h)
        return (a + b, min(1, (1 + exp(min(a, b))) * delta))
    }
}
