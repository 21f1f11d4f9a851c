// Room for the activations of one block: one allocation, handed out in vectors.

import Basics

/// Counts vectors while a network says what it needs.
struct ArenaPlan {
    private(set) var vectors = 0

    /// Room for `n` vectors, named by its place.
    mutating func take(_ n: Int) -> Int {
        defer { vectors += n }
        return vectors
    }
}

struct BlockRoom {
    /// Normalised inputs, the same after gain and bias (one place without them), 1 / deviation.
    let hat1: Int, in1: Int, rstd1: Int
    let qkv: Int, weights: Int, mixed: Int
    let hat2: Int, in2: Int, rstd2: Int
    let hidden: Int, active: Int
    /// Gradients of the outputs of qkv, out, up, down: each layer's own where its weighted product comes later, shared otherwise.
    let dqkv: Int, dout: Int, dup: Int, ddown: Int
}

struct TransformerRoom {
    let blocks: [BlockRoom]
    let hat: Int, out: Int, rstd: Int

    init(_ layers: TransformerLayers, _ s: VAEShape, _ shared: SharedRoom, _ sink: RowGradientPlan, _ plan: inout ArenaPlan) {
        let T = s.columns, d = s.width, F = s.feedForward
        blocks = layers.blocks.map { l in
            // ReLU works in place: its sign is that of its input
            let hat1 = plan.take(T * d), hat2 = plan.take(T * d), hidden = plan.take(T * F)
            return BlockRoom(hat1: hat1, in1: l.norm1.affine ? plan.take(T * d) : hat1, rstd1: plan.take(T),
                             qkv: plan.take(3 * T * d), weights: plan.take(s.heads * T * T), mixed: plan.take(T * d),
                             hat2: hat2, in2: l.norm2.affine ? plan.take(T * d) : hat2, rstd2: plan.take(T),
                             hidden: hidden, active: s.activation == .relu ? hidden : plan.take(T * F),
                             dqkv: sink.keeps(l.qkv, T) ? shared.wide : plan.take(3 * T * d),
                             dout: sink.keeps(l.out, T) ? shared.dmiddle : plan.take(T * d),
                             dup: sink.keeps(l.up, T) ? shared.wide : plan.take(T * F),
                             ddown: sink.keeps(l.down, T) ? shared.dstream : plan.take(T * d))
        }
        hat = plan.take(T * d)
        out = layers.norm.affine ? plan.take(T * d) : hat
        rstd = plan.take(T)
    }
}

/// Room that passes use one after another.
struct SharedRoom {
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
