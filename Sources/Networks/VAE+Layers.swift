// Forward and backward of the VAE's parts for one block: activations are [T][features] vectors, one row a lane.

import Basics
import Compute

extension VAE {
    private var w: UnsafeMutablePointer<Float> { parameters.base }

    func apply(_ l: LinearLayer, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ M: Int, adds: Bool = false,
               rectifies: Bool = false) {
        kernels.apply(l, w, x, y, M, adds: adds, rectifies: rectifies)
    }

    func applyBack(_ l: LinearLayer, _ dy: UnsafeMutablePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ M: Int, adds: Bool = false,
                   gate: UnsafeMutablePointer<Float>? = nil) {
        kernels.applyBack(l, w, dy, dx, M, adds: adds, gate: gate)
    }

    func normalise(_ l: NormLayer, _ x: UnsafeMutablePointer<Float>, _ s: VAEScratch, _ hat: Int, _ out: Int, _ rstd: Int) {
        let d = shape.width, g = w + max(l.gain, 0)
        kernels.normForward(x, d, g, g + (l.affine ? d : 0), l.affine ? 1 : 0, s.at(hat), s.at(out), s.at(rstd), shape.columns, d)
    }

    /// Gain and bias take their gradients; dx = base + what goes on.
    func normaliseBack(_ l: NormLayer, _ dy: UnsafeMutablePointer<Float>, _ s: VAEScratch, _ hat: Int, _ rstd: Int,
                       base: UnsafeMutablePointer<Float>? = nil, _ dx: UnsafeMutablePointer<Float>) {
        let T = shape.columns, d = shape.width
        s.gradients.norm(l, dy, s.at(hat), T, d)
        kernels.normBackward(dy, s.at(hat), s.at(rstd), w + max(l.gain, 0), l.affine ? 1 : 0, base ?? dx, dx, base == nil ? 0 : 2, T, d)
    }

    /// The stream [T][d] goes through all blocks in place; the last norm's output is in `r.out`.
    func forward(_ l: TransformerLayers, _ r: TransformerRoom, _ s: VAEScratch, _ stream: UnsafeMutablePointer<Float>) {
        let T = shape.columns, d = shape.width, rectifies = shape.activation == .relu
        for (b, q) in zip(l.blocks, r.blocks) {
            normalise(b.norm1, stream, s, q.hat1, q.in1, q.rstd1)
            apply(b.qkv, s.at(q.in1), s.at(q.qkv), T)
            kernels.attentionForward(s.at(q.qkv), s.at(q.weights), s.at(q.mixed), T, shape.heads, d / shape.heads)
            apply(b.out, s.at(q.mixed), stream, T, adds: true)
            normalise(b.norm2, stream, s, q.hat2, q.in2, q.rstd2)
            apply(b.up, s.at(q.in2), s.at(q.hidden), T, rectifies: rectifies)
            if !rectifies {
                kernels.activationForward(s.at(q.hidden), s.at(q.active), shape.activation.rawValue, T * shape.feedForward)
            }
            apply(b.down, s.at(q.active), stream, T, adds: true)
        }
        normalise(l.norm, stream, s, r.hat, r.out, r.rstd)
    }

    /// dout: gradient of the last norm's output. din: receives the gradient of the stream that went in.
    /// The stream's gradient moves from room to room, so that each place it passes stays for the weighted products.
    func backward(_ l: TransformerLayers, _ r: TransformerRoom, _ s: VAEScratch, _ dout: UnsafeMutablePointer<Float>,
                  _ din: UnsafeMutablePointer<Float>) {
        let T = shape.columns, d = shape.width, F = shape.feedForward, g = s.gradients, rectifies = shape.activation == .relu
        let dnorm = s.at(s.shared.dnorm)
        var stream = r.blocks.last.map { s.at($0.ddown) } ?? din
        normaliseBack(l.norm, dout, s, r.hat, r.rstd, stream)
        for i in l.blocks.indices.reversed() {
            let b = l.blocks[i], q = r.blocks[i], dhidden = s.at(q.dup), dqkv = s.at(q.dqkv), middle = s.at(q.dout)
            let next = i > 0 ? s.at(r.blocks[i - 1].ddown) : din
            g.linear(b.down, s.at(q.active), stream, T)
            applyBack(b.down, stream, dhidden, T, gate: rectifies ? s.at(q.active) : nil)
            if !rectifies { kernels.activationBackward(s.at(q.hidden), dhidden, shape.activation.rawValue, T * F) }
            g.linear(b.up, s.at(q.in2), dhidden, T)
            applyBack(b.up, dhidden, dnorm, T)
            normaliseBack(b.norm2, dnorm, s, q.hat2, q.rstd2, base: stream, middle)

            g.linear(b.out, s.at(q.mixed), middle, T)
            applyBack(b.out, middle, dnorm, T)
            kernels.attentionBackward(dnorm, s.at(q.qkv), s.at(q.weights), dqkv, s.at(s.shared.scores), T, shape.heads, d / shape.heads)
            g.linear(b.qkv, s.at(q.in1), dqkv, T)
            applyBack(b.qkv, dqkv, dnorm, T)
            normaliseBack(b.norm1, dnorm, s, q.hat1, q.rstd1, base: middle, next)
            stream = next
        }
    }

    /// Levels of `rows` rows from `first` on, as labels in lanes; padding lanes hold level 0.
    func load(_ rows: CodeRows, _ first: Int, _ s: VAEScratch, into labels: Buffer<Int32>? = nil) -> Int {
        let n = min(kernels.lanes, rows.count - first), W = kernels.lanes
        for t in 0 ..< shape.columns {
            let cell = rows.cells + (t * rows.stride + first), out = (labels ?? s.labels).base + t * W, last = Int32(shape.levels[t] - 1)
            for l in 0 ..< W { out[l] = l < n ? min(Int32(cell[l]), last) : 0 }
        }
        return n
    }

    /// Labels -> mean and log-variance, unclamped.
    func encodeBlock(_ s: VAEScratch, variance wanted: Bool = true) {
        let T = shape.columns, d = shape.width, W = kernels.lanes, Z = shape.latentCount
        let M = layout.fromLatent == nil ? T : 1
        for t in 0 ..< T {
            kernels.gather(w + layout.embedding + layout.firstLevel[t] * d, s.labels.base + t * W, w + layout.offset + t * d,
                           s.at(s.embedded) + t * d * W, d)
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
        if let own = layout.varianceEncoder, let room = s.varianceEncoder {
            stream.update(from: s.at(s.embedded), count: T * d * W)
            forward(own, room, s, stream)
            apply(map, s.at(room.out), variance, M, adds: true)
        } else {
            apply(map, s.at(s.encoder.out), variance, M, adds: true)
        }
    }

    /// z -> logits of all heads.
    func decodeBlock(_ s: VAEScratch) {
        let T = shape.columns, d = shape.width, W = kernels.lanes
        let stream = s.at(s.shared.stream)
        if let map = layout.fromLatent { apply(map, s.at(s.z), stream, 1) } else { stream.update(from: s.at(s.z), count: T * d * W) }
        kernels.addNumbers(w + layout.decoderOffset, stream, T * d)
        forward(layout.decoder, s.decoder, s, stream)
        for t in 0 ..< T {
            let K = shape.levels[t], k = layout.firstLevel[t]
            kernels.linear(s.at(s.decoder.out) + t * d * W, d, w + layout.headWeight + d * k, K, 1, w + layout.headBias + k, 1,
                           s.at(s.logits) + k * W, K, 1, d, K, 0, s.at(s.logits))
        }
    }
}
