// What generated rows of one model are held to: the rules of its schema, and which learned columns decide a breach.
// How a row is made to keep them is in RowDraft.swift.

import Basics
import Projection
import Tables

final class RowKeeper: Sendable {
    let shape: RowShape
    let grids: [ColumnGrid], encoders: [ColumnEncoder]
    /// One of each learned column, without cells.
    let columns: [Column]
    /// Where the weights of each learned column's bins start in a row of weights; nil: it is not drawn by a head.
    let starts: [Int?]
    /// The tilt of the columns that heads draw, and the learned column of each head.
    let tilt: HeadTilt?, modelled: [Int]
    private let plan: Plan, groupShares: [Double]?
    private let heads: [Int?]
    let rules: Rules
    /// Values of cells that stand for one value each, column after column, and where each column's start; -1: its cells
    /// hold more than one.
    let values: Buffer<Double>, firstValue: [Int]
    /// Learned columns that a head draws and that a rule, or a declared column, depends on.
    private let drawnOfRule: [[Int]], drawnOfColumn: [[Int]]
    /// Beyond so many cells a column's values are computed each time.
    private static let maxValues = 1 << 16

    init(plan: Plan, statistics: Statistics, tilt: HeadTilt? = nil) throws {
        (shape, grids, encoders, self.plan) = (plan.shape, plan.grids, statistics.encoders, plan)
        groupShares = statistics.groupShares
        (self.tilt, modelled) = (tilt, plan.modelled)
        heads = plan.heads
        rules = plan.declared.rules
        let columns = try plan.schema.fields.map { try Column.probe($0) }
        self.columns = columns
        var starts = [Int?](repeating: nil, count: plan.grids.count), at = 0
        for t in plan.modelled {
            starts[t] = at
            at += statistics.encoders[t].bins
        }
        self.starts = starts
        var firstValue = [Int](repeating: -1, count: plan.grids.count), count = 0
        for (t, grid) in plan.grids.enumerated() where grid.isOneValueEach && grid.count <= Self.maxValues {
            firstValue[t] = count
            count += grid.count
        }
        let values = try Buffer<Double>(count: count, for: "values of cells")
        for (t, grid) in plan.grids.enumerated() where firstValue[t] >= 0 {
            for c in 0..<grid.count { values[firstValue[t] + c] = cellValue(grid, columns[t], c, 0) }
        }
        (self.values, self.firstValue) = (values, firstValue)
        let deciders = shape.deciders
        func drawn(_ declared: [Int]) -> [Int] {
            var seen = Set<Int>()
            return declared.flatMap { deciders[$0] }.filter { starts[$0] != nil && seen.insert($0).inserted }
        }
        drawnOfRule = rules.all.map { drawn($0.columns) }
        drawnOfColumn = deciders.indices.map { drawn([$0]) }
    }

    /// The value of a cell of learned column t, `place` of the way through it.
    @inline(__always) func value(_ t: Int, cell: Int, place: Double) -> Double {
        let first = firstValue[t]
        return first >= 0 ? values.base[first + cell] : cellValue(grids[t], columns[t], cell, place)
    }

    /// Weights of the bins of column t given the columns before it: the row's own weights, tilted.
    /// - Parameters:
    ///   - weights: of the column's bins; bins: of all learned columns; into: memory for the column's bins.
    func weights(of t: Int, _ weights: UnsafePointer<Float>, bins: UnsafePointer<UInt16>,
                 into out: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
        guard let tilt, let h = heads[t], tilt.tilts(h) else { return weights }
        tilt.weigh(h, weights, level: { Int(bins[modelled[$0]]) }, into: out)
        return UnsafePointer(out)
    }

    /// Running sums of the groups' shares, each times what masks leave of it; nil where no mask is on a group's column.
    func groups(left masks: [CellMask?]) -> [Double]? {
        guard let groupShares, let grouping = plan.grouping,
              grouping.axes.contains(where: { masks[$0.column] != nil }) else { return nil }
        var sum = 0.0, before = 0.0
        return groupShares.enumerated().map { g, running in
            var share = running - before
            before = running
            for (axis, part) in zip(grouping.axes, grouping.partsOf[g]) {
                if let mask = masks[axis.column] { share *= mask.fraction[part] }
            }
            sum += share
            return sum
        }
    }

    /// What is broken in a row.
    enum Breach {
        case rule(Int)
        /// A declared column that has no value, or one outside its bounds.
        case domain(Int)
        case test(ColumnTest)
    }

    /// Name of a breach for messages.
    func title(_ breach: Breach) -> String {
        let fields = shape.declared.fields
        switch breach {
        case .rule(let k):
            return "rule \(quoted(rules.all[k].name)) "
                + "(\(rules.all[k].columns.map { fields[$0].name }.joined(separator: ", ")))"
        case .domain(let j): return "the bounds of column \(quoted(fields[j].name))"
        case .test(let t): return "the condition on column \(quoted(fields[t.column].name))"
        }
    }

    /// Learned columns that a breach depends on and that a head draws.
    func drawn(_ breach: Breach) -> [Int] {
        switch breach {
        case .rule(let k): drawnOfRule[k]
        case .domain(let j): drawnOfColumn[j]
        case .test(let t): drawnOfColumn[t.column]
        }
    }
}

extension ColumnGrid {
    /// Whether every cell stands for one value, wherever in it a place lies.
    fileprivate var isOneValueEach: Bool {
        switch axis {
        case .levels, .values: true
        case .wideSteps, .interval: false
        }
    }
}
