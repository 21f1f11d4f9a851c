// How rows of the declared schema are learned: which columns a model has instead, and how a row of those becomes a row
// of the schema again. A rule that the map keeps by itself cannot be broken, and costs nothing.
//
// A computed column is not learned but computed. A date that follows another is learned as the days between. A group
// of flags of which one is set is learned as one column whose levels are the flags. A schema without rules is learned
// as it is.

import Basics
import Tables

package struct RowShape: Sendable {
    /// What a learned column is.
    enum Source: Sendable, Equatable {
        /// A column of the schema as it is.
        case plain(Int)
        /// A column as its distance from another one.
        case difference(Int, from: Int)
        /// Which of some flags is set; the last level: none, where that may be.
        case flags([Flag])
        /// Whether a computed column has a value.
        case given(Int)
    }
    /// One flag: its column, and its values when it is set and when it is not.
    struct Flag: Sendable, Equatable { let column: Int, set: Double, unset: Double }
    /// How a column that is not learned comes about.
    enum Formula: Sendable {
        case rule(Rule.Formula)
        case table([Double: Double], of: Int)
        case rest(of: Double, [Int])
    }
    /// A computed column; `given`: the learned column that says whether it has a value.
    struct Computed: Sendable { let column: Int, formula: Formula, given: Int? }

    package let declared: Schema, learned: Schema
    let sources: [Source]
    /// Each after the columns that it is computed from.
    let computed: [Computed]
    /// Learned columns in an order in which every difference comes after what it is taken from.
    let order: [Int]
    /// For each declared column the learned ones that decide it.
    let deciders: [[Int]]
    /// For each declared column the learned one that is the same; nil for all others.
    let plain: [Int?]
    var isPlain: Bool { computed.isEmpty && order.count == declared.fields.count
        && sources.allSatisfy { if case .plain = $0 { true } else { false } } }

    /// - Parameter kept: names of columns that options speak of: they are learned as they are.
    /// - Throws: `.schema` when the learned columns make no schema.
    package init(_ schema: Schema, kept: Set<String> = []) throws {
        declared = schema
        guard !schema.rules.isEmpty else {
            learned = schema
            sources = schema.fields.indices.map { .plain($0) }
            (computed, order, deciders) = ([], Array(sources.indices), sources.indices.map { [$0] })
            plain = Array(sources.indices)
            return
        }
        var draft = Draft(schema, kept: kept)
        draft.takeComputed()
        draft.takeFlags()
        draft.takeDifferences()
        learned = try draft.learnedSchema()
        let sources = draft.sources, computed = draft.computedInOrder()
        var plain = [Int?](repeating: nil, count: schema.fields.count)
        var deciders = [[Int]](repeating: [], count: schema.fields.count), order: [Int] = []
        for (t, source) in sources.enumerated() {
            switch source {
            case .plain(let j): (plain[j], deciders[j]) = (t, [t])
            case .flags(let flags): for flag in flags { deciders[flag.column] = [t] }
            case .difference, .given: continue
            }
            order.append(t)
        }
        let found = order
        var left = sources.indices.filter { !found.contains($0) }
        while !left.isEmpty {
            let ready = left.filter { t in
                if case .difference(_, let from) = sources[t] { return !deciders[from].isEmpty }
                return true
            }
            for t in ready {
                if case .difference(let j, let from) = sources[t] { deciders[j] = deciders[from] + [t] }
            }
            order += ready
            left.removeAll { ready.contains($0) }
            if ready.isEmpty { break }
        }
        for c in computed {
            var all = c.formula.inputs.flatMap { deciders[$0] }
            if let given = c.given { all.append(given) }
            var seen = Set<Int>()
            deciders[c.column] = all.filter { seen.insert($0).inserted }
        }
        (self.sources, self.computed) = (sources, computed)
        (self.plain, self.deciders, self.order) = (plain, deciders, order)
    }
}

extension RowShape.Formula {
    var inputs: [Int] {
        switch self {
        case .rule(let formula): formula.inputs
        case .table(_, let source): [source]
        case .rest(_, let others): others
        }
    }

    /// The exact value before it is rounded; NaN where there is none.
    func value(_ x: UnsafePointer<Double>, _ rules: Rules) -> Double {
        switch self {
        case .rule(let formula): formula.value(x, rules)
        case .table(let table, let source): table[x[source]] ?? .nan
        case .rest(let total, let others): total - others.reduce(0) { $0 + x[$1] }
        }
    }
}

/// What becomes of each declared column while the shape is made.
private struct Draft {
    let schema: Schema, kept: Set<String>
    /// Declared columns that are not learned as they are.
    var taken = Set<Int>()
    var computed: [(column: Int, formula: RowShape.Formula)] = []
    var flags: [[RowShape.Flag]] = [], none: [Bool] = []
    var differences: [(column: Int, from: Int, kind: Kind)] = []
    var sources: [RowShape.Source] = []

    init(_ schema: Schema, kept: Set<String>) { (self.schema, self.kept) = (schema, kept) }

    private var fields: [Field] { schema.fields }
    private var always: [Rule] { schema.rules.all.filter(\.condition.isEmpty) }
    private func isFree(_ j: Int) -> Bool { !taken.contains(j) && !kept.contains(fields[j].name) }

