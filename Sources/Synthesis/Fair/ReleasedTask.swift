// What the releases tell a pair model: shares of columns, pairs that a table holds, and what they say beyond the rows.

import Basics
import Projection

extension ReleasedMarginals {
    /// What the releases tell a pair model. - rows: of the relaxed table.
    func fairTask(_ rows: ProjectedRows, plan: Plan, statistics: Statistics) throws -> FairTask {
        let heads = plan.heads, counts = try columnCounts(plan: plan, statistics: statistics)
        let pairs = releasedPairs.compactMap { p in
            let own = p.compactMap { heads[$0] }
            return own.count == 2 ? own : nil
        }
        return FairTask(shares: plan.modelled.map { j in counts[j].values.map { $0 / statistics.rows } }, pairs: pairs,
                        lacking: try lacking(rows, pairs: pairs, plan: plan, statistics: statistics),
                        noise: standardDeviation(plan))
    }

    /// Pairs of columns that a released table holds.
    var releasedPairs: [[Int]] {
        var seen = Set<[Int]>(), out: [[Int]] = []
        for c in columns {
            for (i, a) in c.enumerated() {
                for b in c[(i + 1)...] where seen.insert([min(a, b), max(a, b)]).inserted {
                    out.append([min(a, b), max(a, b)])
                }
            }
        }
        return out
    }
}
