// The latent diffusion trained on encoded rows of the relaxed table. Free, as the autoencoder before it.

import Basics
import Compute
import Networks
import Privacy
import Storage

package struct ReleasedDiffusion: Stage {
    package let id: StageID
    private static let levelsPurpose: UInt32 = 0x6c657665
    /// - id: `.studentDiffusion` where another network teaches this one.
    package init(_ id: StageID = .diffusion) { self.id = id }

    package func steps(_ plan: Plan) -> Int {
        let s = id == .diffusion ? plan.settings.diffusion : plan.settings.studentDiffusion
        return s.enabled && (id == .diffusion || plan.conditionals > 0) ? s.steps : 0
    }
    package func cost(_ plan: Plan) -> StageCost {
        StageCost(id, steps: steps(plan), text: "\(steps(plan)) steps on the latents of such rows")
    }

    /// The network, and the pool of latents that it learns from.
    package func memory(_ plan: Plan, threads: Int) throws -> Int {
        guard steps(plan) > 0 else { return 0 }
        let plan = plan.student, a = plan.settings.autoencoder, tokens = a.latentKind == "pooled" ? 1 : plan.grids.count
        return plan.diffusionMemory(threads: threads) + 4 * LatentPool.maxCount * a.latent * tokens
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        let pool = try run.latentPool(), seed = run.rowSeed
        guard let fit = run.artefacts.diffusion else { throw StageRun.lost }
        let s = run.plan.settings.diffusion, denoiser = fit.network, n = s.batch, L = denoiser.shape.latent,
            K = s.noiseLevels
        let b = try run.memory(of: id) {
            try ReleasedBatch(rows: n, columns: 0, normals: L + K * L + K, weights: denoiser.parameters.trainable,
                              scratches: (0..<run.threads).map { _ in try .denoiser(DenoiserScratch(denoiser)) })
        }
        b.run(threads: run.threads) { chunk, lo, m, scratch in
            guard case .denoiser(let scratch) = scratch else { return }
            // One row's part of the batch: its latent, K noises, K levels.
            let z = b.normals.base + lo * L, eps = b.normals.base + n * L + lo * K * L, levels = b.normals.base
                + n * (L + K * L) + lo * K
            for i in 0..<m {
                let k = UInt64(t) * UInt64(n) + UInt64(lo + i)
                var stream = CounterStream(seed: seed, row: k, purpose: Self.levelsPurpose)
                (z + i * L).update(from: pool.row(stream.uniformDouble()), count: L)
                stream.fillNormal(eps + i * K * L, K * L)
                stream.fillNormal(levels + i * K, K)
            }
            denoiser.gradientSum(z, count: m, noise: eps, levels: levels, into: b.part(chunk), scratch)
        }
        let warmUp = warmUpFactor(t, over: s.warmup)
        fit.update(sum: b.sum(threads: run.threads), divisor: Double(n),
                   learningRate: warmUp * cosineRate(s.learningRate, step: t, of: s.steps),
                   decay: s.average)
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        guard id == .diffusion || run.artefacts.teacher != nil else { return }
        try run.artefacts.diffusion?.write(to: root, id.name)
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        try run.readDiffusion(root, id.name)
    }

    package func write(_ generator: Generator, weights: GroupWriter) throws { try generator.write(diffusion: weights) }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        try generator.read(diffusion: weights, of: plan.student)
        try generator.readLatentScale(weights)
    }
}
