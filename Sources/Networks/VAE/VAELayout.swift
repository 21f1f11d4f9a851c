// Where every layer's weights lie, and with what scale they start. Not the computation: VAE+Layers.swift.

/// Offsets of gain and bias (bias follows gain), -1 without.
struct NormLayer {
    let gain: Int
    var affine: Bool { gain >= 0 }
}

struct BlockLayers {
    let norm1: NormLayer, qkv: LinearLayer, out: LinearLayer
    let norm2: NormLayer, up: LinearLayer, down: LinearLayer
}

/// Pre-norm blocks x + attention(norm x), x + down(f(up(norm x))), and a last norm (arXiv 2002.04745).
struct TransformerLayers {
    let blocks: [BlockLayers]
    let norm: NormLayer
}

struct VAELayout {
    let embedding: Int, embeddingTrains: Bool, offset: Int
    /// First level of each column among all levels.
    let firstLevel: [Int]
    let encoder: TransformerLayers, varianceEncoder: TransformerLayers?, decoder: TransformerLayers
    /// Pooled: [T d][L] from all tokens at once; per token: [d][d].
    let mean: LinearLayer
    let logVariance: LinearLayer?, logVarianceBias: Int, logVarianceTrains: Bool
    /// Pooled: [L][T d]; nil when tokens are read from the latent as it is.
    let fromLatent: LinearLayer?
    let decoderOffset: Int
    /// Column t: [d][K_t] at weight + d * firstLevel[t], K_t biases at headBias + firstLevel[t].
    let headWeight: Int, headBias: Int

    /// Starting scales: embeddings .5, their offsets .3, maps 1 / sqrt(inputs), halved where they write to the residual
    /// stream.
    init(_ s: VAEShape, _ plan: inout ParameterPlan) {
        let T = s.columns, d = s.width, F = s.feedForward, K = s.totalLevels, Z = s.latentCount
        let unit = 1 / Float(d).squareRoot()
        func wantNorm(_ name: String, _ trains: Bool) {
            guard s.affineNorm else { return }
            plan.want(name + ".norm.gain", [d], scale: 0, start: 1, trainable: trains)
            plan.want(name + ".norm.bias", [d], scale: 0, trainable: trains)
        }
        func wantTransformer(_ name: String, _ blocks: Int, _ trains: Bool) {
            for b in 0 ..< blocks {
                let n = "\(name).\(b)"
                func want(_ part: String, _ A: Int, _ N: Int, _ scale: Float) {
                    plan.want("\(n).\(part)", [A, N], scale: scale / Float(A).squareRoot(), trainable: trains)
                    if s.biases { plan.want("\(n).\(part).bias", [N], scale: 0, trainable: trains) }
                }
                wantNorm(n + ".attention", trains)
                want("qkv", d, 3 * d, 1)
                want("out", d, d, 0.5)
                wantNorm(n + ".hidden", trains)
                want("up", d, F, 1)
                want("down", F, d, 0.5)
            }
            wantNorm(name, trains)
        }
        let v = s.trainsLogVariance
        plan.want("embedding", [K, d], scale: 0.5, trainable: s.trainsEmbeddings)
        plan.want("offset", [T, d], scale: 0.3)
        wantTransformer("encoder", s.encoderBlocks, true)
        let pooled: Bool
        if case .pooled = s.latent { pooled = true } else { pooled = false }
        plan.want("mean", pooled ? [T * d, Z] : [d, d], scale: pooled
                  ? s.encoderGain / Float(d * T).squareRoot() : unit)
        if s.logVariance == .network { wantTransformer("variance", s.encoderBlocks, v) }
        if s.logVariance != .global {
            plan.want("logvariance", pooled ? [T * d, Z] : [d, d], scale: pooled ? 0 : 0.1 * unit, trainable: v)
        }
        plan.want("logvariance.bias", [Z], scale: 0, start: s.logVarianceStart, trainable: v)
        if pooled { plan.want("fromlatent", [Z, T * d], scale: s.decoderGain / Float(Z).squareRoot()) }
        plan.want("decoder.offset", [T, d], scale: pooled ? 0.5 : 0.3)
        wantTransformer("decoder", s.decoderBlocks, true)
        plan.want("head", [d * K], scale: 0.7 * unit)
        plan.want("head.bias", [K], scale: 0)
        plan.finish()

        let done = plan
        func linear(_ name: String, _ A: Int, _ N: Int) -> LinearLayer {
            LinearLayer(weight: done.offset(name), bias: done.offset(name + ".bias"), inputs: A, outputs: N)
        }
        func norm(_ name: String) -> NormLayer { NormLayer(gain: done.offset(name + ".norm.gain")) }
        func transformer(_ name: String, _ blocks: Int) -> TransformerLayers {
            TransformerLayers(blocks: (0 ..< blocks).map { b in
                let n = "\(name).\(b)"
                return BlockLayers(norm1: norm(n + ".attention"), qkv: linear(n + ".qkv", d, 3 * d),
                                   out: linear(n + ".out", d, d), norm2: norm(n + ".hidden"),
                                   up: linear(n + ".up", d, F), down: linear(n + ".down", F, d))
            }, norm: norm(name))
        }
        embedding = done.offset("embedding")
        embeddingTrains = s.trainsEmbeddings
        offset = done.offset("offset")
        var first = 0
        firstLevel = s.levels.map { k in
            defer { first += k }
            return first
        }
        encoder = transformer("encoder", s.encoderBlocks)
        varianceEncoder = s.logVariance == .network ? transformer("variance", s.encoderBlocks) : nil
        decoder = transformer("decoder", s.decoderBlocks)
        mean = LinearLayer(weight: done.offset("mean"), bias: -1, inputs: pooled ? T * d : d, outputs: pooled ? Z : d)
        logVariance = s.logVariance == .global ? nil
            : LinearLayer(weight: done.offset("logvariance"), bias: -1, inputs: mean.inputs, outputs: mean.outputs)
        logVarianceBias = done.offset("logvariance.bias")
        logVarianceTrains = v
        fromLatent = pooled ? LinearLayer(weight: done.offset("fromlatent"), bias: -1, inputs: Z, outputs: T * d) : nil
        decoderOffset = done.offset("decoder.offset")
        headWeight = done.offset("head")
        headBias = done.offset("head.bias")
    }
}
