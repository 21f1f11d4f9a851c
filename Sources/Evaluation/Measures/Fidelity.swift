// Marginals and associations of a synthetic table compared with those of a real one.
// Every pair of columns is counted once; total variation and Cramér's V come from these counts.

import Basics
import Compute
import Glibc

/// How far a synthetic table's one- and two-way marginals and associations are from a real one's. All 0 is best.
package struct Fidelity {
    /// Total variation ½ Σ |p - q| of each column's cells, in [0, 1].
    package let columns: [Double]
    /// Mean total variation of columns, of pairs of columns; NaN without pairs.
    package let tvd1, tvd2: Double
    /// Mean and largest absolute difference of the pairs' associations; NaN without pairs.
    package let associationMean, associationMax: Double

    /// Bins of numerical columns.
    static let bins = 20

    /// Both frames have columns of the same kinds in the same order. - Throws: `.noMemory`.
    package init(real: Frame, synthetic: Frame, threads: Int) throws {
        let edges = try Cells.edges(real, bins: Fidelity.bins)
        let a = try Cells(real, edges: edges), b = try Cells(synthetic, edges: edges)
        columns = try a.columns.indices.map { try totalVariation(a, b, $0) }
        tvd1 = columns.reduce(0, +) / Double(columns.count)

        let m = real.columns.count, pairs = m * (m - 1) / 2
        let variation = try Buffer<Double>(count: pairs, for: "an evaluation")
        let difference = try Buffer<Double>(count: pairs, for: "an evaluation")
        let workers = max(1, min(threads, pairs))
        let scratch = try (0..<workers).map { _ in try PairScratch(rows: real.rows + synthetic.rows, counts: a.counts) }
        let places = try Buffer<SIMD2<Int32>>(count: pairs, for: "an evaluation")
        var at = 0
        for i in 0..<m { for j in i + 1 ..< max(m, i + 1) {
            places.base[at] = SIMD2(Int32(i), Int32(j))
            at += 1
        } }
        Workers.run(threads: workers, chunks: pairs) { pair, worker in
            let i = Int(places.base[pair].x), j = Int(places.base[pair].y)
            let found = scratch[worker].measure(a, b, i, j, rows: real.rows, synthetic.rows)
            variation.base[pair] = found.variation
            let x = real.columns[i], y = real.columns[j], u = synthetic.columns[i], v = synthetic.columns[j]
            switch (x.codes, y.codes) {
            case (.some, .some): difference.base[pair] = (found.cramerA - found.cramerB).magnitude
            case (nil, nil): difference.base[pair] = (pearson(x.values!, y.values!)
                - pearson(u.values!, v.values!)).magnitude
            case (.some, nil): difference.base[pair] = (scratch[worker].ratio(x, y.values!)
                - scratch[worker].ratio(u, v.values!)).magnitude
            case (nil, .some): difference.base[pair] = (scratch[worker].ratio(y, x.values!)
                - scratch[worker].ratio(v, u.values!)).magnitude
            }
        }
        tvd2 = variation.reduce(0, +) / Double(pairs)
        associationMean = difference.reduce(0, +) / Double(pairs)
        associationMax = difference.max() ?? .nan
    }
}

private func totalVariation(_ a: Cells, _ b: Cells, _ column: Int) throws -> Double {
    let counts = try Buffer<SIMD2<Double>>(count: a.counts[column], for: "an evaluation")
    for k in a.columns[column] { counts.base[Int(k)].x += 1 }
    for k in b.columns[column] { counts.base[Int(k)].y += 1 }
    let na = Double(a.columns[column].count), nb = Double(b.columns[column].count)
    return 0.5 * counts.reduce(0) { $0 + ($1.x / na - $1.y / nb).magnitude }
}

/// Pearson's correlation of the rows where both are there; 0 when either is constant.
func pearson(_ x: Buffer<Double>, _ y: Buffer<Double>) -> Double {
    var n = 0.0, mx = 0.0, my = 0.0
    for i in 0..<x.count where !x.base[i].isNaN && !y.base[i].isNaN {
        (n, mx, my) = (n + 1, mx + x.base[i], my + y.base[i])
    }
    guard n > 1 else { return 0 }
    (mx, my) = (mx / n, my / n)
    var xx = 0.0, yy = 0.0, xy = 0.0
    for i in 0..<x.count where !x.base[i].isNaN && !y.base[i].isNaN {
        let dx = x.base[i] - mx, dy = y.base[i] - my
        (xx, yy, xy) = (xx + dx * dx, yy + dy * dy, xy + dx * dy)
    }
    let scale = xx.squareRoot() * yy.squareRoot()
    return scale > 0 ? min(1, max(-1, xy / scale)) : 0
}

/// One worker's memory for pairs of columns.
private final class PairScratch: @unchecked Sendable {
    /// Pairs of columns with more cells than this are counted by sorting.
    static let dense = 1 << 20
    private let cells: Buffer<SIMD2<Int32>>        // counts of both tables, all zero between calls
    private let keys, spare: Buffer<UInt64>
    private let margins: Buffer<SIMD2<Double>>      // of the first column, then of the second
    private let first: Int                          // most cells a column has

