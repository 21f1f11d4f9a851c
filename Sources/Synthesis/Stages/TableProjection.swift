// A relaxed table fitted to the released marginals: the rows that networks learn from. Free.

import Basics
import Projection
import Storage

package struct TableProjection: Stage {
    package let id = StageID.projection
    package init() {}

    package func steps(_ plan: Plan) -> Int { 1 }

    package func cost(_ plan: Plan) -> StageCost {
        let s = plan.settings.projection
        return StageCost(id, steps: 1,
                         text: "a table of \(s.rows) distributions fitted to the marginals, at most \(s.steps) steps")
    }

    /// The fit, its targets, and the groups of the table.
    package func memory(_ plan: Plan, threads: Int) throws -> Int {
        let bins = plan.maxBins, widest = bins.max() ?? 1, marginals = plan.plannedMarginals
        // Where a choice decides which pairs are released, or the cells cannot be counted, as many cells as marginals
        // of the widest columns have.
        let cells = min(1 << 45, marginals.cells
            ?? Int(min(1e15, Double(marginals.count) * Double(widest) * Double(widest))))
        var options = ProjectionOptions()
        options.rows = plan.settings.projection.rows
        let fair = plan.conditionals > 0 ? FairFit.memory(plan, threads: threads) : 0
        return RelaxedTable.memory(levels: bins, cells: cells, options: options) + 48 * cells + fair
    }

    package func step(_ t: Int, _ run: StageRun) throws { _ = try run.projectedRows() }
}
