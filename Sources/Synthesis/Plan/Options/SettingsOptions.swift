// Every option of a training, with its default, unit and range: one table that parses a configuration, prints the
// resolved one and describes itself.

import Basics

private typealias Option = Basics.Option<Settings>

/// Sections that belong to no preset alone.
private let commonSections: Set = ["encoder", "autoencoder", "diffusion", "fairness", ""]
/// Old and new names of a section; files and events keep the first.
private let aliases = ["rake": "tilt"]

/// Factors of the terms at one site after the other. - discrepancy: whether that term is among them.
private func factors(_ at: WritableKeyPath<Settings, AlignmentSites>, discrepancy: Bool) -> [Option] {
    typealias W = AlignmentFactors
    let sites: [(String, WritableKeyPath<AlignmentSites, W>, String)] = [("latent", \.latent, "latent"),
        ("decoder", \.decoder, "decoder's activations"), ("heads", \.heads, "heads' logits, mean over columns")]
    let terms: [(String, WritableKeyPath<W, Double>, String)] = [("mean", \.mean, "difference of group means"),
        ("discrepancy", \.discrepancy, "maximum mean discrepancy"),
                                                                ("fourier", \.fourier,
                                                                    "difference of random Fourier features"),
                                                                        ("covariance", \.covariance,
                                                                            "alignment of covariances (CKA)")]
    return sites.flatMap { site in
        terms.filter { discrepancy || $0.0 != "discrepancy" }.map { term in
            .real("\(site.0)_\(term.0)", at.appending(path: site.1).appending(path: term.1), 0...100_000,
                  help: "factor of the \(term.2) at the \(site.2), times strength; 0: not "
                     + "computed\(discrepancy ? "" : " and not paid for")")
        }
    }
}

/// Options of an autoencoder. - isPrivate: whether it may learn from private rows.
private func autoencoder(_ at: WritableKeyPath<Settings, Settings.Autoencoder>, isPrivate: Bool) -> [Option] {
    func own<T>(_ path: WritableKeyPath<Settings.Autoencoder, T>) -> WritableKeyPath<Settings, T> {
        at.appending(path: path)
    }
    return [
        .whole("width", own(\.width), 1...512, unit: "floats", help: "token width"),
        .whole("heads", own(\.heads), 1...64, help: "attention heads; divides width"),
        .whole("feed_forward", own(\.feedForward), 1...4096, unit: "floats",
               help: "hidden width of the feed-forward layers"),
        .whole("blocks", own(\.blocks), 1...16, help: "transformer blocks in encoder and in decoder"),
        .whole("latent", own(\.latent), 1...256, unit: "floats", help: "latent width (pooled)"),
        .choice("activation", own(\.activation), ["gelu", "relu"], help: "of the feed-forward layers"),
        .choice("latent_kind", own(\.latentKind), ["pooled", "per_token"],
                help: "one latent for the row, or one for each column"),
        .choice("log_variance", own(\.logVariance), ["global", "head", "network"],
                help: "how the posterior's log-variance is made"),
        .flag("affine", own(\.affine), help: "layer norm with learnt scale and shift"),
        .real("beta", own(\.beta), 0...100, help: "weight of the Kullback-Leibler term"),
        .whole("batch", own(\.batch), 1...1_000_000, unit: "rows",
               help: isPrivate ? "expected rows in a batch; best takes fewer by itself above 128 columns"
                   : "rows of a batch; fewer by itself above 128 columns"),
        .whole("steps", own(\.steps), 1...1_000_000, unit: "steps", help: isPrivate ? "DP-SGD steps" : "free steps"),
        .real("rate", own(\.learningRate), 1e-6...1,
              help: "Adam's learning rate at the start; cosine decay to a twentieth"),
    ] + (isPrivate ? [.real("clip", own(\.clip), 1e-6...1e6, help: "clipping norm of a row's gradient")] : []) + [
        .real("average", own(\.average), 0...0.99999, help: "decay of the moving average of the weights"),
        .whole("warmup", own(\.warmup), 0...1_000_000, unit: "steps",
               help: "steps over which rate and beta grow to their values"),
    ]
}

