// A plan: everything that is fixed before any row is seen. Schema, options, the order α* and ceiling R* of the Rényi filter, the
// noise of the first release, the list of releases and their weights. It can be printed and priced without data; training
// executes it. Nothing here is derived from a row.

import Basics
import Privacy
import Tables

package struct Plan: Sendable {
    package static let group = "all"          // one group at strength 0; the ledger is per group all the same
    /// The first is the default. `published`: networks trained by DP-SGD. `best`: networks trained on a table that is fitted to
    /// marginals, which are released once.
    package static let presets = ["published", "best"]

    package let schema: Schema
    package let protected: [String]
    package let epsilon: Double, delta: Double
    package let preset: String
    package let settings: Settings
    package let grids: [ColumnGrid]
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
        let settings = config == .null ? Settings(preset: preset) : try Settings(config, preset: preset)
        if case .declared(let n) = settings.rows, delta >= 1 / Double(n) {
            throw Failure(.argument, "delta: must be below 1 over the declared row count")
        }
        for name in settings.encoder.atoms.keys.sorted() where schema.index(of: name) == nil { throw Failure(.argument, "config, encoder atoms \(quoted(name)): not in the schema") }
        let grids = try schema.fields.map { try ColumnGrid($0, atoms: settings.encoder.atoms[$0.name] ?? []) }
        let n: Int
        switch settings.rows { case .declared(let m), .guessed(let m): n = m }

        for name in settings.focus where schema.index(of: name) == nil { throw Failure(.argument, "config, focus \(quoted(name)): not in the schema") }
        guard Set(settings.focus).count == settings.focus.count else { throw Failure(.argument, "config, focus: a column is named twice") }

        // The best order for the rates that the declared or guessed row count gives: least noise on what the preset is built on.
        let a = settings.autoencoder, d = settings.diffusion, f = settings.finetuning
        let qa = Self.rate(batch: a.batch, rows: Double(n)), qd = Self.rate(batch: d.batch, rows: Double(n)), qf = Self.rate(batch: f.batch, rows: Double(n))
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

    /// The histograms of the joint first release: one for each level of each column's tree, and the row count.
    package var histograms: [HistogramRequest] {
        grids.enumerated().flatMap { j, g in g.divisors.map { HistogramRequest(column: j, divisor: $0, body: g.body) } }
    }
    /// L2 norm of what one row adds to the release: one count in each histogram and one in the row count.
    package var histogramSensitivity: Double { Double(histograms.count + 1).squareRoot() }
    /// Deviation of the noise in one released count, in rows.
    package var countDeviation: Double { histogramNoise * histogramSensitivity }

    /// Divergence of the first release at α*.
    var histogramCost: Double { budget.cost(rate: 1, noise: histogramNoise) }

    /// Divergence at α* of what is released before the rates are known.
    var firstCost: Double {
        histogramCost + (isBest ? budget.cost(rate: 1, noise: marginalNoise) + (selectionRho > 0 ? budget.cost(rho: selectionRho) : 0) : 0)
    }

    /// Noise multipliers of the stages that sample batches of private rows; 0 for a stage that does not.
    package struct Noise: Sendable, Equatable { package var autoencoder = 0.0, finetuning = 0.0, diffusion = 0.0 }

    /// Noise multipliers for a row count: the least common factor s that meets R* at α*.
    package func noise(rows: Double) throws -> Noise {
        let a = settings.autoencoder, d = settings.diffusion, f = settings.finetuning
        if isBest {
            guard f.steps > 0 else { return Noise() }
            return Noise(finetuning: try budget.calibrate([.init(rate: Self.rate(batch: f.batch, rows: rows), count: f.steps)], spent: firstCost))
        }
        var events = [Budget.Event(rate: Self.rate(batch: a.batch, rows: rows), weight: 1, count: a.steps)]
        if d.enabled { events.append(.init(rate: Self.rate(batch: d.batch, rows: rows), weight: diffusionWeight, count: d.steps)) }
        let s = try budget.calibrate(events, spent: firstCost)
        return Noise(autoencoder: s, diffusion: d.enabled ? s * diffusionWeight : 0)
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
                 "the schema is public: column names, types, levels, bounds and steps",
                 "every option of the configuration was chosen without a look at the rows",
                 "the table has at least one row"]
        if !protected.isEmpty { a.append("the protected columns are public: \(protected.map(quoted).joined(separator: ", "))") }
        if case .declared(let n) = settings.rows { a.append("the row count is public by declaration: \(n)") }
        if settings.testSeed != nil { a.append("deterministic noise: not private") }
        return a
    }
}
