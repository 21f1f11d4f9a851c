// Cells of released marginals that no row can be in, because the rules of the schema forbid it. Such a cell is zero and
// not a noisy count: the fits do not spend themselves on noise that is known to be noise.

import Basics
import Projection
import Tables

struct StructuralZeros {
    private let shape: RowShape, grids: [ColumnGrid]
    private let probes: [Column]
    /// Beyond this many combinations of cells a marginal is left as it was released; beyond fewer, heads are barred
    /// from what whole bins rule out alone, since that is looked at with every model that is loaded.
    private static let most = 1 << 20, mostForBars = 1 << 16

    /// Nil where the schema has no rules.
    init?(_ plan: Plan) throws {
        guard !plan.declared.rules.isEmpty else { return nil }
        (shape, grids) = (plan.shape, plan.grids)
        probes = try plan.schema.fields.map { try Column.probe($0) }
    }

    /// Which cells of a marginal no row can be in, row-major over the columns' bins; nil where none is known.
    /// - Parameters:
    ///   - columns: learned ones. bins: how many bins each has.
    ///   - bin: bin of a cell, by place in `columns`.
    ///   - most: combinations of cells that are looked at one by one; of more only whole bins are.
    func impossible(_ columns: [Int], bins: [Int], most: Int = Self.most, bin: (Int, Int) -> Int) -> [Bool]? {
        // Declared columns that the marginal's columns decide by themselves, and those that are counted from another.
        var declared = Set<Int>(), counted: [(column: Int, from: Int, at: Int)] = []
        for (i, t) in columns.enumerated() {
            switch shape.sources[t] {
            case .plain(let j): declared.insert(j)
            case .flags(let flags): declared.formUnion(flags.map(\.column))
            case .difference(let j, let from) where shape.plain[from].map(columns.contains) ?? false:
                counted.append((j, from, i))
            case .difference, .given: continue
            }
        }
        declared.formUnion(counted.map(\.column))
        let rules = shape.declared.rules.all.filter { rule in
            // Rules about one column have no pair, and missing cells of columns that are not here are not known.
            rule.columns.count > 1 && rule.columns.allSatisfy(declared.contains)
        }
        guard !rules.isEmpty || !counted.isEmpty else { return nil }
        // Least and largest value of each cell; of each bin where there are too many cells to look at one by one.
        let cells = columns.indices.map { spans(columns[$0]) }
        let isFine = cells.reduce(1.0) { $0 * Double($1.count) } <= Double(most)
        let units = isFine ? cells : columns.indices.map { i in binned(cells[i], bins[i]) { bin(i, $0) } }
        let count = units.reduce(1.0) { $0 * Double($1.count) }
        guard count <= Double(most) else { return nil }
        var impossible = [Bool](repeating: true, count: bins.reduce(1, *))
        var low = [Double](repeating: .nan, count: shape.declared.fields.count), high = low
        for k in 0..<Int(count) {
            var rest = k, place = 0, stride = 1
            for i in columns.indices.reversed() {
                let c = rest % units[i].count, unit = units[i][c]
                rest /= units[i].count
                place += (isFine ? bin(i, c) : c) * stride
                stride *= bins[i]
                switch shape.sources[columns[i]] {
                case .plain(let j), .difference(let j, _): (low[j], high[j]) = unit
                case .flags(let flags):
                    for (f, flag) in flags.enumerated() {
                        low[flag.column] = unit.least == Double(f) ? flag.set : flag.unset
                        high[flag.column] = unit.most == Double(f) ? flag.set : flag.unset
                    }
                case .given: continue
                }
            }
            guard impossible[place] else { continue }
            // What was read as a distance becomes the column it is counted to.
            for d in counted {
                low[d.column] += low[d.from]
                high[d.column] += high[d.from]
            }
            let fits = counted.allSatisfy { d in
                let bounds = shape.declared.rules.columns[d.column].bounds
                return !(high[d.column] < bounds.low || low[d.column] > bounds.high)
            }
            if fits, rules.allSatisfy({ couldHold($0, low, high, isFine: isFine) }) { impossible[place] = false }
        }
        return impossible.contains(true) ? impossible : nil
    }

    /// What no two heads draw together, and no three that a rule is about, as far as bins tell.
    func bars(_ plan: Plan, _ statistics: Statistics) -> [HeadTilt.Bar] {
        let columns = plan.modelled
        var tables = columns.indices.flatMap { a in columns[..<a].map { [$0, columns[a]] } }
        var known = Set<[Int]>()
        for rule in shape.declared.rules.all {
            let own = Set(rule.columns.flatMap { shape.deciders[$0] }).sorted()
            if own.count == 3, own.allSatisfy(columns.contains), known.insert(own).inserted { tables.append(own) }
        }
        let head = plan.heads
        return tables.compactMap { t in
            let bins = t.map { statistics.levels[$0] }
            guard bins.reduce(1, *) <= Self.mostForBars,
                  let none = impossible(t, bins: bins, most: Self.mostForBars, bin: {
                      Int(statistics.encoders[t[$0]].binOfCell[$1])
                  }) else { return nil }
            return HeadTilt.Bar(heads: t.compactMap { head[$0] }, impossible: none)
        }
    }

