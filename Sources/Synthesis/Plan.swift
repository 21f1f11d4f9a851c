// A plan: everything that is fixed before any row is seen. Schema, options, the order α* and ceiling R* of the Rényi filter, the
// noise of the first release, the list of releases and their weights. It can be printed and priced without data; training
// executes it. Nothing here is derived from a row.

import Basics
import Compute
import Networks
import Privacy
import Tables

package struct Plan: Sendable {
    package static let group = "all"          // one group at strength 0; the ledger is per group all the same
    package static let presets = ["published"]

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
    /// Noise multiplier of the diffusion over that of the autoencoder.
    package let diffusionWeight: Double

    /// The stages in order; `steps` is what `Progress.total` counts.
    package enum Stage: Int, CaseIterable, Sendable {
        case histograms, autoencoder, diffusion, calibration
        package var name: String { ["histograms", "autoencoder", "diffusion", "calibration"][rawValue] }
    }

    /// - Parameter config: the options, or `.null`; see `Settings.schema`.
    /// - Throws: `.argument` for ε, δ, options and protected columns; `.budget` when no order can meet ε.
    package init(schema: Schema, protected: [String], epsilon: Double, delta: Double, preset: String = "published", config: JSON = .null) throws {
        guard epsilon > 0, epsilon <= 1000 else { throw Failure(.argument, "epsilon: must be above 0 and at most 1000") }
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        guard Self.presets.contains(preset) else { throw Failure(.unsupported, "preset: must be one of \(Self.presets.joined(separator: ", "))") }
        var seen = Set<String>()
        for name in protected {
            guard let i = schema.index(of: name) else { throw Failure(.argument, "protected column \(name): not in the schema") }
            guard seen.insert(name).inserted else { throw Failure(.argument, "protected column \(name): named twice") }
            guard schema.fields[i].kind.count != 1 else { throw Failure(.argument, "protected column \(name): has one level only") }
        }
        let settings = config == .null ? Settings() : try Settings(config)
        if case .declared(let n) = settings.rows, delta >= 1 / Double(n) {
            throw Failure(.argument, "delta: must be below 1 over the declared row count")
        }
        for name in settings.encoder.atoms.keys where schema.index(of: name) == nil { throw Failure(.argument, "config encoder.atoms.\(name): not in the schema") }
        let grids = try schema.fields.map { try ColumnGrid($0, atoms: settings.encoder.atoms[$0.name] ?? []) }
        let n: Int
        switch settings.rows { case .declared(let m), .guessed(let m): n = m }

        // The best order for the rates that the declared or guessed row count gives: least noise on the autoencoder.
        let a = settings.autoencoder, d = settings.diffusion
        let qa = Self.rate(batch: a.batch, rows: Double(n)), qd = Self.rate(batch: d.batch, rows: Double(n))
        var best: (budget: Budget, noise: Double, hist: Double, weight: Double)?
        for order in Budget.orders {
            guard let b = Budget(epsilon: epsilon, delta: delta, order: order) else { continue }
            // A full-rate Gaussian of multiplier m has Rényi divergence order / (2 m²) (Mironov 2017, arXiv 1702.07476v3, corollary 3).
            let hist = (Double(order) / (2 * settings.encoder.share * b.ceiling)).squareRoot()
            let rest = b.ceiling * (1 - settings.encoder.share)
            guard let sa = Budget.leastNoise(rate: qa, count: a.steps, order: order, within: rest * (d.enabled ? 1 - d.share : 1)) else { continue }
            var weight = 1.0
            if d.enabled {
                guard let sd = Budget.leastNoise(rate: qd, count: d.steps, order: order, within: rest * d.share) else { continue }
                weight = sd / sa
            }
            if best == nil || sa < best!.noise { best = (b, sa, hist, weight) }
        }
        guard let best else { throw Failure(.budget, "this plan cannot meet its epsilon at this delta: ask for fewer steps, or for a larger epsilon or delta") }
        (self.schema, self.protected, self.epsilon, self.delta, self.preset) = (schema, protected, epsilon, delta, preset)
        (self.settings, self.grids, budget, histogramNoise, diffusionWeight) = (settings, grids, best.budget, best.hist, best.weight)
    }

    /// Poisson rate that gives `batch` expected rows out of `rows`.
    package static func rate(batch: Int, rows: Double) -> Double { min(1, Double(batch) / max(rows, 1)) }

    /// Steps of each stage, in order.
    package var steps: [Int] { [1, settings.autoencoder.steps, settings.diffusion.enabled ? settings.diffusion.steps : 0, 1] }
    package var totalSteps: Int { steps.reduce(0, +) }

    /// The histograms of the joint first release: one for each level of each column's tree, and the row count.
    package var histograms: [HistogramRequest] {
        grids.enumerated().flatMap { j, g in g.divisors.map { HistogramRequest(column: j, divisor: $0, body: g.body) } }
    }
    /// L2 norm of what one row adds to the release: one count in each histogram and one in the row count.
    package var histogramSensitivity: Double { Double(histograms.count + 1).squareRoot() }
    /// Deviation of the noise in one released count, in rows.
    package var countDeviation: Double { histogramNoise * histogramSensitivity }

    /// Noise multipliers of the stages for a row count: the least common factor s that meets R* at α*.
    package func noise(rows: Double) throws -> (autoencoder: Double, diffusion: Double) {
        let a = settings.autoencoder, d = settings.diffusion
        var events = [Budget.Event(rate: Self.rate(batch: a.batch, rows: rows), weight: 1, count: a.steps)]
        if d.enabled { events.append(.init(rate: Self.rate(batch: d.batch, rows: rows), weight: diffusionWeight, count: d.steps)) }
        let spent = Double(budget.order) / (2 * histogramNoise * histogramNoise)
        let s = try budget.calibrate(events, spent: spent)
        return (s, s * diffusionWeight)
    }

    /// ε of the whole plan at another δ: every training under it stays below.
    package func epsilon(delta: Double) throws -> Double {
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        return RenyiAccountant.epsilon(rdp: budget.ceiling, order: budget.order, delta: delta)
    }

    /// What the guarantee takes for granted, in words, as the ledger records it.
    package var assumptions: [String] {
        var a = ["neighbouring tables differ by one row added or removed",
                 "the schema is public: column names, types, levels, bounds and steps",
                 "every option of the configuration was chosen without a look at the rows",
                 "the table has at least one row"]
        if case .declared(let n) = settings.rows { a.append("the row count is public by declaration: \(n)") }
        if settings.testSeed != nil { a.append("deterministic noise: not private") }
        return a
    }

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
        var releases = [entry(.histograms, 1, histogramNoise, 1, Double(budget.order) / (2 * histogramNoise * histogramNoise)),
                        entry(.autoencoder, qa, noise.autoencoder, a.steps, Double(a.steps) * rdpSubsampledGaussian(q: qa, sigma: noise.autoencoder, order: budget.order))]
        if d.enabled { releases.append(entry(.diffusion, qd, noise.diffusion, d.steps, Double(d.steps) * rdpSubsampledGaussian(q: qd, sigma: noise.diffusion, order: budget.order))) }
        return .members([("epsilon", .number(epsilon)), ("delta", .number(delta)), ("order", .int(Int64(budget.order))), ("ceiling", .number(budget.ceiling)),
                        ("preset", .string(preset)), ("protected", .array(protected.map { .string($0) })), ("groups", .array([.string(Self.group)])),
                        ("rows", .members([(known, .int(Int64(n)))])), ("count_noise_rows", .number(countDeviation)), ("histograms", .int(Int64(histograms.count + 1))),
                        ("releases", .array(releases)), ("assumptions", .array(assumptions.map { .string($0) })), ("config", settings.json)])
    }
}

