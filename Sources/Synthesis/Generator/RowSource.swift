// Where generated rows come from, and one worker's memory for a chunk of them.

import Basics
import Compute
import Networks
import Projection

enum RowSource: Sendable {
    /// Latents from the diffusion, or from the prior without one, decoded.
    case networks(VAE, Denoiser?, LatentScale?)
    /// Rows drawn from the relaxed table.
    case projection(ProjectedRows)
    /// Rows that were drawn for students.
    case drawn(DrawnRows)
    /// Rows that networks learned, through encoder and decoder.
    case reconstruction(any FreeRows, VAE)
    /// Every column alone, from its released histogram.
    case histograms

    var autoencoder: VAE? {
        switch self {
        case .networks(let vae, _, _), .reconstruction(_, let vae): vae
        case .projection, .drawn, .histograms: nil
        }
    }
    var denoiser: Denoiser? { if case .networks(_, let denoiser, _) = self { denoiser } else { nil } }
}

/// Memory of one worker for one chunk.
final class DrawSpace {
    static let chunk = 256

    let latents, uniforms, logits: Buffer<Float>
    /// Of reconstructed rows: log-variances and noise [chunk][latent].
    let variances, noise: Buffer<Float>
    /// Accepted rows and one round of attempts: [columns][chunk].
    let bins, trials: Buffer<UInt16>
    /// What the heads drew, where there are columns without heads: [modelled columns][chunk].
    let heads: Buffer<UInt16>?
    /// The attempt that was accepted: [chunk].
    let attempts: Buffer<UInt32>
    /// What chooses a row's cells and values: [chunk].
    let streams: Buffer<CounterStream>
    let vae: VAEScratch?
    let tilt: RowPickMemory?
    let denoiser: DenoiserScratch?
    /// Rows that wait, and what is tried in this round: [chunk].
    let waiting: Buffer<Int32>, slotRow: Buffer<Int32>, slotAttempt: Buffer<UInt32>
    let one: Buffer<UInt16>

    init(_ source: RowSource, columns: Int, modelled: Int, drawsGroups: Bool, tilt: HeadTilt?) throws {
        let n = Self.chunk, network = source.autoencoder, L = network?.latentCount ?? 0
        latents = try Buffer(count: n * L, for: "latents")
        uniforms = try Buffer(count: n * modelled, for: "uniform numbers")
        heads = !drawsGroups ? nil : try Buffer(count: n * modelled, for: "codes")
        bins = try Buffer(count: n * columns, for: "codes")
        trials = try Buffer(count: n * columns, for: "codes")
        one = try Buffer(count: columns, for: "codes")
        let encoded = if case .reconstruction = source { n * L } else { 0 }
        variances = try Buffer(count: encoded, for: "latents")
        noise = try Buffer(count: encoded, for: "latents")
        logits = try Buffer(count: n * (network?.shape.totalLevels ?? 0), for: "logits")
        attempts = try Buffer(count: n, for: "attempts")
        streams = try Buffer(count: n, for: "attempts")
        waiting = try Buffer(count: n, for: "attempts")
        slotRow = try Buffer(count: n, for: "attempts")
        slotAttempt = try Buffer(count: n, for: "attempts")
        self.tilt = try tilt.map { try RowPickMemory(levels: $0.levels, columns: $0.columns) }
        vae = try network.map { try VAEScratch($0) }
        denoiser = try source.denoiser.map { try DenoiserScratch($0) }
    }
}
