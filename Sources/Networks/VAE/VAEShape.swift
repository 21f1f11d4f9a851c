// What a variational autoencoder is made of: public configuration, range-checked once.
// The defaults are the shape that trains under DP-SGD: a pooled latent with per-column maps, one narrow block on each
// side, frozen embeddings and posterior width.

import Basics
import Compute

package struct VAEShape: Sendable, Equatable {
    package typealias Activation = Kernels.Activation
    package enum Latent: Sendable, Equatable {
        /// L numbers for the whole row, reached from all T tokens and read by all T tokens through maps of each
        /// column's own.
        case pooled(Int)
        /// One vector of the token width per column, as in TabSyn (arXiv 2310.09656): T x d numbers.
        case perToken
    }
    package enum LogVariance: Int, Sendable {
        /// One number per latent number, shared by all rows.
        case global
        /// A linear map of the encoder.
        case head
        /// A transformer of its own, as deep as the encoder.
        case network
    }

    /// K_t: levels of each of the T columns, each 1 ... 65536.
    package var levels: [Int]
    /// d: token width, 1 ... 1024, a multiple of `heads`.
    package var width = 8
    package var heads = 2
    /// F: hidden units between tokens' widths, 1 ... 8192.
    package var feedForward = 16
    package var encoderBlocks = 1
    package var decoderBlocks = 1
    package var activation = Activation.gelu
    /// Whether layer norms have gain and bias.
    package var affineNorm = false
    /// Whether the linear maps inside the blocks have biases.
    package var biases = false
    package var latent = Latent.pooled(8)
    package var logVariance = LogVariance.global
    /// Where the log-variance starts, -6 ... 2.
    package var logVarianceStart: Float = -2
    package var trainsEmbeddings = false
    package var trainsLogVariance = false
    /// Starting scale of the maps into and out of a pooled latent.
    package var encoderGain: Float = 2
    package var decoderGain: Float = 1

    /// - Parameter levels: K_t of each column; all other figures have defaults.
    package init(levels: [Int]) { self.levels = levels }

    package var columns: Int { levels.count }
    package var totalLevels: Int { levels.reduce(0, +) }
    /// Numbers in a row's latent.
    package var latentCount: Int {
        switch latent {
        case .pooled(let L): return L
        case .perToken: return columns * width
        }
    }

    /// - Throws: `.argument` naming the first figure that is out of range.
    package func check() throws {
        func need(_ ok: Bool, _ rule: String) throws { if !ok { throw Failure(.argument, "network shape: " + rule) } }
        try need((1 ... 4096).contains(levels.count), "columns must be 1 to 4096")
        try need(levels.allSatisfy { (1 ... 65536).contains($0) }, "levels of a column must be 1 to 65536")
        try need(totalLevels <= 1 << 22, "levels of all columns together must be at most 4194304")
        try need((1 ... 1024).contains(width), "width must be 1 to 1024")
        try need((1 ... width).contains(heads) && width % heads == 0, "heads must divide the width")
        try need((1 ... 8192).contains(feedForward), "feed_forward must be 1 to 8192")
        try need((0 ... 64).contains(encoderBlocks) && (0 ... 64).contains(decoderBlocks), "blocks must be 0 to 64")
        if case .pooled(let L) = latent { try need((1 ... 4096).contains(L), "latent width must be 1 to 4096") }
        try need((-6 ... 2).contains(logVarianceStart), "the log-variance must start in -6 to 2")
        try need((0 ... 100).contains(encoderGain) && (0 ... 100).contains(decoderGain), "gains must be 0 to 100")
        // What a worker's slots and the weights hold together stays far from overflow: every factor above is bounded.
        let weights = (encoderBlocks * 2 + decoderBlocks) * width * (4 * width + 2 * feedForward)
            + totalLevels * 2 * width + columns * width * latentCount
        try need(weights <= 1 << 28, "the network must have at most 268435456 weights")
    }
}
