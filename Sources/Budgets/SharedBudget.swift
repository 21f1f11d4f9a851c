// A budget that several trainings and a host's own mechanisms spend together: an account in an HDF5 file, sealed,
// replaced in one move, changed by one process at a time.
//
//     let budget = try SharedBudget.create("study.budget", SharedBudget.Terms(epsilon: 3, delta: 1e-6))
//     // The plan has the budget's α*, and ε as the part that it may spend.
//     let plan = try Plan(schema: …, epsilon: 2, delta: 1e-6, under: budget.terms)
//     // Promised to the trainer on the disk, before a row is drawn.
//     let trainer = try Trainer(plan: plan, table: table, shared: budget, name: "first")
//
//   /         "flip-format" = "flip-budget", epsilon, delta, order
//   /account  text   the account as JSON, see Account+JSON.swift
//   /budget   text   a random name: what checkpoints of its trainings point to
//   /changes  int64  how often it was changed
//   /runs     dataframe   name, kind, open, divergence at α*, share: for people

import Basics
import Privacy
import Storage
import Synchronization

package final class SharedBudget: @unchecked Sendable {
    package let path: String
    /// A random name, in the file since it was made.
    package let id: String
    /// ε, δ, α*, R*: fixed when it was made.
    package let terms: Budget
    /// The highest number of changes seen: the file may only go forward.
    private let seen: Mutex<Int64>

    private init(path: String, id: String, terms: Budget, changes: Int64) {
        (self.path, self.id, self.terms) = (path, id, terms)
        seen = Mutex(changes)
    }

    /// Terms of a new budget. Without `order` it is the one that suits trainings with a sampling rate of 0.03 and
    /// above.
    /// - Parameter selection: part of δ for thresholded histograms.
    /// - Throws: `.argument` for numbers out of range, `.budget` when no order allows anything.
    package static func terms(epsilon: Double, delta: Double, order: Int? = nil, selection: Double = 0,
                              rowsPerPerson: Int = 0, filter: Budget.Filter = .renyi) throws -> Budget {
        guard epsilon > 0, epsilon <= 1000 else {
            throw Failure(.argument, "epsilon: must be above 0 and at most 1000")
        }
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        guard selection >= 0, selection < delta else {
            throw Failure(.argument, "selection_delta: must be 0 or more, and below delta")
        }
        guard (0...Budget.maxRowsPerPerson).contains(rowsPerPerson) else {
            throw Failure(.argument, "max_rows_per_person: must be from 0 to \(Budget.maxRowsPerPerson)")
        }
        if let order, !Budget.orders.contains(order) {
            throw Failure(.argument, "order: must be 2 to 64, 128, 256, 512 or 1024")
        }
        let best = order.map {
            Budget(epsilon: epsilon, delta: delta, order: $0, selection: selection, rowsPerPerson: rowsPerPerson,
                   filter: filter)
        }
            ?? (filter == .gaussian ? Self.gaussianTerms(epsilon, delta, selection, rowsPerPerson)
                : Budget.bestOrder(for: [[.init(rate: 0.03, count: 800)]], epsilon: epsilon, delta: delta,
                                   selection: selection, rowsPerPerson: rowsPerPerson))
        guard let best else { throw Failure(.budget, "no release at all meets this epsilon at this delta") }
        return best
    }

    /// At the order whose Rényi figure, which stands beside the exact one, is least.
    private static func gaussianTerms(_ epsilon: Double, _ delta: Double, _ selection: Double, _ rowsPerPerson: Int)
        -> Budget? {
        Budget.orders.compactMap {
            Budget(epsilon: epsilon, delta: delta, order: $0, selection: selection, rowsPerPerson: rowsPerPerson,
                   filter: .gaussian)
        }.min { $0.renyiEpsilon(spent: $0.ceiling) < $1.renyiEpsilon(spent: $1.ceiling) }
    }

    /// A new file.
    /// - Throws: `.state` when there is one already: its charges would be lost; `.io`.
    package static func create(_ path: String, _ terms: Budget) throws -> SharedBudget {
        let lock = try FileLock(for: path)
        defer { withExtendedLifetime(lock) {} }
        guard !fileExists(path) else {
            throw Failure(.state, "\(path): exists; open it, or take another name: its charges would be lost")
        }
        let state = State(id: try newID(), changes: 0, account: Account(budget: terms))
        try state.write(path)
        return SharedBudget(path: path, id: state.id, terms: terms, changes: 0)
    }

    /// - Throws: `.io`, `.format`, `.version` for files that cannot be trusted.
    package static func open(_ path: String) throws -> SharedBudget {
        let state = try State.read(path)
        return SharedBudget(path: path, id: state.id, terms: state.account.budget, changes: state.changes)
    }

    /// What the file holds now.
    package func account() throws -> Account { try look().account }

    /// The ε that a share of R* stands for: the one rule for every host.
    /// - Parameters:
    ///   - share: above 0 and at most 1.
    ///   - key: what the error calls the share.
    /// - Throws: `.argument` for a share out of range, `.budget` when it is too little for any release.
    package func epsilon(share: Double, key: String) throws -> Double {
        guard share > 0, share <= 1 else { throw Failure(.argument, "\(key): must be above 0 and at most 1") }
        let epsilon = Account(budget: terms).epsilon(share: share)
        guard epsilon > 0 else { throw Failure(.budget, "\(key): too little for any training") }
        return epsilon
    }

    /// Changes the account: alone, from what the file holds now, and on the disk when this returns.
    /// - Throws: what `change` throws, the file is then untouched; `.io`, also when somebody else holds it too long.
    package func update<R>(_ change: (inout Account) throws -> R) throws -> R {
        let lock = try FileLock(for: path)
        defer { withExtendedLifetime(lock) {} }
        return try replace(change)
    }

    /// The same for whoever holds the lock.
    func replace<R>(_ change: (inout Account) throws -> R) throws -> R {
        var state = try look()
        let result = try change(&state.account)
        state.changes += 1
        try state.write(path)
        seen.withLock { $0 = max($0, state.changes) }
        return result
    }

    /// Charges what a host releases by itself; what it computes from then on is covered.
    /// - Throws: `.budget` when it would overspend: nothing is charged, release nothing; `.argument`, `.io`.
    package func charge(_ release: Ledger.Release) throws {
        let id = try newID()
        try update { try $0.charge(release, id: id) }
    }

    /// Ends a run that will not go on, such as one that was killed: what it was promised and not charged for comes
    /// back.
    package func settle(run id: String) throws { try update { try $0.settle(id) } }

    private func look() throws -> State {
        let state = try State.read(path)
        guard state.id == id, state.account.budget == terms else {
            throw Failure(.state, "\(path): is not the budget that was opened")
        }
        try seen.withLock {
            guard state.changes >= $0 else {
                throw Failure(.state, "\(path): holds an older state than it held before: charges were lost")
            }
            $0 = state.changes
        }
        return state
    }
}

