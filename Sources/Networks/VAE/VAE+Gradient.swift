// Clipped sums of the autoencoder's per-row gradients, and the loss.
// Two steps per block: forward and backward with squared lengths, then factors and one weighted product a layer.
//
// Guarantee. Precondition: finite weights or not, any bins, any noise. Each row i adds c_i g_i to the sum, with ||c_i
// g_i|| <= C_i up to rounding, and nothing when its length is not finite; what it adds does not depend on other rows.
// Tests: NeighbourTests.

import Basics
import Compute

extension VAE {
    /// What a gradient may take and give beside rows, noise and sum; every member may be left out.
    package struct GradientOptions {
        /// [n] factors of the rows' losses, applied before the clip, at least 0.
        package var weights: UnsafePointer<Float>?
        /// [n][latentCount], added to dL/dmu of the rows.
        package var addedMeanGradient: UnsafePointer<Float>?
        /// As many rows: the bins that the decoder is asked for, when they are not those the encoder reads. Released
        /// rows only.
        package var targets: CodeRows?
        /// [n], receives the rows' losses, unweighted.
        package var losses: UnsafeMutablePointer<Float>?
        /// Collects the activations of each block before the call's term gradients.
        package var hooks: ActivationHooks?

        package init(weights: UnsafePointer<Float>? = nil, addedMeanGradient: UnsafePointer<Float>? = nil,
                     targets: CodeRows? = nil, losses: UnsafeMutablePointer<Float>? = nil,
                     hooks: ActivationHooks? = nil) {
            (self.weights, self.addedMeanGradient, self.targets) = (weights, addedMeanGradient, targets)
            (self.losses, self.hooks) = (losses, hooks)
        }
    }

    /// into[P] = sum over rows of min(weight_i, C_i / ||g_i||) g_i, g_i the gradient of row i's loss over the trainable
    /// weights.
    /// - Parameters:
    ///   - noise: [n][latentCount] standard normals, each row's own.
    ///   - clips: [n] clipping norms C_i above 0; a row with any other is left out.
    ///   - beta: weight of the KL divergence.
    ///   - into: [P], overwritten.
    ///   - options: `targets` are for `gradientSum` alone and are not read.
    ///   - termGradients: called with (first row, rows) of each block that the hooks have collected, before its
    ///     backward pass.
    package func clippedGradientSum(_ rows: CodeRows, noise: UnsafePointer<Float>, clips: UnsafePointer<Float>,
                                    beta: Float, into: UnsafeMutablePointer<Float>, options: GradientOptions = .init(),
                                    _ scratch: VAEScratch, termGradients: (_ first: Int, _ count: Int)
                                    -> Void = { _, _ in }) {
        var own = options
        own.targets = nil
        gradient(rows, noise, beta, own, Outputs(sum: into, clips: clips), scratch, termGradients)
    }

    /// into[P] = sum over rows of weight_i g_i. Not private: released or generated rows only.
    ///
    /// A second draw of the same relaxed row as `targets` makes the gradient an unbiased estimate of the one against
    /// that row's probabilities. All other arguments are those of `clippedGradientSum`.
    package func gradientSum(_ rows: CodeRows, noise: UnsafePointer<Float>, beta: Float,
                             into: UnsafeMutablePointer<Float>, options: GradientOptions = .init(),
                             _ scratch: VAEScratch, termGradients: (_ first: Int, _ count: Int) -> Void = { _, _ in }) {
        gradient(rows, noise, beta, options, Outputs(sum: into), scratch, termGradients)
    }

    /// norms[n] = ||g_i||, as the clip sees it. Not private: for tests of the clip.
    func perExampleNorms(_ rows: CodeRows, noise: UnsafePointer<Float>, beta: Float,
                                 norms: UnsafeMutablePointer<Float>, _ scratch: VAEScratch) {
        gradient(rows, noise, beta, GradientOptions(), Outputs(norms: norms), scratch, { _, _ in })
    }

