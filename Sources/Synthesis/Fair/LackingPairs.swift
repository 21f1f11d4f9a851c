// What the released tables say of pairs of columns beyond the relaxed table that was fitted to them: the fit ends where
// its differences look like noise as a whole, and some stand out all the same (Shrinkage.swift). Rows of the relaxed
// table lack them, and a model of pairs can be told. All of it is released, so this is free.

import Basics
import Projection

extension ReleasedMarginals {
    /// Of pairs of columns that networks see, the shares of cells to add to those of `rows`, row-major; no pair with
    /// nothing to add.
    /// - Parameters:
    ///   - rows: of the relaxed table, as it was fitted.
    ///   - pairs: each by its heads, the first below the second.
    /// - Throws: `.noMemory`.
    func lacking(_ rows: ProjectedRows, pairs: [[Int]], plan: Plan,
                 statistics: Statistics) throws -> [[Int]: [Double]] {
        let tables = PairTables(self, plan: plan, levels: statistics.levels), zeros = try StructuralZeros(plan),
            ordered = plan.grids.map(\.numerical)
        var out: [[Int]: [Double]] = [:]
        for pair in pairs {
            let columns = pair.map { plan.modelled[$0] }
            guard let found = tables.pair(columns[0], columns[1]) else { continue }
            let counts = try Buffer<Double>(count: found.counts.count, for: "a marginal")
            for (i, n) in found.counts.enumerated() { counts[i] = n }
            let released = NoisyMarginal(columns: columns,
                                         values: try Self.possible(counts, columns, zeros, statistics),
                                         standardDeviation: found.variance.squareRoot())
            let fitted = try rows.marginal(released, total: statistics.rows)
            let shrunk = try released.shrunk(to: fitted, levels: statistics.levels, ordered: ordered,
                                             threshold: plan.settings.tilt.threshold)
            let cells = (0..<fitted.values.count).map {
                (shrunk.values[$0] - fitted.values[$0]) / statistics.rows
            }
            if cells.contains(where: { $0 != 0 }) { out[pair] = cells }
        }
        return out
    }
}
