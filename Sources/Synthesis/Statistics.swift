// The first release of a training and all that is bought from it: noisy histograms, the noisy row count, and the encoders made
// from them. Public once released; this type is what model files and checkpoints keep.

import Basics
import Privacy
import Tables

package struct Statistics: Sendable {
    /// Noisy counts in rows, in the order of `plan.histograms`; may be negative.
    package let counts: [Buffer<Double>]
    /// Noisy row count of each group, in rows; may be negative. One group at strength 0.
    package let groupCounts: [Double]
    /// Best released estimate of the row count, at least 1.
    package let rows: Double
    package let encoders: [ColumnEncoder]

    package init(plan: Plan, counts: [Buffer<Double>], groupCounts: [Double]) throws {
        guard counts.count == plan.histograms.count, groupCounts.count == 1,
              zip(counts, plan.histograms).allSatisfy({ $0.count == plan.grids[$1.column].histogramSize(divisor: $1.divisor) && $0.allSatisfy(\.isFinite) }),
              groupCounts.allSatisfy(\.isFinite) else { throw Failure(.format, "released histograms: not of this plan") }
        self.counts = counts
        self.groupCounts = groupCounts
        // The count of its own and the total of every histogram estimate the same number: weight each by its inverse variance.
        var sum = groupCounts.reduce(0, +), weight = 1.0
        for h in counts { sum += h.reduce(0, +) / Double(h.count); weight += 1 / Double(h.count) }
        let n = max(sum / weight, 1)
        let declared: Double? = if case .declared(let m) = plan.settings.rows { Double(m) } else { nil }
        rows = declared ?? n
        var at = 0
        var made: [ColumnEncoder] = []
        for grid in plan.grids {
            let own = counts[at..<at + grid.divisors.count]
            at += grid.divisors.count
            let masses = try cellMasses(grid: grid, counts: own, deviation: plan.countDeviation, total: rows)
            try made.append(ColumnEncoder(grid: grid, masses: masses, deviation: plan.countDeviation, most: plan.settings.encoder.bins))
        }
        encoders = made
    }

    /// Bins of each column: the levels the networks see.
    package var levels: [Int] { encoders.map(\.bins) }
}
