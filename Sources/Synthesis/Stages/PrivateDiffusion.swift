// The latent diffusion trained by DP-SGD on the encoded private rows.

import Basics
import Compute
import Glibc
import Networks
import Privacy
import Storage

package struct PrivateDiffusion: Stage {
    package let id = StageID.diffusion
    package init() {}

    package func steps(_ plan: Plan) -> Int { plan.settings.diffusion.enabled ? plan.settings.diffusion.steps : 0 }
    package var ledgerWords: String? { "steps of training the network that draws new codes" }

    package func sampling(_ plan: Plan) -> SampledSteps? {
        let s = plan.settings.diffusion
        return SampledSteps(id, batch: s.batch, steps: s.steps, clip: s.clip, weight: plan.diffusionWeight)
    }

    package func memory(_ plan: Plan, threads: Int) throws -> Int { plan.diffusionMemory(threads: threads) }

    package func step(_ t: Int, _ run: StageRun) throws {
        let vae = try run.finishedAutoencoder(), b = try run.batches(of: id)
        guard let fit = run.artefacts.diffusion else { throw StageRun.lost }
        let s = run.plan.settings.diffusion, denoiser = fit.network, L = vae.latentCount, K = s.noiseLevels
        // A public bound on the latent: twice the norm that the prior expects.
        let bound = 2 * Float(L).squareRoot()
        let memory = try run.memory(of: id) { try PrivateSteps(run, b, network: vae, denoiser: denoiser, levels: K) }
        defer { memory.wipe() }
        let sum = try run.door.releaseSum(name: id.name, length: denoiser.parameters.trainable, rates: b.rates,
                                          clips: b.clips, noise: b.noise, expectedRows: b.divisor,
                                          microBatch: PrivateSteps.microBatch, threads: run.threads) { rows, worker,
                                              out in
            let w = memory.workers[worker], n = rows.count
            guard let scratch = w.denoiser else { return }
            w.encode(rows)
            rows.random.fillNormal(w.normals.base, n * (L + K * L + K))
            // One row's randomness: a posterior draw, K noises and K noise levels.
            let z = w.latents.base, eps = w.normals.base + n * L, levels = eps + n * K * L
            vae.encode(w.rows(n), mean: z, logVariance: w.logVariances.base, w.vae)
            for i in 0..<n {
                var square: Float = 0
                for k in i * L..<(i + 1) * L {
                    z[k] += exp(0.5 * w.logVariances.base[k]) * w.normals.base[k]
                    square += z[k] * z[k]
                }
                let f = bound / square.squareRoot()
                if f < 1 { for k in i * L..<(i + 1) * L { z[k] *= f } }
            }
            denoiser.clippedGradientSum(z, count: n, noise: eps, levels: levels, clips: w.clips.base,
                                        weights: w.weights.base, into: w.sum.base, scratch)
            out.add(w.sum.base)
        }
        fit.update(sum: sum, divisor: b.divisor, learningRate: cosineRate(s.learningRate, step: t, of: s.steps),
                   decay: s.average)
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        guard run.artefacts.teacher == nil else { return }
        try run.artefacts.diffusion?.write(to: root, id.name)
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        try run.readDiffusion(root, id.name)
    }

    package func write(_ generator: Generator, weights: GroupWriter) throws {
        if generator.teacher == nil { try generator.write(diffusion: weights) }
    }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        if !plan.distils { try generator.read(diffusion: weights, of: plan) }
    }
}
