// Forward and backward of the VAE's parts for one block: activations are [T][features] vectors, one row a lane.

import Basics
import Compute

extension VAE {
    private var w: UnsafeMutablePointer<Float> { parameters.base }

    func apply(_ l: LinearLayer, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ M: Int,
               adds: Bool = false, rectifies: Bool = false) {
        kernels.apply(l, w, x, y, rows: M, adds: adds, rectifies: rectifies)
    }

    func applyBack(_ l: LinearLayer, _ dy: UnsafeMutablePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ M: Int,
                   adds: Bool = false, gate: UnsafeMutablePointer<Float>? = nil) {
        kernels.applyBack(l, w, dy, dx, rows: M, adds: adds, gate: gate)
    }

    /// The slots of one norm.
    struct NormSlots {
        let hat: Int, out: Int, rstd: Int
    }

    private func affine(_ l: NormLayer) -> (gain: Floats, bias: Floats)? {
        l.affine ? (Floats(w + l.gain), Floats(w + l.gain + shape.width)) : nil
    }

    func normalise(_ l: NormLayer, _ x: UnsafeMutablePointer<Float>, _ s: VAEScratch, _ slots: NormSlots) {
        let d = shape.width
        kernels.normForward(LaneRows(x, stride: d), affine: affine(l), hat: s.at(slots.hat), out: s.at(slots.out),
                            rstd: s.at(slots.rstd), rows: shape.columns, features: d)
    }

    /// Gain and bias take their gradients; dx = base + what goes on.
    func normaliseBack(_ l: NormLayer, _ dy: UnsafeMutablePointer<Float>, _ s: VAEScratch, _ slots: NormSlots,
                       base: UnsafeMutablePointer<Float>? = nil, to dx: UnsafeMutablePointer<Float>) {
        let T = shape.columns, d = shape.width
        s.gradients.norm(l, dy, s.at(slots.hat), T, d)
        kernels.normBackward(dy: dy, hat: s.at(slots.hat), rstd: s.at(slots.rstd), gain: affine(l)?.gain,
                             adding: base.map { Floats($0) }, to: dx, rows: T, features: d)
    }

    /// The stream [T][d] goes through all blocks in place; the last norm's output is in `r.out`.
    func forward(_ l: TransformerLayers, _ r: TransformerSlots, _ s: VAEScratch,
                 _ stream: UnsafeMutablePointer<Float>) {
        let T = shape.columns, d = shape.width, rectifies = shape.activation == .relu
        for (b, q) in zip(l.blocks, r.blocks) {
            normalise(b.norm1, stream, s, q.norm1)
            apply(b.qkv, s.at(q.in1), s.at(q.qkv), T)
            kernels.attentionForward(qkv: s.at(q.qkv), weights: s.at(q.weights), out: s.at(q.mixed), tokens: T,
                                     heads: shape.heads, width: d / shape.heads)
            apply(b.out, s.at(q.mixed), stream, T, adds: true)
            normalise(b.norm2, stream, s, q.norm2)
            apply(b.up, s.at(q.in2), s.at(q.hidden), T, rectifies: rectifies)
            if !rectifies {
                kernels.activationForward(s.at(q.hidden), s.at(q.active), shape.activation, T * shape.feedForward)
            }
            apply(b.down, s.at(q.active), stream, T, adds: true)
        }
        normalise(l.norm, stream, s, r.norm)
    }

    /// dout: gradient of the last norm's output. din: receives the gradient of the stream that went in.
    /// The stream's gradient moves from slot to slot, so that each place it passes stays for the weighted products.
    func backward(_ l: TransformerLayers, _ r: TransformerSlots, _ s: VAEScratch, _ dout: UnsafeMutablePointer<Float>,
                  _ din: UnsafeMutablePointer<Float>) {
        let T = shape.columns, d = shape.width, F = shape.feedForward, g = s.gradients
        let rectifies = shape.activation == .relu
        let dnorm = s.at(s.shared.dnorm)
        var stream = r.blocks.last.map { s.at($0.ddown) } ?? din
        normaliseBack(l.norm, dout, s, r.norm, to: stream)
        for i in l.blocks.indices.reversed() {
            let b = l.blocks[i], q = r.blocks[i], dhidden = s.at(q.dup), dqkv = s.at(q.dqkv), middle = s.at(q.dout)
            let next = i > 0 ? s.at(r.blocks[i - 1].ddown) : din
            g.linear(b.down, s.at(q.active), stream, T)
            applyBack(b.down, stream, dhidden, T, gate: rectifies ? s.at(q.active) : nil)
            if !rectifies { kernels.activationBackward(s.at(q.hidden), dhidden, shape.activation, T * F) }
            g.linear(b.up, s.at(q.in2), dhidden, T)
            applyBack(b.up, dhidden, dnorm, T)
            normaliseBack(b.norm2, dnorm, s, q.norm2, base: stream, to: middle)

            g.linear(b.out, s.at(q.mixed), middle, T)
            applyBack(b.out, middle, dnorm, T)
            kernels.attentionBackward(dout: dnorm, qkv: s.at(q.qkv), weights: s.at(q.weights), dqkv: dqkv,
                                      scores: s.at(s.shared.scores), tokens: T, heads: shape.heads,
                                      width: d / shape.heads)
            g.linear(b.qkv, s.at(q.in1), dqkv, T)
            applyBack(b.qkv, dqkv, dnorm, T)
            normaliseBack(b.norm1, dnorm, s, q.norm1, base: middle, to: next)
            stream = next
        }
    }

