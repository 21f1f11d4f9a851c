// The released tables of two columns: as they were released, or as sums of released tables of three.

import Basics
import Glibc

struct PairTables {
    private let marginals: ReleasedMarginals
    private let levels: [Int]
    /// Variance of the noise of one released count.
    let variance: Double
    /// For each column the released tables that it is in.
    private var places: [[Int]]

    init(_ marginals: ReleasedMarginals, plan: Plan, levels: [Int]) {
        (self.marginals, self.levels) = (marginals, levels)
        let deviation = marginals.standardDeviation(plan)
        variance = deviation * deviation
        places = levels.map { _ in [] }
        for (k, c) in marginals.columns.enumerated() { for j in c { places[j].append(k) } }
    }

    /// Counts of one table over some of its columns, row-major in the order asked for.
    private func counts(_ k: Int, over wanted: [Int]) -> [Double] {
        let c = marginals.columns[k], values = marginals.values[k]
        var out = [Double](repeating: 0, count: wanted.reduce(1) { $0 * levels[$1] })
        var at = [Int](repeating: 0, count: c.count)
        let strides = wanted.indices.map { i in wanted[(i + 1)...].reduce(1) { $0 * levels[$1] } }
        let steps = c.map { j in zip(wanted, strides).first { $0.0 == j }?.1 ?? 0 }
        var cell = 0
        for v in 0..<values.count {
            out[cell] += values[v]
            // the next cell, last column fastest
            for i in c.indices.reversed() {
                at[i] += 1
                cell += steps[i]
                if at[i] < levels[c[i]] { break }
                cell -= steps[i] * at[i]
                at[i] = 0
            }
        }
        return out
    }

    /// Cells of table `k` that are added up in one count over `wanted`.
    private func merged(_ k: Int, over wanted: [Int]) -> Double {
        marginals.columns[k].reduce(1.0) { wanted.contains($1) ? $0 : $0 * Double(levels[$1]) }
    }

    func isReleased(_ a: Int, _ b: Int) -> Bool { places[a].contains { marginals.columns[$0].contains(b) } }

    /// Counts [bins of a][bins of b] and the variance of the noise of one; several tables are averaged by their
    /// variances. Nil where the pair was not released.
    func pair(_ a: Int, _ b: Int) -> (counts: [Double], variance: Double)? {
        let tables = places[a].filter { marginals.columns[$0].contains(b) }
        guard a != b, !tables.isEmpty else { return nil }
        var sum = [Double](repeating: 0, count: levels[a] * levels[b]), weight = 0.0
        for k in tables {
            let w = 1 / merged(k, over: [a, b])
            weight += w
            for (i, x) in counts(k, over: [a, b]).enumerated() { sum[i] += w * x }
        }
        return (sum.map { $0 / weight }, variance / weight)
    }

    /// Counts of one column's bins from all released tables that it is in but not `other`: their mean by variance.
    func single(_ j: Int, without other: Int? = nil) -> (counts: [Double], variance: Double)? {
        let tables = places[j].filter { k in other.map { !marginals.columns[k].contains($0) } ?? true }
        guard !tables.isEmpty else { return nil }
        var sum = [Double](repeating: 0, count: levels[j]), weight = 0.0
        for k in tables {
            let w = 1 / merged(k, over: [j])
            weight += w
            for (i, x) in counts(k, over: [j]).enumerated() { sum[i] += w * x }
        }
        return (sum.map { $0 / weight }, variance / weight)
    }
}
