// Counts with independent noise of known variance that are parts of a total, which is known better than their sum: the
// counts moved to what both say together, and the noise of any sums of them.

/// Linear estimates from released counts. Noise is taken as normal: a discrete Gaussian of several rows is.
struct NoisyCounts {
    /// Best linear estimate of each count, in rows; may be negative.
    let counts: [Double]
    /// Variance of the noise of each count as it was released, and what of it the total takes away, over the sum.
    private let variances: [Double], spread: Double

    /// - Parameters:
    ///   - released: in rows. variances: of their noise, at least 0.
    ///   - total: an independent estimate of their sum, and the variance of its noise; nil: there is none.
    init(_ released: [Double], variances: [Double], total: (value: Double, variance: Double)?) {
        let sum = variances.reduce(0, +)
        self.variances = variances
        guard let total, sum > 0, total.variance.isFinite else {
            (counts, spread) = (released, .infinity)
            return
        }
        // The covariance of counts given their total: diag V − V Vᵀ / (Σ V + variance of the total).
        spread = sum + total.variance
        let excess = (released.reduce(0, +) - total.value) / spread
        counts = zip(released, variances).map { $0 - $1 * excess }
    }

    func sum(_ weights: [Double]) -> Double { zip(counts, weights).reduce(0) { $0 + $1.0 * $1.1 } }

    /// Covariance of the noise of two weighted sums.
    func noise(_ a: [Double], _ b: [Double]) -> Double {
        var both = 0.0, left = 0.0, right = 0.0
        for (k, v) in variances.enumerated() {
            both += v * a[k] * b[k]
            left += v * a[k]
            right += v * b[k]
        }
        return both - left * right / spread
    }
    func noise(_ a: [Double]) -> Double { max(0, noise(a, a)) }
}
