// A plan as text: what files keep, and what `explain` tells a person before any data is seen.

import Basics
import Privacy
import Tables

extension Plan {
    /// The configuration with every option as it was resolved.
    private var configuration: JSON {
        // A preset that made a plan stays registered.
        settings.json(sections: (try? Presets.named(preset))?.sections ?? [])
    }

    package var json: JSON {
        .members([("schema", declared.jsonValue), ("protected", .array(protected.map { .string($0) })),
                  ("epsilon", .number(epsilon)), ("delta", .number(delta)),
                 ("preset", .string(preset)), ("config", configuration), ("order", .int(Int64(budget.order))),
                     ("ceiling", .number(budget.ceiling)),
                 ("histogram_noise_multiplier", .number(histogramNoise)),
                     ("diffusion_weight", .number(diffusionWeight)),
                 ("marginal_noise_multiplier", .number(marginalNoise)), ("selection_rho", .number(selectionRho)),
                 ("neighbours", .string(neighbours))]
            + (accountant == .renyi ? [] : [("accountant", .string(accountant.rawValue))])
            + cellMembers
            + (massSupport == .everyCell ? [] : [("mass_support", .string(massSupport.rawValue))])
            + (isReleasedByOwnGroups ? [] : [("released_by", released.json)])
            + (budget.selection > 0 ? [("selection_delta", .number(budget.selection))] : []))
    }

    private var neighbours: String {
        settings.rowsPerPerson == 0 ? "add or remove one row"
            : "add or remove one person of at most \(settings.rowsPerPerson) rows"
    }

    /// Plans that were made before their preset had fair conditionals have none.
    private static func complete(_ config: JSON, preset: String) -> JSON {
        guard let sections = try? Presets.named(preset).sections, sections.contains("independence"),
              var all = config.asObject else { return config }
        var own = all["independence"]?.asObject ?? JSONObject()
        guard own["conditionals"] == nil else { return config }
        own["conditionals"] = .number(0)
        all["independence"] = .object(own)
        return .object(all)
    }

    /// Reads back `json`: the plan is made again from its inputs, and what was stored must agree.
    package init(json: JSON) throws {
        let r = try JSONReader(json, context: "plan")
        let schema = try Schema(r.value("schema"))
        let epsilon = try r.double("epsilon"), delta = try r.double("delta")
        let config = try Self.complete(r.value("config"), preset: r.string("preset"))
        let accounting = try r.optionalString("accountant") ?? "renyi"
        // The order may be that of a shared budget; any one that was fixed before the first row will do.
        guard let terms = try Budget(epsilon: epsilon, delta: delta, order: r.int("order", in: 2...1024),
                                     selection: r.optionalDouble("selection_delta") ?? 0,
                                     rowsPerPerson: Int(clamping: config["max_rows_per_person"]?.asInt64 ?? 0),
                                     filter: accounting == "gaussian" ? .gaussian : .renyi)
                                         else { throw Failure(.format, "plan: its order does not allow its promise") }
        try self.init(schema: schema, protected: r.strings("protected"), epsilon: epsilon, delta: delta,
                      preset: r.string("preset"), config: config, under: terms,
                      accountant: Ledger.Accounting(rawValue: accounting),
                      cells: CellRules(r), released: r.optional("released_by").map(ReleaseShape.init))
        // Another machine's logarithm may differ in the last bit.
        func same(_ key: String, _ own: Double) throws -> Bool { abs(try r.double(key) - own) <= 1e-9 * abs(own) }
        guard try same("ceiling", budget.ceiling), try same("histogram_noise_multiplier", histogramNoise),
              try same("diffusion_weight", diffusionWeight), try same("marginal_noise_multiplier", marginalNoise),
                  try same("selection_rho", selectionRho) else {
                      throw Failure(.format, "plan: its budget does not follow from its options")
                  }
        _ = try r.string("neighbours")
        let support = try r.optionalString("mass_support") ?? MassSupport.everyCell.rawValue
        guard let known = MassSupport(rawValue: support) else { throw Failure(.format, "plan: unknown mass_support") }
        massSupport = known
        try r.finish()
    }

    /// What the plan will do and what each share buys, before any data is seen.
    package func explain() throws -> JSON {
        let n = expectedRows, known = if case .declared = settings.rows { "declared" } else { "guess" }
        let costs = try stageCosts(), batches = try batches(expectedCounts), capacity = capacity(batches)
        let releases = try costs.filter { $0.divergence > 0 }.map { c in
            try JSON.members([("stage", .string(c.stage.name))] + c.members
                + [("share_of_budget", .number(c.divergence / capacity)),
                   ("epsilon_alone", .number(epsilonAlone(c)))])
        }
        let stages = costs.map { b in
            JSON.members([("stage", .string(b.stage.name)), ("steps", .int(Int64(b.steps))),
                          ("free", .bool(b.divergence == 0))])
        }
        let rules = try rulesJSON().map { [("rules", $0)] } ?? []
        return .members(rules + [("epsilon", .number(epsilon)), ("delta", .number(delta)),
                         ("accountant", .string(accountant.rawValue)), ("order", .int(Int64(budget.order))),
                         ("ceiling", .number(budget.ceiling)),
                        ("preset", .string(preset)), ("protected", .array(protected.map { .string($0) })),
                            ("groups", .array(groups.map { .string($0) })),
                        ("rows", .members([(known, .int(Int64(n)))])),
                            ("count_noise_rows", .number(countStandardDeviation)),
                            ("histograms", .int(Int64(histograms.count + 1))),
                        ("group_epsilons", groupEpsilons(batches)),
                        ("renyi_epsilon",
                         .number(totals(batches).reduce(0) { max($0, budget.renyiEpsilon(spent: $1)) })),
                        ("memory_bytes", .int(Int64(try memory(rows: n)))), ("stages", .array(stages)),
                            ("releases", .array(releases)),
                        ("assumptions", .array(assumptions.map { .string($0) })), ("config", configuration)])
    }
}
