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

    /// A value of a column as people write it: whole numbers without a point, dates by their form in ISO 8601.
    func shown(_ value: Double, column j: Int) -> String {
        if case .boolean = fields[j].kind { return value == 0 ? "false" : "true" }
        guard let whole = Int64(exactly: value.rounded(.down)) else { return JSON.number(value).text }
        switch fields[j].kind {
        case .date where dayRange.contains(whole): return dateText(whole)
        case .datetime where microsecondRange.contains(whole): return datetimeText(whole)
        case .integer: return String(whole)
        case .number(_, _, nil): return short(value, 6)
        default: return short(value, 9)
        }
    }

    /// A range of values. Moments of different days are told by their days.
    func shown(_ low: Double, to high: Double, column j: Int) -> String {
        let texts = [low, high].map { shown($0, column: j) }
        if case .datetime = fields[j].kind {
            let days = texts.map { String($0.prefix { $0 != "T" }) }
            if days[0] != days[1] { return days[0] + " to " + days[1] }
        }
        return texts[0] + " to " + texts[1]
    }

    /// The values of neighbouring cells.
    func shown(_ grid: ColumnGrid, column j: Int, cells: ClosedRange<Int>) -> String {
        shown(value(grid, column: j, cell: cells.lowerBound),
              to: cellValue(grid, column(j), cells.upperBound, 1 - 0x1p-53), column: j)
    }
}

/// The value a cell stands for; `u` chooses inside a cell of several. NaN: missing, as `Column.double` gives it.
func cellValue(_ grid: ColumnGrid, _ column: Column, _ cell: Int, _ u: Double) -> Double {
    if cell == grid.missingCell { return .nan }
    if let r = grid.reason(cell: cell) { return MissingReason.number(r) }
    if case .interval = grid.axis { return grid.value(cell: cell, u: u) }
    return column.value(of: grid.offset(cell: cell, u: u))
}
