// Groups in a report: how many rows each has, and how far apart groups lie in each other column, in the table as it was
// counted and in generated rows.

import Basics
import Glibc
import Tables

/// The difference between the groups with the largest and the smallest share of a level.
struct ReportDisparity {
    let group: String, column: String, level: String
    /// Nil where the pair was not released, or no two groups can be told.
    let before: Estimate?
    let after: Estimate?
}

extension ReportFigures {
    /// Rows of the levels of a protected column, and the disparities of all others between them.
    func disparities(of g: Int) throws -> [ReportDisparity] {
        let plan = model.plan, own = counts[g]
        guard let pairs = estimator.pairs, own.parts > 1 else { return [] }
        return try plan.schema.fields.indices.compactMap { j -> ReportDisparity? in
            guard j != g, !(plan.protected.contains(plan.schema.fields[j].name)), let table = pairs.pair(j, g) else {
                return nil
            }
            let column = counts[j], names = try estimator.names(column)
            guard let (weights, level) = question(column, names) else { return nil }
            let totals = try ColumnCounts(g, model: model, pairs: pairs, without: j, withValues: false)
            let present = column.isPresent.map { $0 ? 1.0 : 0 }
            let before = (0..<own.parts).map { k -> Estimate in
                let y = (0..<column.parts).map { table.counts[$0 * own.parts + k] }
                var unit = [Double](repeating: 0, count: own.parts)
                unit[k] = 1
                let c = NoisyCounts(y, variances: y.map { _ in table.variance },
                                    total: (totals.counts.counts[k], totals.counts.noise(unit)))
                return RatioSums(numerator: c.sum(weights), denominator: c.sum(present),
                                 noise: (c.noise(weights), c.noise(weights, present), c.noise(present)),
                                 sampling: .share).estimate(limit: estimator.limit, range: 0...1)
            }
            var yes = [Double](repeating: 0, count: own.parts), all = yes
            for i in 0..<rows {
                let k = Int(bins[g * rows + i]), p = Int(bins[j * rows + i])
                guard k < all.count, p < present.count else { continue }
                yes[k] += weights[p]
                all[k] += present[p]
            }
            let after = zip(yes, all).map {
                RatioSums(numerator: $0, denominator: $1, noise: (0, 0, 0), sampling: .share)
                    .estimate(limit: estimator.limit, range: 0...1)
            }
            let told = before.indices.filter { !before[$0].isLost && all[$0] >= 30
                && before[$0].high - before[$0].low < 0.5 }
            guard let high = told.max(by: { before[$0].value < before[$1].value }),
                  let low = told.min(by: { before[$0].value < before[$1].value }), high != low else {
                return ReportDisparity(group: estimator.name(g), column: estimator.name(j), level: level, before: nil,
                                       after: nil)
            }
            return ReportDisparity(group: estimator.name(g), column: estimator.name(j), level: level,
                                   before: before[high].minus(before[low], limit: estimator.limit),
                                   after: after[high].minus(after[low], limit: estimator.limit))
        }
    }

    /// A question with yes and no for a column: the last of two levels, the most frequent of several, the upper half of
    /// numbers.
    private func question(_ column: ColumnCounts, _ names: [String?]) -> (weights: [Double], level: String)? {
        let kept = (0..<column.parts).filter { column.isPresent[$0] }, shares = column.counts.counts
        guard kept.count > 1 else { return nil }
        if column.grid.numerical {
            // Bins are numbered by their values.
            let total = kept.reduce(0) { $0 + max(shares[$1], 0) }
            var sum = 0.0, from = kept.count / 2
            for (i, p) in kept.enumerated() {
                sum += max(shares[p], 0)
                if sum >= total / 2 { from = min(max(i, 1), kept.count - 1); break }
            }
            let upper = Set(kept[from...])
            let start = (names[kept[from]] ?? "").prefix { $0 != " " }
            return ((0..<column.parts).map { upper.contains($0) ? 1 : 0 }, "upper half, in bins from \(start)")
        }
        let yes = kept.count == 2 ? kept[1] : kept.max { shares[$0] < shares[$1] } ?? kept[0]
        return ((0..<column.parts).map { $0 == yes ? 1 : 0 }, names[yes] ?? "missing")
    }
}