/// The content of the file.
private struct State {
    var id: String, changes: Int64, account: Account

    func write(_ path: String) throws {
        try ModelFile.write(.budget, to: path) { root in
            try root.attribute("epsilon", account.budget.epsilon)
            try root.attribute("delta", account.budget.delta)
            try root.attribute("order", account.budget.order)
            try root.string("account", account.json.text)
            try root.string("budget", id)
            try root.scalar("changes", changes)
            let runs = account.runs
            try root.dataframe("runs", [
                ("name", .strings(runs.map(\.name))), ("kind", .strings(runs.map(\.kind.rawValue))),
                    ("open", .booleans(runs.map(\.isOpen))),
                ("divergence", .numbers(runs.map(\.ledger.maxSpent))), ("committed", .numbers(runs.map(\.committed))),
            ])
        }
    }

    static func read(_ path: String) throws -> State {
        try ModelFile.read(.budget, path) { root in
            let changes = try root.scalar("changes", as: Int64.self)
            guard changes >= 0, changes < 1 << 53 else {
                throw Failure(.format, "\(path): its number of changes is out of range")
            }
            return try State(id: root.string("budget", maxBytes: 64), changes: changes,
                             account: Account(json: asFormat("account") { try JSON.parse(root.string("account")) }))
        }
    }
}

/// One training's part in a shared budget.
package final class SharedRun {
    package let budget: SharedBudget
    package let id: String
    package private(set) var token: String
    /// Whether it may spend more.
    package private(set) var isOpen = true

    /// Promises the ledger's ceiling to a new run.
    /// - Throws: `.budget` when there is not that much left; `.argument` when its plan was made under other terms;
    ///   `.io`.
    package init(_ budget: SharedBudget, id: String, name: String, _ ledger: Ledger) throws {
        guard !name.isEmpty, name.utf8.count <= 200, !name.utf8.contains(0) else {
            throw Failure(.argument, "name: of a run, must have 1 to 200 bytes")
        }
        (self.budget, self.id, token) = (budget, id, try newID())
        try budget.update {
            [token] in try $0.begin(.init(id: id, token: token, name: name, kind: .training, isOpen: true,
                                          ledger: ledger))
        }
    }

    /// Takes a run up where its last checkpoint stands. One that was ended can be finished, and not spend more.
    /// - Throws: `.state` when another copy of the checkpoint went on; `.io`.
    package init(_ budget: SharedBudget, id: String, resuming old: String, _ ledger: Ledger) throws {
        (self.budget, self.id, token) = (budget, id, try newID())
        isOpen = try budget.update { [token] in try $0.adopt(id, token: old, as: token, ledger) }
    }

    /// - Throws: `.state` when the run was ended, or taken up elsewhere.
    package func check() throws {
        let known = try budget.account().runs.first { $0.id == id }
        guard known?.isOpen == true, known?.token == token else {
            throw Failure(.state, "budget: the run was ended, or another copy of its checkpoint went on")
        }
    }

    package func record(_ ledger: Ledger) throws {
        try budget.update { [id, token] in try $0.record(id, token: token, ledger) }
    }

    /// The last word: the run is over, and what it did not spend comes back.
    package func close(_ ledger: Ledger) throws {
        guard isOpen else { return }
        try budget.update { [id, token] in
            try $0.record(id, token: token, ledger)
            try $0.settle(id)
        }
        isOpen = false
    }
}
