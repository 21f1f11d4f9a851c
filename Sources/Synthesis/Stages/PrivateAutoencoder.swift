// The autoencoder trained by DP-SGD on private rows: from the start (`published`), or after training on released rows
// (finetuning of `best`).

import Basics
import Networks
import Privacy
import Storage

package struct PrivateAutoencoder: Stage {
    package let id = StageID.autoencoder
    package init() {}

    package func steps(_ plan: Plan) -> Int { plan.settings.autoencoder.steps }
    package var ledgerWords: String? { "steps of training the network that turns rows into codes and back" }

    package func sampling(_ plan: Plan) -> SampledSteps? {
        let s = plan.settings.autoencoder
        return SampledSteps(id, batch: s.batch, steps: s.steps, clip: s.clip, moments: plan.isAligned
            ? plan.settings.alignment.noise : nil)
    }

    package func memory(_ plan: Plan, threads: Int) throws -> Int {
        plan.autoencoderMemory(threads: threads) + (plan.isAligned ? plan.momentsMemory(threads: threads) : 0)
    }

    package func prepare(_ run: StageRun) throws {
        let vae = try run.newAutoencoder(), statistics = try run.statistics()
        run.artefacts.autoencoder = try NetworkFit(vae)
        guard run.plan.isAligned else { return }
        run.artefacts.privateAlignment = try PrivateAlignment(plan: run.plan, statistics: statistics, network: vae,
                                                              pools: run.plan.pools(statistics.groupRows))
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        guard let fit = run.artefacts.autoencoder else { throw StageRun.lost }
        let s = run.plan.settings.autoencoder, aligned = run.artefacts.privateAlignment
        try aligned?.prepare(step: t) { try fit.averaged() }
        try PrivateSteps.step(fit, id, aligned: aligned, learningRate: cosineRate(s.learningRate, step: t, of: s.steps),
                              run)
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        guard run.artefacts.teacher == nil else { return }
        try run.artefacts.autoencoder?.write(to: root, id.name)
        try run.artefacts.privateAlignment?.write(to: root)
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        guard !root.has(Teacher.group), let fit = run.artefacts.autoencoder else { return }
        try fit.read(from: root, id.name)
        try run.artefacts.privateAlignment?.read(from: root, network: fit.network)
    }

    package func write(_ generator: Generator, weights: GroupWriter) throws {
        if generator.teacher == nil { try generator.write(autoencoder: weights) }
    }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        if !plan.distils { try generator.read(autoencoder: weights, of: plan) }
    }
}

/// Further DP-SGD steps from where the released rows led.
package struct PrivateFinetuning: Stage {
    package let id = StageID.finetuning
    package init() {}

    package func steps(_ plan: Plan) -> Int { plan.settings.finetuning.steps }
    package var ledgerWords: String? { "further steps of training that network on the rows themselves" }

    package func sampling(_ plan: Plan) -> SampledSteps? {
        let s = plan.settings.finetuning
        return SampledSteps(id, batch: s.batch, steps: s.steps, clip: s.clip)
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        let s = run.plan.settings.finetuning
        if run.artefacts.finetuned == nil {
            guard let fit = run.artefacts.autoencoder else { throw StageRun.lost }
            run.artefacts.finetuned = try NetworkFit(fit.averaged())
        }
        guard let fit = run.artefacts.finetuned else { throw StageRun.lost }
        try PrivateSteps.step(fit, id, aligned: nil, learningRate: cosineRate(s.learningRate, step: t, of: s.steps),
                              run)
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        try run.artefacts.finetuned?.write(to: root, "finetuned")
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        guard root.has("finetuned"), let fit = run.artefacts.autoencoder else { return }
        let tuned = try NetworkFit(fit.averaged())
        try tuned.read(from: root, "finetuned")
        run.artefacts.finetuned = tuned
    }
}

extension Generator {
    /// The autoencoder's part of the group of weights; nothing for a preset without networks.
    func write(autoencoder weights: GroupWriter) throws {
        guard let autoencoder else { return }
        try weights.group("autoencoder") { try autoencoder.parameters.write(to: $0) }
    }

    /// - Throws: `.format` when the file has no weights.
    mutating func read(autoencoder weights: GroupReader?, of plan: Plan) throws {
        guard let weights else { throw Failure(.format, "weights: is missing") }
        let vae = try VAE(shape: plan.autoencoderShape(levels: statistics.modelledLevels), seed: 0)
        try vae.parameters.read(from: weights.group("autoencoder"))
        autoencoder = vae
    }

    /// The diffusion's part of the group of weights: the denoiser and, where it has one, the scale of its latents.
    func write(diffusion weights: GroupWriter) throws {
        guard let denoiser else { return }
        try weights.group("diffusion") { try denoiser.parameters.write(to: $0) }
        guard let latents else { return }
        try weights.tensor("latent_mean", shape: [latents.mean.count], latents.mean)
        try weights.tensor("latent_deviation", shape: [latents.mean.count], latents.standardDeviation)
    }

    mutating func read(diffusion weights: GroupReader?, of plan: Plan) throws {
        guard let weights, let autoencoder else { throw Failure(.format, "weights: is missing") }
        let network = try plan.makeDenoiser(latent: autoencoder.latentCount)
        try network.parameters.read(from: weights.group("diffusion"))
        denoiser = network
    }

    mutating func readLatentScale(_ weights: GroupReader?) throws {
        guard let weights, let autoencoder else { throw Failure(.format, "weights: is missing") }
        let L = autoencoder.latentCount
        let scale = LatentScale(mean: Array(try weights.tensor("latent_mean", shape: [L], as: Float.self)),
                                standardDeviation: Array(try weights.tensor("latent_deviation", shape: [L],
                                    as: Float.self)))
        guard scale.mean.allSatisfy(\.isFinite), scale.standardDeviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw Failure(.format, "latent scale: out of range")
        }
        latents = scale
    }
}
