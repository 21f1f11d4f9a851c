// Single columns as all releases tell them: the first release's histograms, and what the tables of several columns add
// up to. Both are released, so this is free.

import Basics
import Projection

extension ReleasedMarginals {
    /// Counts of the bins of every column of the schema, at least 0, that sum to the released row count: for each bin
    /// the mean of its histogram and of its sum in every table that names the column, by inverse variance. The standard
    /// deviation is the root mean square over the bins.
    ///
    /// The noise of the histograms and of the tables is independent, so the mean has the least variance that a mean of
    /// theirs can have, and less than either.
    /// - Throws: `.noMemory`.
    func columnCounts(plan: Plan, statistics: Statistics) throws -> [NoisyMarginal] {
        let tables = PairTables(self, plan: plan, levels: statistics.levels), noise = plan.countStandardDeviation
        return try statistics.encoders.enumerated().map { j, e in
            let counts = try Buffer<Double>(count: e.bins, for: "a marginal"), sums = tables.single(j)
            var variance = 0.0
            for (b, nodes) in e.histogramNodes(plan.grids[j]).enumerated() {
                let own = noise * noise * nodes, other = sums?.variance ?? .infinity
                let weight = own / (own + other)                                      // 0 where there are no tables
                counts[b] = (1 - weight) * e.binShare[b] * statistics.rows + weight * (sums?.counts[b] ?? 0)
                variance += (1 - weight) * own / Double(e.bins)
            }
            projectOnSimplex(counts.base, counts.count, total: statistics.rows)
            return NoisyMarginal(columns: [j], values: counts, standardDeviation: variance.squareRoot())
        }
    }
}
