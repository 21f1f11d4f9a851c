// Clipped sums of per-row gradients, and the loss. Two steps per block: forward and backward with squared lengths, then factors and
// one weighted product a layer.
//
// Guarantee. Precondition: finite weights or not, any cells, any noise. Each row i adds c_i g_i to the sum, with ||c_i g_i|| <= C_i
// up to rounding, and nothing when its length is not finite; what it adds does not depend on other rows. Tests: NeighbourTests.

import Basics
import Compute

extension VAE {
    /// into[P] = sum over rows of min(weight_i, C_i / ||g_i||) g_i, g_i the gradient of row i's loss over the trainable weights.
    /// - noise: [n][latentCount] standard normals, each row's own. clips: [n] C_i > 0 (a row with any other is left out).
    /// - weights: [n] factors of the rows' losses, >= 0, applied before the clip. losses: [n], receives the rows' losses (unweighted).
    /// - addedMeanGradient: [n][latentCount], added to dL/dmu.
    /// - taps, terms: called with (first row, rows) of each block before its backward pass; see VAETaps.swift.
    package func clippedGradientSum(_ rows: CodeRows, noise: UnsafePointer<Float>, clips: UnsafePointer<Float>,
                                    weights: UnsafePointer<Float>? = nil, addedMeanGradient: UnsafePointer<Float>? = nil, beta: Float,
                                    into: UnsafeMutablePointer<Float>, losses: UnsafeMutablePointer<Float>? = nil, taps: VAETaps? = nil, _ scratch: VAEScratch,
                                    terms: (_ first: Int, _ count: Int) -> Void = { _, _ in }) {
        gradient(rows, nil, noise, clips, weights, addedMeanGradient, beta, into, losses, nil, taps, scratch, terms)
    }

    /// into[P] = sum over rows of weight_i g_i. Not private: released or generated rows only.
    /// - goals: as many rows: the levels that the decoder is asked for, when they are not those the encoder reads. A second draw of the
    ///   same relaxed row makes the gradient an unbiased estimate of the one against that row's probabilities.
    package func gradientSum(_ rows: CodeRows, goals: CodeRows? = nil, noise: UnsafePointer<Float>, weights: UnsafePointer<Float>? = nil,
                             addedMeanGradient: UnsafePointer<Float>? = nil, beta: Float, into: UnsafeMutablePointer<Float>,
                             losses: UnsafeMutablePointer<Float>? = nil, taps: VAETaps? = nil, _ scratch: VAEScratch,
                             terms: (_ first: Int, _ count: Int) -> Void = { _, _ in }) {
        gradient(rows, goals, noise, nil, weights, addedMeanGradient, beta, into, losses, nil, taps, scratch, terms)
    }

    /// norms[n] = ||g_i||, as the clip sees it. Not private.
    package func perExampleNorms(_ rows: CodeRows, noise: UnsafePointer<Float>, beta: Float, norms: UnsafeMutablePointer<Float>,
                                 _ scratch: VAEScratch) {
        gradient(rows, nil, noise, nil, nil, nil, beta, nil, nil, norms, nil, scratch, { _, _ in })
    }

    /// Calls `body` with (first row, rows) of each block once `taps` holds its activations: those that a gradient with the same noise would see.
    package func activations(_ rows: CodeRows, noise: UnsafePointer<Float>, taps: VAETaps, _ scratch: VAEScratch, _ body: (_ first: Int, _ count: Int) -> Void) {
        var first = 0
        while first < rows.count {
            let n = load(rows, nil, first, scratch)
            forwardBlock(noise, first, n, scratch, taps)
            body(first, n)
            first += n
        }
    }

    /// losses[n], without a backward pass. Not private. goals: see `gradientSum`.
    package func losses(_ rows: CodeRows, goals: CodeRows? = nil, noise: UnsafePointer<Float>, beta: Float, losses: UnsafeMutablePointer<Float>,
                        _ scratch: VAEScratch) {
        var first = 0
        while first < rows.count {
            let n = load(rows, goals, first, scratch)
            forwardBlock(noise, first, n, scratch)
            storeLosses(losses, first, n, beta, scratch)
            first += n
        }
    }

    private func gradient(_ rows: CodeRows, _ goals: CodeRows?, _ noise: UnsafePointer<Float>, _ clips: UnsafePointer<Float>?, _ weights: UnsafePointer<Float>?,
                          _ added: UnsafePointer<Float>?, _ beta: Float, _ into: UnsafeMutablePointer<Float>?,
                          _ losses: UnsafeMutablePointer<Float>?, _ norms: UnsafeMutablePointer<Float>?, _ taps: VAETaps?, _ s: VAEScratch,
                          _ terms: (Int, Int) -> Void) {
        into?.update(repeating: 0, count: parameters.trainable)
        var first = 0
        while first < rows.count {
            let n = load(rows, goals, first, s)
            forwardBlock(noise, first, n, s, taps)
            if let losses { storeLosses(losses, first, n, beta, s) }
            if taps != nil { terms(first, n) }
            s.gradients.begin(clips: clips != nil || norms != nil)
            if let added { kernels.rowsToLanes(added, first, n, shape.latentCount, s.at(s.added)) }
            backwardBlock(beta, added != nil, taps, n, s)
            if let norms { for l in 0 ..< n { norms[first + l] = s.gradients.square[l].squareRoot() } }
            s.gradients.setFactors(rows: n, clips: clips.map { $0 + first }, weights: weights.map { $0 + first })
            if let into {
                s.gradients.finish(into: into)
                if layout.embeddingTrains { scatterEmbeddings(into, s) }
            }
            first += n
        }
    }

