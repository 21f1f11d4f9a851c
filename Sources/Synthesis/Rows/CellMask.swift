// Which cells of one learned column a condition leaves, and how one of them is drawn: by the row's own weights of bins,
// restricted to what is left.

import Basics
import Compute
import Glibc
import Tables

struct CellMask: Sendable {
    /// For each bin the share of its mass that is left, 0 to 1.
    let fraction: [Double]
    /// Cells that are left, bin by bin: those of bin b are `cells[first[b] ..< first[b + 1]]`.
    private let cells: [Int32], first: [Int]
    /// Running sums of their shares within the bin.
    private let running: [Double]
    private let test: ValueTest
    private let grid: ColumnGrid, column: Column

    /// - Parameter column: of the learned schema; knows what offsets stand for.
    init(_ test: ValueTest, _ grid: ColumnGrid, _ encoder: ColumnEncoder, _ column: Column) {
        (self.test, self.grid, self.column) = (test, grid, column)
        var own = [[Int32]](repeating: [], count: encoder.bins), left = [Double](repeating: 0, count: encoder.bins)
        let all = encoder.binShare
        var weights = [Int32: Double]()
        // A test of one value leaves one cell: no need to look at all.
        var possible: [Int]?
        if case .values(let v, let missing, let reasons) = test {
            var found = v.map { grid.cell(of: $0, column) }
            if missing, let c = grid.missingCell { found.append(c) }
            for (r, c) in grid.reasonCells.enumerated() where missing || reasons.contains(r) { found.append(c) }
            possible = Array(Set(found)).sorted()
        }
        func part(_ c: Int) -> Double {
            if c == grid.missingCell { return test.holds(.nan) ? 1 : 0 }
            if let r = grid.reason(cell: c) { return test.holds(MissingReason.number(r)) ? 1 : 0 }
            let a = cellValue(grid, column, c, 0), b = cellValue(grid, column, c, 1 - 0x1p-53)
            switch test {
            case .values(let v, _, _): return v.contains(where: { $0 >= a && $0 <= b }) ? 1 : 0
            case .range(let lo, let hi):
                guard a <= hi, b >= lo else { return 0 }
                return b > a ? max(1e-12, (min(b, hi) - max(a, lo)) / (b - a)) : 1
            }
        }
        for c in possible ?? Array(0..<grid.count) {
            let p = part(c), b = Int(encoder.binOfCell[c])
            guard p > 0 else { continue }
            own[b].append(Int32(c))
            let w = all[b] > 0 ? encoder.share[c] * p : p
            weights[Int32(c)] = w
            left[b] += w
        }
        var count = [Double](repeating: 0, count: encoder.bins)
        if left.indices.contains(where: { left[$0] > 0 && all[$0] <= 0 }) {
            for c in 0..<grid.count { count[Int(encoder.binOfCell[c])] += 1 }
        }
        fraction = left.indices.map { all[$0] > 0 ? min(1, left[$0] / all[$0]) : left[$0] / max(count[$0], 1) }
        var cells: [Int32] = [], first = [0], running: [Double] = []
        for bin in own {
            let total = bin.reduce(0) { $0 + (weights[$1] ?? 0) }
            var sum = 0.0
            for c in bin {
                sum += total > 0 ? weights[c] ?? 0 : 1
                cells.append(c)
                running.append(sum)
            }
            first.append(cells.count)
        }
        (self.cells, self.first, self.running) = (cells, first, running)
    }

    var isEmpty: Bool { cells.isEmpty }

    /// Whether a value of the column is left.
    func holds(_ v: Double) -> Bool { test.holds(v) }

    /// A cell and a place in it, by the weights of the bins; where those leave nothing, all cells that are left alike.
    func draw(_ weights: UnsafePointer<Float>, _ stream: inout CounterStream) -> (bin: Int, cell: Int, place: Double) {
        var total = 0.0
        for b in fraction.indices { total += Double(weights[b]) * fraction[b] }
        let u = stream.uniformDouble(), v = stream.uniformDouble()
        guard total > 0 else {
            let k = min(Int(v * Double(cells.count)), cells.count - 1)
            let b = (first.firstIndex { $0 > k } ?? 1) - 1
            return (b, Int(cells[k]), place(Int(cells[k]), &stream))
        }
        var sum = 0.0, b = 0
        for i in fraction.indices where fraction[i] > 0 && weights[i] > 0 {
            sum += Double(weights[i]) * fraction[i]
            b = i
            if sum > u * total { break }
        }
        let k = running[first[b]..<first[b + 1]].withUnsafeBufferPointer { cumulativeSearch($0, v) } + first[b]
        return (b, Int(cells[k]), place(Int(cells[k]), &stream))
    }

    /// A place inside a cell whose value is left.
    private func place(_ c: Int, _ stream: inout CounterStream) -> Double {
        let u = stream.uniformDouble()
        guard c != grid.missingCell, grid.reason(cell: c) == nil else { return 0 }
        let value = cellValue(grid, column, c, u)
        if test.holds(value) { return u }
        let a = cellValue(grid, column, c, 0), b = cellValue(grid, column, c, 1 - 0x1p-53)
        switch test {
        case .values(let v, _, _):
            let inside = v.filter { $0 >= a && $0 <= b }.sorted()
            guard !inside.isEmpty else { return u }
            return grid.place(of: inside[min(Int(u * Double(inside.count)), inside.count - 1)], cell: c, column)
        case .range(let lo, let hi):
            let from = grid.place(of: max(a, lo), cell: c, column), to = grid.place(of: min(b, hi), cell: c, column)
            let places = [from + u * (to - from), from, to, (from + to) / 2]
            return places.first { test.holds(cellValue(grid, column, c, $0)) } ?? from
        }
    }

    /// log of the probability that a draw by these weights is left; at least -700.
    func logProbability(_ weights: UnsafePointer<Float>) -> Double {
        var total = 0.0, left = 0.0
        for b in fraction.indices {
            total += Double(weights[b])
            left += Double(weights[b]) * fraction[b]
        }
        return left > 0 && total > 0 ? max(-700, log(left / total)) : -700
    }
}
