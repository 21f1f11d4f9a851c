// Where the activations of one block of rows lie: slots in one allocation, counted in vectors.

import Basics

/// Counts vectors while a network says what it needs.
struct ArenaPlan {
    private(set) var vectors = 0

    /// A slot of `n` vectors, named by its place.
    mutating func take(_ n: Int) -> Int {
        defer { vectors += n }
        return vectors
    }
}

/// Slots of one transformer block.
struct BlockSlots {
    /// Normalised inputs; these after gain and bias (one slot without them); 1 / standard deviation.
    let hat1: Int, in1: Int, rstd1: Int
    let qkv: Int, weights: Int, mixed: Int
    let hat2: Int, in2: Int, rstd2: Int
    let hidden: Int, active: Int
    /// Gradients of the outputs of qkv, out, up, down: each layer's own where its weighted product comes later, shared
    /// otherwise.
    let dqkv: Int, dout: Int, dup: Int, ddown: Int

    var norm1: VAE.NormSlots { VAE.NormSlots(hat: hat1, out: in1, rstd: rstd1) }
    var norm2: VAE.NormSlots { VAE.NormSlots(hat: hat2, out: in2, rstd: rstd2) }
}

/// Slots of a transformer: its blocks and the last norm.
struct TransformerSlots {
    let blocks: [BlockSlots]
    let hat: Int, out: Int, rstd: Int

    var norm: VAE.NormSlots { VAE.NormSlots(hat: hat, out: out, rstd: rstd) }

    /// - spare: slots that are free once the backward pass comes here: queries, keys, values and weights of the block
    ///   it has just left. They hold the next hidden gradients while they are still in the cache.
    init(_ layers: TransformerLayers, _ s: VAEShape, _ shared: SharedSlots, _ sink: RowGradientPlan,
         in plan: inout ArenaPlan, spare: inout Range<Int>) {
        let T = s.columns, d = s.width, F = s.feedForward
        var slots: [BlockSlots] = []
        for l in layers.blocks.reversed() {
            // ReLU works in place: its sign is that of its input
            let hat1 = plan.take(T * d), hat2 = plan.take(T * d), hidden = plan.take(T * F)
            let qkv = plan.take(3 * T * d + s.heads * T * T)
            slots.append(BlockSlots(
                hat1: hat1, in1: l.norm1.affine ? plan.take(T * d) : hat1, rstd1: plan.take(T),
                qkv: qkv, weights: qkv + 3 * T * d, mixed: plan.take(T * d),
                hat2: hat2, in2: l.norm2.affine ? plan.take(T * d) : hat2, rstd2: plan.take(T),
                hidden: hidden, active: s.activation == .relu ? hidden : plan.take(T * F),
                dqkv: sink.keeps(l.qkv, T) ? shared.wide : plan.take(3 * T * d),
                dout: sink.keeps(l.out, T) ? shared.dmiddle : plan.take(T * d),
                dup: sink.keeps(l.up, T) ? shared.wide : spare.count >= T * F ? spare.lowerBound : plan.take(T * F),
                ddown: sink.keeps(l.down, T) ? shared.dstream : plan.take(T * d)))
            spare = qkv ..< qkv + 3 * T * d + s.heads * T * T
        }
        blocks = slots.reversed()
        hat = plan.take(T * d)
        out = layers.norm.affine ? plan.take(T * d) : hat
        rstd = plan.take(T)
    }
}

/// Slots that passes use one after another.
struct SharedSlots {
    let stream: Int, dstream: Int, dmiddle: Int, dnorm: Int, wide: Int, scores: Int

    init(_ s: VAEShape, _ plan: inout ArenaPlan) {
        let T = s.columns, d = s.width
        stream = plan.take(T * d)
        dstream = plan.take(T * d)
        dmiddle = plan.take(T * d)
        dnorm = plan.take(T * d)
        wide = plan.take(T * max(3 * d, s.feedForward))
        scores = plan.take(T * T)
    }
}
