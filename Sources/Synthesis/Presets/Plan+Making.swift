// From a schema, a promise and a configuration to a plan: options are resolved, groups made, and the order of the
// filter chosen.

import Basics
import Privacy
import Tables

extension Plan {
    /// - Parameters:
    ///   - protected: names of columns; all combinations of their levels are the groups.
    ///   - epsilon: of the promise, above 0 and at most 1000. delta: in (0, 1), below 1 over a declared row count.
    ///   - preset: name of a registered preset.
    ///   - config: the options, or `.null`; see `Settings.schema`.
    ///   - shared: terms of a budget shared with others, which fix order, δ and unit; ε is then the part that this plan
    ///     may spend of it.
    ///   - accountant: what keeps the promise. nil: the filter of a shared budget; else exact prices where all rates
    ///     and noise are constants and the schema was declared, else the Rényi filter.
    /// - Throws: `.argument` for ε, δ, options and protected columns; `.unsupported` for an unknown preset; `.budget`
    ///   when no order can meet ε.
    package init(schema: Schema, protected: [String], epsilon: Double, delta: Double, preset: String,
                 config: JSON = .null,
                 under shared: Budget? = nil, accountant: Ledger.Accounting? = nil) throws {
        try self.init(schema: schema, protected: protected, epsilon: epsilon, delta: delta, preset: preset,
                      config: config, under: shared, accountant: accountant, cells: CellRules(), released: nil)
    }

    /// As above, with the cells of a plan that stands in a file, and what its releases were counted by; nil: by its
    /// own groups.
    init(schema declared: Schema, protected: [String], epsilon: Double, delta: Double, preset: String, config: JSON,
         under shared: Budget?, accountant: Ledger.Accounting?, cells: CellRules, released: ReleaseShape?) throws {
        guard epsilon > 0, epsilon <= 1000 else {
            throw Failure(.argument, "epsilon: must be above 0 and at most 1000")
        }
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        let recipe = try Presets.named(preset)
        try Self.check(protected: protected, declared)
        if let released { try Self.check(protected: released.protected, declared) }
        let settings = try Self.resolve(config, recipe, declared, protected: protected, delta: delta)
        let counted = released?.protected ?? protected
        let shape = try RowShape(declared, kept: Set(counted + settings.focus + settings.encoder.atoms.keys)),
            schema = shape.learned
        let grids = try schema.fields.map {
            try ColumnGrid($0, atoms: settings.encoder.atoms[$0.name] ?? [], isPowers: cells.isPowers($0, settings),
                           hasReasons: cells.haveReasons)
        }
        let fairness = settings.fairness, strength = fairness.strength ?? 0,
            isBalanced = fairness.sampling == "balanced"
        func groups(_ columns: [String]) throws -> Grouping {
            try Grouping(schema, grids: grids, protected: columns,
                         cuts: released == nil ? fairness.cuts : fairness.cuts.filter { columns.contains($0.key) })
        }
        let grouping = strength > 0 || isBalanced ? try groups(protected) : nil
        let own = ReleaseShape(protected: protected, isAligned: strength > 0), released = released ?? own
        let counting = released == own ? grouping
            : released.isAligned ? try groups(released.protected) : nil
        try grouping?.check(fairness, schema: schema)
        let hidden = strength > 0 ? grouping?.axes.map(\.column) ?? [] : []
        let modelled = schema.fields.indices.filter { !hidden.contains($0) }
        guard !modelled.isEmpty else {
            throw Failure(.argument, "protected columns: at least one column must not be protected")
        }
        for name in settings.focus where schema.index(of: name) == nil {
            throw Failure(.argument, "config, focus \(quoted(name)): not in the schema")
        }
        guard Set(settings.focus).count == settings.focus.count else {
            throw Failure(.argument, "config, focus: a column is named twice")
        }
        if let shared, shared.delta != delta || shared.rowsPerPerson != settings.rowsPerPerson {
            throw Failure(.argument, "budget: delta and max_rows_per_person must be those that the shared budget was "
                + "made with")
        }

        let rows = switch settings.rows { case .declared(let n), .guessed(let n): n }
        let question = BudgetQuestion(settings: settings, columns: schema.fields.count, rows: rows,
                                      groups: counting?.count ?? 1,
                                      isBalanced: isBalanced)
        var best: BudgetSplit?
        for order in shared.map({ [$0.order] }) ?? Budget.orders {
            guard let b = shared?.part(epsilon: epsilon)
                ?? Budget(epsilon: epsilon, delta: delta, order: order, rowsPerPerson: settings.rowsPerPerson) else {
                    continue
                }
            let first = BudgetSplit(budget: b, histogramNoise: try b.firstNoise(share: settings.encoder.share))
            guard let split = try recipe.divide(first, for: question) else { continue }
            if split.leastNoise < best?.leastNoise ?? .infinity { best = split }
        }
        guard let best else {
            throw Failure(.budget, "this plan cannot meet its epsilon at this delta: ask for fewer steps, or for a "
                + "larger epsilon or delta")
        }
        self.init(shape: shape, protected: protected, epsilon: epsilon, delta: delta, preset: preset,
                  settings: settings, grids: grids,
                  grouping: grouping, released: released, releasedGrouping: counting, modelled: modelled,
                  strength: strength, isBalanced: isBalanced, split: best)
        fillStages()
        filteredCost = fixedCost
        if budget.filter == .gaussian { try fitGaussianFilter() }
        let mayBeExact = isConstant && schema.domainRelease == nil && budget.selection == 0
        guard accountant != .gaussian || budget.filter == .gaussian else {
            throw Failure(.argument, "accountant: sums of Gaussian releases are a shared budget's")
        }
        guard accountant != .exact || mayBeExact else {
            throw Failure(.argument, "accountant: exact prices are for rates and noise that are constants")
        }
        if mayBeExact, accountant == .exact || accountant == nil && shared == nil { try priceExactly() }
        guard accountant != .exact || constants != nil else { throw ExactCalibration.unreachable }
    }

