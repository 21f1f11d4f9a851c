// The variational autoencoder: tokens, transformer, Gaussian latent, transformer, a head per column.
//
//     let shape = VAEShape(levels: [20, 9, 2])              // T = 3 columns; every other figure has a default
//     let vae = try VAE(shape: shape, seed: 1)
//     try vae.setHeadBiases([logShares0, logShares1, logShares2])   // [K_t] each: log of released histograms
//     let P = vae.parameters.trainable                      // gradient, noise, optimiser: one vector of this length
//     let scratch = try VAEScratch(vae)                     // one per worker; serves any number of rows
//
//     // rows are bins by column: bins[t * stride + i] is row i's bin of column t
//     // (bins beyond the last count as the last)
//     let rows = CodeRows(bins: pointer, stride: n, count: n)
//     vae.clippedGradientSum(rows, noise: e, clips: C, beta: 0.5, into: sum, scratch)   // sum: Float [P], overwritten
//         // e: [n][latentCount] standard normals; C: [n] clipping norms
//         // more inputs and outputs: VAE.GradientOptions
//     vae.gradientSum(rows, noise: e, beta: 0.5, into: sum, scratch)                    // no clip: released rows only
//     vae.encode(rows, mean: mu, logVariance: v, scratch)   // [n][latentCount] each; logVariance may be nil
//     vae.sample(z, count: n, uniforms: u, into: bins, stride: n, scratch)
//         // u: [n][T] in [0, 1); bins: [T][stride]
//     vae.decodeLogits(z, count: n, into: logits, scratch)  // [n][sum of K_t]
//     let adam = try Adam(count: P); adam.step(vae.parameters.base, gradient: sum, learningRate: 0.02)
//
// None of these throws or allocates: all memory is the scratch's. A row's result is the same bits alone or in company.
// The loss of a row is the sum over columns of its cross-entropies + beta * KL(posterior || N(0, I)), one posterior
// draw. Read next: VAE+Layers.swift (forward and backward), VAE+Gradient.swift (clipping), VAEShape.swift.

import Basics
import Compute

/// Rows as bins, column by column; lent by the caller for the time of a call.
package struct CodeRows {
    /// bins[t * stride + i]: bin of column t in row i. A bin beyond a column's last counts as the last.
    package let bins: UnsafePointer<UInt16>
    /// At least `count`.
    package let stride: Int
    package let count: Int

    /// - Parameter bins: [columns][stride], valid for as long as the rows are used.
    package init(bins: UnsafePointer<UInt16>, stride: Int, count: Int) {
        self.bins = bins
        self.stride = stride
        self.count = count
    }
}

package final class VAE: @unchecked Sendable {
    package let shape: VAEShape
    package let parameters: Parameters
    package let kernels: Kernels
    let layout: VAELayout

    /// A network with starting weights from a public seed.
    /// - Throws: `.argument` for a shape out of range, `.noMemory`.
    package init(shape: VAEShape, seed: UInt64, kernels: Kernels = .current) throws {
        try shape.check()
        var plan = ParameterPlan()
        let layout = VAELayout(shape, &plan)
        parameters = try Parameters(plan)
        plan.fill(parameters, seed: seed)
        self.shape = shape
        self.kernels = kernels
        self.layout = layout
    }

    /// A network of the shape of `other` around weights of its own: a moving average, a loaded model.
    /// - Throws: `.argument` when they are not laid out for this network.
    package init(_ other: VAE, parameters: Parameters) throws {
        guard parameters.tensors == other.parameters.tensors else {
            throw Failure(.argument, "weights of another network shape")
        }
        shape = other.shape
        kernels = other.kernels
        layout = other.layout
        self.parameters = parameters
    }

    /// Numbers in a row's latent.
    package var latentCount: Int { shape.latentCount }

    /// Sets every head's biases, usually to the log of released histograms.
    /// - Throws: `.argument` when their number is not that of columns and levels, or one is not finite.
    package func setHeadBiases(_ biases: [[Float]]) throws {
        guard biases.map(\.count) == shape.levels, biases.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
            throw Failure(.argument, "head biases must be one finite number per column and level")
        }
        var p = parameters.base + layout.headBias
        for column in biases {
            for b in column {
                p.pointee = b
                p += 1
            }
        }
    }
}