extension Plan {
    /// The autoencoder's shape for the released number of bins of each column.
    func autoencoderShape(levels: [Int]) throws -> VAEShape {
        let a = settings.autoencoder
        var shape = VAEShape(levels: levels)
        (shape.width, shape.heads, shape.feedForward, shape.encoderBlocks, shape.decoderBlocks) = (a.width, a.heads, a.feedForward, a.blocks, a.blocks)
        shape.activation = a.activation == "relu" ? .relu : .gelu
        (shape.affineNorm, shape.biases) = (a.affine, a.affine)
        shape.latent = a.latentKind == "pooled" ? .pooled(a.latent) : .perToken
        shape.logVariance = a.logVariance == "global" ? .global : a.logVariance == "head" ? .head : .network
        shape.trainsLogVariance = a.logVariance != "global"
        try shape.check()
        return shape
    }
}

extension Plan {
    func makeDenoiser(latent: Int) throws -> Denoiser {
        let d = settings.diffusion
        var shape = DenoiserShape(latent: latent)
        (shape.width, shape.layers, shape.noiseLevels) = (d.hidden, d.layers, d.noiseLevels)
        return try Denoiser(shape: shape, seed: settings.seed)
    }

    /// An upper estimate of the memory a training takes beside the host's own table, in bytes.
    /// - Throws: `.argument` for a row count that is negative or too large to count in bytes.
    package func memory(rows: Int) throws -> Int {
        guard rows >= 0, rows <= 1 << 44 else { throw Failure(.argument, "rows: must be from 0 to 2^44") }
        let bytesPerRow = grids.reduce(0) { $0 + ($1.count <= 256 ? 1 : 2) } + 1
        let a = settings.autoencoder, d = settings.diffusion, T = grids.count
        // A worker keeps every activation and its gradient for one micro-batch: per token and block about 12 widths, the
        // feed-forward layer twice, attention weights twice; three transformers at most, and the heads.
        let bins = settings.encoder.bins * T
        let perRow = 3 * a.blocks * T * (12 * a.width + 2 * a.feedForward + 2 * T * a.heads) + 4 * bins + d.noiseLevels * d.layers * 4 * d.hidden
        let weights = 3 * a.blocks * (4 * a.width * a.width + 2 * a.width * a.feedForward) + 2 * bins * a.width + 2 * T * a.width * a.latent + d.layers * d.hidden * d.hidden + 64 * d.hidden
        let threads = settings.threads > 0 ? settings.threads : Workers.available
        return rows * bytesPerRow + threads * 4 * (perRow * Trainer.microBatch + weights) + 24 * weights + 32 * grids.reduce(0) { $0 + 4 * $1.count } + (8 << 20)
    }
}
