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

    /// Every head drawn from its softmax by one uniform number: the first bin whose cumulated probability exceeds it.
    /// - z: [n][latentCount]; uniforms: [n][T] in [0, 1); bins: [T][stride], bin of column t of row i at t * stride +
    ///   i.
    package func sample(_ z: UnsafePointer<Float>, count: Int, uniforms: UnsafePointer<Float>,
                        into bins: UnsafeMutablePointer<UInt16>, stride: Int, _ s: VAEScratch) {
        let T = shape.columns, W = kernels.lanes
        var first = 0
        while first < count {
            let n = min(W, count - first)
            kernels.rowsToLanes(z, first, n, shape.latentCount, s.at(s.z))
            kernels.rowsToLanes(uniforms, first, n, T, s.at(s.uniform))
            decodeBlock(s)
            for t in 0 ..< T {
                let bin = s.labels.base + t * W
                kernels.drawLevel(s.at(s.logits) + layout.firstLevel[t] * W, s.at(s.uniform) + t * W, bin,
                                  shape.levels[t])
                let out = bins + (t * stride + first)
                for l in 0 ..< n { out[l] = UInt16(truncatingIfNeeded: bin[l]) }
            }
            first += n
        }
    }
}