/// Options of a latent diffusion. - isPrivate: whether it may learn from private rows.
private func diffusion(_ at: WritableKeyPath<Settings, Settings.Diffusion>, isPrivate: Bool) -> [Option] {
    func own<T>(_ path: WritableKeyPath<Settings.Diffusion, T>) -> WritableKeyPath<Settings, T> {
        at.appending(path: path)
    }
    return [
        .flag("enabled", own(\.enabled),
              help: "train a latent diffusion; without it the latent is drawn from its prior"),
    ] + (isPrivate ? [.real("share", own(\.share), 0.01...0.9, unit: "share",
                            help: "part of the remaining Rényi budget that the diffusion gets")] : []) + [
        .whole("hidden", own(\.hidden), 1...4096, unit: "floats", help: "width of the denoiser"),
        .whole("layers", own(\.layers), 1...16, help: "layers of the denoiser"),
        .whole("noise_levels", own(\.noiseLevels), 1...64,
               help: isPrivate ? "noise levels of one row averaged before clipping" : "noise levels of one row"),
        .whole("batch", own(\.batch), 1...1_000_000, unit: "rows",
               help: isPrivate ? "expected rows in a batch" : "rows of a batch"),
        .whole("steps", own(\.steps), 1...1_000_000, unit: "steps", help: isPrivate ? "DP-SGD steps" : "free steps"),
        .real("rate", own(\.learningRate), 1e-6...1,
              help: "Adam's learning rate at the start; cosine decay to a twentieth"),
    ] + (isPrivate ? [.real("clip", own(\.clip), 1e-6...1e6, help: "clipping norm of a row's gradient")] : []) + [
        .real("average", own(\.average), 0...0.99999, help: "decay of the moving average of the weights"),
        .whole("warmup", own(\.warmup), 0...1_000_000, unit: "steps",
               help: "steps over which the rate grows to its value"),
        .whole("sampler_steps", own(\.samplerSteps), 2...256, unit: "steps",
               help: "Heun steps from noise to latent"),
    ]
}

private let gridKey = "grid"

