// A plan as text: what files keep, and what `explain` tells a person before any data is seen.

import Basics
import Privacy
import Tables

extension Plan {
    package var json: JSON {
        .members([("schema", schema.jsonValue), ("protected", .array(protected.map { .string($0) })), ("epsilon", .number(epsilon)), ("delta", .number(delta)),
                 ("preset", .string(preset)), ("config", settings.json(preset: preset)), ("order", .int(Int64(budget.order))), ("ceiling", .number(budget.ceiling)),
                 ("histogram_noise_multiplier", .number(histogramNoise)), ("diffusion_weight", .number(diffusionWeight)),
                 ("marginal_noise_multiplier", .number(marginalNoise)), ("selection_rho", .number(selectionRho)),
                 ("neighbours", .string("add or remove one row"))])
    }

    /// Reads back `json`: the plan is made again from its inputs, and what was stored must agree.
    package init(json: JSON) throws {
        let r = try JSONReader(json, context: "plan")
        let schema = try Schema(r.value("schema"))
        try self.init(schema: schema, protected: r.strings("protected"), epsilon: r.double("epsilon"), delta: r.double("delta"), preset: r.string("preset"), config: r.value("config"))
        // Another machine's logarithm may differ in the last bit.
        func same(_ key: String, _ own: Double) throws -> Bool { abs(try r.double(key) - own) <= 1e-9 * abs(own) }
        guard try r.int("order") == budget.order, try same("ceiling", budget.ceiling), try same("histogram_noise_multiplier", histogramNoise),
              try same("diffusion_weight", diffusionWeight), try same("marginal_noise_multiplier", marginalNoise), try same("selection_rho", selectionRho) else { throw Failure(.format, "plan: its budget does not follow from its options") }
        _ = try r.string("neighbours")
        try r.finish()
    }

    /// What the plan will do and what each share buys, before any data is seen.
    package func explain() throws -> JSON {
        let n: Int, known: String
        switch settings.rows { case .declared(let m): (n, known) = (m, "declared"); case .guessed(let m): (n, known) = (m, "guess") }
        let noise = try self.noise(rows: Double(n))
        func entry(_ stage: Stage, _ rate: Double, _ sigma: Double, _ count: Int, _ rdp: Double) -> JSON {
            .members([("stage", .string(stage.name)), ("releases", .int(Int64(count))), ("sampling_rate", .number(rate)), ("noise_multiplier", .number(sigma)),
                     ("share_of_budget", .number(rdp / budget.ceiling))])
        }
        var releases = [entry(.histograms, 1, histogramNoise, 1, histogramCost)]
        if selects {
            releases.append(.members([("stage", .string(Stage.selection.name)), ("releases", .int(1)), ("pairs", .int(Int64(selectedPairs))), ("rho", .number(selectionRho)),
                                      ("share_of_budget", .number(selectionRho * Double(budget.order) / budget.ceiling))]))
        }
        if isBest { releases.append(entry(.marginals, 1, marginalNoise, 1, rdpSubsampledGaussian(q: 1, sigma: marginalNoise, order: budget.order))) }
        for (stage, batch, sigma, count) in privateStages(noise) where count > 0 {
            let q = Self.rate(batch: batch, rows: Double(n))
            releases.append(entry(stage, q, sigma, count, Double(count) * rdpSubsampledGaussian(q: q, sigma: sigma, order: budget.order)))
        }
        return .members([("epsilon", .number(epsilon)), ("delta", .number(delta)), ("order", .int(Int64(budget.order))), ("ceiling", .number(budget.ceiling)),
                        ("preset", .string(preset)), ("protected", .array(protected.map { .string($0) })), ("groups", .array([.string(Self.group)])),
                        ("rows", .members([(known, .int(Int64(n)))])), ("count_noise_rows", .number(countDeviation)), ("histograms", .int(Int64(histograms.count + 1))),
                        ("releases", .array(releases)), ("assumptions", .array(assumptions.map { .string($0) })), ("config", settings.json(preset: preset))])
    }
}
