// The map from cells to the few bins a network sees, and back. It is made from released histograms: everything here is
// post-processing, and a private row is encoded by a map of that row alone.

import Basics
import Compute

/// One column's bins.
package struct ColumnEncoder: Sendable {
    /// Bin of each cell, `grid.count` long, values in 0 ..< bins.
    package let binOfCell: Buffer<UInt16>
    /// Share of each cell in the whole column, ≥ 0, sums to 1.
    package let share: Buffer<Double>
    package let bins: Int
    /// Share of each bin, sums to 1.
    package let binShare: [Double]
    /// Cells of each bin in order, with running sums of their shares for drawing: cells `first[b] ..< first[b + 1]` of
    /// `order`.
    private let order: Buffer<Int32>
    private let first: [Int]
    private let running: Buffer<Double>
    /// Running sums of `binShare`.
    private let runningBins: [Double]

    /// - Parameters:
    ///   - masses: `cellMasses` of this column, in rows.
    ///   - standardDeviation: noise standard deviation of one count, in rows.
    ///   - most: largest number of bins of a numerical column.
    ///   - support: the rule that gave the masses.
    package init(grid: ColumnGrid, masses: Buffer<Double>, standardDeviation: Double, most: Int,
                 support: MassSupport = .aboveNoise) throws {
        let total = max(masses.reduce(0, +), 1e-9)
        let bin = try Buffer<UInt16>(count: grid.count, for: "an encoder"),
            share = try Buffer<Double>(count: grid.count, for: "an encoder")
        var used = 0
        if grid.numerical {
            // Quantile bins; a cell that holds the mass of two bins is an atom and gets a bin of its own.
            let target = max(total / Double(most), 5 * standardDeviation)
            var acc = 0.0, open = false
            for c in 0..<grid.body {
                let m = masses[c]
                if m >= 2 * target, open, acc >= 0.3 * target { used += 1; acc = 0 }
                bin[c] = UInt16(used)
                acc += m
                open = true
                if acc >= target, c < grid.body - 1 { used += 1; acc = 0; open = false }
            }
            if open, acc < 0.5 * target, used > 0 {   // a thin last bin joins its neighbour
                for c in 0..<grid.body where Int(bin[c]) == used { bin[c] = UInt16(used - 1) }
            } else { used += 1 }
            // Single values named in public: a bin of their own when they are heavy, otherwise they go with the cells
            // around them.
            for i in 0..<grid.atomCount {
                let c = grid.body + i
                if masses[c] >= 5 * standardDeviation, masses[c] >= 0.25 * total / Double(most) {
                    bin[c] = UInt16(used)
                    used += 1
                }
                else { bin[c] = bin[grid.neighbour(ofAtom: i)] }
            }
        } else {
            // Levels whose mass is lost in the noise share one bin.
            let levels = 0..<grid.body, rare = levels.reduce(0) { $0 + (masses[$1] < 3 * standardDeviation ? 1 : 0) }
            let merges = rare >= 2 && grid.body > 2
            for c in levels where !merges || masses[c] >= 3 * standardDeviation { bin[c] = UInt16(used); used += 1 }
            if merges {
                for c in levels where masses[c] < 3 * standardDeviation { bin[c] = UInt16(used) }
                used += 1
            }
        }
        // Reasons of missing values and missing itself: a bin each; several that the noise hides share one.
        let gone = grid.body + grid.atomCount..<grid.count,
            faint = gone.filter { masses[$0] < 3 * standardDeviation }, isShared = faint.count >= 2
        for c in gone where !(isShared && masses[c] < 3 * standardDeviation) { bin[c] = UInt16(used); used += 1 }
        if isShared {
            for c in faint { bin[c] = UInt16(used) }
            used += 1
        }
        // A body without mass joins the heaviest single cell: a bin of its own would be drawn all over the domain.
        if support == .aboveNoise, grid.numerical, (0..<grid.body).allSatisfy({ masses[$0] == 0 }),
           let heaviest = (grid.body..<grid.count).max(by: { masses[$0] < masses[$1] }), masses[heaviest] > 0 {
            let joined = bin[heaviest], empty = bin[0]
            for c in 0..<bin.count where bin[c] == empty { bin[c] = joined }
        }
        // Bins in order of first use without gaps: a body whose cells all left for atoms leaves its bin unused.
        var name = [Int](repeating: -1, count: used), bins = 0
        for c in 0..<bin.count {
            let b = Int(bin[c])
            if name[b] < 0 { name[b] = bins; bins += 1 }
            bin[c] = UInt16(name[b])
            share[c] = masses[c] / total
        }
        try self.init(binOfCell: bin, share: share, bins: bins)
    }

    /// - Parameters: `binOfCell` uses every bin in 0 ..< bins; `share` is non-negative and finite.
    init(binOfCell: Buffer<UInt16>, share: Buffer<Double>, bins: Int) throws {
        self.binOfCell = binOfCell
        self.share = share
        self.bins = bins
        var mass = [Double](repeating: 0, count: bins), start = [Int](repeating: 0, count: bins + 1)
        for c in 0..<binOfCell.count { mass[Int(binOfCell[c])] += share[c]; start[Int(binOfCell[c]) + 1] += 1 }
        for b in 0..<bins { start[b + 1] += start[b] }
        var place = start
        let cells = try Buffer<Int32>(count: binOfCell.count, for: "an encoder"),
            sums = try Buffer<Double>(count: binOfCell.count, for: "an encoder")
        for c in 0..<binOfCell.count { cells[place[Int(binOfCell[c])]] = Int32(c); place[Int(binOfCell[c])] += 1 }
        for b in 0..<bins {
            // A bin without mass draws its cells alike.
            var acc = 0.0
            for i in start[b]..<start[b + 1] { acc += mass[b] > 0 ? share[Int(cells[i])] : 1; sums[i] = acc }
        }
        (order, first, running, binShare) = (cells, start, sums, mass)
        var sum = 0.0
        runningBins = mass.map { sum += $0; return sum }
    }

    /// For each bin how many released counts its mass is a sum of: a bin of many cells stands on the nodes of every
    /// resolution. Parts of a node count as parts.
    func histogramNodes(_ grid: ColumnGrid) -> [Double] {
        zip(first, first.dropFirst()).map { start, end in
            let cells = Double(end - start)
            var nodes = 0.0, before = 0
            for d in grid.divisors {
                nodes += before == 0 ? max(1, cells / Double(d)) : min(cells / Double(d), Double(before / d))
                before = d
            }
            return nodes
        }
    }

    /// A cell of bin `b` drawn by its share. `u`: uniform in [0, 1).
    package func cell(bin b: Int, u: Double) -> Int {
        let lo = first[b], own = UnsafeBufferPointer(start: running.base + lo, count: first[b + 1] - lo)
        return Int(order[lo + cumulativeSearch(own, u)])
    }

    /// A bin drawn by its share. `u`: uniform in [0, 1).
    func bin(u: Double) -> Int { runningBins.withUnsafeBufferPointer { cumulativeSearch($0, u) } }
}
