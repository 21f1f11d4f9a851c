// One release, many generators: from the releases that a model keeps, another one is trained with other networks,
// seeds or alignment, without rows and at no cost. It equals what a training with that configuration makes of the same
// releases.

import Basics
import Privacy

extension Plan {
    /// Sections of the configuration that no release depends on, and the options of `fairness` that none does. Networks
    /// that saw private rows are releases.
    private var free: [String] {
        ["projection", "independence", "rake", "calibrate_heads", "seed", "threads"]
            + (sampledStages.isEmpty ? ["autoencoder", "diffusion"] : ["student_autoencoder", "student_diffusion"])
    }
    private static let freeFairness = ["strength", "reduce", "notion", "admissible", "draw"]

    /// The plan with other options of what is free.
    /// - Parameter config: a configuration with these options only, and `protected`: other protected columns. Without
    ///   a strength beside them, a plan that had none gets the default.
    /// - Throws: `.argument` for an option that the releases depend on, and for options out of range.
    func refitted(_ config: JSON) throws -> Plan {
        guard let wanted = config.asObject, var plan = json.asObject, var all = plan["config"]?.asObject,
              var fairness = all["fairness"]?.asObject else {
            throw Failure(.argument, "refit: the configuration must be an object")
        }
        if wanted["protected"] != nil {
            let columns = try JSONReader(config, context: "refit", code: .argument).strings("protected")
            plan["protected"] = .array(columns.map { .string($0) })
            // These name groups of the columns before.
            if columns != protected { (fairness["draw"], fairness["shares"]) = (.string("released"), .members([])) }
            fairness["strength"] = columns.isEmpty ? .number(0) : strength > 0 ? fairness["strength"] : .null
            if columns.isEmpty { fairness["reduce"] = .null }
            all["fairness"] = .object(fairness)
        }
        for key in wanted.keys where key != "protected" {
            guard let value = wanted[key] else { continue }
            let allowed = key == "fairness" ? Self.freeFairness : nil
            guard allowed != nil || free.contains(key) else {
                throw Failure(.argument, "refit, \(quoted(key)): the releases depend on it, or it is no option")
            }
            guard var own = all[key]?.asObject, let options = value.asObject else {
                all[key] = value
                continue
            }
            for name in options.keys {
                guard allowed?.contains(name) ?? true else {
                    throw Failure(.argument, "refit, \(key) \(quoted(name)): the releases depend on it, or it is no "
                        + "option")
                }
                own[name] = options[name]
                if key == "fairness", name == "reduce", options["strength"] == nil { own["strength"] = .number(1) }
                if key == "fairness", name == "strength", options["reduce"] == nil { own["reduce"] = .null }
            }
            all[key] = .object(own)
        }
        // Without an alignment of their own these networks can teach, whatever their training was to do with groups.
        if !sampledStages.isEmpty, modelled.count == grids.count || distils, var own = all["independence"]?.asObject {
            all["alignment"] = nil
            if conditionals == 0, config["independence"]?["conditionals"] == nil {
                own["conditionals"] = try .number(Presets.named(preset).defaults.independence.conditionals)
            }
            all["independence"] = .object(own)
        }
        plan["config"] = .object(all)
        plan["released_by"] = released.json
        let made: Plan
        do { made = try Plan(json: .object(plan)) } catch let f as Failure where f.code == .format {
            throw Failure(.argument, "refit: \(f.message)")
        }
        guard !isBalanced || made.protected == protected && (made.strength > 0) == (strength > 0) else {
            throw Failure(.unsupported, "refit: this training balanced its groups, and keeps them")
        }
        return made
    }
}

extension Trainer {
    private static let origin = "the networks were trained again from these releases, without rows"

    /// A trainer that begins after the last release of `model`.
    /// - Parameter config: options that no release depends on.
    /// - Throws: `.unsupported` for a model whose networks saw private rows; `.argument` for other options.
    package convenience init(refitting model: Model, config: JSON) throws {
        let teacher = model.teacher
        guard teacher != nil
            || model.marginals != nil && model.plan.stages.allSatisfy({ $0.steps == 0 || $0.sampled == nil }) else {
            throw Failure(.unsupported, "refit: the networks of this model learned from private rows under noise and "
                + "do not see the protected columns, and that cannot be done again without rows: it is for the preset "
                + "\"best\" without finetuning, and for \"published\" where its networks see every column")
        }
        let plan = try model.plan.refitted(config)
        guard teacher == nil || plan.strength == 0 || plan.distils else {
            throw Failure(.argument, "refit, independence conditionals: must be above 0: networks that saw rows can be "
                + "aligned by nothing else")
        }
        var ledger = model.ledger
        for words in plan.assumptions + [Self.origin] { ledger.assume(words) }
        try self.init(plan: plan, rows: .none, ledger: ledger, random: SecureRandom(), runID: newID())
        let next: StageID = teacher == nil ? .projection : .distillation
        for stage in plan.stages {
            if stage.id == next, stage.steps > 0 { break }
            done += stage.steps
        }
        let old = model.statistics
        try run.begin(with: Statistics(plan: run.plan, counts: old.counts, groupCounts: old.releasedGroupCounts))
        (run.artefacts.pairs, run.artefacts.marginals) = (model.generator.pairs, model.marginals)
        try prepareStages()
        guard let teacher else { return }
        run.artefacts.calibrated = teacher.autoencoder
        run.artefacts.diffusion = try teacher.denoiser.map { try NetworkFit($0) }
    }
}

extension Model {
    /// Networks that saw private rows and all columns: they can teach. nil: this model has none.
    var teacher: Teacher? {
        if let kept = generator.teacher { return kept }
        guard let own = generator.autoencoder, plan.modelled.count == plan.grids.count,
              plan.stages.contains(where: { $0.id == .distillation }), !plan.distils else { return nil }
        return Teacher(autoencoder: own, denoiser: generator.denoiser)
    }
}

extension Model {
    /// Another model from the releases of this one.
    /// - Parameters:
    ///   - config: options that no release depends on: networks (of a model whose networks saw private rows those of
    ///     its students), projection, independence, tilt, seeds, threads, of
    ///     fairness strength, reduce, notion, admissible and draw, and `protected`, other protected columns.
    ///   - progress: (steps done, steps in all); false cancels.
    /// - Throws: `.unsupported` for a model whose networks saw private rows; `.argument`; `.cancelled`.
    package func refit(_ config: JSON, progress: (Int, Int) -> Bool = { _, _ in true }) throws -> Model {
        let trainer = try Trainer(refitting: self, config: config)
        while !trainer.isFinished {
            guard progress(trainer.done, trainer.plan.totalSteps) else {
                throw Failure(.cancelled, "refit was cancelled")
            }
            try trainer.step(maxSteps: 16, maxSeconds: 0.1)
        }
        return try trainer.finish()
    }
}
