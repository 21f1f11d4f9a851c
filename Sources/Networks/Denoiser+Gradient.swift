// Clipped sums of the denoiser's per-row gradients. A row's M noise levels are its "tokens": every weight is used at each of them and
// has one gradient a row, their mean, which is clipped as a whole.

import Compute

extension Denoiser {
    /// into[P] = sum over rows of min(weight_i, C_i / ||g_i||) g_i.
    /// - z: [n][L]; noise: [n][M][L] and levels: [n][M] standard normals of the row's own; clips: [n] C_i > 0.
    /// - weights: [n] factors of the rows' losses, >= 0, before the clip. losses: [n], receives the rows' losses (unweighted).
    package func clippedGradientSum(_ z: UnsafePointer<Float>, count: Int, noise: UnsafePointer<Float>, levels: UnsafePointer<Float>,
                                    clips: UnsafePointer<Float>, weights: UnsafePointer<Float>? = nil, into: UnsafeMutablePointer<Float>,
                                    losses: UnsafeMutablePointer<Float>? = nil, _ scratch: DenoiserScratch) {
        gradient(z, count, noise, levels, clips, weights, into, losses, nil, scratch)
    }

    /// into[P] = sum over rows of weight_i g_i. Not private: released or generated latents only.
    package func gradientSum(_ z: UnsafePointer<Float>, count: Int, noise: UnsafePointer<Float>, levels: UnsafePointer<Float>,
                             weights: UnsafePointer<Float>? = nil, into: UnsafeMutablePointer<Float>,
                             losses: UnsafeMutablePointer<Float>? = nil, _ scratch: DenoiserScratch) {
        gradient(z, count, noise, levels, nil, weights, into, losses, nil, scratch)
    }

    /// norms[n] = ||g_i||, as the clip sees it. Not private.
    package func perExampleNorms(_ z: UnsafePointer<Float>, count: Int, noise: UnsafePointer<Float>, levels: UnsafePointer<Float>,
                                 norms: UnsafeMutablePointer<Float>, _ scratch: DenoiserScratch) {
        gradient(z, count, noise, levels, nil, nil, nil, nil, norms, scratch)
    }

    private func gradient(_ z: UnsafePointer<Float>, _ count: Int, _ noise: UnsafePointer<Float>, _ levels: UnsafePointer<Float>,
                          _ clips: UnsafePointer<Float>?, _ weights: UnsafePointer<Float>?, _ into: UnsafeMutablePointer<Float>?,
                          _ losses: UnsafeMutablePointer<Float>?, _ norms: UnsafeMutablePointer<Float>?, _ s: DenoiserScratch) {
        let W = kernels.lanes, M = shape.noiseLevels, L = shape.latent
        into?.update(repeating: 0, count: parameters.trainable)
        var first = 0
        while first < count {
            let n = min(W, count - first)
            kernels.rowsToLanes(z, first, n, L, s.at(s.z))
            kernels.rowsToLanes(noise, first, n, M * L, s.at(s.noise))
            kernels.rowsToLanes(levels, first, n, M, s.at(s.levels))
            kernels.diffuse(s.at(s.z), s.at(s.noise), s.at(s.levels), shape.levelMean, shape.levelDeviation, shape.sigmaData,
                            frequencies.base, s.at(s.input), s.at(s.goal), s.at(s.features), M, L, shape.frequencies)
            forward(s, M)
            for l in 0 ..< W { s.at(s.loss)[l] = 0 }
            kernels.squaredError(s.at(s.out), s.at(s.goal), s.at(s.loss), M * L)
            if let losses { for l in 0 ..< n { losses[first + l] = s.at(s.loss)[l] } }
            s.gradients.begin(clips: clips != nil || norms != nil)
            backward(s, M)
            if let norms { for l in 0 ..< n { norms[first + l] = s.gradients.square[l].squareRoot() } }
            s.gradients.setFactors(rows: n, clips: clips.map { $0 + first }, weights: weights.map { $0 + first })
            if let into { s.gradients.finish(into: into) }
            first += n
        }
    }

    /// `s.out` holds the gradient of F.
    private func backward(_ s: DenoiserScratch, _ M: Int) {
        let w = parameters.base, g = s.gradients, h = shape.width, dstate = s.at(s.dstate)
        g.linear(output, s.at(s.state[hidden.count]), s.at(s.out), M)
        kernels.applyBack(output, w, s.at(s.out), dstate, M)
        for (l, layer) in hidden.enumerated().reversed() {
            let dpre = s.at(s.dpre[l + 1])
            dpre.update(from: dstate, count: M * h * kernels.lanes)
            kernels.activationBackward(s.at(s.pre[l + 1]), dpre, 2, M * h)
            g.linear(layer, s.at(s.state[l]), dpre, M)
            kernels.applyBack(layer, w, dpre, dstate, M, adds: true)
        }
        let dpre = s.at(s.dpre[0])
        dpre.update(from: dstate, count: M * h * kernels.lanes)
        kernels.activationBackward(s.at(s.pre[0]), dpre, 2, M * h)
        g.linear(input, s.at(s.input), dpre, M)
        g.linear(time, s.at(s.features), dpre, M)
    }
}
