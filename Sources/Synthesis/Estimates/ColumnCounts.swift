// What was released of one column, in parts: its bins where tables of pairs count them, otherwise the nodes of its own
// histogram. Numerical parts have a mean, whose noise is that of the histogram.

import Basics
import Glibc
import Tables

/// One column in parts. Everything here is linear in released counts or follows from the released shares of cells.
struct ColumnCounts {
    let column: Int
    let grid: ColumnGrid
    /// Part of each cell; -1: a cell that is taken to hold no row.
    let partOfCell: [Int]
    let parts: Int
    /// Rows of each part.
    let counts: NoisyCounts
    /// Whether a part holds rows with a value: not missing, and no reason for it.
    let isPresent: [Bool]
    /// Of numerical parts: the mean of its values, the standard deviation of the noise of that mean, the variance of
    /// the values inside it, and their range. Zero for others.
    private(set) var mean: [Double] = [], meanNoise: [Double] = [], variance: [Double] = []
    /// Means that also use what most columns have in common (`steady`), and the standard deviation of their error: for
    /// products of columns, where unbiased means of much noise would swamp what the counts say.
    private(set) var steadyMean: [Double] = [], steadyNoise: [Double] = []
    /// Value in the middle of each cell, and half its width; NaN where there is none.
    private(set) var value: [Double] = [], halfWidth: [Double] = []
    /// Share of each cell in its part.
    private(set) var shareInPart: [Double] = []

    /// Shares of the parts, above 0.
    var partShares: [Double] {
        let most = counts.counts.map { max($0, 1) }, sum = most.reduce(0, +)
        return most.map { $0 / sum }
    }

    /// - Parameters:
    ///   - pairs: the released tables; nil: the preset has none.
    ///   - without: a column whose tables are left out, so that what is left is independent of them.
    ///   - withValues: whether numerical parts get their means, which takes the time of all cells.
    init(_ j: Int, model: Model, pairs: PairTables?, without other: Int? = nil, withValues: Bool = true) throws {
        let plan = model.plan, statistics = model.statistics, grid = plan.grids[j], encoder = statistics.encoders[j]
        (column, self.grid) = (j, grid)
        let noise = plan.countStandardDeviation
        let total: (Double, Double) = if case .declared = plan.settings.rows { (statistics.rows, 0) }
            else { (statistics.rows, statistics.rowsNoise * statistics.rowsNoise) }
        let histograms = model.histograms(of: j)
        let support = try grid.numerical ? model.support(of: j) : 0..<grid.body
        // Bins wherever tables count them, also where those that count them are left out: tables of pairs have bins.
        let isBinned = pairs?.single(j) != nil, released = pairs?.single(j, without: other)
        var part = [Int](repeating: -1, count: grid.count)
        if isBinned {
            for c in 0..<grid.count where c >= grid.body || support.contains(c) { part[c] = Int(encoder.binOfCell[c]) }
            parts = encoder.bins
            var variances = [Double](repeating: released?.variance ?? .infinity, count: parts)
            var values = released?.counts ?? [Double](repeating: 0, count: parts)
            if !grid.numerical || released == nil, let fine = histograms.last, fine.counts.count == grid.count {
                // The histogram counts the levels as well.
                var own = [Double](repeating: 0, count: parts), cells = [Double](repeating: 0, count: parts)
                for c in 0..<grid.count where part[c] >= 0 {
                    own[part[c]] += fine.counts[c]
                    cells[part[c]] += 1
                }
                for b in 0..<parts {
                    let second = noise * noise * max(cells[b], 1), weight = 1 / variances[b] + 1 / second
                    values[b] = (values[b] / variances[b] + own[b] / second) / weight
                    variances[b] = 1 / weight
                }
            }
            counts = NoisyCounts(values, variances: variances, total: total)
        } else {
            // The nodes of the coarsest histogram, then single values, reasons and missing.
            let divisor = grid.divisors[0], head = (grid.body + divisor - 1) / divisor
            let nodes = Array(Set((0..<grid.body).filter(support.contains).map { $0 / divisor })).sorted()
            var place = [Int](repeating: -1, count: head)
            for (k, node) in nodes.enumerated() { place[node] = k }
            for c in 0..<grid.body where support.contains(c) { part[c] = place[c / divisor] }
            for c in grid.body..<grid.count { part[c] = nodes.count + c - grid.body }
            parts = nodes.count + grid.count - grid.body
            var values = [Double](repeating: 0, count: parts), variances = values
            if let top = histograms.first {
                for (k, node) in nodes.enumerated() { (values[k], variances[k]) = (top.counts[node], noise * noise) }
                for a in 0..<grid.count - grid.body {
                    let all = histograms.map { $0.counts[$0.counts.count - (grid.count - grid.body) + a] }
                    values[nodes.count + a] = all.reduce(0, +) / Double(all.count)
                    variances[nodes.count + a] = noise * noise / Double(all.count)
                }
            }
            counts = NoisyCounts(values, variances: variances, total: total)
        }
        partOfCell = part
        var present = [Bool](repeating: true, count: parts)
        for c in grid.body + grid.atomCount..<grid.count where part[c] >= 0 { present[part[c]] = false }
        isPresent = present
        fillShares(encoder.share)
        if grid.numerical, withValues { try fillValues(ValueReader(plan.schema), histograms, noise: noise) }
    }

