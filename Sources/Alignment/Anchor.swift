// The anchor: how far a row's posterior has moved from the one it had before alignment.
// It is the squared Wasserstein-2 distance between two diagonal Gaussians, |m - m₀|² + Σ (s - s₀)² with standard
// deviations s = exp(v / 2) (Dowson and Landau 1982, J. Multivariate Analysis 12, with covariances that commute). Its
// mean over rows bounds the sliced distance between the aggregates from above.

import Glibc

package enum Anchor {
    /// The distance W2² of one row, and `weight` times its gradient added to dMean and dLogVariance.
    /// - mean, logVariance: [count] of the posterior; mean0, logVariance0: [count] of the frozen one.
    /// - Returns: 0, and no gradient, when the distance is not a finite number.
    package static func distance(mean: UnsafePointer<Float>, logVariance: UnsafePointer<Float>,
                                 from mean0: UnsafePointer<Float>, _ logVariance0: UnsafePointer<Float>, count: Int,
                                 weight: Float, dMean: UnsafeMutablePointer<Float>,
                                 dLogVariance: UnsafeMutablePointer<Float>) -> Double {
        var value = 0.0
        for l in 0 ..< count {
            let d = Double(mean[l]) - Double(mean0[l])
            let s = exp(Double(logVariance[l]) / 2) - exp(Double(logVariance0[l]) / 2)
            value += d * d + s * s
        }
        guard value.isFinite, value < Double(Float.greatestFiniteMagnitude) else { return 0 }
        for l in 0 ..< count {
            let s = exp(Double(logVariance[l]) / 2), s0 = exp(Double(logVariance0[l]) / 2)
            dMean[l] += weight * Float(2 * (Double(mean[l]) - Double(mean0[l])))
            dLogVariance[l] += weight * Float((s - s0) * s)
        }
        return value
    }
}