private let allSections: [(name: String, options: [Option])] = [
    ("encoder", [
        .whole("bins", \.encoder.bins, 2...1024, unit: "bins",
               help: "largest number of bins of a numerical column; best takes fewer, 8 at least, where a cell of a "
                   + "pair "
                  + "would hold fewer rows than twice its noise"),
        .real("share", \.encoder.share, 0.001...0.5, unit: "share of R*",
              help: "part of the budget that buys the histograms"),
        .choice(gridKey, \.encoder.grid, ["auto", "equal", "powers"],
                help: "cells of numbers and integers with more than 65535 values; powers: they grow with the distance "
                    + "from zero, as amounts need; auto: powers where the declared range reaches 2^25 steps from zero "
                    + "(without a step: 2^20) and 1024 times as far as its near end; a plan tells the choice as "
                    + "power_grids"),
    ]),
    ("autoencoder", autoencoder(\.autoencoder, isPrivate: true)),
    ("diffusion", diffusion(\.diffusion, isPrivate: true)),
    ("student_autoencoder", autoencoder(\.studentAutoencoder, isPrivate: false)),
    ("student_diffusion", diffusion(\.studentDiffusion, isPrivate: false)),
    ("fairness", [
        .choice("calibration", \.fairness.calibration, ["uniform", "equalised"],
                help: "uniform: one clipping norm, noise set by the group that is drawn most often; equalised: a "
                    + "norm for "
                   + "each group, so that all end at the same epsilon"),
        .real("q_max", \.fairness.cap, 0...1, unit: "probability",
              help: "balanced: no group is drawn at a higher rate; 0: four times batch over rows"),
        .whole("pool_below", \.fairness.poolBelow, 0...1_000_000_000, unit: "rows",
               help: "balanced: groups whose noisy count is below this are sampled and aligned as one; 0: none"),
        .flag("reweight", \.fairness.reweight,
              help: "balanced: rows weigh as much as their group's share of the table, before the clip"),
    ]),
    ("alignment", [
        .whole("start", \.alignment.start, 0...1_000_000, unit: "steps",
               help: "steps of phase 1 (quality alone); moments are released from the first step on"),
        .whole("ramp", \.alignment.ramp, 0...1_000_000, unit: "steps",
               help: "steps over which the terms grow to their weight"),
        .real("keep", \.alignment.decay, 0...0.9999, help: "decay of the moments' moving average"),
        .real("noise", \.alignment.noise, 0.01...1000,
              help: "noise of the moments over that of the gradient, each in units of what a row can add"),
        .real("reach", \.alignment.reach, 0.01...100,
              help: "radius of the ball that activations are held in, in typical lengths"),
        .real("anchor", \.alignment.anchor, 0...10_000,
              help: "weight of the distance of a row's posterior to the one that phase 1 left"),
    ] + factors(\.alignment.sites, discrepancy: false)),
    ("marginals", [
        .choice("pairs", \.marginals.pairs, ["auto", "all", "selected"],
                help: "pairs of columns that are bought; auto: all of up to 64 columns, otherwise a private selection"),
        .whole("count", \.marginals.count, 0...1_000_000, unit: "pairs",
               help: "pairs to select; 0: four for each column"),
        .real("selection_share", \.marginals.selectionShare, 0.001...0.9, unit: "share",
              help: "part of the remaining budget that a selection gets"),
    ]),
    ("projection", [
        .whole("rows", \.projection.rows, 16...1_000_000, unit: "rows", help: "rows of the relaxed table"),
        .whole("steps", \.projection.steps, 1...1_000_000, unit: "steps",
               help: "most steps of its fit, which stops at the noise floor"),
        .real("rate", \.projection.learningRate, 1e-6...10, help: "Adam's learning rate at the start"),
    ]),
    ("independence", [
        .real("conditionals", \.independence.conditionals, 0...100_000,
              help: "weight of equal selection of the groups by each column's conditional given the others, times "
                  + "strength; 0: rows are those of the relaxed table"),
        .real("parity", \.independence.parity, 0...100_000,
              help: "weight of demographic parity of all columns in the relaxed table, times strength; 0: the table "
                  + "stays "
                 + "as it was fitted"),
        .whole("start", \.independence.start, 0...1_000_000, unit: "steps", help: "steps of phase 1 (quality alone)"),
        .whole("ramp", \.independence.ramp, 0...1_000_000, unit: "steps",
               help: "steps over which the terms grow to their weight"),
        .real("adversary", \.independence.adversary, 0...100_000,
              help: "factor of the push against a classifier of the group, times strength"),
        .whole("adversary_steps", \.independence.adversarySteps, 0...100, unit: "steps",
               help: "steps of the classifier for each of the autoencoder"),
        .real("anchor", \.independence.anchor, 0...10_000,
              help: "weight of the distance of a row's latent to the one that phase 1 left"),
        .real("repair", \.independence.repair, 0...1, unit: "share",
              help: "share of released rows whose columns are moved until none alone tells the group, times "
                  + "strength, at "
                 + "most 1"),
    ] + factors(\.independence.sites, discrepancy: true)),
    ("finetuning", [
        .whole("steps", \.finetuning.steps, 0...1_000_000, unit: "steps",
               help: "DP-SGD steps of the autoencoder on private rows; 0: none"),
        .whole("batch", \.finetuning.batch, 1...1_000_000, unit: "rows", help: "expected rows in a batch"),
        .real("share", \.finetuning.share, 0.01...0.95, unit: "share",
              help: "part of the budget after the histograms that they get"),
        .real("rate", \.finetuning.learningRate, 1e-6...1,
              help: "Adam's learning rate at the start; cosine decay to a twentieth"),
        .real("clip", \.finetuning.clip, 1e-6...1e6, help: "clipping norm of a row's gradient"),
    ]),
    ("rake", [
        .flag("enabled", \.tilt.enabled, help: "tilt the heads so that generated rows meet the released marginals"),
        .whole("steps", \.tilt.steps, 0...100_000, unit: "steps", help: "steps of the tilt's fit; 0: 150"),
        .whole("pool", \.tilt.pool, 1000...10_000_000, unit: "rows",
               help: "generated latents it is fitted on; fewer where they would take more than 64 MB"),
        .whole("batch", \.tilt.batch, 128...1_000_000, unit: "rows", help: "rows that a step draws from them"),
        .real("rate", \.tilt.learningRate, 1e-6...10, help: "learning rate of the tilt"),
        .real("threshold", \.tilt.threshold, 0...100, unit: "standard deviations",
              help: "what a released table says beyond the fitted one counts from so many deviations of its noise on"),
        .real("spread", \.tilt.spread, 1e-3...1e3,
              help: "standard deviation of what the networks are taken to be off by, as a logarithm; differences that "
                  + "the noise explains as well are met the less, the smaller it is"),
        .real("ridge", \.tilt.ridge, 0...1, help: "of the tilt of older models; has no effect"),
        .real("floor", \.tilt.floor, 0.01...1, unit: "share", help: "of the tilt of older models; has no effect"),
        .real("cap", \.tilt.cap, 1...1000, unit: "rows", help: "of the tilt of older models; has no effect"),
    ]),
    ("", [
        .flag("calibrate_heads", \.calibrateHeads,
              help: "shift head biases until generated rows meet the released histograms (free)"),
        .whole("max_rows_per_person", \.rowsPerPerson, 0...1024, unit: "rows",
               help: "the promise is for persons with up to so many rows, to which the table must have been bounded; "
                   + "0: for "
                  + "rows"),
        .whole("threads", \.threads, 0...1024, help: "worker threads; 0: as many as the process may use"),
        .whole("checkpoint_block", \.checkpointBlock, 1...1_000_000, unit: "steps",
               help: "steps charged ahead in a bound checkpoint file"),
    ]),
]