    /// A column that must have a value is computed only from columns that always have one.
    mutating func takeComputed() {
        for rule in always {
            let target: Int, formula: RowShape.Formula
            switch rule.body {
            case .derived(let j, let f): (target, formula) = (j, .rule(f))
            case .depends(let j, let source, let table):
                guard let count = fields[source].kind.count, Int64(table.count) == count else { continue }
                (target, formula) = (j, .table(table, of: source))
            case .parts(let columns, let total):
                guard let last = columns.last(where: isFree) else { continue }
                (target, formula) = (last, .rest(of: total, columns.filter { $0 != last }))
            default: continue
            }
            let inputs = formula.inputs
            guard isFree(target), !fields[target].required || inputs.allSatisfy({ fields[$0].required }),
                  !inputs.contains(where: { reaches($0, target) }) else { continue }
            taken.insert(target)
            computed.append((target, formula))
        }
    }

    /// Whether column j is computed from `target`, directly or through others.
    private func reaches(_ j: Int, _ target: Int) -> Bool {
        j == target || computed.contains { $0.column == j && $0.formula.inputs.contains { reaches($0, target) } }
    }

    /// Flags with two values each that always have one.
    mutating func takeFlags() {
        for rule in always {
            guard case .flags(let tests, let exactly) = rule.body else { continue }
            let own = tests.compactMap { t -> RowShape.Flag? in
                guard isFree(t.column), fields[t.column].required, fields[t.column].kind.count == 2,
                      case .values(let set, _, _) = t.test, set.count == 1, let value = set.first else { return nil }
                let bounds = schema.rules.columns[t.column].bounds
                return RowShape.Flag(column: t.column, set: value,
                                     unset: value == bounds.low ? bounds.high : bounds.low)
            }
            guard own.count == tests.count else { continue }
            taken.formUnion(own.map(\.column))
            flags.append(own)
            none.append(!exactly)
        }
    }

    /// Dates that follow another one, and numbers whose distance is declared to be narrow.
    mutating func takeDifferences() {
        for rule in always {
            guard case .order(let columns, let strict, let minimum, let maximum) = rule.body else { continue }
            for (a, b) in zip(columns, columns.dropFirst()) {
                guard isFree(b), fields[a].required, !computed.contains(where: { $0.column == a }), !follows(a, b),
                      let kind = distance(a, b, strict: strict, minimum, maximum) else { continue }
                taken.insert(b)
                differences.append((b, a, kind))
            }
        }
    }

    /// Whether column a is computed or counted from b.
    private func follows(_ a: Int, _ b: Int) -> Bool {
        if a == b { return true }
        if let d = differences.first(where: { $0.column == a }) { return follows(d.from, b) }
        if let c = computed.first(where: { $0.column == a }) { return c.formula.inputs.contains { follows($0, b) } }
        return flags.contains { $0.contains { $0.column == a } }
    }

    /// The kind of b - a; nil where the difference is not the better thing to learn.
    private func distance(_ a: Int, _ b: Int, strict: Bool, _ minimum: Double, _ maximum: Double) -> Kind? {
        let from = schema.rules.columns[a], to = schema.rules.columns[b]
        guard fields[a].type == fields[b].type, from.stepWidth == to.stepWidth else { return nil }
        let step = to.stepWidth ?? 0
        let least = max(minimum, strict ? step : -.infinity, to.bounds.low - from.bounds.high)
        let most = min(maximum, to.bounds.high - from.bounds.low)
        guard least <= most else { return nil }
        switch fields[b].kind {
        case .date: return .integer(minimum: Int64(least.rounded(.up)), maximum: Int64(most.rounded(.down)), step: 1)
        case .datetime(let low, _, let step):
            guard case .datetime(let other, _, _) = fields[a].kind, (low - other) % step == 0 else { return nil }
            return .integer(minimum: Int64(least.rounded(.up)), maximum: Int64(most.rounded(.down)), step: step)
        case .integer(let low, _, let step):
            guard maximum.isFinite, 2 * (most - least) <= to.bounds.high - to.bounds.low,
                  case .integer(let other, _, _) = fields[a].kind, (low - other) % step == 0 else { return nil }
            return .integer(minimum: Int64(least.rounded(.up)), maximum: Int64(most.rounded(.down)), step: step)
        default: return nil
        }
    }

    /// Fields of the learned columns in the schema's order, and what each of them is.
    mutating func learnedSchema() throws -> Schema {
        var out: [Field] = []
        var bare = TextForm()
        bare.missingValues = []
        for (j, field) in fields.enumerated() {
            if !taken.contains(j) {
                out.append(field)
                sources.append(.plain(j))
            } else if let d = differences.first(where: { $0.column == j }) {
                out.append(Field(name: field.name, kind: d.kind, required: field.required, form: bare))
                sources.append(.difference(j, from: d.from))
            } else if let g = flags.firstIndex(where: { $0[0].column == j }) {
                var levels = flags[g].map { fields[$0.column].name }
                if none[g] {
                    var name = "none"
                    while levels.contains(name) { name = "(\(name))" }
                    levels.append(name)
                }
                out.append(Field(name: field.name, kind: .categorical(levels: levels), form: bare))
                sources.append(.flags(flags[g]))
            } else if computed.contains(where: { $0.column == j }), !field.required {
                out.append(Field(name: field.name, kind: .categorical(levels: ["given"]), required: false, form: bare))
                sources.append(.given(j))
            }
        }
        var metadata = schema.metadata
        metadata[Schema.rulesKey] = nil
        return try Schema(fields: out, missingValues: schema.missingValues, missingLabels: schema.missingLabels,
                          metadata: metadata)
    }

    func computedInOrder() -> [RowShape.Computed] {
        var out: [RowShape.Computed] = [], left = computed
        while let k = left.firstIndex(where: { c in !left.contains { c.formula.inputs.contains($0.column) } }) {
            let (column, formula) = left.remove(at: k)
            out.append(RowShape.Computed(column: column, formula: formula,
                                         given: sources.firstIndex(of: .given(column))))
        }
        return out
    }
}
