// The shapes of the plan's networks, and the memory that their training takes.

import Basics
import Networks

extension Plan {
    /// The autoencoder's shape for the released number of bins of each column.
    func autoencoderShape(levels: [Int]) throws -> VAEShape {
        let a = settings.autoencoder
        var shape = VAEShape(levels: levels)
        (shape.width, shape.heads, shape.feedForward, shape.encoderBlocks, shape.decoderBlocks) = (a.width, a.heads,
            a.feedForward, a.blocks, a.blocks)
        shape.activation = a.activation == "relu" ? .relu : .gelu
        (shape.affineNorm, shape.biases) = (a.affine, a.affine)
        shape.latent = a.latentKind == "pooled" ? .pooled(a.latent) : .perToken
        shape.logVariance = a.logVariance == "global" ? .global : a.logVariance == "head" ? .head : .network
        shape.trainsLogVariance = a.logVariance != "global"
        try shape.check()
        return shape
    }

    func makeDenoiser(latent: Int) throws -> Denoiser {
        let d = settings.diffusion
        var shape = DenoiserShape(latent: latent)
        (shape.width, shape.layers, shape.noiseLevels) = (d.hidden, d.layers, d.noiseLevels)
        return try Denoiser(shape: shape, seed: settings.seed)
    }

    /// Bytes of a network in training: every worker keeps the activations of one micro-batch and a gradient, beside
    /// weights, average and moments.
    private func trainingMemory(perRow: Int, weights: Int, threads: Int) -> Int {
        threads * 4 * (perRow * Self.microBatch + weights) + 24 * weights
    }
    static let microBatch = 64

    /// Per token and block about 12 widths, the feed-forward layer twice, attention weights twice; three transformers
    /// at most, and the heads.
    func autoencoderMemory(threads: Int) -> Int {
        let a = settings.autoencoder, T = grids.count, bins = settings.encoder.bins * T
        let perRow = 3 * a.blocks * T * (12 * a.width + 2 * a.feedForward + 2 * T * a.heads) + 4 * bins
        let weights = 3 * a.blocks * (4 * a.width * a.width + 2 * a.width * a.feedForward) + 2 * bins * a.width
            + 2 * T * a.width * a.latent
        return trainingMemory(perRow: perRow, weights: weights, threads: threads)
    }

    func diffusionMemory(threads: Int) -> Int {
        let d = settings.diffusion
        return trainingMemory(perRow: d.noiseLevels * d.layers * 4 * d.hidden, weights: d.layers * d.hidden * d.hidden
            + 64 * d.hidden, threads: threads)
    }

    /// Moments of the groups: their state, constants and noise, and for every worker a sum in floats and one in whole
    /// numbers.
    func momentsMemory(threads: Int) -> Int {
        let a = settings.autoencoder, sites = settings.alignment.sites, T = modelled.count, bins = modelled.map {
            maxBins[$0]
        }
        func numbers(_ f: AlignmentFactors, _ widths: [Int]) -> Int {
            widths.reduce(0) {
                $0 + (f.mean + f.covariance > 0 ? $1 : 0) + (f.covariance > 0 ? $1 * ($1 + 1) : 0)
                    + (f.fourier > 0 ? 128 : 0)
            }
        }
        let D = numbers(sites.latent, [a.latentKind == "pooled" ? a.latent : T * a.width])
            + numbers(sites.decoder, [T * a.width])
            + numbers(sites.heads, bins)
        return groups.count * D * (24 + 12 * threads)
            + threads * Self.microBatch * 16 * (T * a.width + bins.reduce(0, +))
    }
}
