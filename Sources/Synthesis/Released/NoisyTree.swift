// From released noisy counts to one non-negative distribution over the cells of a column. Post-processing: it reads
// released values only, so it is free. Works from coarse to fine, puts no mass far beyond the values that stand out of
// the noise, and stops splitting where a node's mass is lost in the noise.

import Basics
import Glibc

/// Euclidean projection of y[n] on { x ≥ 0, Σ x = total }, in place: the maximum-likelihood non-negative counts under
/// equal Gaussian noise when the total is known. x = max(y − θ, 0) with the one θ that meets the total (Held, Wolfe and
/// Crowder 1974), found by halving and then exactly from the entries above it.
package func projectOnSimplex(_ y: UnsafeMutablePointer<Double>, _ n: Int, total: Double) {
    guard n > 0, total > 0 else {
        for i in 0..<max(n, 0) { y[i] = 0 }
        return
    }
    var hi = y[0], low = y[0]
    for i in 0..<n { hi = max(hi, y[i]); low = min(low, y[i]) }
    var lo = low - total / Double(n)          // here the sum is at least the total, at hi it is 0
    for _ in 0..<80 {
        let mid = (lo + hi) / 2
        if mid <= lo || mid >= hi { break }
        var sum = 0.0
        for i in 0..<n { sum += max(y[i] - mid, 0) }
        if sum >= total { lo = mid } else { hi = mid }
    }
    var sum = 0.0, above = 0.0
    for i in 0..<n where y[i] > lo { sum += y[i]; above += 1 }
    let theta = above > 0 ? (sum - total) / above : lo
    for i in 0..<n { y[i] = max(y[i] - theta, 0) }
}

/// Which cells of a numerical column may hold mass. A plan keeps it, since a model's bins are made anew from its
/// released counts whenever a file is read.
package enum MassSupport: String, Sendable {
    /// Every cell of the domain: models of files that name no support.
    case everyCell = "every_cell"
    /// The cells between those that stand out of the noise, widened (`supportedCells`).
    case aboveNoise = "above_noise"
}

/// A limit z that noise alone exceeds in at most one of a hundred empty histograms of `cells` cells. Exceeding means
/// that a count, or the sum of the counts from a cell to one end, is above z standard deviations of its noise. There
/// are 2 · `cells` of them, and a normal variable is above z with a probability of at most exp(−z²/2)/2.
func noiseLimit(cells: Int) -> Double { (2 * log(100 * Double(cells))).squareRoot() }

/// The outermost place of y[n] at which something stands out of the noise: a count by itself, or the sum of all counts
/// from there to the end.
/// - Parameters:
///   - fromTop: looks for the last such place, otherwise for the first.
///   - factor: what the limit is multiplied by.
/// - Returns: nil where nothing stands out.
func outermostAboveNoise(_ y: UnsafePointer<Double>, _ n: Int, fromTop: Bool, standardDeviation: Double,
                          factor: Double = 1) -> Int? {
    let limit = factor * standardDeviation * noiseLimit(cells: n)
    var sum = 0.0
    for k in 0..<n {
        let i = fromTop ? n - 1 - k : k
        sum += y[i]
        if y[i] > limit || sum > limit * Double(k + 1).squareRoot() { return i }
    }
    return nil
}

/// The cells of the body that may hold mass. Far beyond the outermost cells that stand out of the noise the estimate is
/// zero: otherwise the noise of many empty cells would be mass far from all values, and would move the mean. The ends
/// are found from coarse to fine. The range between the ends is then widened by twice its width, and at least two
/// cells, on either side: rows that the noise hides may lie there, and noise so near does not move the mean far.
/// - Parameter factor: what the limit of the noise is multiplied by.
/// - Returns: nil where nothing in the body stands out.
func supportedCells(grid: ColumnGrid, counts: [Buffer<Double>], standardDeviation: Double, factor: Double = 1)
    -> Range<Int>? {
    var first = 0, last = 0
    for (level, h) in counts.enumerated() {
        let own = grid.divisors[level], size = (grid.body + own - 1) / own
        let ratio = level == 0 ? size : grid.divisors[level - 1] / own
        func end(_ parent: Int, fromTop: Bool) -> Int? {
            let low = parent * ratio, n = min(low + ratio, size) - low
            return outermostAboveNoise(h.base + low, n, fromTop: fromTop, standardDeviation: standardDeviation,
                                       factor: factor).map { low + $0 }
        }
        let left = end(first, fromTop: false), right = end(last, fromTop: true)
        if level == 0, left == nil, right == nil { return nil }
        // A node in which no child stands out is kept whole.
        (first, last) = (left ?? first * ratio, right ?? min((last + 1) * ratio, size) - 1)
        if first > last { (first, last) = (last, first) }
    }
    return grid.widened(first...last, by: 2)
}