    private mutating func fillShares(_ share: Buffer<Double>) {
        var sum = [Double](repeating: 0, count: parts), cells = sum
        for (c, p) in partOfCell.enumerated() where p >= 0 { sum[p] += share[c]; cells[p] += 1 }
        shareInPart = partOfCell.enumerated().map { c, p in
            p < 0 ? 0 : sum[p] > 0 ? share[c] / sum[p] : 1 / cells[p]
        }
    }

    private mutating func fillValues(_ reader: ValueReader, _ histograms: [ReleasedHistogram], noise: Double) {
        let n = grid.count, last = grid.body + grid.atomCount, column = reader.column(column)
        value = [Double](repeating: .nan, count: n)
        halfWidth = [Double](repeating: 0, count: n)
        for c in 0..<last {
            let low = cellValue(grid, column, c, 0), high = cellValue(grid, column, c, 1 - 0x1p-53)
            (value[c], halfWidth[c]) = ((low + high) / 2, (high - low) / 2)
        }
        (mean, meanNoise, variance) = ([], [], [])
        var edges = [(low: Double, high: Double)?](repeating: nil, count: parts)
        for p in 0..<parts {
            let cells = (0..<last).filter { partOfCell[$0] == p }
            guard isPresent[p], let first = cells.first else {
                mean.append(0); meanNoise.append(0); variance.append(0)
                continue
            }
            // The middle of the part, and the linear estimate of how far its rows lie from there on average.
            let centre = cells.reduce(0) { $0 + value[$1] } / Double(cells.count)
            var low = value[first], high = value[first], square = 0.0
            let own = cells.reduce(0) { $0 + shareInPart[$1] * value[$1] }
            for c in cells {
                (low, high) = (min(low, value[c]), max(high, value[c]))
                let d = value[c] - own
                square += shareInPart[c] * (d * d + halfWidth[c] * halfWidth[c] / 3)
            }
            if cells.count > 1 { edges[p] = (low, high) }
            let rows = max(counts.counts[p], 1)
            let (sum, deviation) = residual(cells, centre, histograms, noise, rows: rows)
            // Nothing is cut at the part's ends: that would pull means that noise moved beyond them to one side.
            mean.append(centre + sum / rows)
            meanNoise.append(deviation / rows)
            variance.append(square)
        }
        steady(edges)
    }

    /// The mean of a part of several values between its ends, by its unbiased estimate and by what is likely of any
    /// column, each weighted by its variance. An inner part holds a twelfth of its width as much from its middle as its
    /// density doubles or halves over it. The outermost parts thin out: their rows lie from the inner end on average
    /// about as far as an exponential tail of their count and of the density beside them would.
    private mutating func steady(_ edges: [(low: Double, high: Double)?]) {
        (steadyMean, steadyNoise) = (mean, meanNoise)
        let order = edges.indices.filter { edges[$0] != nil }.sorted { edges[$0]!.low < edges[$1]!.low }
        for (k, p) in order.enumerated() {
            guard let e = edges[p], e.high > e.low, meanNoise[p] > 0 else { continue }
            let width = e.high - e.low
            var centre = (e.low + e.high) / 2, error = width / 12
            if order.count > 2, k == 0 || k == order.count - 1, let beside = edges[order[k == 0 ? 1 : k - 1]] {
                let density = max(counts.counts[order[k == 0 ? 1 : k - 1]], 1) / max(beside.high - beside.low, 1e-300)
                let reach = min(max(counts.counts[p], 1) / density, width / 2)
                (centre, error) = (k == 0 ? e.high - 1.2 * reach : e.low + 1.2 * reach, 0.8 * reach)
            }
            let noise = meanNoise[p] * meanNoise[p], weight = error * error / (error * error + noise)
            steadyMean[p] = min(max(centre + weight * (mean[p] - centre), e.low), e.high)
            steadyNoise[p] = (weight * noise).squareRoot()
        }
    }

