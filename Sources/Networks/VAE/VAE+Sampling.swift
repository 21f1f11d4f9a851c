// Encoding and decoding without gradients. A row's result depends on that row alone, to the bit.

import Basics
import Compute

extension VAE {
    /// mean, logVariance: [n][latentCount] row-major (log-variance held in -6 ... 2); logVariance may be nil.
    package func encode(_ rows: CodeRows, mean: UnsafeMutablePointer<Float>, logVariance: UnsafeMutablePointer<Float>?,
                        _ s: VAEScratch) {
        let Z = shape.latentCount
        var first = 0
        while first < rows.count {
            let n = load(rows, first, s)
            encodeBlock(s, variance: logVariance != nil)
            kernels.lanesToRows(s.at(s.mean), mean, first, n, Z)
            if let v = logVariance {
                kernels.lanesToRows(s.at(s.variance), v, first, n, Z)
                for i in first * Z ..< (first + n) * Z { v[i] = min(max(v[i], -6), 2) }
            }
            first += n
        }
    }

    /// z: [n][latentCount]; logits: [n][sum of K_t].
    package func decodeLogits(_ z: UnsafePointer<Float>, count: Int, into logits: UnsafeMutablePointer<Float>,
                              _ s: VAEScratch) {
        var first = 0
        while first < count {
            let n = min(kernels.lanes, count - first)
            kernels.rowsToLanes(z, first, n, shape.latentCount, s.at(s.z))
            decodeBlock(s)
            kernels.lanesToRows(s.at(s.logits), logits, first, n, shape.totalLevels)
            first += n
        }
    }

    /// Numbers of what the heads read of so many rows, in lanes.
    package func tokenCount(rows: Int) -> Int { (rows + kernels.lanes - 1) / kernels.lanes * tokenStride }
    private var tokenStride: Int { shape.columns * shape.width * kernels.lanes }

    /// What the heads read: [blocks of rows][T][width] vectors. It does not depend on the heads' own weights.
    /// z: [n][latentCount].
    package func decodeTokens(_ z: UnsafePointer<Float>, count: Int, into tokens: UnsafeMutablePointer<Float>,
                              _ s: VAEScratch) {
        let W = kernels.lanes
        for first in stride(from: 0, to: count, by: W) {
            kernels.rowsToLanes(z, first, min(W, count - first), shape.latentCount, s.at(s.z))
            decodeTokens(s)
            (tokens + first / W * tokenStride).update(from: s.at(s.decoder.out), count: tokenStride)
        }
    }

    /// The same logits as `decodeLogits`, of latents that went through `decodeTokens`. logits: [n][sum of K_t].
    package func logits(ofTokens tokens: UnsafePointer<Float>, count: Int, into logits: UnsafeMutablePointer<Float>,
                        _ s: VAEScratch) {
        let W = kernels.lanes
        for first in stride(from: 0, to: count, by: W) {
            applyHeads(tokens + first / W * tokenStride, s)
            kernels.lanesToRows(s.at(s.logits), logits, first, min(W, count - first), shape.totalLevels)
        }
    }

    /// Logits in lanes: [blocks][Σ K_t] vectors. z: [blocks of rows][latentCount].
    package func decodeLanes(_ z: UnsafePointer<Float>, blocks: Int, into logits: UnsafeMutablePointer<Float>,
                             _ s: VAEScratch) {
        let W = kernels.lanes, n = shape.totalLevels * W
        for b in 0 ..< blocks {
            kernels.rowsToLanes(z, b * W, W, shape.latentCount, s.at(s.z))
            decodeBlock(s)
            (logits + b * n).update(from: s.at(s.logits), count: n)
        }
    }

    /// Every head drawn from its softmax by one uniform number: the first bin whose cumulated probability exceeds it.
    /// - z: [n][latentCount]; uniforms: [n][T] in [0, 1); bins: [T][stride], bin of column t of row i at t * stride +
    ///   i.
    /// - draw: draws all heads of a block in place of this, from logits [Σ K_t], uniforms [T] and into labels [T]
    ///   vectors.
    package func sample(_ z: UnsafePointer<Float>, count: Int, uniforms: UnsafePointer<Float>,
                        into bins: UnsafeMutablePointer<UInt16>, stride: Int, _ s: VAEScratch,
                        draw: ((UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Int32>)
                            -> Void)? = nil) {
        let T = shape.columns, W = kernels.lanes
        var first = 0
        while first < count {
            let n = min(W, count - first)
            kernels.rowsToLanes(z, first, n, shape.latentCount, s.at(s.z))
            kernels.rowsToLanes(uniforms, first, n, T, s.at(s.uniform))
            decodeBlock(s)
            if let draw { draw(s.at(s.logits), s.at(s.uniform), s.labels.base) } else {
                for t in 0 ..< T {
                    kernels.drawLevel(s.at(s.logits) + layout.firstLevel[t] * W, s.at(s.uniform) + t * W,
                                      s.labels.base + t * W, shape.levels[t])
                }
            }
            for t in 0 ..< T {
                let bin = s.labels.base + t * W
                let out = bins + (t * stride + first)
                for l in 0 ..< n { out[l] = UInt16(truncatingIfNeeded: bin[l]) }
            }
            first += n
        }
    }
}