extension Settings {
    /// Reads a configuration object; absent keys keep their defaults.
    /// - Throws: `.argument` naming the key for an unknown key, a wrong type or a value out of range.
    package init(_ config: JSON, defaults: Settings, sections: Set<String>) throws {
        self = defaults
        let o = try JSONReader(config, context: "config")
        for s in Self.sections(sections) {
            guard let inner = s.name.isEmpty ? o : try Self.section(s.name, of: o) else { continue }
            try OptionTable(s.options).read(inner, into: &self)
            if s.name == "encoder", let atoms = try inner.optionalObject("atoms") {
                for column in atoms.keys { encoder.atoms[column] = try atoms.doubles(column) }
            }
            if s.name == "fairness" { try fairness.readOwn(inner) }
            if !s.name.isEmpty { try inner.finish() }
        }
        if let r = try o.optionalObject("rows") {
            let range = 1...1_000_000_000_000
            switch (try r.optionalInt("declared", in: range), try r.optionalInt("guess", in: range)) {
            case (let n?, nil): rows = .declared(n)
            case (nil, let n?): rows = .guessed(n)
            default: throw o.failure("rows", "must be {\"declared\": n} or {\"guess\": n}")
            }
            try r.finish()
        }
        if sections.contains("focus") { focus = try o.optionalStrings("focus") ?? [] }
        if let v = try o.optionalInt64("seed", in: 0...Int64.max) { seed = UInt64(v) }
        if let v = o.optional("test_seed"), v != .null {
            testSeed = UInt64(try o.int64("test_seed", in: 0...Int64.max))
        }
        try o.finish()
        for (name, own) in [("autoencoder", autoencoder), ("student_autoencoder", studentAutoencoder)] {
            guard own.width % own.heads == 0 else {
                throw Failure(.argument, "config, \(name) heads: must divide width")
            }
        }
    }

