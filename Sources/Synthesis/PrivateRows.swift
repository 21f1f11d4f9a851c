// The one place where a loaded table becomes private: every cell is replaced by its grid cell, a function of that row and the
// public schema, and handed to the door. Nobody reads the rows again afterwards.

import Basics
import Privacy
import Tables

/// - Returns: rows as cells, one group; the table itself is not kept.
func privateTable(_ table: Table, plan: Plan) throws -> PrivateTable {
    try table.requireComplete()
    guard table.schema == plan.schema else { throw Failure(.schema, "the table's schema is not the plan's") }
    let out = try PrivateTable(rows: table.rows, cellCounts: plan.grids.map(\.count), groups: [Plan.group])
    for (j, grid) in plan.grids.enumerated() {
        let column = table.columns[j]
        try out.fill(column: j) { cells in
            if case .interval = grid.axis {
                for i in 0..<table.rows { cells[i] = UInt16(truncatingIfNeeded: grid.cell(value: column.double(i))) }
            } else {
                for i in 0..<table.rows { cells[i] = UInt16(truncatingIfNeeded: grid.cell(offset: column.offset(i))) }
            }
        }
    }
    return out
}
