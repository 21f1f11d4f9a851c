// The one place where a loaded table becomes private: every cell is replaced by its grid cell, a function of that row
// and the public schema, and handed to the door. Nobody reads the rows again afterwards.

import Basics
import Privacy
import Tables

/// - Returns: rows as cells and groups; the table itself is not kept.
func privateTable(_ table: Table, plan: Plan) throws -> PrivateTable {
    try table.requireComplete()
    guard table.schema == plan.schema else { throw Failure(.schema, "the table's schema is not the plan's") }
    let out = try PrivateTable(rows: table.rows, cellCounts: plan.grids.map(\.count), groups: plan.groups)
    for (j, grid) in plan.grids.enumerated() {
        let column = table.columns[j]
        try out.fill(column: j) { cells in
            for i in 0..<table.rows { cells[i] = UInt16(truncatingIfNeeded: grid.cell(column, row: i)) }
        }
    }
    if let grouping = plan.grouping {
        try out.fillGroups { groups in
            for i in 0..<table.rows { groups[i] = Int32(truncatingIfNeeded: grouping.group(table, plan.grids, row: i)) }
        }
    }
    return out
}
