// The one place where a loaded table becomes private: every cell is replaced by its grid cell, a function of that row
// and the public schema, and handed to the door. Nobody reads the rows again afterwards.

import Basics
import Privacy
import Tables

/// - Returns: rows as cells and groups; the table itself is not kept.
func privateTable(_ table: Table, plan: Plan) throws -> PrivateTable {
    try table.requireComplete()
    guard table.schema == plan.declared else { throw Failure(.schema, "the table's schema is not the plan's") }
    let out = try PrivateTable(rows: table.rows, cellCounts: plan.grids.map(\.count), groups: plan.groups)
    let row = try Buffer<Double>(count: table.columns.count, for: "a row")
    for (t, grid) in plan.grids.enumerated() {
        try out.fill(column: t) { cells in
            guard case .plain(let j) = plan.shape.sources[t] else {
                // A learned column is a function of the same row's declared ones.
                let probe = try Column.probe(plan.schema.fields[t]), used = plan.shape.inputs(of: t)
                for i in 0..<table.rows {
                    for j in used { row[j] = table.columns[j].double(i) }
                    cells[i] = UInt16(truncatingIfNeeded: grid.cell(of: plan.shape.learn(t, row.base), probe))
                }
                return
            }
            let column = table.columns[j]
            for i in 0..<table.rows { cells[i] = UInt16(truncatingIfNeeded: grid.cell(column, row: i)) }
        }
    }
    if let grouping = plan.grouping {
        try out.fillGroups { groups in
            let columns = plan.shape.sources.map { source -> Column? in
                if case .plain(let j) = source { return table.columns[j] }
                return nil
            }
            for i in 0..<table.rows {
                groups[i] = Int32(truncatingIfNeeded: grouping.group(columns, plan.grids, row: i))
            }
        }
    }
    return out
}
