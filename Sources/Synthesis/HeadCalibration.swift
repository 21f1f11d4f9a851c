// Free calibration of the decoder's head biases: generated rows are compared with the released histograms, and each bias moves
// until the mean of the softmax meets its bin's share. Only generated rows take part, never encodings of private ones.

import Basics
import Glibc
import Networks

/// A copy of `autoencoder` whose generated one-way marginals meet `statistics`. Fixed-point iteration in the log domain: bias += .8 log(target / mean).
/// - Parameters:
///   - rows: generated rows the means are taken over.
///   - stop: asked before every round; true ends with `.cancelled`.
func calibratedHeads(plan: Plan, statistics: Statistics, autoencoder: VAE, denoiser: Denoiser?, latents: LatentScale? = nil, rows: Int = 8192, rounds: Int = 15, threads: Int, stop: () -> Bool) throws -> VAE {
    let vae = try autoencoder.copy()
    let sampler = Sampler(plan: plan, statistics: statistics, autoencoder: vae, denoiser: denoiser, latents: latents, tilt: nil)
    var biases = statistics.modelled.map { _ in [Float]() }
    if var p = vae.parameters.pointer("head.bias") {
        for (t, e) in statistics.modelled.enumerated() { biases[t] = Array(UnsafeBufferPointer(start: p, count: e.bins)); p += e.bins }
    }
    // The latents do not depend on the biases.
    let z = try sampler.latents(seed: 0x6865_6164, count: rows, threads: threads)
    for _ in 0..<rounds {
        if stop() { throw Failure(.cancelled, "training was cancelled; it can be continued") }
        let mean = try sampler.meanShares(latents: z, count: rows, threads: threads)
        for (t, e) in statistics.modelled.enumerated() {
            for b in 0..<e.bins {
                let move = 0.8 * log(max(e.binShare[b], 1e-5) / max(mean[t][b], 1e-6))
                biases[t][b] += Float(max(-2, min(2, move)))
            }
        }
        try vae.setHeadBiases(biases)
    }
    return vae
}
