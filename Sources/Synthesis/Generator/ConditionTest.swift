// A condition as the bins of one model can meet it: which bins are possible at all, and whether the cells that a row
// would get meet it.

import Basics
import Compute
import Tables

/// A condition against one model's bins.
struct ConditionTest: Sendable {
    private let condition: Condition
    /// For each rule: which bins hold a cell that can meet it.
    private let possible: [[Bool]]
    /// Of the sampled table: its columns know what an offset stands for.
    private let columns: [Column]
    private let grids: [ColumnGrid], encoders: [ColumnEncoder]

    init(_ condition: Condition, grids: [ColumnGrid], encoders: [ColumnEncoder], _ table: Table) throws {
        (self.condition, self.grids, self.encoders) = (condition, grids, encoders)
        columns = table.columns
        let columns = columns
        possible = condition.tests.map { t in
            let j = t.column, rule = t.test
            let grid = grids[j], encoder = encoders[j]
            var bins = [Bool](repeating: false, count: encoder.bins)
            for c in 0..<grid.count where !bins[Int(encoder.binOfCell[c])] {
                let a = cellValue(grid, columns[j], c, 0), b = cellValue(grid, columns[j], c, 1 - 0x1p-53)
                // A cell of several values can meet a rule inside; one value is tested as it is.
                let can: Bool
                switch rule {
                case .values(let v, _, _): can = rule.holds(a) || (a != b && v.contains { $0 >= a && $0 <= b })
                case .range(let lo, let hi): can = !a.isNaN && a <= hi && b >= lo
                }
                if can { bins[Int(encoder.binOfCell[c])] = true }
            }
            return bins
        }
    }

    func isPossible(_ codes: Buffer<UInt16>) -> Bool {
        for (k, r) in condition.tests.enumerated() where !possible[k][Int(codes[r.column])] { return false }
        return true
    }

    /// The cells that `stream` would give this row.
    func holds(_ codes: Buffer<UInt16>, _ stream: inout CounterStream) -> Bool {
        for t in grids.indices {
            let u = stream.uniformDouble(), v = stream.uniformDouble()
            for rule in condition.tests where rule.column == t {
                let grid = grids[t], cell = encoders[t].cell(bin: Int(codes[t]), u: u)
                if !rule.test.holds(cellValue(grid, columns[t], cell, v)) { return false }
            }
        }
        return true
    }
}
