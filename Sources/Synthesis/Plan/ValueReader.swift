// Between values as configurations and conditions write them and the cells of a grid.

import Basics
import Tables

extension ColumnGrid {
    /// The cell of row i.
    @inline(__always)
    func cell(_ column: Column, row i: Int) -> Int {
        if case .interval = axis { return cell(value: column.double(i)) }
        return cell(offset: column.offset(i))
    }
}

extension ValueReader {
    /// The least value of a cell.
    func value(_ grid: ColumnGrid, column j: Int, cell c: Int) -> Double { cellValue(grid, column(j), c, 0) }

    /// The text of a cell with one value.
    func text(_ grid: ColumnGrid, column j: Int, cell c: Int) -> String {
        if case .boolean = fields[j].kind { return c == 0 ? "false" : "true" }
        return JSON.number(value(grid, column: j, cell: c)).text
    }
}

/// The value a cell stands for; `u` chooses inside a cell of several. NaN: missing, as `Column.double` gives it.
func cellValue(_ grid: ColumnGrid, _ column: Column, _ cell: Int, _ u: Double) -> Double {
    if cell == grid.missingCell { return .nan }
    if let r = grid.reason(cell: cell) { return MissingReason.number(r) }
    if case .interval = grid.axis { return grid.value(cell: cell, u: u) }
    return column.value(of: grid.offset(cell: cell, u: u))
}
