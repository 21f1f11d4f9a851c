// Answers about the population that the rows are a sample of, from released counts alone: each with an interval that
// holds the error of the sample and the noise of the guarantee. Free, as is all that follows from released values.
// Formulas and their limits: docs/PUBLISHING.md.

import Basics
import Tables

extension Model {
    /// - Throws: `.argument` for a column or level that there is not; `.unsupported` for what was not released, naming
    ///   it.
    package func estimate(_ options: EstimateOptions) throws -> JSON { try Estimator(self, options).answer() }
}

struct Estimator {
    let model: Model, options: EstimateOptions
    let pairs: PairTables?
    /// Standard errors that an interval reaches to either side.
    let limit: Double
    var plan: Plan { model.plan }

    init(_ model: Model, _ options: EstimateOptions) {
        (self.model, self.options) = (model, options)
        pairs = model.marginals.map { PairTables($0, plan: model.plan, levels: model.statistics.levels) }
        limit = normalLimit(options.confidence)
    }

    // MARK: columns and their parts

    func named(_ name: String?, _ key: String) throws -> Int {
        guard let name else { throw Failure(.argument, "estimate: \(quoted(key)) is required") }
        guard let j = plan.declared.index(of: name) else {
            throw Failure(.argument, "estimate, \(quoted(key)): there is no column \(quoted(name))")
        }
        guard let learned = plan.shape.plain[j] else {
            throw Failure(.unsupported, "estimate: column \(quoted(name)) follows from other columns by a rule, so "
                + "nothing of its own was released")
        }
        return learned
    }

    func name(_ j: Int) -> String { plan.schema.fields[j].name }

    func requireNumber(_ j: Int, _ what: String) throws {
        switch plan.schema.fields[j].kind {
        case .integer, .number: return
        default: throw Failure(.argument, "estimate: a \(what) needs a column of numbers, and \(quoted(name(j))) has "
            + "the type \(plan.schema.fields[j].type.rawValue)")
        }
    }

    /// Means and quantiles are of numbers, dates and datetimes.
    func requireOrder(_ j: Int, _ what: String) throws {
        if momentUnit(j) == nil { try requireNumber(j, what) }
    }

    /// What the values of a column of dates count; nil for other columns.
    func momentUnit(_ j: Int) -> String? {
        switch plan.schema.fields[j].kind {
        case .date: return "days since 1970-01-01"
        case .datetime: return "microseconds since 1970-01-01T00:00:00Z"
        default: return nil
        }
    }

    /// The texts of a column's cells in a part; nil for missing.
    func labels(_ j: Int, cells: [Int]) -> [String?] {
        let grid = plan.grids[j], field = plan.schema.fields[j]
        return cells.map { c in
            if c == grid.missingCell { return nil }
            if let r = grid.reason(cell: c) { return field.form.reasons[r] }
            if let levels = field.levels { return levels[c] }
            guard let reader = try? ValueReader(plan.schema) else { return "" }
            return reader.shown(reader.value(grid, column: j, cell: c), column: j)
        }
    }

    /// The name of each part of a column; nil: missing. Levels that share a part are joined by " | ".
    func names(_ counts: ColumnCounts) throws -> [String?] {
        let j = counts.column, grid = counts.grid
        if let axis = plan.releasedGrouping?.axes.first(where: { $0.column == j }), axis.parts.count == counts.parts,
           !axis.isPlain { return axis.parts }
        let reader = try ValueReader(plan.schema)
        var members = [[Int]](repeating: [], count: counts.parts)
        for (c, p) in counts.partOfCell.enumerated() where p >= 0 { members[p].append(c) }
        return members.enumerated().map { p, cells in
            guard let first = cells.first, let last = cells.last else { return "" }
            if grid.numerical, counts.isPresent[p], first != last {
                let body = cells.filter { $0 < grid.body }
                guard let low = body.first, let high = body.last else {
                    return reader.shown(reader.value(grid, column: j, cell: first), column: j)
                }
                return reader.shown(grid, column: j, cells: low...high)
            }
            let texts = labels(j, cells: cells)
            return texts == [nil] ? nil : texts.map { $0 ?? "missing" }.joined(separator: " | ")
        }
    }

