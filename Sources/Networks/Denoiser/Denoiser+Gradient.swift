// Clipped sums of the denoiser's per-row gradients.
// A row's M noise levels are its "tokens": every weight is used at each of them and has one gradient a row, their mean,
// which is clipped as a whole.

import Compute

extension Denoiser {
    /// The noise of the rows of one call.
    private struct Noise {
        /// [n][M][latent] standard normals, M = `shape.noiseLevels`, each row's own.
        let normals: UnsafePointer<Float>
        /// [n][M] standard normals that choose the noise levels, each row's own.
        let levels: UnsafePointer<Float>
    }

    /// What a gradient is asked for; nil: not wanted.
    private struct Outputs {
        /// [P], the sum over rows.
        var sum: UnsafeMutablePointer<Float>?
        /// [n], the rows' losses, unweighted.
        var losses: UnsafeMutablePointer<Float>?
        /// [n], lengths of the rows' gradients.
        var norms: UnsafeMutablePointer<Float>?
    }

    /// into[P] = sum over rows of min(weight_i, C_i / ||g_i||) g_i.
    /// - Parameters:
    ///   - z: [n][latent].
    ///   - noise, levels: [n][M][latent] and [n][M] standard normals, each row's own; M = `shape.noiseLevels`.
    ///   - clips: [n] clipping norms C_i, above 0.
    ///   - weights: [n] factors of the rows' losses before the clip, at least 0; nil: 1.
    ///   - into: [P], overwritten.
    ///   - losses: [n], receives the rows' losses, unweighted.
    package func clippedGradientSum(_ z: UnsafePointer<Float>, count: Int, noise: UnsafePointer<Float>,
                                    levels: UnsafePointer<Float>, clips: UnsafePointer<Float>,
                                    weights: UnsafePointer<Float>? = nil, into: UnsafeMutablePointer<Float>,
                                    losses: UnsafeMutablePointer<Float>? = nil, _ scratch: DenoiserScratch) {
        gradient(z, count, Noise(normals: noise, levels: levels), clips: clips, weights: weights,
                 Outputs(sum: into, losses: losses), scratch)
    }

    /// into[P] = sum over rows of weight_i g_i, with the arguments of `clippedGradientSum`. Not private: only for
    /// latents that are released or generated.
    package func gradientSum(_ z: UnsafePointer<Float>, count: Int, noise: UnsafePointer<Float>,
                             levels: UnsafePointer<Float>, weights: UnsafePointer<Float>? = nil,
                             into: UnsafeMutablePointer<Float>, losses: UnsafeMutablePointer<Float>? = nil,
                             _ scratch: DenoiserScratch) {
        gradient(z, count, Noise(normals: noise, levels: levels), weights: weights, Outputs(sum: into, losses: losses),
                 scratch)
    }

    /// norms[n] = ||g_i||, as the clip sees it. Not private: for tests of the clip.
    func perExampleNorms(_ z: UnsafePointer<Float>, count: Int, noise: UnsafePointer<Float>,
                                 levels: UnsafePointer<Float>, norms: UnsafeMutablePointer<Float>,
                                 _ scratch: DenoiserScratch) {
        gradient(z, count, Noise(normals: noise, levels: levels), Outputs(norms: norms), scratch)
    }

    private func gradient(_ z: UnsafePointer<Float>, _ count: Int, _ noise: Noise, clips: UnsafePointer<Float>? = nil,
                          weights: UnsafePointer<Float>? = nil, _ out: Outputs, _ s: DenoiserScratch) {
        let W = kernels.lanes, M = shape.noiseLevels, L = shape.latent
        out.sum?.update(repeating: 0, count: parameters.trainable)
        var first = 0
        while first < count {
            let n = min(W, count - first)
            kernels.rowsToLanes(z, first, n, L, s.at(s.z))
            kernels.rowsToLanes(noise.normals, first, n, M * L, s.at(s.noise))
            kernels.rowsToLanes(noise.levels, first, n, M, s.at(s.levels))
            let constants = Kernels.NoiseLevels(logMean: shape.levelMean, logSpread: shape.levelSpread,
                sigmaData: shape.sigmaData)
            kernels.diffuse(z: s.at(s.z), noise: s.at(s.noise), levels: s.at(s.levels), constants,
                            frequencies: frequencies.base, input: s.at(s.input), target: s.at(s.target),
                            features: s.at(s.features), count: M, latent: L, frequencyCount: shape.frequencies)
            forward(s, M)
            for l in 0 ..< W { s.at(s.loss)[l] = 0 }
            kernels.squaredError(s.at(s.out), s.at(s.target), s.at(s.loss), M * L)
            if let losses = out.losses { for l in 0 ..< n { losses[first + l] = s.at(s.loss)[l] } }
            s.gradients.begin(clips: clips != nil || out.norms != nil)
            backward(s, M)
            if let norms = out.norms { for l in 0 ..< n { norms[first + l] = s.gradients.square[l].squareRoot() } }
            s.gradients.setFactors(rows: n, clips: clips.map { $0 + first }, weights: weights.map { $0 + first })
            if let sum = out.sum { s.gradients.finish(into: sum) }
            first += n
        }
    }

    /// `s.out` holds the gradient of F.
    private func backward(_ s: DenoiserScratch, _ M: Int) {
        let w = parameters.base, g = s.gradients, h = shape.width, dstate = s.at(s.dstate)
        g.linear(output, s.at(s.state[hidden.count]), s.at(s.out), M)
        kernels.applyBack(output, w, s.at(s.out), dstate, rows: M)
        for (l, layer) in hidden.enumerated().reversed() {
            let dpre = s.at(s.dpre[l + 1])
            dpre.update(from: dstate, count: M * h * kernels.lanes)
            kernels.activationBackward(s.at(s.pre[l + 1]), dpre, .silu, M * h)
            g.linear(layer, s.at(s.state[l]), dpre, M)
            kernels.applyBack(layer, w, dpre, dstate, rows: M, adds: true)
        }
        let dpre = s.at(s.dpre[0])
        dpre.update(from: dstate, count: M * h * kernels.lanes)
        kernels.activationBackward(s.at(s.pre[0]), dpre, .silu, M * h)
        g.linear(input, s.at(s.input), dpre, M)
        g.linear(time, s.at(s.features), dpre, M)
    }
}
