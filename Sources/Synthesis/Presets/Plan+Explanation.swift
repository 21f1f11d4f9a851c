// A plan for people: what each stage costs and what that buys. The figures are those of `explain`.

import Basics
import Compute
import Privacy

extension Plan {
    /// Some lines of text, without an end of line at the end. Depends on no row.
    /// - Throws: what `explain` throws.
    package func explanation() throws -> String {
        let declared = if case .declared = settings.rows { true } else { false }
        var lines = [
            "preset      \(preset)",
            "promise     ε \(short(epsilon)) at δ \(short(delta)), "
                + "\(settings.rowsPerPerson == 0 ? "one row" : "one person of up to \(settings.rowsPerPerson) rows") "
                + "added or removed",
            "priced      " + pricing,
            "rows        \(expectedRows), "
                + (declared ? "public by declaration" : "a guess: a wrong one costs noise, never privacy"),
            "memory      about \(try memory(rows: expectedRows) >> 20) MB at most, beside the table",
            "",
            "stage         share  ε alone  what it buys",
        ]
        if settings.testSeed != nil {
            lines.insert("NOT PRIVATE \(Ledger.notPrivate): no figure below is a promise", at: 0)
        }
        let capacity = try capacity(batches(expectedCounts))
        for b in try stageCosts() {
            let paid = b.divergence > 0
            let share = paid ? short(100 * b.divergence / capacity, 3) + " %" : "free"
            let alone = paid ? short(try epsilonAlone(b), 3) : ""
            lines.append(pad(b.stage.name, 12) + pad("", 7 - share.count) + share + pad("", 9 - alone.count) + alone
                + "  " + b.text)
        }
        let rules = try ruleLines()
        if !rules.isEmpty { lines += [""] + rules }
        let own = try groupLines(expectedCounts, "guessed shares, training uses noisy counts")
        if !own.isEmpty { lines += [""] + own }
        lines += ["",
                  "ε alone is what a stage would cost if nothing else were released. These do not add up to ε "
                      + "\(short(epsilon)): the shares, of the divergence",
                  "at order \(budget.order), add up to 100 %. What is free works on released values and reads no row.",
                  "", "assumptions"]
        return (lines + assumptions.map { "  " + $0 }).joined(separator: "\n")
    }

    /// The stages in order, those that have no steps left out.
    /// - Throws: `.budget` when no noise meets the ceiling.
    func stageCosts() throws -> [StageCost] {
        let batches = try batches(expectedCounts), worst = worstGroup(batches)
        return try zip(recipe(), stages).compactMap { stage, planned in
            guard planned.steps > 0 else { return nil }
            guard let sampled = planned.sampled, let own = batches.first(where: { $0.stage == planned.id }) else {
                return stage.cost(self)
            }
            return cost(own, sampled, worst: worst)
        }
    }

    /// An upper estimate of the memory a training takes beside the host's own table, in bytes.
    /// - Throws: `.argument` for a row count that is negative or too large to count in bytes.
    package func memory(rows: Int) throws -> Int {
        guard rows >= 0, rows <= 1 << 44 else { throw Failure(.argument, "rows: must be from 0 to 2^44") }
        let bytesPerRow = grids.reduce(0) { $0 + ($1.count <= 256 ? 1 : 2) } + 1 + (grouping == nil ? 0 : 2)
        let threads = settings.threads > 0 ? settings.threads : Workers.available, encoders = 128 * grids.reduce(0) {
            $0 + $1.count
        }
        return try recipe().reduce(rows * bytesPerRow + encoders + (8 << 20)) {
            try $0 + $1.memory(self, threads: threads)
        }
    }

    /// ε of one stage with nothing beside it, by the plan's accountant at its δ.
    /// - Throws: as `ExactComposition.init`.
    func epsilonAlone(_ b: StageCost) throws -> Double {
        guard let own = constants?.releases.first(where: { $0.name == b.stage.name }) else {
            return budget.epsilon(spent: b.divergence)
        }
        return try ConstantReleases.epsilon([own], groups: releasedGroups, rows: budget.multiplicity, delta: delta)
    }

    /// What keeps the promise: exact prices of constants of the plan, or the budget's filter.
    package var accountant: Ledger.Accounting { constants == nil ? budget.accountant : .exact }

    /// Divergence at α* of all releases for the group that spends most: what shares are parts of.
    func capacity(_ batches: [Batches]) -> Double {
        constants == nil ? budget.ceiling : totals(batches).reduce(0, max)
    }

    private var pricing: String {
        switch accountant {
        case .renyi: "Rényi divergences are added at order \(budget.order)"
        case .gaussian:
            "all releases are Gaussian ones of all rows, whose losses the shared budget adds exactly"
        case .exact:
            "all rates and noise are constants: exact composition of all releases, noise \(short(noiseFactor, 4)) of "
                + "what Rényi divergences at order \(budget.order) ask for"
        }
    }
}