    /// Bins of the rows from `first` on, as labels in lanes; padding lanes hold bin 0. - Returns: how many rows there
    /// are.
    func load(_ rows: CodeRows, _ first: Int, _ s: VAEScratch, into labels: Buffer<Int32>? = nil) -> Int {
        let n = min(kernels.lanes, rows.count - first), W = kernels.lanes
        for t in 0 ..< shape.columns {
            let bin = rows.bins + (t * rows.stride + first), last = Int32(shape.levels[t] - 1)
            let out = (labels ?? s.labels).base + t * W
            for l in 0 ..< W { out[l] = l < n ? min(Int32(bin[l]), last) : 0 }
        }
        return n
    }

    /// Labels -> mean and log-variance, unclamped.
    func encodeBlock(_ s: VAEScratch, variance wanted: Bool = true) {
        let T = shape.columns, d = shape.width, W = kernels.lanes, Z = shape.latentCount
        let M = layout.fromLatent == nil ? T : 1
        for t in 0 ..< T {
            kernels.gather(w + layout.embedding + layout.firstLevel[t] * d, s.labels.base + t * W,
                           w + layout.offset + t * d, s.at(s.embedded) + t * d * W, d)
        }
        let stream = s.at(s.shared.stream)
        stream.update(from: s.at(s.embedded), count: T * d * W)
        forward(layout.encoder, s.encoder, s, stream)
        apply(layout.mean, s.at(s.encoder.out), s.at(s.mean), M)
        guard wanted else { return }
        let variance = s.at(s.variance)
        variance.update(repeating: 0, count: Z * W)
        kernels.addNumbers(w + layout.logVarianceBias, variance, Z)
        guard let map = layout.logVariance else { return }
        if let own = layout.varianceEncoder, let slots = s.varianceEncoder {
            stream.update(from: s.at(s.embedded), count: T * d * W)
            forward(own, slots, s, stream)
            apply(map, s.at(slots.out), variance, M, adds: true)
        } else {
            apply(map, s.at(s.encoder.out), variance, M, adds: true)
        }
    }

    /// z -> logits of all heads.
    func decodeBlock(_ s: VAEScratch) {
        decodeTokens(s)
        applyHeads(s.at(s.decoder.out), s)
    }

    /// z -> what the heads read, [T][d] vectors.
    func decodeTokens(_ s: VAEScratch) {
        let T = shape.columns, d = shape.width, W = kernels.lanes
        let stream = s.at(s.shared.stream)
        if let map = layout.fromLatent {
            apply(map, s.at(s.z), stream, 1)
        } else {
            stream.update(from: s.at(s.z), count: T * d * W)
        }
        kernels.addNumbers(w + layout.decoderOffset, stream, T * d)
        forward(layout.decoder, s.decoder, s, stream)
    }

    /// [T][d] vectors of `decodeTokens` -> logits of all heads.
    func applyHeads(_ tokens: UnsafePointer<Float>, _ s: VAEScratch) {
        let d = shape.width, W = kernels.lanes
        for t in 0 ..< shape.columns {
            let K = shape.levels[t], k = layout.firstLevel[t]
            kernels.linear(LaneRows(tokens + t * d * W, stride: d),
                           .forward(w + layout.headWeight + d * k, inputs: d, outputs: K), to: s.at(s.logits) + k * W,
                           stride: K, rows: 1, start: .bias(w + layout.headBias + k))
        }
    }
}
