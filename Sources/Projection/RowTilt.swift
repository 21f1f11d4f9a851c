// The tilt of whole rows that models had before heads were tilted one after another (HeadTilt.swift).
// weight(x) = exp(sum over marginals of theta[cell of x]). A generated row is accepted with probability min(1, weight /
// cap), so every accepted row is a fresh draw. Such models are read and sampled; none is made.

import Basics
import Glibc

package final class RowTilt: Sendable {
    /// Columns of each marginal.
    package let columns: [[Int]]
    /// theta of all marginals one after another, each row-major; log weights start from -log mean weight.
    package let theta: Buffer<Float>
    package let offset: Float
    /// Weight that is always accepted.
    package let cap: Float
    /// On the pool: effective sample size over rows; accepted over generated; weight above the cap that is lost;
    /// distinct rows among accepted.
    package let effectiveShare, acceptanceRate, truncated, distinctShare: Double
    private let starts: [Int], strides: [[Int]]

    /// A tilt that was fitted before. `levels`: of all columns of a row.
    /// - Throws: `.format` when theta does not fit the columns or a number is out of range.
    package init(levels: [Int], columns: [[Int]], theta: Buffer<Float>, offset: Float, cap: Float,
                 effectiveShare: Double, acceptanceRate: Double, truncated: Double, distinctShare: Double) throws {
        let sizes = columns.map { $0.reduce(1) { $0 * levels[$1] } }
        guard sizes.reduce(0, +) == theta.count, theta.allSatisfy(\.isFinite), offset.isFinite, cap > 0,
              cap.isFinite else {
            throw Failure(.format, "tilt: not of these columns")
        }
        (self.columns, self.theta, self.offset, self.cap) = (columns, theta, offset, cap)
        (self.effectiveShare, self.acceptanceRate, self.truncated, self.distinctShare) =
            (effectiveShare, acceptanceRate, truncated, distinctShare)
        var at = 0
        starts = sizes.map { n in defer { at += n }; return at }
        strides = columns.map { c in c.indices.map { i in c[(i + 1)...].reduce(1) { $0 * levels[$1] } } }
    }

    /// log(weight / mean weight of the pool) of one row. codes: [columns].
    package func logWeight(_ codes: UnsafePointer<UInt16>) -> Float {
        var sum = offset
        for (k, c) in columns.enumerated() {
            var cell = starts[k]
            for (i, j) in c.enumerated() { cell += Int(codes[j]) * strides[k][i] }
            sum += theta[cell]
        }
        return sum
    }

    /// Probability with which the row is accepted, in [0, 1].
    package func acceptance(_ codes: UnsafePointer<UInt16>) -> Float { min(1, exp(logWeight(codes)) / cap) }
}
