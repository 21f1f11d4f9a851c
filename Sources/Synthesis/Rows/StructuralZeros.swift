// Cells of released marginals that no row can be in, because the rules of the schema forbid it. Such a cell is zero and
// not a noisy count: the fits do not spend themselves on noise that is known to be noise.

import Basics
import Tables

struct StructuralZeros {
    private let shape: RowShape, grids: [ColumnGrid]
    private let probes: [Column]
    /// Beyond this many combinations of cells a marginal is left as it was released.
    private static let most = 1 << 20

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
    func impossible(_ columns: [Int], bins: [Int], bin: (Int, Int) -> Int) -> [Bool]? {
        // Declared columns that the marginal's columns decide by themselves.
        let declared = Set(columns.flatMap { t -> [Int] in
            switch shape.sources[t] {
            case .plain(let j): [j]
            case .flags(let flags): flags.map(\.column)
            case .difference, .given: []
            }
        })
        let rules = shape.declared.rules.all.filter { rule in
            // Rules about one column have no pair, and missing cells of columns that are not here are not known.
            rule.columns.count > 1 && rule.columns.allSatisfy(declared.contains)
        }
        guard !rules.isEmpty, columns.allSatisfy({ t in
            switch grids[t].axis {
            case .levels, .values: true
            case .wideSteps, .interval: false
            }
        }) else { return nil }
        let cells = columns.map { grids[$0].count }, count = cells.reduce(1.0) { $0 * Double($1) }
        guard count <= Double(Self.most) else { return nil }
        var impossible = [Bool](repeating: true, count: bins.reduce(1, *))
        var x = [Double](repeating: .nan, count: shape.declared.fields.count)
        for k in 0..<Int(count) {
            var rest = k, place = 0, stride = 1
            for i in columns.indices.reversed() {
                let c = rest % cells[i], t = columns[i]
                rest /= cells[i]
                place += bin(i, c) * stride
                stride *= bins[i]
                let y = cellValue(grids[t], probes[t], c, 0)
                switch shape.sources[t] {
                case .plain(let j): x[j] = y
                case .flags(let flags):
                    for (f, flag) in flags.enumerated() { x[flag.column] = y == Double(f) ? flag.set : flag.unset }
                case .difference, .given: continue
                }
            }
            if impossible[place], rules.allSatisfy({ $0.holds(x, shape.declared.rules) }) { impossible[place] = false }
        }
        return impossible.contains(true) ? impossible : nil
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