/// The cells of the body that may hold mass, under a rule.
/// - Parameter single: the counts of the cells that are not of the body, mean over the levels.
/// - Returns: whether cells are left out, and the limit that a single value outside has to exceed, in rows.
func massSupport(grid: ColumnGrid, levels: [Buffer<Double>], single: Buffer<Double>, standardDeviation: Double,
                 total: Double, rule: MassSupport) -> (cells: Range<Int>, isCut: Bool, limit: Double) {
    let tail = grid.count - grid.body, head = levels[0].count - tail
    // Where the noise of the coarsest level's sum is more than a tenth of the rows, no end of the data can be told from
    // it.
    let isTold = standardDeviation * Double(head).squareRoot() <= 0.1 * total
    let isCut = grid.numerical && rule == .aboveNoise && isTold
    let limit = standardDeviation / Double(levels.count).squareRoot() * noiseLimit(cells: max(tail, 1))
    var support = 0..<grid.body
    if isCut {
        // A support has to account for the total: where rows are missing by more than the noise explains, they lie
        // in cells that do not stand out one by one, and the limit is lowered. At the end every cell is allowed.
        for factor in [1, 0.75, 0.5, 0.25] {
            let found = supportedCells(grid: grid, counts: levels, standardDeviation: standardDeviation, factor: factor)
            if found == nil, !single.contains(where: { $0 > limit }) { break }
            let cells = found ?? 0..<0      // none: single values or missing hold all that can be told from noise
            let divisor = grid.divisors[0]
            let nodes = cells.isEmpty ? 0..<0 : cells.lowerBound / divisor..<(cells.upperBound - 1) / divisor + 1
            let counted = nodes.reduce(0) { $0 + levels[0][$1] } + single.reduce(0, +)
            let terms = Double(nodes.count) + Double(tail) / Double(levels.count)
            if total - counted <= 3 * standardDeviation * terms.squareRoot() {
                support = cells
                break
            }
        }
    }
    return (support, isCut, limit)
}

/// The counts of the cells that are not of the body: they stand in every level, and their mean is less noisy.
func singleCounts(grid: ColumnGrid, levels: [Buffer<Double>]) throws -> Buffer<Double> {
    let tail = grid.count - grid.body, single = try Buffer<Double>(count: tail, for: "an encoder")
    for a in 0..<tail {
        var sum = 0.0
        for h in levels { sum += h[h.count - tail + a] }
        single[a] = sum / Double(levels.count)
    }
    return single
}

/// Mass of every cell of `grid`, summing to `total`.
/// - Parameters:
///   - counts: released histograms, one for each of `grid.divisors`, each `grid.histogramSize(divisor:)` long, in rows.
///   - standardDeviation: standard deviation of the noise in each count, in rows.
///   - total: released row count, at least 1.
///   - support: which cells of a numerical column may hold mass.
package func cellMasses(grid: ColumnGrid, counts: ArraySlice<Buffer<Double>>, standardDeviation: Double, total: Double,
                        support rule: MassSupport = .aboveNoise) throws -> Buffer<Double> {
    let levels = Array(counts), tail = grid.count - grid.body
    let masses = try Buffer<Double>(count: grid.count, for: "an encoder")
    let top = try Buffer<Double>(count: levels[0].count, for: "an encoder"), head = top.count - tail
    let single = try singleCounts(grid: grid, levels: levels)
    let found = massSupport(grid: grid, levels: levels, single: single, standardDeviation: standardDeviation,
                            total: total, rule: rule)
    let (support, isCut, limit) = (found.cells, found.isCut, found.limit)
    func nodes(_ divisor: Int) -> Range<Int> {
        support.isEmpty ? 0..<0 : support.lowerBound / divisor..<(support.upperBound - 1) / divisor + 1
    }
    // The entries that may hold mass, side by side: nodes of the support, then single values among its cells or above
    // the noise, then missing.
    var singlePlaces: [Int] = []
    for a in 0..<tail {
        let isNear = !isCut || a >= grid.atomCount || support.contains(grid.neighbour(ofAtom: a))
        if isNear || single[a] > limit { singlePlaces.append(a) }
    }
    let open = nodes(grid.divisors[0])
    for (k, i) in open.enumerated() { top[k] = levels[0][i] }
    for (k, a) in singlePlaces.enumerated() { top[open.count + k] = single[a] }
    projectOnSimplex(top.base, open.count + singlePlaces.count, total: total)
    for (k, a) in singlePlaces.enumerated() { masses[grid.body + a] = top[open.count + k] }
    var parents = try Buffer<Double>(count: head, for: "an encoder")
    for (k, i) in open.enumerated() { parents[i] = top[k] }
    for level in 1..<max(levels.count, 1) {
        let parent = grid.divisors[level - 1], own = grid.divisors[level], size = (grid.body + own - 1) / own
        let next = try Buffer<Double>(count: size, for: "an encoder"), open = nodes(own)
        for p in nodes(parent) where parents[p] > 0 {
            let mass = parents[p], ratio = parent / own
            let children = max(p * ratio, open.lowerBound)..<min((p + 1) * ratio, open.upperBound)
            if mass >= 4 * standardDeviation {
                for i in children { next[i] = levels[level][i] }
                projectOnSimplex(next.base + children.lowerBound, children.count, total: mass)
            } else {
                // Below the noise: spread by how many cells each child covers.
                let cells = Double(min(children.upperBound * own, grid.body) - children.lowerBound * own)
                for i in children { next[i] = mass * Double(min((i + 1) * own, grid.body) - i * own) / cells }
            }
        }
        parents = next
    }
    for c in 0..<grid.body { masses[c] = parents[c] }
    return masses
}
