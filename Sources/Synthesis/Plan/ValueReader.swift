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

/// Values of columns as configurations and conditions write them.
struct ValueReader {
    private let probe: Table
    init(_ schema: Schema) throws { probe = try Table(schema: schema, rows: 1) }

    /// As `Column.double` gives it, NaN for missing, which may say why; nil when it is not a value of the column.
    func value(_ x: JSON, column j: Int) -> Double? {
        let field = probe.schema.fields[j]
        do {
            if let text = x.asString {
                try withBytes(text) { bytes in try probe.setStrings(field.name) { _ in bytes } }
            }
            else if let b = x.asBool, case .boolean = field.kind { return b ? 1 : 0 }
            else if var v = x.asDouble { try probe.setFloat64(field.name, &v) }
            else { return nil }
        } catch { return nil }
        return probe.columns[j].double(0)
    }

    /// The least value of a cell.
    func value(_ grid: ColumnGrid, column j: Int, cell c: Int) -> Double { cellValue(grid, probe.columns[j], c, 0) }

    /// The text of a cell with one value.
    func text(_ grid: ColumnGrid, column j: Int, cell c: Int) -> String {
        if case .boolean = probe.schema.fields[j].kind { return c == 0 ? "false" : "true" }
        return JSON.number(value(grid, column: j, cell: c)).text
    }

    private func withBytes<R>(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
        var text = text
        return try text.withUTF8(body)
    }
}

/// The value a cell stands for; `u` chooses inside a cell of several. NaN: missing, as `Column.double` gives it.
func cellValue(_ grid: ColumnGrid, _ column: Column, _ cell: Int, _ u: Double) -> Double {
    if cell == grid.missingCell { return .nan }
    if let r = grid.reason(cell: cell) { return MissingReason.number(r) }
    if case .interval = grid.axis { return grid.value(cell: cell, u: u) }
    return column.value(of: grid.offset(cell: cell, u: u))
}