    /// Calls `body` with (first row, rows) of each block once `hooks` holds its activations, which are those that a
    /// gradient with the same noise would see.
    package func activations(_ rows: CodeRows, noise: UnsafePointer<Float>, hooks: ActivationHooks,
                             _ scratch: VAEScratch, _ body: (_ first: Int, _ count: Int) -> Void) {
        var first = 0
        while first < rows.count {
            let n = load(rows, targets: nil, first, scratch)
            forwardBlock(noise, first, n, scratch, hooks)
            body(first, n)
            first += n
        }
    }

    /// What a gradient is asked for; nil: not wanted.
    private struct Outputs {
        /// [P], the sum over rows.
        var sum: UnsafeMutablePointer<Float>?
        /// [n], C_i.
        var clips: UnsafePointer<Float>?
        /// [n], lengths of the rows' gradients.
        var norms: UnsafeMutablePointer<Float>?
    }

    private func gradient(_ rows: CodeRows, _ noise: UnsafePointer<Float>, _ beta: Float, _ options: GradientOptions,
                          _ out: Outputs, _ s: VAEScratch, _ termGradients: (Int, Int) -> Void) {
        out.sum?.update(repeating: 0, count: parameters.trainable)
        let hooks = options.hooks
        var first = 0
        while first < rows.count {
            let n = load(rows, targets: options.targets, first, s)
            forwardBlock(noise, first, n, s, hooks)
            if let losses = options.losses { storeLosses(losses, first, n, beta, s) }
            if hooks != nil { termGradients(first, n) }
            s.gradients.begin(clips: out.clips != nil || out.norms != nil)
            let added = options.addedMeanGradient
            if let added { kernels.rowsToLanes(added, first, n, shape.latentCount, s.at(s.added)) }
            backwardBlock(beta, adds: added != nil, hooks, n, s)
            if let norms = out.norms { for l in 0 ..< n { norms[first + l] = s.gradients.square[l].squareRoot() } }
            s.gradients.setFactors(rows: n, clips: out.clips.map { $0 + first },
                                   weights: options.weights.map { $0 + first })
            if let sum = out.sum {
                s.gradients.finish(into: sum)
                if layout.embeddingTrains { scatterEmbeddings(sum, s) }
            }
            first += n
        }
    }

    /// One block's labels, and what its loss is measured against.
    private func load(_ rows: CodeRows, targets: CodeRows?, _ first: Int, _ s: VAEScratch) -> Int {
        let n = load(rows, first, s)
        if let targets {
            _ = load(targets, first, s, into: s.targets)
        } else {
            s.targets.base.update(from: s.labels.base, count: s.targets.count)
        }
        return n
    }

    /// Labels and noise -> logits' gradients (softmax - label) and the two parts of the loss.
    private func forwardBlock(_ noise: UnsafePointer<Float>, _ first: Int, _ n: Int, _ s: VAEScratch,
                              _ hooks: ActivationHooks?) {
        let W = kernels.lanes, Z = shape.latentCount
        encodeBlock(s)
        kernels.rowsToLanes(noise, first, n, Z, s.at(s.noise))
        for l in 0 ..< W {
            s.at(s.crossEntropy)[l] = 0
            s.at(s.divergence)[l] = 0
        }
        kernels.posteriorForward(mean: s.at(s.mean), logVariance: s.at(s.variance), noise: s.at(s.noise), z: s.at(s.z),
                                 standardDeviation: s.at(s.standardDeviation), divergence: s.at(s.divergence),
                                 latent: Z)
        decodeBlock(s)
        hooks?.collect(self, n, s)
        for t in 0 ..< shape.columns {
            kernels.crossEntropy(s.at(s.logits) + layout.firstLevel[t] * W, s.targets.base + t * W,
                                 s.at(s.crossEntropy), shape.levels[t])
        }
    }

    private func storeLosses(_ losses: UnsafeMutablePointer<Float>, _ first: Int, _ n: Int, _ beta: Float,
                             _ s: VAEScratch) {
        for l in 0 ..< n { losses[first + l] = s.at(s.crossEntropy)[l] + beta * s.at(s.divergence)[l] }
    }

