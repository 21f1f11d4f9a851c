// A plan: everything that is fixed before any row is seen. Schema, options, the order α* and ceiling R* of the Rényi
// filter, the noise of the releases that are constants, the stages with their steps. A plan can be printed and priced
// without data; training executes it. Nothing here is derived from a row. How a plan is made from a preset is in
// Presets/Plan+Making.swift.

import Basics
import Privacy
import Tables

package struct Plan: Sendable {
    /// Name of the only group where no protected groups are declared. A ledger always holds one entry for each group.
    package static let group = "all"

    /// How rows of the declared schema are learned.
    package let shape: RowShape
    /// The columns that are learned: those of the declared schema, or what rules between columns leave of them.
    package var schema: Schema { shape.learned }
    /// The schema as it was given, which tables and generated rows have.
    package var declared: Schema { shape.declared }
    package let protected: [String]
    package let epsilon: Double, delta: Double
    /// Name of the preset that gave defaults and stages.
    package let preset: String
    package internal(set) var settings: Settings
    package let grids: [ColumnGrid]
    /// The protected groups. nil: there are none, and the only group is `all`.
    package let grouping: Grouping?
    /// Names of the groups, empty ones included.
    package var groups: [String] { grouping?.names ?? [Self.group] }
    /// What the releases were counted by, and its groups; nil: one group, `all`.
    let released: ReleaseShape
    package let releasedGrouping: Grouping?
    /// Whether that are the plan's own protected columns and groups.
    var isReleasedByOwnGroups: Bool { released == ReleaseShape(protected: protected, isAligned: strength > 0) }
    /// Places of the columns that networks see: all, or all but the protected ones.
    package internal(set) var modelled: [Int]
    /// Strength of fairness; 0: protected columns are ordinary columns.
    package let strength: Double
    /// Whether every group has the same expected share of a batch.
    package let isBalanced: Bool
    package let split: BudgetSplit
    /// Which cells of numerical columns may hold mass. A plan that is read from a file keeps the rule of that file.
    package internal(set) var massSupport = MassSupport.aboveNoise
    /// The preset's stages in order, those without steps included.
    package internal(set) var stages: [PlannedStage] = []
    /// All releases with their exact price, which then is what keeps the promise; nil: the Rényi filter does.
    package internal(set) var constants: ConstantReleases?
    /// What all noise of the Rényi filter is multiplied by where the exact price keeps the promise; else 1.
    package internal(set) var noiseFactor = 1.0
    /// Divergence at α* of the releases of all rows, with the noise of the Rényi filter: what sampled stages do not
    /// have.
    package internal(set) var filteredCost = 0.0

    /// α* and R* of the filter.
    package var budget: Budget { split.budget }
    package var histogramNoise: Double { split.histogramNoise * noiseFactor }
    package var marginalNoise: Double { split.marginalNoise * noiseFactor }
    package var selectionRho: Double { split.selectionRho }
    package var diffusionWeight: Double { split.diffusionWeight }

    package var totalSteps: Int { stages.reduce(0) { $0 + $1.steps } }

    /// Steps of a stage; 0 for one that the plan leaves out.
    package func steps(of stage: StageID) -> Int { stages.first { $0.id == stage }?.steps ?? 0 }

    /// The stage of step `k`, the stage's index in `stages`, and the step's number inside the stage. A `k` beyond the
    /// last step gives the last stage.
    func place(of k: Int) -> (stage: StageID, index: Int, step: Int) {
        var left = k
        for (i, s) in stages.enumerated() {
            if left < s.steps { return (s.id, i, left) }
            left -= s.steps
        }
        let last = max(0, stages.count - 1)
        return (stages.isEmpty ? .histograms : stages[last].id, last, stages.isEmpty ? 0 : stages[last].steps)
    }

    /// Row count that is declared or guessed.
    package var expectedRows: Int { switch settings.rows { case .declared(let n), .guessed(let n): n } }

    /// The protected column whose histogram equals the counts of the groups: there is one protected column, and its
    /// parts are its levels.
    var groupColumn: Int? {
        releasedGrouping.flatMap { $0.axes.count == 1 && $0.axes[0].isPlain ? $0.axes[0].column : nil }
    }
    /// The histograms of the joint first release beside the groups' counts: one for each level of each column's tree.
    package var histograms: [HistogramRequest] {
        grids.enumerated().flatMap { j, g in
            j == groupColumn ? [] : g.divisors.map { HistogramRequest(column: j, divisor: $0, body: g.body) }
        }
    }
    /// L2 sensitivity of the histogram release: one row adds one count to each histogram and one to its group.
    package var histogramSensitivity: Double { Double(histograms.count + 1).squareRoot() }
    /// Standard deviation of the noise in one released count, in rows.
    package var countStandardDeviation: Double { histogramNoise * histogramSensitivity }

    /// Divergence at α* of a release that is a constant of the plan.
    func cost(_ release: FixedRelease) -> Double {
        switch release {
        case .gaussian(let noise, let sensitivity): budget.cost(rate: 1, noise: noise, sensitivity: sensitivity)
        case .zeroConcentrated(let rho): budget.cost(rho: rho)
        }
    }

    /// Divergence at α* of all that is released before the rates of sampled stages are known.
    var fixedCost: Double {
        let costs = stages.compactMap { $0.release.map(cost) }
        return (costs.first ?? 0) + costs.dropFirst().reduce(0, +)
    }

    /// ε of the whole plan at another δ: an upper bound for every training under this plan.
    package func epsilon(delta: Double) throws -> Double {
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        guard delta > budget.selection else { return .infinity }
        let spent = constants == nil ? budget.ceiling : try totals(batches(expectedCounts)).reduce(0, max)
        return constants == nil ? budget.epsilon(spent: spent, delta: delta)
            : budget.renyiEpsilon(spent: spent, delta: delta)
    }

    /// What the guarantee takes for granted, in words, as the ledger records it.
    package var assumptions: [String] {
        let k = settings.rowsPerPerson
        var a = [k == 0 ? "neighbouring tables differ by one row added or removed"
                     : "neighbouring tables differ by one person added or removed, with all of at most \(k) "
                         + "row\(k == 1 ? "" : "s"); which rows of a person were kept depends on that person's rows "
                         + "alone",
                 declared.domainRelease.map {
                     "column names, types and declared bounds and levels are public; those marked as bought were "
                         + "paid for in run \($0.run) of the shared budget, whose promise covers both"
                 }
                     ?? "the schema is public: column names, types, levels, bounds and steps",
                 "every option of the configuration was chosen without a look at the rows",
                 "the table has at least one row"]
        if declared.isAssumed { a.append(Schema.assumption) }
        if let rules = declared.rulesAssumption { a.append(rules) }
        if !protected.isEmpty {
            a.append("the protected columns are public: \(protected.map(quoted).joined(separator: ", "))")
        }
        if !settings.fairness.cuts.isEmpty { a.append("the edges at which protected columns are cut are public") }
        if case .declared(let n) = settings.rows { a.append("the row count is public by declaration: \(n)") }
        if settings.testSeed != nil { a.append("deterministic noise: not private") }
        return a
    }
}
