// One worker's memory for a VAE: activations and gradients of one block of rows (one row a lane).
// It serves any number of rows, block by block; two threads must not share one.

import Basics
import Compute

package final class VAEScratch {
    let arena: Buffer<Float>
    let labels: Buffer<Int32>
    /// Bins that the loss is measured against: the labels, or other bins of the same rows.
    let targets: Buffer<Int32>
    let gradients: RowGradients
    let shared: SharedSlots
    let encoder: TransformerSlots, varianceEncoder: TransformerSlots?, decoder: TransformerSlots
    let embedded: Int, dembedded: Int
    let mean: Int, variance: Int, noise: Int, standardDeviation: Int, z: Int, dz: Int, dvariance: Int, added: Int
    let dencoded: Int, ddecoded: Int, dtokens: Int, logits: Int
    let crossEntropy: Int, divergence: Int, uniform: Int
    private let lanes: Int

    /// - Throws: `.noMemory`.
    package init(_ vae: VAE) throws {
        let s = vae.shape, l = vae.layout
        let T = s.columns, d = s.width, F = s.feedForward, Z = s.latentCount
        var plan = ArenaPlan()
        let sink = RowGradientPlan(trainable: vae.parameters.trainable)
        let shared = SharedSlots(s, &plan)
        self.shared = shared
        // in the order of the backward pass
        var spare = 0 ..< 0
        func slots(_ layers: TransformerLayers) -> TransformerSlots {
            TransformerSlots(layers, s, shared, sink, in: &plan, spare: &spare)
        }
        decoder = slots(l.decoder)
        encoder = slots(l.encoder)
        varianceEncoder = l.varianceEncoder.map(slots)
        embedded = plan.take(T * d)
        dembedded = plan.take(T * d)
        mean = plan.take(Z)
        variance = plan.take(Z)
        noise = plan.take(Z)
        standardDeviation = plan.take(Z)
        z = plan.take(Z)
        dz = plan.take(Z)
        dvariance = plan.take(Z)
        added = plan.take(Z)
        dencoded = plan.take(T * d)
        ddecoded = plan.take(T * d)
        dtokens = plan.take(T * d)
        logits = plan.take(s.totalLevels)
        crossEntropy = plan.take(1)
        divergence = plan.take(1)
        uniform = plan.take(T)
        lanes = vae.kernels.lanes
        arena = try Buffer(count: plan.vectors * lanes, for: "a worker's activations")
        labels = try Buffer(count: T * lanes, for: "a worker's labels")
        targets = try Buffer(count: T * lanes, for: "a worker's labels")

        var kept: [Range<Int>] = []
        var layers = T + 4
        func note(_ layer: LinearLayer, _ M: Int) {
            layers += 1
            guard layer.weight < sink.trainable else { return }
            if sink.keeps(layer, M) { kept.append(layer.weight ..< layer.weight + layer.inputs * layer.outputs) }
            if layer.bias >= 0 { kept.append(layer.bias ..< layer.bias + layer.outputs) }
        }
        func note(_ norm: NormLayer) {
            if norm.affine, norm.gain < sink.trainable { kept.append(norm.gain ..< norm.gain + 2 * d) }
        }
        for t in [l.encoder, l.varianceEncoder, l.decoder].compactMap({ $0 }) {
            for b in t.blocks {
                for layer in [b.qkv, b.out, b.up, b.down] { note(layer, T) }
                note(b.norm1)
                note(b.norm2)
            }
            note(t.norm)
        }
        let M = l.fromLatent == nil ? T : 1
        note(l.mean, M)
        if let v = l.logVariance { note(v, M) }
        if l.logVarianceTrains { kept.append(l.logVarianceBias ..< l.logVarianceBias + Z) }
        kept.append(l.offset ..< l.offset + T * d)
        kept.append(l.decoderOffset ..< l.decoderOffset + T * d)
        kept.append(l.headBias ..< l.headBias + s.totalLevels)
        gradients = try RowGradients(vae.kernels, sink, keptRanges: kept,
                                     largestSide: max(T * max(d, F), Z, s.totalLevels), tokens: T, layers: layers)
    }

    /// The vectors of a slot.
    func at(_ slot: Int) -> UnsafeMutablePointer<Float> { arena.base + slot * lanes }
}
