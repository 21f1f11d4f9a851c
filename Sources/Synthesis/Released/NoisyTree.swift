// From released noisy counts to one non-negative distribution over the cells of a column. Post-processing: it reads
// released values only, so it is free. Works from coarse to fine and stops splitting where a node's mass is lost in the
// noise.

import Basics

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

/// Mass of every cell of `grid`, summing to `total`.
/// - Parameters:
///   - counts: released histograms, one for each of `grid.divisors`, each `grid.histogramSize(divisor:)` long, in rows.
///   - standardDeviation: standard deviation of the noise in each count, in rows.
///   - total: released row count, at least 1.
package func cellMasses(grid: ColumnGrid, counts: ArraySlice<Buffer<Double>>, standardDeviation: Double, total: Double) throws
    -> Buffer<Double> {
    let levels = Array(counts), tail = grid.count - grid.body
    let masses = try Buffer<Double>(count: grid.count, for: "an encoder")
    // Atoms and missing stand in every level: their mean is less noisy.
    let top = try Buffer<Double>(count: levels[0].count, for: "an encoder"), head = top.count - tail
    for i in 0..<head { top[i] = levels[0][i] }
    for a in 0..<tail {
        var sum = 0.0
        for h in levels { sum += h[h.count - tail + a] }
        top[head + a] = sum / Double(levels.count)
    }
    projectOnSimplex(top.base, top.count, total: total)
    for a in 0..<tail { masses[grid.body + a] = top[head + a] }
    var nodes = top, width = head
    for level in 1..<max(levels.count, 1) {
        let parent = grid.divisors[level - 1], own = grid.divisors[level], size = (grid.body + own - 1) / own
        let next = try Buffer<Double>(count: size, for: "an encoder")
        for p in 0..<width where nodes[p] > 0 {
            let mass = nodes[p], lo = p * (parent / own), hi = min(lo + parent / own, size)
            guard lo < hi else { continue }
            if mass >= 4 * standardDeviation {
                for i in lo..<hi { next[i] = levels[level][i] }
                projectOnSimplex(next.base + lo, hi - lo, total: mass)
            } else {
                // Below the noise: spread by how many cells each child covers.
                let cells = Double(min(hi * own, grid.body) - lo * own)
                for i in lo..<hi { next[i] = mass * Double(min((i + 1) * own, grid.body) - i * own) / cells }
            }
        }
        (nodes, width) = (next, size)
    }
    for c in 0..<grid.body { masses[c] = nodes[c] }
    return masses
}