    /// Least and largest value of each cell of a learned column.
    private func spans(_ t: Int) -> [(least: Double, most: Double)] {
        (0..<grids[t].count).map { c in
            (cellValue(grids[t], probes[t], c, 0), cellValue(grids[t], probes[t], c, 1 - 0x1p-53))
        }
    }

    /// The same of each bin; not-a-number, with which everything holds, where one of its cells is missing.
    private func binned(_ cells: [(least: Double, most: Double)], _ bins: Int,
                        _ bin: (Int) -> Int) -> [(least: Double, most: Double)] {
        var out = [(least: Double, most: Double)](repeating: (.infinity, -.infinity), count: bins)
        for (c, cell) in cells.enumerated() {
            let b = bin(c)
            out[b] = cell.least.isNaN || out[b].least.isNaN ? (.nan, .nan)
                : (min(out[b].least, cell.least), max(out[b].most, cell.most))
        }
        return out
    }

    /// False where no row with cells between these values keeps the rule.
    private func couldHold(_ rule: Rule, _ low: [Double], _ high: [Double], isFine: Bool) -> Bool {
        guard !rule.columns.allSatisfy({ low[$0] == high[$0] || low[$0].isNaN && isFine }) else {
            return rule.holds(low, shape.declared.rules)
        }
        // Of cells that hold many values only differences are known.
        guard rule.condition.isEmpty, case .order(let columns, _, let minimum, let maximum) = rule.body else {
            return true
        }
        return zip(columns, columns.dropFirst()).allSatisfy { a, b in
            let slack = Rule.slack(high[a], high[b]) + Rule.slack(low[a], low[b])
            return !(high[b] - low[a] < minimum - slack || low[b] - high[a] > maximum + slack)
        }
    }
}

extension Plan {
    /// What rules between columns save, for whoever reads the plan.
    struct RuleSavings {
        /// Columns that are computed and not learned, and columns that are learned in another form.
        let computed: [String], changed: [String]
        /// Marginals of all declared columns, and those of the learned ones.
        let marginalsWithout: Int, marginals: Int
        /// Cells of marginals of columns with levels that no row can be in, and all cells of those marginals.
        let impossible: Int, cells: Int
    }

    /// Nil where the schema has no rules.
    func ruleSavings() throws -> RuleSavings? {
        guard let zeros = try StructuralZeros(self) else { return nil }
        let declaredNames = shape.declared.fields.map(\.name)
        let computed = shape.computed.map { declaredNames[$0.column] }
        let changed = shape.sources.flatMap { source -> [String] in
            switch source {
            case .difference(let j, _): [declaredNames[j]]
            case .flags(let flags): flags.map { declaredNames[$0.column] }
            case .plain, .given: []
            }
        }
        var impossible = 0, cells = 0
        let isReleased = steps(of: .marginals) > 0
        if isReleased {
            for request in marginalRequests(pairs: allPairs) {
                let c = request.columns
                guard c.allSatisfy({ !grids[$0].numerical }) else { continue }
                let bins = c.map { grids[$0].count }
                cells += bins.reduce(1, *)
                impossible += zeros.impossible(c, bins: bins) { $1 }?.reduce(0) { $0 + ($1 ? 1 : 0) } ?? 0
            }
        }
        let m = declaredNames.count
        return RuleSavings(computed: computed, changed: changed, marginalsWithout: isReleased ? m * (m - 1) / 2 : 0,
                           marginals: isReleased ? plannedMarginals.count : 0, impossible: impossible, cells: cells)
    }

    /// Lines of the explanation about rules; none where the schema has no rules.
    func ruleLines() throws -> [String] {
        guard let s = try ruleSavings() else { return [] }
        func list(_ names: [String]) -> String {
            names.prefix(12).map(quoted).joined(separator: ", ") + (names.count > 12 ? ", …" : "")
        }
        var out = ["rules of the schema, kept by every generated row"]
        if !s.computed.isEmpty { out.append("  computed and not learned: \(list(s.computed))") }
        if !s.changed.isEmpty {
            out.append("  learned as a distance from another column or as one of a group: \(list(s.changed))")
        }
        if s.marginals > 0, settings.focus.isEmpty, !selects {
            let ratio = (Double(s.marginals) / Double(max(s.marginalsWithout, 1))).squareRoot()
            out.append("  \(s.marginals) marginals instead of \(s.marginalsWithout): the noise of one cell is "
                + "\(short(ratio, 3)) times what it would be")
        }
        if s.impossible > 0 {
            out.append("  \(s.impossible) of the \(s.cells) cells of marginals of columns with levels are impossible "
                + "and keep no noise")
        }
        return out
    }

    /// The same for hosts; nil where the schema has no rules.
    func rulesJSON() throws -> JSON? {
        guard let s = try ruleSavings() else { return nil }
        return .members([("computed", .array(s.computed.map(JSON.string))),
                         ("changed", .array(s.changed.map(JSON.string))),
                         ("marginals", .int(Int64(s.marginals))),
                         ("marginals_without", .int(Int64(s.marginalsWithout))),
                         ("impossible_cells", .int(Int64(s.impossible))), ("cells", .int(Int64(s.cells)))])
    }
}
