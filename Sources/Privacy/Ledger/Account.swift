// The account of a budget that several runs share: one order, one ceiling, and who has spent what.
// A value; who keeps it safe on a disk and between processes is Synthesis/SharedBudget.swift.

import Basics

/// An append-only list of runs under one filter.
///
/// # Guarantee
/// Runs may interleave and each may depend on what all others released. In run j a given row (or person) belongs to one
/// group and pays at most max_g of that run's divergences at α*, so all runs together cost it at most Σ_j max_g. That
/// sum never exceeds R*: an open run counts with all it may still spend, and a run is admitted only while the sum
/// allows it. Hence everything is (α*, R*)-Rényi private by the filter (docs/PRIVACY.md). The same holds for δ_sel.
/// Falsifiers: AccountTests, SharedBudgetTests (mutants: a budget that forgets, a race without the lock).
package struct Account: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case training, domain, own }

    package struct Run: Sendable, Equatable {
        /// A random name, made once; and one that is made anew whenever a training is taken up again, so that of two
        /// copies of a checkpoint only one goes on.
        package let id: String
        package internal(set) var token: String
        package let name: String
        package let kind: Kind
        /// Whether it may spend more: it then counts with its ceiling.
        package internal(set) var isOpen: Bool
        package internal(set) var ledger: Ledger

        package init(id: String, token: String, name: String, kind: Kind, isOpen: Bool, ledger: Ledger) {
            (self.id, self.token, self.name, self.kind, self.isOpen, self.ledger) = (id, token, name, kind, isOpen,
                ledger)
        }

        /// Divergence at α* that the account holds against it.
        package var committed: Double { isOpen ? ledger.budget.ceiling : ledger.maxSpent }
    }

    package let budget: Budget
    package private(set) var runs: [Run] = []

    package init(budget: Budget) { self.budget = budget }

    /// Divergence at α* that is spent or promised away, nats.
    package var committed: Double { runs.reduce(0) { $0 + $1.committed } * (1 + 0x1p-52 * Double(runs.count + 1)) }
    /// δ_sel that is spent.
    package var selection: Double {
        runs.reduce(0) { $0 + $1.ledger.selection } * (1 + 0x1p-52 * Double(runs.count + 1))
    }
    /// ε of what is spent or promised away; 0 for nothing.
    package var spent: Double { runs.isEmpty ? 0 : budget.epsilon(spent: committed) }

    /// The largest ε that one further run may be given; 0 when there is none. A run of that ε leaves nothing.
    package var remaining: Double { epsilon(ofPart: budget.ceiling - committed) }

    /// The ε of a run that may spend `share` of R*, (0, 1]; 0 when that is too little for any.
    package func epsilon(share: Double) -> Double {
        share > 0 && share <= 1 ? epsilon(ofPart: share * budget.ceiling) : 0
    }

    /// The largest ε, a little less to be safe, of which R* at this order is at most `rdp`.
    private func epsilon(ofPart rdp: Double) -> Double {
        guard rdp > 0 else { return 0 }
        let e = budget.epsilon(spent: rdp) * (1 - 1e-12)
        return budget.part(epsilon: e).map { $0.ceiling <= rdp } == true ? e : 0
    }

    /// Adds a run, or refuses it.
    /// - Throws: `.budget` when the account cannot bear it; `.argument` when it is of another δ, order or unit, or its
    ///   name is taken.
    package mutating func begin(_ run: Run) throws {
        guard run.ledger.budget == budget.part(epsilon: run.ledger.target), run.ledger.constants == nil else {
            throw Failure(.argument, "budget: the run is of another delta, order or unit")
        }
        guard !runs.contains(where: { $0.id == run.id }) else {
            throw Failure(.argument, "budget: the run is there already")
        }
        guard runs.count < Self.maxRuns else { throw Failure(.budget, "the budget holds too many runs") }
        try admit { $0.runs.append(run) }
    }

    /// Writes down what an open run has been charged for.
    /// - Throws: `.state` when it is closed or was taken up elsewhere.
    package mutating func record(_ id: String, token: String, _ ledger: Ledger) throws {
        let i = try open(id, token)
        guard ledger.budget == runs[i].ledger.budget, ledger.groups == runs[i].ledger.groups else {
            throw Failure(.argument, "budget: the ledger is of another run")
        }
        runs[i].ledger = ledger
    }

    /// Ends a run: what it was promised and not charged for comes back. Ended again, it stays as it is.
    /// - Throws: `.argument` for an unknown run.
    package mutating func settle(_ id: String) throws { runs[try place(id)].isOpen = false }

    /// Gives a run to whoever holds its last checkpoint: one that was charged for at least what the account knows of.
    /// - Returns: whether it may spend more; false when it was ended.
    /// - Throws: `.state` when the checkpoint is not the run's last.
    package mutating func adopt(_ id: String, token: String, as new: String, _ ledger: Ledger) throws -> Bool {
        let i = try place(id), own = runs[i].ledger
        guard runs[i].token == token, ledger.budget == own.budget, ledger.groups == own.groups,
            ledger.extends(own) else {
            throw Self.branch
        }
        runs[i].token = new
        if runs[i].isOpen { runs[i].ledger = ledger }
        return runs[i].isOpen
    }

    /// Charges what a host releases by means of its own. Charges of one name are one run.
    /// - Throws: `.budget` when the account cannot bear it; `.argument`.
    package mutating func charge(_ release: Ledger.Release, id: String) throws {
        try admit { [budget] next in
            if let i = next.runs.indices.last, next.runs[i].kind == .own, next.runs[i].name == release.name {
                try next.runs[i].ledger.charge(release)
            } else {
                guard next.runs.count < Self.maxRuns else { throw Failure(.budget, "the budget holds too many runs") }
                var ledger = try Ledger(budget: budget)
                try ledger.charge(release)
                next.runs.append(Run(id: id, token: id, name: release.name, kind: .own, isOpen: false, ledger: ledger))
            }
        }
    }

    static let maxRuns = 4096
    static let branch = Failure(.state,
        "budget: this checkpoint is not the last of its run: a copy of it went on, or a later one is elsewhere")

    private mutating func admit(_ change: (inout Account) throws -> Void) throws {
        var next = self
        try change(&next)
        guard next.committed <= budget.ceiling else {
            throw Failure(.budget, "the shared budget has too little left for this run")
        }
        guard next.selection <= budget.selection || next.selection == 0 else {
            throw Failure(.budget, "the shared budget has too little of delta left for thresholded histograms")
        }
        self = next
    }

    private func place(_ id: String) throws -> Int {
        guard let i = runs.firstIndex(where: { $0.id == id }) else {
            throw Failure(.argument, "budget: there is no such run")
        }
        return i
    }

    private func open(_ id: String, _ token: String) throws -> Int {
        let i = try place(id)
        guard runs[i].isOpen else { throw Failure(.state, "budget: the run was ended; it cannot spend more") }
        guard runs[i].token == token else { throw Self.branch }
        return i
    }
}

extension Ledger {
    /// Whether it holds all that `earlier` holds, and perhaps more behind it.
    func extends(_ earlier: Ledger) -> Bool {
        guard releases.count >= earlier.releases.count else { return false }
        return earlier.releases.indices.allSatisfy { i in
            let a = earlier.releases[i], b = releases[i], isLast = i == earlier.releases.count - 1
            return a.times(1) == b.times(1) && (isLast ? b.count >= a.count : b.count == a.count)
        }
    }
}