    init(rows: Int, counts: [Int]) throws {
        first = counts.max() ?? 0
        let largest = counts.sorted().suffix(2).reduce(1) { $0 * $1 }
        cells = try Buffer(count: min(largest, PairScratch.dense), for: "an evaluation")
        keys = try Buffer(count: largest > PairScratch.dense ? rows : 0, for: "an evaluation")
        spare = try Buffer(count: keys.count, for: "an evaluation")
        margins = try Buffer(count: 2 * first, for: "an evaluation")
    }

    /// Total variation of the pair's cells, and Cramér's V = (χ² / n / (min(r, c) - 1))^½ in both tables, r and c
    /// counting the cells that occur; 0 where a column is constant (Cramér 1946, section 21.9).
    func measure(_ a: Cells, _ b: Cells, _ i: Int, _ j: Int, rows na: Int, _ nb: Int)
        -> (variation: Double, cramerA: Double, cramerB: Double) {
        let (x, y, u, v) = (a.columns[i].base, a.columns[j].base, b.columns[i].base, b.columns[j].base)
        let width = a.counts[j], size = a.counts[i] * width
        for k in 0..<a.counts[i] { margins.base[k] = .zero }
        for k in 0..<width { margins.base[first + k] = .zero }
        for r in 0..<na { margins.base[Int(x[r])].x += 1; margins.base[first + Int(y[r])].x += 1 }
        for r in 0..<nb { margins.base[Int(u[r])].y += 1; margins.base[first + Int(v[r])].y += 1 }
        var variation = 0.0, sum = SIMD2<Double>.zero
        func add(_ k: Int, _ ca: Double, _ cb: Double) {
            variation += (ca / Double(na) - cb / Double(nb)).magnitude
            let row = margins.base[k / width], column = margins.base[first + k % width]
            if ca > 0 { sum.x += ca * ca / (row.x * column.x) }
            if cb > 0 { sum.y += cb * cb / (row.y * column.y) }
        }
        if size <= PairScratch.dense {
            for r in 0..<na { cells.base[Int(x[r]) &* width &+ Int(y[r])].x &+= 1 }
            for r in 0..<nb { cells.base[Int(u[r]) &* width &+ Int(v[r])].y &+= 1 }
            for k in 0..<size where cells.base[k] != .zero {
                add(k, Double(cells.base[k].x), Double(cells.base[k].y))
                cells.base[k] = .zero
            }
        } else {                                    // the cell, and in the lowest bit the table
            for r in 0..<na { keys.base[r] = UInt64(Int(x[r]) &* width &+ Int(y[r])) << 1 }
            for r in 0..<nb { keys.base[na + r] = UInt64(Int(u[r]) &* width &+ Int(v[r])) << 1 | 1 }
            sortKeys(keys, na + nb, spare: spare)
            var r = 0
            while r < na + nb {
                let key = keys.base[r] >> 1
                var ca = 0.0, cb = 0.0
                while r < na + nb, keys.base[r] >> 1 == key {
                    if keys.base[r] & 1 == 0 { ca += 1 } else { cb += 1 }
                    r += 1
                }
                add(Int(key), ca, cb)
            }
        }
        var occur = (SIMD2<Double>.zero, SIMD2<Double>.zero)
        for k in 0..<a.counts[i] { occur.0 += SIMD2(margins.base[k].x > 0 ? 1 : 0, margins.base[k].y > 0 ? 1 : 0) }
        for k in 0..<width {
            occur.1 += SIMD2(margins.base[first + k].x > 0 ? 1 : 0, margins.base[first + k].y > 0 ? 1 : 0)
        }
        func cramer(_ sum: Double, _ r: Double, _ c: Double) -> Double {
            min(r, c) > 1 ? (max(0, sum - 1) / (min(r, c) - 1)).squareRoot() : 0
        }
        return (0.5 * variation, cramer(sum.x, occur.0.x, occur.1.x), cramer(sum.y, occur.0.y, occur.1.y))
    }

    /// The correlation ratio η of numbers y by level, the root of the share of y's variance that lies between levels; 0
    /// when y is constant.
    func ratio(_ levels: Frame.Series, _ y: Buffer<Double>) -> Double {
        let codes = levels.codes!
        for k in 0..<levels.codeCount { margins.base[k] = .zero }
        var n = 0.0, mean = 0.0
        for r in 0..<y.count where !y.base[r].isNaN { (n, mean) = (n + 1, mean + y.base[r]) }
        guard n > 1 else { return 0 }
        mean /= n
        var all = 0.0, between = 0.0
        for r in 0..<y.count where !y.base[r].isNaN {
            let d = y.base[r] - mean
            margins.base[Int(codes.base[r])] += SIMD2(1, d)
            all += d * d
        }
        for k in 0..<levels.codeCount where margins.base[k].x > 0 {
            between += margins.base[k].y * margins.base[k].y / margins.base[k].x
        }
        return all > 0 ? min(1, between / all).squareRoot() : 0
    }
}
