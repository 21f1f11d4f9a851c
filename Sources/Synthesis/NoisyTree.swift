// From released noisy counts to one non-negative distribution over the cells of a column. Post-processing: it reads released
// values only, so it is free. Works from coarse to fine and stops splitting where a node's mass is lost in the noise.

/// Euclidean projection of `y` on { x ≥ 0, Σ x = total }: the maximum-likelihood non-negative counts under equal Gaussian noise
/// when the total is known. Algorithm: Held, Wolfe and Crowder 1974 (sort and threshold).
package func projectOnSimplex(_ y: [Double], total: Double) -> [Double] {
    guard !y.isEmpty, total > 0 else { return y.map { _ in 0 } }
    let sorted = y.sorted(by: >)
    var sum = 0.0, theta = 0.0
    for (i, v) in sorted.enumerated() {
        sum += v
        let t = (sum - total) / Double(i + 1)
        if v - t > 0 { theta = t } else { break }
    }
    return y.map { max($0 - theta, 0) }
}

/// Mass of every cell of `grid`, summing to `total`.
/// - Parameters:
///   - counts: released histograms, one for each of `grid.divisors`, each `grid.histogramSize(divisor:)` long, in rows.
///   - deviation: standard deviation of the noise in each count, in rows.
///   - total: released row count, at least 1.
package func cellMasses(grid: ColumnGrid, counts: [[Double]], deviation: Double, total: Double) -> [Double] {
    let tail = grid.count - grid.body
    var masses = [Double](repeating: 0, count: grid.count)
    // Atoms and missing stand in every level: their mean is less noisy.
    var top = counts[0]
    let head = top.count - tail
    for a in 0..<tail {
        top[head + a] = zip(counts, grid.divisors).reduce(0) { $0 + $1.0[grid.histogramSize(divisor: $1.1) - tail + a] } / Double(counts.count)
    }
    let split = projectOnSimplex(top, total: total)
    for a in 0..<tail { masses[grid.body + a] = split[head + a] }
    var nodes = Array(split[0..<head])
    for level in 1..<max(grid.divisors.count, 1) {
        let parent = grid.divisors[level - 1], own = grid.divisors[level]
        let size = (grid.body + own - 1) / own
        var next = [Double](repeating: 0, count: size)
        for (p, mass) in nodes.enumerated() where mass > 0 {
            let lo = p * (parent / own), hi = min(lo + parent / own, size)
            guard lo < hi else { continue }
            if mass >= 4 * deviation {
                let part = projectOnSimplex(Array(counts[level][lo..<hi]), total: mass)
                for i in lo..<hi { next[i] = part[i - lo] }
            } else {
                // Below the noise: spread by how many cells each child covers.
                let cells = Double(min(hi * own, grid.body) - lo * own)
                for i in lo..<hi { next[i] = mass * Double(min((i + 1) * own, grid.body) - i * own) / cells }
            }
        }
        nodes = next
    }
    for c in 0..<grid.body { masses[c] = nodes[c] }
    return masses
}
