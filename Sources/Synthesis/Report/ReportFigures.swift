// What a report shows of columns and pairs: released counts beside generated rows, in units of the noise.

import Basics
import Compute
import Glibc
import Tables

/// One part of a column, as shares of all rows.
struct ReportPart {
    let label: String?
    /// Released, with the standard error of its noise, and generated.
    let released: Double, noise: Double, generated: Double
}

struct ReportColumn {
    let column: Int, name: String
    let parts: [ReportPart]
    /// ½ Σ |released − generated|, and root mean square of the difference in standard errors of noise and of the
    /// generated rows' number.
    let distance: Double, units: Double
}

struct ReportPair {
    let a: Int, b: Int
    let distance: Double, units: Double
    /// Share of the released table's cells that are within two standard errors of 0.
    let hidden: Double
}

/// Generated rows as bins, and what was released beside them.
struct ReportFigures {
    let model: Model, estimator: Estimator
    let rows: Int
    /// [columns][rows].
    let bins: Buffer<UInt16>
    private(set) var columns: [ReportColumn] = [], pairs: [ReportPair] = []
    let counts: [ColumnCounts]

    static let seed: UInt64 = 0x7265706f72740001

    init(_ model: Model, rows: Int, threads: Int) throws {
        (self.model, self.rows) = (model, rows)
        estimator = Estimator(model, EstimateOptions())
        bins = try Sampler(plan: model.plan, model.generator).bins(seed: Self.seed, count: rows, threads: threads,
                                                                 stop: { false })
        let pairs = estimator.pairs
        counts = try model.plan.schema.fields.indices.map {
            try ColumnCounts($0, model: model, pairs: pairs, withValues: false)
        }
        columns = try model.plan.schema.fields.indices.map { try column($0) }
        if let marginals = model.marginals {
            var seen = Set<[Int]>()
            for c in marginals.columns {
                for i in c.indices {
                    for k in i + 1..<max(c.count, i + 1) where seen.insert([c[i], c[k]]).inserted {
                        if let p = pair(c[i], c[k]) { self.pairs.append(p) }
                    }
                }
            }
        }
    }

    private func column(_ j: Int) throws -> ReportColumn {
        let statistics = model.statistics, encoder = statistics.encoders[j], K = encoder.bins
        var drawn = [Double](repeating: 0, count: K)
        for i in 0..<rows { drawn[Int(bins[j * rows + i])] += 1 / Double(rows) }
        let released: [Double], noise: [Double], labels: [String?], own = counts[j]
        if own.parts == K, estimator.pairs?.single(j) != nil {
            let total = max(own.counts.counts.reduce(0, +), 1)
            released = own.counts.counts.map { $0 / total }
            noise = (0..<K).map { k in
                var unit = [Double](repeating: 0, count: K)
                unit[k] = 1
                return own.counts.noise(unit).squareRoot() / total
            }
            labels = try estimator.names(own)
        } else {
            // The column's own histogram.
            released = encoder.binShare
            noise = encoder.histogramNodes(model.plan.grids[j]).map {
                model.plan.countStandardDeviation * $0.squareRoot() / statistics.rows
            }
            labels = try estimator.binNames(j)
        }
        let parts = (0..<K).map { ReportPart(label: labels[$0], released: released[$0], noise: noise[$0],
                                             generated: drawn[$0]) }
        var square = 0.0
        for p in parts {
            let d = p.generated - p.released
            square += d * d / max(p.noise * p.noise + p.generated * (1 - p.generated) / Double(rows), 1e-18)
        }
        return ReportColumn(column: j, name: model.plan.schema.fields[j].name, parts: parts,
                            distance: parts.reduce(0) { $0 + abs($1.generated - $1.released) } / 2,
                            units: (square / Double(max(K, 1))).squareRoot())
    }

    private func pair(_ a: Int, _ b: Int) -> ReportPair? {
        guard let table = estimator.pairs?.pair(a, b) else { return nil }
        let K = model.statistics.levels[b], n = model.statistics.rows, noise = table.variance.squareRoot()
        var drawn = [Double](repeating: 0, count: table.counts.count)
        for i in 0..<rows { drawn[Int(bins[a * rows + i]) * K + Int(bins[b * rows + i])] += 1 / Double(rows) }
        var square = 0.0, distance = 0.0, hidden = 0.0
        for (y, g) in zip(table.counts, drawn) {
            let d = g * n - y
            square += d * d / max(table.variance + n * n * g * (1 - g) / Double(rows), 1e-18)
            distance += abs(d) / n / 2
            if abs(y) < 2 * noise { hidden += 1 }
        }
        let cells = Double(max(drawn.count, 1))
        return ReportPair(a: a, b: b, distance: min(distance, 1), units: (square / cells).squareRoot(),
                          hidden: hidden / cells)
    }
}

extension Estimator {
    /// Names of the bins of a column as generated rows have them.
    func binNames(_ j: Int) throws -> [String?] {
        let encoder = model.statistics.encoders[j], grid = plan.grids[j], reader = try ValueReader(plan.schema)
        var members = [[Int]](repeating: [], count: encoder.bins)
        for (c, b) in encoder.binOfCell.enumerated() where c < grid.body || encoder.share[c] > 0 || grid.body == 0
            || c >= grid.body { members[Int(b)].append(c) }
        return members.map { cells in
            guard let first = cells.first else { return "" }
            let body = cells.filter { $0 < grid.body }
            if grid.numerical, let low = body.first, let high = body.last, low != high {
                return reader.shown(grid, column: j, cells: low...high)
            }
            let texts = labels(j, cells: [first] + cells.dropFirst())
            return texts == [nil] ? nil : texts.map { $0 ?? "missing" }.joined(separator: " | ")
        }
    }
}