    /// The released table of two columns.
    /// - Throws: `.unsupported` naming the pair.
    func pair(_ a: Int, _ b: Int) throws -> (counts: [Double], variance: Double) {
        guard let pairs else {
            throw Failure(.unsupported, "estimate: the preset \(quoted(plan.preset)) releases single columns only, so "
                + "nothing is known of \(quoted(name(a))) and \(quoted(name(b))) together but what generated rows say, "
                + "and they have no honest interval")
        }
        guard a != b else { throw Failure(.argument, "estimate: column \(quoted(name(a))) is named twice") }
        guard let table = pairs.pair(a, b) else {
            throw Failure(.unsupported, "estimate: the columns \(quoted(name(a))) and \(quoted(name(b))) were not "
                + "released together (no noisy table of this pair was paid for); generated rows say something of them, "
                + "without an honest interval")
        }
        return table
    }

    func counts(_ j: Int, without other: Int? = nil) throws -> ColumnCounts {
        try ColumnCounts(j, model: model, pairs: pairs, without: other)
    }

    // MARK: answers

    func answer() throws -> JSON {
        switch options.kind {
        case .mean, .share, .quantile: try perGroup()
        case .cells: try cells()
        case .linear, .logistic: try regression()
        }
    }

    /// What every answer begins with.
    func head() -> [(String, JSON)] {
        [("what", .string(options.kind.rawValue)), ("confidence", .number(options.confidence)),
         ("epsilon", .number(model.ledger.headline)), ("delta", .number(model.ledger.delta)),
         ("rows", .number(model.statistics.rows))]
    }

    /// What every answer ends with.
    func notes(_ more: [String] = []) -> (String, JSON) {
        var all = more
        if plan.settings.rowsPerPerson > 1 {
            all.append("rows of one person depend on each other; the intervals take rows as independent")
        }
        if plan.strength > 0 {
            all.append("these are the groups of the table as it was counted; generated rows are aligned and differ "
                + "on purpose")
        }
        if !model.ledger.isPrivate { all.append("NOT PRIVATE: the noise was made from a test seed") }
        return ("notes", .array(all.map { .string($0) }))
    }

    /// - Parameter dates: the column of dates that the figure is a value of, to be told as dates too.
    func json(_ e: Estimate, _ labels: [(String, JSON)], dates: Int? = nil) -> JSON {
        func number(_ x: Double) -> JSON { x.isFinite ? .number(x) : .null }
        var labels = labels
        if let dates, let reader = try? ValueReader(plan.schema) {
            for (key, x) in [("estimate_date", e.value.rounded()), ("low_date", e.low.rounded(.down)),
                             ("high_date", e.high.rounded(.up))] {
                labels.append((key, x.isFinite ? .string(reader.shown(x, column: dates)) : .null))
            }
        }
        return .members(labels + [("estimate", number(e.value)), ("low", number(e.low)), ("high", number(e.high)),
                                  ("standard_error", number(e.error)), ("sampling_error", number(e.sampling)),
                                  ("noise_error", number(e.noise)), ("told", .bool(!e.isLost))])
    }

    func text(_ x: String?) -> JSON { x.map { .string($0) } ?? .null }

    /// Two-way shares of all rows.
    private func cells() throws -> JSON {
        let a = try named(options.column, "column"), b = try named(options.with, "with")
        let table = try pair(a, b), first = try counts(a), second = try counts(b)
        let all = NoisyCounts(table.counts, variances: table.counts.map { _ in table.variance },
                              total: rowCount)
        let ones = [Double](repeating: 1, count: table.counts.count), total = all.sum(ones)
        let rows = try names(first), columns = try names(second), whole = all.noise(ones)
        var out: [JSON] = []
        for i in 0..<first.parts {
            for k in 0..<second.parts {
                var unit = [Double](repeating: 0, count: ones.count)
                unit[i * second.parts + k] = 1
                let sums = RatioSums(numerator: all.counts[i * second.parts + k], denominator: total,
                                     noise: (all.noise(unit), all.noise(unit, ones), whole), sampling: .share)
                out.append(json(sums.estimate(limit: limit, range: 0...1),
                                [("level", text(rows[i])), ("with_level", text(columns[k]))]))
            }
        }
        return .members(head() + [("column", .string(name(a))), ("with", .string(name(b))),
                                  ("estimates", .array(out)), notes()])
    }

    /// The released row count and the variance of its noise.
    var rowCount: (value: Double, variance: Double) {
        let s = model.statistics
        if case .declared = plan.settings.rows { return (s.rows, 0) }
        return (s.rows, s.rowsNoise * s.rowsNoise)
    }
}