    private func backwardBlock(_ beta: Float, adds added: Bool, _ hooks: ActivationHooks?, _ n: Int, _ s: VAEScratch) {
        let T = shape.columns, d = shape.width, W = kernels.lanes, Z = shape.latentCount, g = s.gradients
        let w = parameters.base, M = layout.fromLatent == nil ? T : 1
        let dtokens = s.at(s.dtokens)
        // heads
        if let hooks { hooks.addTermGradients(hooks.dLogits, self, n, hooks.logitCount, to: s.at(s.logits)) }
        for t in 0 ..< T {
            let K = shape.levels[t], k = layout.firstLevel[t], y = s.at(s.decoder.out) + t * d * W
            let dlogits = s.at(s.logits) + k * W
            g.product(GradientSite(x: y, xs: d, dy: dlogits, ds: K, M: 1, A: d, N: K,
                                   offset: layout.headWeight + d * k))
            kernels.linear(LaneRows(dlogits, stride: K), .backward(w + layout.headWeight + d * k, inputs: d,
                outputs: K), to: s.at(s.ddecoded) + t * d * W, stride: d, rows: 1)
        }
        g.numbers(layout.headBias, s.at(s.logits), shape.totalLevels)
        if let hooks { hooks.addTermGradients(hooks.dDecoded, self, n, hooks.decodedCount, to: s.at(s.ddecoded)) }
        backward(layout.decoder, s.decoder, s, s.at(s.ddecoded), dtokens)
        // tokens of the latent
        g.numbers(layout.decoderOffset, dtokens, T * d)
        let dz = s.at(s.dz)
        if let map = layout.fromLatent {
            g.linear(map, s.at(s.z), dtokens, 1)
            applyBack(map, dtokens, dz, 1)
        } else {
            dz.update(from: dtokens, count: T * d * W)
        }
        // posterior
        kernels.posteriorBackward(mean: s.at(s.mean), logVariance: s.at(s.variance), noise: s.at(s.noise),
                                  standardDeviation: s.at(s.standardDeviation), beta: beta, dz: dz,
                                  dLogVariance: s.at(s.dvariance), latent: Z)
        if added { kernels.add(s.at(s.added), dz, Z) }
        if let hooks {
            hooks.addTermGradients(hooks.dMean, self, n, Z, to: dz)
            // Where the log-variance is held at a bound nothing moves it.
            for i in 0 ..< n * Z where !(hooks.logVariance.base[i] > -6 && hooks.logVariance.base[i] < 2) {
                hooks.dLogVariance.base[i] = 0
            }
            hooks.addTermGradients(hooks.dLogVariance, self, n, Z, to: s.at(s.dvariance))
        }
        if layout.logVarianceTrains { g.numbers(layout.logVarianceBias, s.at(s.dvariance), Z) }
        // encoder
        let dencoded = s.at(s.dencoded), dembedded = s.at(s.dembedded)
        g.linear(layout.mean, s.at(s.encoder.out), dz, M)
        applyBack(layout.mean, dz, dencoded, M)
        if let map = layout.logVariance, layout.varianceEncoder == nil {
            g.linear(map, s.at(s.encoder.out), s.at(s.dvariance), M)
            applyBack(map, s.at(s.dvariance), dencoded, M, adds: true)
        }
        backward(layout.encoder, s.encoder, s, dencoded, dembedded)
        if let map = layout.logVariance, let own = layout.varianceEncoder, let slots = s.varianceEncoder {
            g.linear(map, s.at(slots.out), s.at(s.dvariance), M)
            applyBack(map, s.at(s.dvariance), dencoded, M)
            backward(own, slots, s, dencoded, s.at(s.shared.stream))
            kernels.add(s.at(s.shared.stream), dembedded, T * d)
        }
        // Each column has vectors of its own: no cross terms between tokens.
        g.numbers(layout.offset, dembedded, T * d)
        if layout.embeddingTrains {
            kernels.sumSquares(LaneRows(dembedded, stride: d), g.square.base, rows: T, columns: d)
        }
    }

    private func scatterEmbeddings(_ into: UnsafeMutablePointer<Float>, _ s: VAEScratch) {
        let d = shape.width, W = kernels.lanes
        for t in 0 ..< shape.columns {
            kernels.scatter(s.at(s.dembedded) + t * d * W, s.labels.base + t * W, s.gradients.factor.base,
                            into + layout.embedding + layout.firstLevel[t] * d, d)
        }
    }
}
