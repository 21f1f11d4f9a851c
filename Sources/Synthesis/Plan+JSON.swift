// A plan as text: what files keep, and what `explain` tells a person before any data is seen.

import Basics
import Privacy
import Tables

extension Plan {
    package var json: JSON {
        .members([("schema", schema.jsonValue), ("protected", .array(protected.map { .string($0) })), ("epsilon", .number(epsilon)), ("delta", .number(delta)),
                 ("preset", .string(preset)), ("config", settings.json), ("order", .int(Int64(budget.order))), ("ceiling", .number(budget.ceiling)),
                 ("histogram_noise_multiplier", .number(histogramNoise)), ("diffusion_weight", .number(diffusionWeight)),
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
              try same("diffusion_weight", diffusionWeight) else { throw Failure(.format, "plan: its budget does not follow from its options") }
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
        let a = settings.autoencoder, d = settings.diffusion
        let qa = Self.rate(batch: a.batch, rows: Double(n)), qd = Self.rate(batch: d.batch, rows: Double(n))
        var releases = [entry(.histograms, 1, histogramNoise, 1, histogramCost),
                        entry(.autoencoder, qa, noise.autoencoder, a.steps, Double(a.steps) * rdpSubsampledGaussian(q: qa, sigma: noise.autoencoder, order: budget.order))]
        if d.enabled { releases.append(entry(.diffusion, qd, noise.diffusion, d.steps, Double(d.steps) * rdpSubsampledGaussian(q: qd, sigma: noise.diffusion, order: budget.order))) }
        return .members([("epsilon", .number(epsilon)), ("delta", .number(delta)), ("order", .int(Int64(budget.order))), ("ceiling", .number(budget.ceiling)),
                        ("preset", .string(preset)), ("protected", .array(protected.map { .string($0) })), ("groups", .array([.string(Self.group)])),
                        ("rows", .members([(known, .int(Int64(n)))])), ("count_noise_rows", .number(countDeviation)), ("histograms", .int(Int64(histograms.count + 1))),
                        ("releases", .array(releases)), ("assumptions", .array(assumptions.map { .string($0) })), ("config", settings.json)])
    }
}
