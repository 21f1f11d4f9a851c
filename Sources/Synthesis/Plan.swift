// A plan: everything that is fixed before any row is seen. Schema, options, the order α* and ceiling R* of the Rényi filter, the
// noise of the first release, the list of releases and their weights. It can be printed and priced without data; training
// executes it. Nothing here is derived from a row.

import Basics
import Privacy
import Tables

package struct Plan: Sendable {
    /// The one group of a plan without groups; the ledger is per group all the same.
    package static let group = "all"
    /// The first is the default. `best`: networks trained on a table that is fitted to marginals, which are released once. `published`:
    /// networks trained by DP-SGD.
    package static let presets = ["best", "published"]

    package let schema: Schema
    package let protected: [String]
    package let epsilon: Double, delta: Double
    package let preset: String
    package let settings: Settings
    package let grids: [ColumnGrid]
    /// The protected groups; nil: there is one, `all`.
    package let grouping: Grouping?
    /// Names of the groups, empty ones included.
    package var groups: [String] { grouping?.names ?? [Self.group] }
    /// Places of the columns that networks see: all, or all but the protected ones.
    package let modelled: [Int]
    /// Strength of fairness; 0: protected columns are ordinary columns.
    package let strength: Double
    /// Whether every group has the same expected share of a batch.
    package let isBalanced: Bool
    /// α* and R* of the filter.
    package let budget: Budget
    /// Noise multiplier of the joint histogram release: deviation of the noise over the L2 norm of what one row adds.
    package let histogramNoise: Double
    /// Noise multiplier of the diffusion over that of the autoencoder; 1 where it is trained on released rows.
    package let diffusionWeight: Double
    /// Noise multiplier of the marginals' joint release; 0 where there is none.
    package let marginalNoise: Double
    /// ρ of the private selection of pairs (zero-concentrated differential privacy); 0 where there is none.
    package let selectionRho: Double

    /// The stages in order; `steps` is what `Progress.total` counts.
    package enum Stage: Int, CaseIterable, Sendable {
        case histograms, selection, marginals, projection, autoencoder, finetuning, diffusion, calibration, rake
        package var name: String { "\(self)" }
    }

    /// - Parameters:
    ///   - config: the options, or `.null`; see `Settings.schema`.
    ///   - shared: terms of a budget shared with others, which fix order, δ and unit; ε is then the part that this plan may spend of it.
    /// - Throws: `.argument` for ε, δ, options and protected columns; `.budget` when no order can meet ε.
    package init(schema: Schema, protected: [String], epsilon: Double, delta: Double, preset: String = "published", config: JSON = .null, under shared: Budget? = nil) throws {
        guard epsilon > 0, epsilon <= 1000 else { throw Failure(.argument, "epsilon: must be above 0 and at most 1000") }
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        guard Self.presets.contains(preset) else { throw Failure(.unsupported, "preset: must be one of \(Self.presets.joined(separator: ", "))") }
        var seen = Set<String>()
        for name in protected {
            guard let i = schema.index(of: name) else { throw Failure(.argument, "protected column \(quoted(name)): not in the schema") }
            guard seen.insert(name).inserted else { throw Failure(.argument, "protected column \(quoted(name)): named twice") }
            guard schema.fields[i].kind.count != 1 else { throw Failure(.argument, "protected column \(quoted(name)): has one level only") }
        }
        var settings = config == .null ? Settings(preset: preset) : try Settings(config, preset: preset)
        // What was paid for may as well be used.
        if let rows = schema.purchase?.rows, config["rows"] == nil { settings.rows = .guessed(Int(min(max(rows, 1), 1e9))) }
        try settings.fairness.resolve(protected: protected)
        if case .declared(let n) = settings.rows, delta >= 1 / Double(n) {
            throw Failure(.argument, "delta: must be below 1 over the declared row count")
        }
        for name in settings.encoder.atoms.keys.sorted() where schema.index(of: name) == nil { throw Failure(.argument, "config, encoder atoms \(quoted(name)): not in the schema") }
        let grids = try schema.fields.map { try ColumnGrid($0, atoms: settings.encoder.atoms[$0.name] ?? []) }
        let n: Int
        switch settings.rows { case .declared(let m), .guessed(let m): n = m }
        let fairness = settings.fairness, strength = fairness.strength ?? 0, isBalanced = fairness.sampling == "balanced"
        let grouping = strength > 0 || isBalanced ? try Grouping(schema, grids: grids, protected: protected, cuts: fairness.cuts) : nil
        try grouping?.check(fairness, schema: schema)
        let hidden = strength > 0 ? grouping?.axes.map(\.column) ?? [] : []
        let modelled = schema.fields.indices.filter { !hidden.contains($0) }
        guard !modelled.isEmpty else { throw Failure(.argument, "protected columns: at least one column must not be protected") }

        for name in settings.focus where schema.index(of: name) == nil { throw Failure(.argument, "config, focus \(quoted(name)): not in the schema") }
        guard Set(settings.focus).count == settings.focus.count else { throw Failure(.argument, "config, focus: a column is named twice") }

        // The best order for the rates that the declared or guessed row count gives: least noise on what the preset is built on.
        let a = settings.autoencoder, d = settings.diffusion, f = settings.finetuning
        // Guessed shares of groups say how often the most drawn one is drawn.
        let least = Self.leastShare(fairness, groups: grouping?.count ?? 1)
        func guessed(_ batch: Int) -> Double {
            let q = Self.rate(batch: batch, rows: Double(n))
            guard isBalanced else { return q }
            return min(fairness.cap > 0 ? fairness.cap : min(1, 4 * q), Self.rate(batch: batch, rows: Double(n) * least * Double(grouping?.count ?? 1)))
        }
        let qa = guessed(a.batch), qd = guessed(d.batch), qf = guessed(f.batch)
        let selects = Self.selects(settings, columns: schema.fields.count)
        var best: Split?
        let unit = settings.rowsPerPerson
        if let shared, shared.delta != delta || shared.rowsPerPerson != unit {
            throw Failure(.argument, "budget: delta and max_rows_per_person must be those that the shared budget was made with")
        }
        for order in shared.map({ [$0.order] }) ?? Budget.orders {
            guard let b = shared?.part(epsilon: epsilon) ?? Budget(epsilon: epsilon, delta: delta, order: order, rowsPerPerson: unit) else { continue }
            var split = Split(budget: b, histograms: try b.firstNoise(share: settings.encoder.share))
            let left = 1 - settings.encoder.share
            if preset == "best" {
                let tuned = f.steps > 0 ? f.share : 0, selected = selects ? settings.marginals.selectionShare : 0
                split.marginals = try b.firstNoise(share: left * (1 - tuned) * (1 - selected))
                split.rho = selected > 0 ? try b.rho(share: left * (1 - tuned) * selected) : 0
                split.least = split.marginals
                guard f.steps == 0 || Budget.leastNoise(rate: qf, count: f.steps, order: order, within: left * tuned * b.ceiling, rows: b.multiplicity) != nil else { continue }
            } else {
                let rest = left * b.ceiling
                guard let sa = Budget.leastNoise(rate: qa, count: a.steps, order: order, within: rest * (d.enabled ? 1 - d.share : 1), rows: b.multiplicity) else { continue }
                split.least = sa
                if d.enabled {
                    guard let sd = Budget.leastNoise(rate: qd, count: d.steps, order: order, within: rest * d.share, rows: b.multiplicity) else { continue }
                    split.weight = sd / sa
                }
            }
            if split.least < best?.least ?? .infinity { best = split }
        }
        guard let best else { throw Failure(.budget, "this plan cannot meet its epsilon at this delta: ask for fewer steps, or for a larger epsilon or delta") }
        (self.schema, self.protected, self.epsilon, self.delta, self.preset) = (schema, protected, epsilon, delta, preset)
        (self.settings, self.grids, budget, histogramNoise, diffusionWeight) = (settings, grids, best.budget, best.histograms, best.weight)
        (marginalNoise, selectionRho) = (best.marginals, best.rho)
        (self.grouping, self.modelled, self.strength, self.isBalanced) = (grouping, modelled, strength, isBalanced)
    }

    /// How one order would divide the budget.
    private struct Split {
        let budget: Budget, histograms: Double
        var weight = 1.0, marginals = 0.0, rho = 0.0
        /// What decides between orders.
        var least = Double.infinity
    }

    /// Whether the networks learn from a table fitted to released marginals.
    package var isBest: Bool { preset == "best" }
    /// Whether the pairs of columns are chosen by a private selection.
    package var selects: Bool { isBest && Self.selects(settings, columns: schema.fields.count) }
    private static func selects(_ s: Settings, columns: Int) -> Bool { s.marginals.pairs == "selected" || (s.marginals.pairs == "auto" && columns > 64) }

    /// Poisson rate that gives `batch` expected rows out of `rows`.
    package static func rate(batch: Int, rows: Double) -> Double { min(1, Double(batch) / max(rows, 1)) }

    /// The least guessed share of a group.
    private static func leastShare(_ f: Settings.Fairness, groups: Int) -> Double {
        let left = max(0, 1 - f.shares.values.reduce(0, +)), rest = groups - f.shares.count
        return max(min(f.shares.values.min() ?? 1, rest > 0 ? left / Double(rest) : 1), 1e-9)
    }

    /// Steps of each stage, in order.
    package var steps: [Int] {
        Stage.allCases.map { stage in
            switch stage {
            case .histograms, .calibration: return 1
            case .selection: return selects ? 1 : 0
            case .marginals, .projection: return isBest ? 1 : 0
            case .autoencoder: return settings.autoencoder.steps
            case .finetuning: return isBest ? settings.finetuning.steps : 0
            case .diffusion: return settings.diffusion.enabled ? settings.diffusion.steps : 0
            case .rake: return isBest && settings.rake.enabled ? 1 : 0
            }
        }
    }
    package var totalSteps: Int { steps.reduce(0, +) }

    /// The protected column whose histogram the groups' counts are: the only one, with levels as parts.
    var groupColumn: Int? { grouping.flatMap { $0.axes.count == 1 && $0.axes[0].isPlain ? $0.axes[0].column : nil } }
    /// The histograms of the joint first release beside the groups' counts: one for each level of each column's tree.
    package var histograms: [HistogramRequest] {
        grids.enumerated().flatMap { j, g in j == groupColumn ? [] : g.divisors.map { HistogramRequest(column: j, divisor: $0, body: g.body) } }
    }
    /// L2 norm of what one row adds to the release: one count in each histogram and one in its group's.
    package var histogramSensitivity: Double { Double(histograms.count + 1).squareRoot() }
    /// Deviation of the noise in one released count, in rows.
    package var countDeviation: Double { histogramNoise * histogramSensitivity }

    /// Divergence of the first release at α*.
    var histogramCost: Double { budget.cost(rate: 1, noise: histogramNoise) }

    /// Divergence at α* of what is released before the rates are known.
    var firstCost: Double {
        histogramCost + (isBest ? budget.cost(rate: 1, noise: marginalNoise) + (selectionRho > 0 ? budget.cost(rho: selectionRho) : 0) : 0)
    }

    /// ε of the whole plan at another δ: every training under it stays below.
    package func epsilon(delta: Double) throws -> Double {
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        guard delta > budget.selection, let other = Budget(epsilon: 1e6, delta: delta, order: budget.order, selection: budget.selection, rowsPerPerson: budget.rowsPerPerson) else { return .infinity }
        return other.epsilon(spent: budget.ceiling)
    }

    /// What the guarantee takes for granted, in words, as the ledger records it.
    package var assumptions: [String] {
        let k = settings.rowsPerPerson
        var a = [k == 0 ? "neighbouring tables differ by one row added or removed"
                     : "neighbouring tables differ by one person added or removed, with all of at most \(k) row\(k == 1 ? "" : "s"); which rows of a person were kept depends on that person's rows alone",
                 schema.purchase.map { "column names, types and declared bounds and levels are public; those marked as bought were paid for in run \($0.run) of the shared budget, whose promise covers both" }
                     ?? "the schema is public: column names, types, levels, bounds and steps",
                 "every option of the configuration was chosen without a look at the rows",
                 "the table has at least one row"]
        if schema.isAssumed { a.append(Schema.assumption) }
        if !protected.isEmpty { a.append("the protected columns are public: \(protected.map(quoted).joined(separator: ", "))") }
        if !settings.fairness.cuts.isEmpty { a.append("the edges at which protected columns are cut are public") }
        if case .declared(let n) = settings.rows { a.append("the row count is public by declaration: \(n)") }
        if settings.testSeed != nil { a.append("deterministic noise: not private") }
        return a
    }
}
