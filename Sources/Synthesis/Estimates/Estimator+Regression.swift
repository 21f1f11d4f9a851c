// Coefficients of least squares and of a logistic regression from the released tables of pairs. Both solve equations in
// second moments, which are sums over those tables; the noise of the tables is drawn again and the equations are solved
// again, so that the spread of the solutions is what the noise does to a coefficient.

import Basics
import Compute
import Glibc
import Projection
import Tables

extension Estimator {
    static let replicates = 200
    private static let seed: UInt64 = 0x72656772

    func regression() throws -> JSON {
        guard !options.predictors.isEmpty else { throw Failure(.argument, "estimate: \"predictors\" is required") }
        let y = try named(options.column, "column"), x = try options.predictors.map { try named($0, "predictors") }
        let all = x + [y]
        guard Set(all).count == all.count else { throw Failure(.argument, "estimate: a column is named twice") }
        let columns = try all.map { try counts($0) }
        var tables: [[Int]: (counts: [Double], variance: Double)] = [:], notes: [String] = []
        for a in all.indices { for b in a + 1..<max(all.count, a + 1) { tables[[a, b]] = try pair(all[a], all[b]) } }
        var features: [Feature] = []
        for (place, j) in x.enumerated() { features += try predictors(columns[place], place: place, name(j), &notes) }
        let count = features.count
        features.append(try outcome(columns[x.count], place: x.count))
        if columns.contains(where: { c in (0..<c.parts).contains { !c.isPresent[$0] } }) {
            notes.append("rows with a missing cell are left out pair by pair, which is without bias only where cells "
                + "are missing at random")
        }
        let moments = Moments(columns: columns, features: features, tables: tables)
        let fit = options.kind == .linear ? LeastSquares() as any CoefficientFit
            : try LogisticFit(self, moments, columns: Array(all.dropLast()), predictors: count)
        let base = moments.covariance(noise: nil)
        guard let found = fit.solve(base, moments, start: nil) else { throw lost }
        let sampling = try fit.samplingVariances(base, found, moments, rows: max(model.statistics.rows, 2),
                                                 orThrow: lost)
        var sums = [Double](repeating: 0, count: count + 1), squares = sums, solvedAgain = 0
        for r in 0..<Self.replicates {
            var draws = NormalDraws(seed: Self.seed, replicate: r)
            guard let again = fit.solve(moments.covariance { draws.next() }, moments, start: found) else { continue }
            solvedAgain += 1
            for k in 0...count {
                sums[k] += again[k] - found[k]
                squares[k] += (again[k] - found[k]) * (again[k] - found[k])
            }
        }
        guard solvedAgain >= Self.replicates * 9 / 10 else { throw lost }
        // The intercept's own mean has noise of its own.
        let outcomeColumn = columns[x.count], weights = outcomeNoiseWeights(outcomeColumn, features[count], moments)
        let rows = max(outcomeColumn.counts.sum(outcomeColumn.isPresent.map { $0 ? 1 : 0 }), 1)
        let items = (0...count).map { k -> JSON in
            var noise = squares[k] / Double(solvedAgain)
            if k == count { noise += outcomeColumn.counts.noise(weights) / (rows * rows) * fit.meanScale(found, base) }
            let error = (sampling[k] + noise).squareRoot()
            let e = Estimate(value: found[k], low: found[k] - limit * error, high: found[k] + limit * error,
                             sampling: sampling[k].squareRoot(), noise: noise.squareRoot(),
                             range: -Double.infinity...Double.infinity)
            return json(e, [("term", .string(k == count ? "(intercept)" : features[k].label))])
        }
        return .members(head() + [("column", .string(name(y))), ("outcome", .string(features[count].label)),
                                  ("estimates", .array([items[count]] + items.dropLast())), self.notes(notes)])
    }

    private var lost: Failure {
        Failure(.unsupported, "estimate: the released tables of these columns are too noisy, or the columns too alike, "
            + "for a regression; name fewer predictors")
    }

    private func predictors(_ c: ColumnCounts, place: Int, _ title: String, _ notes: inout [String]) throws
        -> [Feature] {
        guard !c.grid.numerical else {
            try requireNumber(c.column, "regression")
            return [Feature(label: title, place: place, part: nil)]
        }
        let labels = try names(c), kept = (0..<c.parts).filter { c.isPresent[$0] }
        guard let first = kept.first, kept.count > 1 else {
            throw Failure(.unsupported, "estimate: column \(quoted(title)) has one level only that stands out of the "
                + "noise")
        }
        notes.append("levels of \(title) are compared with \(labels[first] ?? "missing")")
        return kept.dropFirst().map { Feature(label: "\(title)=\(labels[$0] ?? "missing")", place: place, part: $0) }
    }

    private func outcome(_ c: ColumnCounts, place: Int) throws -> Feature {
        let title = name(c.column)
        guard options.kind == .logistic || options.level != nil else {
            try requireNumber(c.column, "regression by least squares without \"level\"")
            return Feature(label: title, place: place, part: nil)
        }
        guard !c.grid.numerical else {
            throw Failure(.argument, "estimate: \"level\" needs a column with levels, and \(quoted(title)) has none")
        }
        let labels = try names(c), kept = (0..<c.parts).filter { c.isPresent[$0] }
        guard let part = options.level.map({ l in kept.first { labels[$0] == l } }) ?? kept.last else {
            throw Failure(.argument, "estimate, \"level\": column \(quoted(title)) has no such level with a count of "
                + "its own")
        }
        return Feature(label: "\(title)=\(labels[part] ?? "missing")", place: place, part: part)
    }

    private func outcomeNoiseWeights(_ c: ColumnCounts, _ f: Feature, _ moments: Moments) -> [Double] {
        (0..<c.parts).map { p in
            !c.isPresent[p] ? 0 : (f.part.map { $0 == p ? 1.0 : 0 } ?? c.steadyMean[p]) - (moments.means.last ?? 0)
        }
    }
}