    /// Σ (value − centre) over the rows of some cells, from histograms of all resolutions: what a coarse node cannot
    /// tell is told by its children. The coarsest level is taken as it is, linear and without bias. Of finer ones it is
    /// known what they can say at most: the rows of a node of width w lie on average about w/12 from its middle, as
    /// they do where a density doubles or halves over the node; and of a node that other parts have cells of, its rows
    /// belong to this part by as many more or fewer than its cells as the shares of cells tell above the noise (a
    /// common value beside an empty range). Where noise is larger than that, they count for less.
    private func residual(_ cells: [Int], _ centre: Double, _ histograms: [ReleasedHistogram], _ noise: Double,
                          rows: Double) -> (sum: Double, deviation: Double) {
        guard cells.count > 1 else { return (0, 0) }
        var sum = 0.0, variance = 0.0
        var coarser: [Int: Double] = [:], coarserDivisor = 0, masses: [Int: Double] = [:], widths: [Int: Double] = [:]
        var foreign: [Int: Double] = [:]
        for h in histograms {
            // Mean of value − centre over all cells of a node, those of other parts counting as 0; its rows; its width.
            var own: [Int: Double] = [:], mass = own, width = own, inside = own, other = own
            for c in cells where c < grid.body {
                own[c / h.divisor, default: 0] += value[c] - centre
                inside[c / h.divisor, default: 0] += 1
                mass[c / h.divisor, default: 0] += shareInPart[c] * rows
                width[c / h.divisor, default: 0] += 2 * halfWidth[c]
            }
            for (node, s) in own {
                let low = node * h.divisor, high = min(low + h.divisor, grid.body) - 1
                own[node] = s / Double(high + 1 - low)
                let share = (inside[node] ?? 0) / Double(high + 1 - low)
                let gap = abs((mass[node] ?? 0) - h.counts[node] * share) - 2 * noise
                other[node] = share < 1 ? max(0, gap) * abs(s / (inside[node] ?? 1)) : 0
                width[node] = max(0, value[high] - value[low]) + halfWidth[high] + halfWidth[low]
            }
            var all = own, part = 0.0, square = 0.0
            if coarserDivisor > 0 {
                // Children of touched parents, also those without a cell of this part.
                let ratio = coarserDivisor / h.divisor, size = (grid.body + h.divisor - 1) / h.divisor
                for (parent, x) in coarser {
                    for node in parent * ratio..<min((parent + 1) * ratio, size) { all[node, default: 0] -= x }
                }
            }
            for node in all.keys.sorted() {
                let x = all[node] ?? 0
                part += x * h.counts[node]
                square += x * x * noise * noise
            }
            var weight = 1.0
            if coarserDivisor > 0 {
                let likely = masses.keys.sorted().reduce(0.0) { sum, node in
                    let d = (masses[node] ?? 0) * (widths[node] ?? 0) / 12 + (foreign[node] ?? 0)
                    return sum + d * d
                }
                weight = square > 0 ? likely / (likely + square) : 0
            }
            sum += weight * part
            variance += weight * square
            (coarser, coarserDivisor, masses, widths, foreign) = (own, h.divisor, mass, width, other)
        }
        let tail = grid.count - grid.body, levels = Double(max(histograms.count, 1))
        for c in cells where c >= grid.body {
            let d = value[c] - centre
            sum += d * histograms.reduce(0) { $0 + $1.counts[$1.counts.count - tail + c - grid.body] } / levels
            variance += d * d / levels * noise * noise
        }
        return (sum, variance.squareRoot())
    }
}

/// One released histogram of a column: counts of the body's cells merged by `divisor`, then the other cells.
struct ReleasedHistogram {
    let divisor: Int
    let counts: [Double]
}

extension Model {
    /// The cells of a numerical column's body that may hold rows, by the rule that its encoder was made by. Not those
    /// with mass: where noise leaves an end empty is chance, and leaving it out then would pull every mean outwards.
    func support(of j: Int) throws -> Range<Int> {
        let grid = plan.grids[j]
        let levels = zip(plan.histograms, statistics.counts).filter { $0.0.column == j }.map(\.1)
        guard !levels.isEmpty else { return 0..<grid.body }
        let cells = try massSupport(grid: grid, levels: levels, single: singleCounts(grid: grid, levels: levels),
                                    standardDeviation: plan.countStandardDeviation, total: statistics.rows,
                                    rule: plan.massSupport).cells
        return cells.isEmpty ? 0..<grid.body : cells
    }

    /// The released histograms of a column, coarsest first. The counts of the groups where they are the column's.
    func histograms(of j: Int) -> [ReleasedHistogram] {
        if j == plan.groupColumn { return [ReleasedHistogram(divisor: 1, counts: statistics.releasedGroupCounts)] }
        return zip(plan.histograms, statistics.counts).filter { $0.0.column == j }.map {
            ReleasedHistogram(divisor: $0.0.divisor, counts: Array($0.1))
        }
    }
}
