// Second moments of several columns from the released tables of their pairs, and the same moments with other noise.

import Basics
import Compute
import Glibc

/// One coefficient's column: the numbers of a numerical column, or whether a column has one of its levels.
struct Feature {
    let label: String
    /// Place in `Moments.columns`, and the part of a level; nil: the numbers themselves.
    let place: Int, part: Int?
}

/// The tables that moments follow from, each with the variance of its noise.
struct Moments {
    let columns: [ColumnCounts]
    /// Tables of columns a < b by place: [parts of a][parts of b].
    let tables: [[Int]: (counts: [Double], variance: Double)]
    let features: [Feature]
    /// Mean of every feature over the rows that have it.
    let means: [Double]
    private let present: [[Double]]
    /// For every feature the value of each part, less the feature's mean; of numbers with and without the slopes of
    /// `slopedMeans`. 0 where the column is missing.
    private let values: [[Double]]

    init(columns: [ColumnCounts], features: [Feature], tables: [[Int]: (counts: [Double], variance: Double)]) {
        (self.columns, self.features, self.tables) = (columns, features, tables)
        present = columns.map { $0.isPresent.map { $0 ? 1.0 : 0 } }
        let raw = features.map { f -> [Double] in
            let c = columns[f.place]
            return f.part.map { p in (0..<c.parts).map { $0 == p ? 1 : 0 } } ?? c.sloped(c.steadyMean)
        }
        var means: [Double] = []
        for (f, v) in zip(features, raw) {
            let c = columns[f.place], p = c.isPresent.map { $0 ? 1.0 : 0 }
            means.append(c.counts.sum(f.part == nil ? c.steadyMean : v) / max(c.counts.sum(p), 1))
        }
        self.means = means
        values = zip(zip(features, raw), means).map { pair, m in
            zip(pair.1, columns[pair.0.place].isPresent).map { $1 ? $0 - m : 0 }
        }
    }

    /// Covariances of all features, [features][features].
    /// - Parameter noise: draws a standard normal number; nil: the moments as they were released. Every table has its
    ///   own noise once more, and every mean of a bin, so that the differences are those of a second release.
    func covariance(noise: (() -> Double)?) -> [Double] {
        let F = features.count
        var out = [Double](repeating: 0, count: F * F)
        // The noise of the parts' means moves a feature's values everywhere alike; half of what slopes add to products
        // with other columns is unknown.
        let moved = features.map { f -> [Double] in
            let c = columns[f.place]
            guard f.part == nil, let noise else { return [Double](repeating: 0, count: c.parts) }
            return (0..<c.parts).map { c.isPresent[$0] ? c.steadyNoise[$0] * noise() : 0 }
        }
        let own = features.indices.map { k -> [Double] in
            let c = columns[features[k].place]
            guard features[k].part == nil, let noise else { return values[k] }
            let sloped = c.sloped(c.steadyMean), more = noise() / 2
            return (0..<c.parts).map {
                c.isPresent[$0] ? values[k][$0] + moved[k][$0] + more * (sloped[$0] - c.steadyMean[$0]) : 0
            }
        }
        // In one order: every table then meets the same noise whenever the question is asked.
        for places in tables.keys.sorted(by: { ($0[0], $0[1]) < ($1[0], $1[1]) }) {
            guard let table = tables[places] else { continue }
            let a = places[0], b = places[1], K = columns[b].parts, deviation = table.variance.squareRoot()
            let drawn = noise.map { noise in table.counts.map { $0 + deviation * noise() } } ?? table.counts
            let mine = features.indices.filter { features[$0].place == a },
                others = features.indices.filter { features[$0].place == b }
            var rows = 0.0
            for (i, x) in drawn.enumerated() where present[a][i / K] * present[b][i % K] > 0 { rows += x }
            for u in mine {
                // Σ over the rows of a, for every part of b.
                var sums = [Double](repeating: 0, count: K)
                for (i, x) in drawn.enumerated() { sums[i % K] += own[u][i / K] * x }
                for v in others {
                    let m = zip(sums, own[v]).reduce(0) { $0 + $1.0 * $1.1 } / max(rows, 1)
                    out[u * F + v] = m
                    out[v * F + u] = m
                }
            }
        }
        for a in columns.indices {
            let mine = features.indices.filter { features[$0].place == a }, c = columns[a]
            guard !mine.isEmpty else { continue }
            let rows = max(c.counts.sum(present[a]), 1)
            var shares = c.counts.counts.map { $0 / rows }
            if let noise {
                for p in shares.indices {
                    var unit = [Double](repeating: 0, count: shares.count)
                    unit[p] = 1
                    shares[p] += c.counts.noise(unit).squareRoot() / rows * noise()
                }
            }
            for u in mine {
                for v in mine {
                    var sum = 0.0
                    for p in shares.indices where c.isPresent[p] {
                        let isNumber = features[u].part == nil
                        // Of one column alone the means of its parts need no slopes.
                        let x = isNumber ? c.steadyMean[p] - means[u] + moved[u][p] : values[u][p]
                        let y = isNumber ? c.steadyMean[p] - means[v] + moved[v][p] : values[v][p]
                        sum += shares[p] * (x * y + (isNumber ? c.variance[p] : 0))
                    }
                    out[u * F + v] = sum
                }
            }
        }
        return out
    }
}

/// Solves a symmetric positive definite system by Cholesky's method. - Returns: nil where it is not one.
func solvedPositive(_ a: [Double], _ b: [Double]) -> [Double]? {
    let n = b.count
    guard let l = lowerRoot(a, n) else { return nil }
    var x = b
    for i in 0..<n {
        for k in 0..<i { x[i] -= l[i * n + k] * x[k] }
        x[i] /= l[i * n + i]
    }
    for i in (0..<n).reversed() {
        for k in i + 1..<max(n, i + 1) { x[i] -= l[k * n + i] * x[k] }
        x[i] /= l[i * n + i]
    }
    return x
}

/// The diagonal of the inverse. - Returns: nil where the matrix is not positive definite.
func inverseDiagonal(_ a: [Double], _ n: Int) -> [Double]? {
    var out: [Double] = []
    for i in 0..<n {
        var unit = [Double](repeating: 0, count: n)
        unit[i] = 1
        guard let x = solvedPositive(a, unit) else { return nil }
        out.append(x[i])
    }
    return out
}

private func lowerRoot(_ a: [Double], _ n: Int) -> [Double]? {
    var l = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
        for k in 0...i {
            var s = a[i * n + k]
            for t in 0..<k { s -= l[i * n + t] * l[k * n + t] }
            if i == k {
                guard s > 1e-12 * max(a[i * n + i], 1e-300), s.isFinite else { return nil }
                l[i * n + i] = s.squareRoot()
            } else { l[i * n + k] = s / l[k * n + k] }
        }
    }
    return l
}

/// Standard normal numbers of a public seed.
struct NormalDraws {
    private var stream: CounterStream, waiting: Double?
    init(seed: UInt64, replicate: Int) {
        stream = CounterStream(seed: seed, row: UInt64(replicate), purpose: 0x65737469)
    }
    mutating func next() -> Double {
        if let x = waiting { waiting = nil; return x }
        let (a, b) = stream.normalPair()
        waiting = Double(b)
        return Double(a)
    }
}
