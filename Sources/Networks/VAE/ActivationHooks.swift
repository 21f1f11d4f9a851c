// Hooks into a row's activations, where terms of the caller's own add their gradients.
// They are called between the forward and the backward pass, for latent means and log-variances, decoder activations
// and head logits. What is added to a private row must depend on that row and on constants alone.
//
//     let hooks = try ActivationHooks(vae, decoded: true, logits: true)      // one per worker
//     let options = VAE.GradientOptions(hooks: hooks)
//     vae.clippedGradientSum(rows, noise: e, clips: C, beta: 0.5, into: sum, options: options, scratch) { first, n in
//         // rows first ..< first + n of the batch: hooks.mean [n][Z] … are theirs;
//         // add to hooks.dMean [n][Z] …, zero until now
//     }

import Basics
import Compute

package final class ActivationHooks {
    /// Row-major, [lanes][width] with rows 0 ..< n in use; log-variances are held in -6 ... 2. Empty where not asked
    /// for.
    package let mean, logVariance, decoded, logits: Buffer<Float>
    /// Gradients by them, of the same shapes.
    package let dMean, dLogVariance, dDecoded, dLogits: Buffer<Float>
    /// Z; T d; sum of K_t; the last two 0 where not asked for.
    package let latentCount, decodedCount, logitCount: Int
    private let lanes: Buffer<Float>

    /// - Parameters:
    ///   - decoded: whether the output of the decoder's last norm, [T][d], is wanted.
    ///   - logits: whether those of all heads are wanted.
    /// - Throws: `.noMemory`.
    package init(_ vae: VAE, decoded wantsDecoded: Bool, logits wantsLogits: Bool) throws {
        let W = vae.kernels.lanes, s = vae.shape
        func rows(_ width: Int) throws -> Buffer<Float> { try Buffer(count: W * width, for: "a row's activations") }
        latentCount = s.latentCount
        decodedCount = wantsDecoded ? s.columns * s.width : 0
        logitCount = wantsLogits ? s.totalLevels : 0
        mean = try rows(latentCount)
        dMean = try rows(latentCount)
        logVariance = try rows(latentCount)
        dLogVariance = try rows(latentCount)
        decoded = try rows(decodedCount)
        dDecoded = try rows(decodedCount)
        logits = try rows(logitCount)
        dLogits = try rows(logitCount)
        lanes = try rows(max(latentCount, decodedCount, logitCount))
    }

    /// Overwrites everything with zeros, so that no row's activations outlive its release.
    package func wipe() {
        for b in [mean, dMean, logVariance, dLogVariance, decoded, dDecoded, logits, dLogits, lanes] {
            for i in b.indices { b.base[i] = 0 }
        }
    }

    /// Takes the activations of n rows out of the lanes; before the logits become gradients.
    func collect(_ vae: VAE, _ n: Int, _ s: VAEScratch) {
        let k = vae.kernels
        k.lanesToRows(s.at(s.mean), mean.base, 0, n, latentCount)
        k.lanesToRows(s.at(s.variance), logVariance.base, 0, n, latentCount)
        for i in 0 ..< n * latentCount { logVariance.base[i] = min(max(logVariance.base[i], -6), 2) }
        if decodedCount > 0 { k.lanesToRows(s.at(s.decoder.out), decoded.base, 0, n, decodedCount) }
        if logitCount > 0 { k.lanesToRows(s.at(s.logits), logits.base, 0, n, logitCount) }
        for b in [dMean, dLogVariance, dDecoded, dLogits] { for i in b.indices { b.base[i] = 0 } }
    }

    /// x += the term gradients of n rows, [width] vectors.
    func addTermGradients(_ gradients: Buffer<Float>, _ vae: VAE, _ n: Int, _ width: Int,
                          to x: UnsafeMutablePointer<Float>) {
        guard width > 0 else { return }
        vae.kernels.rowsToLanes(gradients.base, 0, n, width, lanes.base)
        vae.kernels.add(lanes.base, x, width)
    }
}
