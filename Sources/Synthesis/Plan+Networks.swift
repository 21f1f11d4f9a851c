// What the plan's networks look like, and the memory they take.

import Basics
import Compute
import Networks
import Projection

extension Plan {
    /// The autoencoder's shape for the released number of bins of each column.
    func autoencoderShape(levels: [Int]) throws -> VAEShape {
        let a = settings.autoencoder
        var shape = VAEShape(levels: levels)
        (shape.width, shape.heads, shape.feedForward, shape.encoderBlocks, shape.decoderBlocks) = (a.width, a.heads, a.feedForward, a.blocks, a.blocks)
        shape.activation = a.activation == "relu" ? .relu : .gelu
        (shape.affineNorm, shape.biases) = (a.affine, a.affine)
        shape.latent = a.latentKind == "pooled" ? .pooled(a.latent) : .perToken
        shape.logVariance = a.logVariance == "global" ? .global : a.logVariance == "head" ? .head : .network
        shape.trainsLogVariance = a.logVariance != "global"
        try shape.check()
        return shape
    }
}

extension Plan {
    func makeDenoiser(latent: Int) throws -> Denoiser {
        let d = settings.diffusion
        var shape = DenoiserShape(latent: latent)
        (shape.width, shape.layers, shape.noiseLevels) = (d.hidden, d.layers, d.noiseLevels)
        return try Denoiser(shape: shape, seed: settings.seed)
    }

    /// An upper estimate of the memory a training takes beside the host's own table, in bytes.
    /// - Throws: `.argument` for a row count that is negative or too large to count in bytes.
    package func memory(rows: Int) throws -> Int {
        guard rows >= 0, rows <= 1 << 44 else { throw Failure(.argument, "rows: must be from 0 to 2^44") }
        let bytesPerRow = grids.reduce(0) { $0 + ($1.count <= 256 ? 1 : 2) } + 1
        let a = settings.autoencoder, d = settings.diffusion, T = grids.count
        // A worker keeps every activation and its gradient for one micro-batch: per token and block about 12 widths, the
        // feed-forward layer twice, attention weights twice; three transformers at most, and the heads.
        let bins = settings.encoder.bins * T
        let perRow = 3 * a.blocks * T * (12 * a.width + 2 * a.feedForward + 2 * T * a.heads) + 4 * bins + d.noiseLevels * d.layers * 4 * d.hidden
        let weights = 3 * a.blocks * (4 * a.width * a.width + 2 * a.width * a.feedForward) + 2 * bins * a.width + 2 * T * a.width * a.latent + d.layers * d.hidden * d.hidden + 64 * d.hidden
        let threads = settings.threads > 0 ? settings.threads : Workers.available
        return rows * (bytesPerRow + (grouping == nil ? 0 : 2)) + (isBest ? releasedMemory : 0) + (isAligned ? alignmentMemory(threads: threads) : 0) + (isBest && strength > 0 ? independenceMemory(threads: threads) : 0) + threads * 4 * (perRow * Trainer.microBatch + weights) + 24 * weights + 32 * grids.reduce(0) { $0 + 4 * $1.count } + (8 << 20)
    }
    /// Moments of the groups: their state, constants and noise, and for every worker a sum in floats and one in whole numbers.
    private func alignmentMemory(threads: Int) -> Int {
        let a = settings.autoencoder, o = settings.alignment, T = modelled.count, bins = modelled.map { mostBins[$0] }
        func numbers(_ w: Settings.Weights, _ widths: [Int]) -> Int {
            widths.reduce(0) { $0 + (w.mean + w.covariance > 0 ? $1 : 0) + (w.covariance > 0 ? $1 * ($1 + 1) : 0) + (w.fourier > 0 ? 128 : 0) }
        }
        let D = numbers(o.sites.latent, [a.latentKind == "pooled" ? a.latent : T * a.width]) + numbers(o.sites.decoder, [T * a.width]) + numbers(o.sites.heads, bins)
        return groups.count * D * (24 + 12 * threads) + threads * Trainer.microBatch * 16 * (T * a.width + bins.reduce(0, +))
    }

    /// What the preset `best` has beside its networks: marginals, the table fitted to them, latents of its rows, and the tilt's pool.
    private var releasedMemory: Int {
        let bins = mostBins, widest = bins.max() ?? 1, marginals = plannedMarginals
        // Where a choice decides which pairs are bought, or the cells cannot be counted, as many cells as marginals of the widest columns have.
        let cells = marginals.cells ?? Int(min(1e15, Double(marginals.count) * Double(widest) * Double(widest)))
        var options = ProjectionOptions()
        options.rows = settings.projection.rows
        let fit = RelaxedTable.memory(levels: bins, cells: min(cells, 1 << 45), options: options)
        return fit + 48 * min(cells, 1 << 45) + 4 * LatentPool.most * settings.autoencoder.latent * (settings.autoencoder.latentKind == "pooled" ? 1 : grids.count)
            + settings.rake.pool * (2 * grids.count + 12)
    }
}