    private static func sections(_ own: Set<String>) -> [(name: String, options: [Option])] {
        allSections.filter { commonSections.contains($0.name) || own.contains($0.name) }
    }

    /// A section under either of its names.
    private static func section(_ name: String, of o: JSONReader) throws -> JSONReader? {
        let found = try o.optionalObject(name)
        guard let other = try aliases[name].flatMap({ try o.optionalObject($0) }) else { return found }
        guard found == nil else { throw o.failure(name, "is also given as \(quoted(aliases[name] ?? ""))") }
        return other
    }

    /// Every key with its value: reading it back gives the same settings.
    package func json(sections own: Set<String>) -> JSON {
        var members: [(String, JSON)] = []
        let sections = Self.sections(own)
        switch rows {
        case .declared(let n): members.append(("rows", .members([("declared", .int(Int64(n)))])))
        case .guessed(let n): members.append(("rows", .members([("guess", .int(Int64(n)))])))
        }
        for s in sections where !s.name.isEmpty {
            var inner = s.name == "fairness" ? fairness.ownMembers : []
            // A plan says which columns have which cells: its text does not change with a default.
            inner += OptionTable(s.options).members(self).filter { s.name != "encoder" || $0.0 != gridKey }
            if s.name == "encoder" {
                inner.append(("atoms",
                              .members(encoder.atoms.sorted { $0.key < $1.key }.map { ($0.key,
                                  .array($0.value.map { .number($0) })) })))
            }
            members.append((s.name, .members(inner)))
        }
        members += OptionTable(sections.last?.options ?? []).members(self)
        if own.contains("focus") { members.append(("focus", .array(focus.map { .string($0) }))) }
        members.append(("seed", .int(Int64(clamping: seed))))
        members.append(("test_seed", testSeed.map { .int(Int64(clamping: $0)) } ?? .null))
        return .members(members)
    }

    /// Key, default, range, unit and meaning of every option, for hosts.
    /// - Parameter presets: name, defaults and sections of each preset, that of hosts which name none first.
    package static func schema(presets: [(name: String, defaults: Settings, sections: Set<String>)]) -> JSON {
        func own(_ key: String, _ value: JSON, _ range: String, _ help: String) -> (String, JSON) {
            (key, .members([("default", value), ("range", .string(range)), ("unit", .string("")),
                            ("help", .string(help))]))
        }
        var all = [
            own("rows", .members([("guess", .int(20_000))]), "{\"declared\": n} | {\"guess\": n}",
                "declared: the row count is public; guess: it is private and this only helps to choose the order"),
            own("encoder.atoms", .members([]), "{column: [values]}",
                "single values that get a cell of their own, named in public"),
            own("focus", .array([]), "[columns]",
                "preset best: columns named as important; their three-way marginals with all pairs of the others are "
                    + "bought"),
            own("seed", .int(0), "0 to 2^63 - 1", "starting weights; public, moves no noise"),
            own("test_seed", .null, "null | 0 to 2^63 - 1",
                "tests only: deterministic noise and batches, NOT private, recorded in the ledger"),
        ]
        all += FairnessSettings.described.map { own("fairness.\($0.key)", $0.value, $0.range, $0.help) }
        for s in allSections {
            let own = presets.filter { commonSections.contains(s.name) || $0.sections.contains(s.name) }.map {
                ($0.name, $0.defaults)
            }
            all += OptionTable(s.options).descriptions(own, prefix: s.name.isEmpty ? "" : s.name + ".")
        }
        return .members(all)
    }
}
