// Free calibration of the biases of the decoder's heads: generated rows are compared with the released histograms, and
// each bias moves until the mean of the softmax meets its bin's share. Only generated rows take part, never encodings
// of private ones.

import Basics
import Glibc
import Networks
import Storage

package struct HeadCalibration: Stage {
    package let id = StageID.calibration
    private static let latentSeed: UInt64 = 0x6865_6164
    package init() {}

    package func steps(_ plan: Plan) -> Int { 1 }
    package func cost(_ plan: Plan) -> StageCost {
        StageCost(id, steps: 1, text: "head biases shifted until generated rows meet the histograms")
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        run.dropMemory()
        let vae = try run.finishedAutoencoder()
        run.artefacts.calibrated = run.plan.settings.calibrateHeads
            ? try Self.calibrated(run.generator(autoencoder: vae.copy()), plan: run.plan, threads: run.threads,
                                  stop: run.takeCancel) : vae
    }

    /// The autoencoder of `generator`, changed in place, with generated one-way marginals that meet the released ones.
    /// Fixed-point iteration in the log domain: bias += .8 log(target / mean).
    /// - Parameters:
    ///   - rows: generated rows the means are taken over.
    ///   - stop: asked before every round; true ends with `.cancelled`.
    static func calibrated(_ generator: Generator, plan: Plan, rows: Int = 8192, rounds: Int = 15, threads: Int,
                           stop: () -> Bool) throws -> VAE {
        guard let vae = generator.autoencoder else { throw StageRun.lost }
        let sampler = Sampler(plan: plan, generator), modelled = generator.statistics.modelled
        var biases = modelled.map { _ in [Float]() }
        if var p = vae.parameters.pointer("head.bias") {
            for (t, e) in modelled.enumerated() {
                biases[t] = Array(UnsafeBufferPointer(start: p, count: e.bins))
                p += e.bins
            }
        }
        // The latents do not depend on the biases.
        let z = try sampler.latents(seed: latentSeed, count: rows, threads: threads)
        for _ in 0..<rounds {
            if stop() { throw StageRun.cancelled }
            let mean = try sampler.meanShares(latents: z, count: rows, threads: threads)
            for (t, e) in modelled.enumerated() {
                for b in 0..<e.bins {
                    let move = 0.8 * log(max(e.binShare[b], 1e-5) / max(mean[t][b], 1e-6))
                    biases[t][b] += Float(max(-2, min(2, move)))
                }
            }
            try vae.setHeadBiases(biases)
        }
        return vae
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        if let calibrated = run.artefacts.calibrated {
            try root.group("calibrated") { try calibrated.parameters.write(to: $0) }
        }
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        if root.has("calibrated") {
            let vae = try run.finishedAutoencoder().copy()
            try vae.parameters.read(from: root.group("calibrated"))
            run.artefacts.calibrated = vae
        }
        guard run.artefacts.calibrated != nil || !isOver else {
            throw Failure(.format, "checkpoint: finished, but without its result")
        }
    }
}