    /// Asks every stage for its steps and its releases.
    mutating func fillStages() {
        let plan = self
        stages = recipeStages.map {
            let steps = $0.steps(plan)
            return PlannedStage(id: $0.id, steps: steps, release: steps > 0 ? $0.release(plan) : nil,
                                sampled: steps > 0 ? $0.sampling(plan) : nil)
        }
    }

    private static func check(protected: [String], _ schema: Schema) throws {
        var seen = Set<String>()
        for name in protected {
            guard let i = schema.index(of: name) else {
                throw Failure(.argument, "protected column \(quoted(name)): not in the schema")
            }
            guard seen.insert(name).inserted else {
                throw Failure(.argument, "protected column \(quoted(name)): named twice")
            }
            guard schema.fields[i].kind.count != 1 else {
                throw Failure(.argument, "protected column \(quoted(name)): has one level only")
            }
        }
    }

    /// The configuration with the preset's defaults, and with what follows from schema and protected columns.
    private static func resolve(_ config: JSON, _ recipe: any Preset, _ schema: Schema, protected: [String],
                                delta: Double) throws -> Settings {
        let defaults = recipe.defaults(columns: schema.fields.count)
        var settings = config == .null ? defaults : try Settings(config, defaults: defaults, sections: recipe.sections)
        // The row count that was estimated with the schema is the guess, unless the configuration has one.
        if let rows = schema.domainRelease?.rows, config["rows"] == nil {
            settings.rows = .guessed(Int(min(max(rows, 1), 1e9)))
        }
        try settings.fairness.resolve(protected: protected)
        try recipe.resolve(&settings, config: config)
        if case .declared(let n) = settings.rows, delta >= 1 / Double(n) {
            throw Failure(.argument, "delta: must be below 1 over the declared row count")
        }
        for name in settings.encoder.atoms.keys.sorted() where schema.index(of: name) == nil {
            throw Failure(.argument, "config, encoder atoms \(quoted(name)): not in the schema")
        }
        return settings
    }

    /// What each stage of the plan does.
    /// - Throws: `.unsupported` when the preset is not registered.
    func recipe() throws -> [any Stage] { try Presets.named(preset).stages }

    /// `recipe` of a preset that is registered: a plan's is, since it was made.
    private var recipeStages: [any Stage] { (try? recipe()) ?? [] }
}