    /// One block's labels, and what its loss is measured against.
    private func load(_ rows: CodeRows, _ goals: CodeRows?, _ first: Int, _ s: VAEScratch) -> Int {
        let n = load(rows, first, s)
        if let goals { _ = load(goals, first, s, into: s.goals) } else { s.goals.base.update(from: s.labels.base, count: s.goals.count) }
        return n
    }

    /// Labels and noise -> logits' gradients (softmax - label) and the two parts of the loss.
    private func forwardBlock(_ noise: UnsafePointer<Float>, _ first: Int, _ n: Int, _ s: VAEScratch, _ taps: VAETaps? = nil) {
        let W = kernels.lanes, Z = shape.latentCount
        encodeBlock(s)
        kernels.rowsToLanes(noise, first, n, Z, s.at(s.noise))
        for l in 0 ..< W {
            s.at(s.crossEntropy)[l] = 0
            s.at(s.divergence)[l] = 0
        }
        kernels.posteriorForward(s.at(s.mean), s.at(s.variance), s.at(s.noise), s.at(s.z), s.at(s.deviation), s.at(s.divergence), Z)
        decodeBlock(s)
        taps?.read(self, n, s)
        for t in 0 ..< shape.columns {
            kernels.crossEntropy(s.at(s.logits) + layout.firstLevel[t] * W, s.goals.base + t * W, s.at(s.crossEntropy), shape.levels[t])
        }
    }

    private func storeLosses(_ losses: UnsafeMutablePointer<Float>, _ first: Int, _ n: Int, _ beta: Float, _ s: VAEScratch) {
        for l in 0 ..< n { losses[first + l] = s.at(s.crossEntropy)[l] + beta * s.at(s.divergence)[l] }
    }

    private func backwardBlock(_ beta: Float, _ added: Bool, _ taps: VAETaps?, _ n: Int, _ s: VAEScratch) {
        let T = shape.columns, d = shape.width, W = kernels.lanes, Z = shape.latentCount, g = s.gradients
        let w = parameters.base, M = layout.fromLatent == nil ? T : 1
        let dtokens = s.at(s.dtokens)
        // heads
        if let taps { taps.add(taps.dLogits, self, n, taps.logitCount, to: s.at(s.logits)) }
        for t in 0 ..< T {
            let K = shape.levels[t], k = layout.firstLevel[t], y = s.at(s.decoder.out) + t * d * W, dlogits = s.at(s.logits) + k * W
            g.product(GradientSite(x: y, xs: d, dy: dlogits, ds: K, M: 1, A: d, N: K, offset: layout.headWeight + d * k))
            kernels.linear(dlogits, K, w + layout.headWeight + d * k, 1, K, w, 0, s.at(s.ddecoded) + t * d * W, d, 1, K, d,
                           0, s.at(s.ddecoded))
        }
        g.numbers(layout.headBias, s.at(s.logits), shape.totalLevels)
        if let taps { taps.add(taps.dDecoded, self, n, taps.decodedCount, to: s.at(s.ddecoded)) }
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
        kernels.posteriorBackward(s.at(s.mean), s.at(s.variance), s.at(s.noise), s.at(s.deviation), beta, dz, s.at(s.dvariance), Z)
        if added { kernels.add(s.at(s.added), dz, Z) }
        if let taps {
            taps.add(taps.dMean, self, n, Z, to: dz)
            // Where the log-variance is held at a bound nothing moves it.
            for i in 0 ..< n * Z where !(taps.logVariance.base[i] > -6 && taps.logVariance.base[i] < 2) { taps.dLogVariance.base[i] = 0 }
            taps.add(taps.dLogVariance, self, n, Z, to: s.at(s.dvariance))
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
        if let map = layout.logVariance, let own = layout.varianceEncoder, let room = s.varianceEncoder {
            g.linear(map, s.at(room.out), s.at(s.dvariance), M)
            applyBack(map, s.at(s.dvariance), dencoded, M)
            backward(own, room, s, dencoded, s.at(s.shared.stream))
            kernels.add(s.at(s.shared.stream), dembedded, T * d)
        }
        // Each column has vectors of its own: no cross terms between tokens.
        g.numbers(layout.offset, dembedded, T * d)
        if layout.embeddingTrains { kernels.sumSquares(dembedded, d, g.square.base, T, d) }
    }

    private func scatterEmbeddings(_ into: UnsafeMutablePointer<Float>, _ s: VAEScratch) {
        let d = shape.width, W = kernels.lanes
        for t in 0 ..< shape.columns {
            kernels.scatter(s.at(s.dembedded) + t * d * W, s.labels.base + t * W, s.gradients.factor.base,
                            into + layout.embedding + layout.firstLevel[t] * d, d)
        }
    }
}
