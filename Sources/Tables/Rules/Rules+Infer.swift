// Proposes rules that hold in every row of a file, for people to judge. What is proposed was read off the rows, like
// the levels and bounds beside it: the schema keeps its mark "assume-public" until somebody takes it away.

import Basics

extension Schema {
    /// Fewer rows than this show no rule.
    private static let fewest = 100

    /// This schema with rules that hold in every row of the CSV file it was read off.
    /// - Throws: as reading the file.
    package func proposingRules(csv path: String, _ options: InferOptions,
                                progress: TableProgress? = nil) throws -> Schema {
        var csv = options.csv
        csv.extra = .ignore
        let reader = try CSVReader(path, self, csv, progress: progress)
        var search = try RuleSearch(self)
        while let batch = try reader.next(8192) {
            search.read(batch)
            if search.isOver { break }
        }
        let rules = reader.rows < Schema.fewest ? [] : search.proposals
        return rules.isEmpty ? self : try with { $0[Schema.rulesKey] = .array(rules) }
    }
}

/// Candidates that no row has broken so far.
private struct RuleSearch {
    private enum Candidate {
        case order(Int, Int)
        case equal(Int, Int)
        case sum(Int, [Int])
        case exactlyOne([Int])
        case depends(Int, on: Int, table: [Int64: Int64])
        case missingTogether(Int, Int)
    }
    private let schema: Schema
    private var open: [Candidate] = []
    /// How often a candidate was put to the test: by rows with both cells, or, of missing cells, by missing ones.
    private var tests: [Int] = []
    /// Whether some row tells the candidate from a weaker one.
    private var shown: [Bool] = []

    var isOver: Bool { open.isEmpty }

    init(_ schema: Schema) throws {
        self.schema = schema
        let fields = schema.fields, all = fields.indices
        func pairs(_ c: [Int]) -> [(Int, Int)] { c.flatMap { a in c.filter { $0 != a }.map { (a, $0) } } }
        for type in [FieldType.date, .datetime] {
            open += pairs(all.filter { fields[$0].type == type && fields[$0].levels == nil }).prefix(400)
                .map { .order($0.0, $0.1) }
        }
        let numbers = all.filter { [.integer, .number].contains(fields[$0].type) && fields[$0].levels == nil }
        if numbers.count <= 40 {
            open += pairs(numbers).filter { $0.0 > $0.1 && fields[$0.0].type == fields[$0.1].type }
                .map { .equal($0.0, $0.1) }
            // A total of up to four columns that stand side by side.
            for target in numbers {
                for first in numbers.indices {
                    for count in 2...4 where first + count <= numbers.count {
                        let parts = Array(numbers[first..<first + count])
                        if !parts.contains(target) { open.append(.sum(target, parts)) }
                    }
                }
            }
        }
        let flags = all.filter { j in
            if case .integer(0, 1, _) = fields[j].kind { return fields[j].required }
            return fields[j].kind == .boolean && fields[j].required
        }
        for first in flags.indices {
            for count in 2...max(2, min(8, flags.count)) where first + count <= flags.count {
                let group = Array(flags[first..<first + count])
                if group.last.map({ $0 - group[0] }) == count - 1 { open.append(.exactlyOne(group)) }
            }
        }
        let texts = all.filter { j in
            if case .categorical(let levels) = fields[j].kind { return (2...200).contains(levels.count) }
            return false
        }
        if texts.count <= 40 {
            open += pairs(texts).filter { $0.0 > $0.1 && fields[$0.0].levels == fields[$0.1].levels }
                .map { .equal($0.0, $0.1) }
            open += pairs(texts).filter {
                (fields[$0.1].levels?.count ?? 0) > (fields[$0.0].levels?.count ?? 0)
            }.map { .depends($0.0, on: $0.1, table: [:]) }
        }
        let optional = all.filter { !fields[$0].required }
        if optional.count <= 60 { open += pairs(optional).filter { $0.0 < $0.1 }.map { .missingTogether($0.0, $0.1) } }
        tests = open.map { _ in 0 }
        shown = open.map { _ in false }
    }

    mutating func read(_ table: Table) {
        for k in open.indices.reversed() where !holds(&open[k], &tests[k], &shown[k], table) {
            open.remove(at: k)
            tests.remove(at: k)
            shown.remove(at: k)
        }
    }

    private func holds(_ c: inout Candidate, _ tests: inout Int, _ shown: inout Bool, _ t: Table) -> Bool {
        for i in 0..<t.rows {
            func x(_ j: Int) -> Double { t.columns[j].double(i) }
            switch c {
            case .order(let a, let b):
                let d = x(b) - x(a)
                if d < 0 { return false }
                if d > 0 { shown = true }
                if !d.isNaN { tests += 1 }
            case .equal(let a, let b):
                let d = x(b) - x(a)
                if d != 0, !d.isNaN { return false }
                if x(a) != 0 { shown = true }
                if !d.isNaN { tests += 1 }
            case .sum(let target, let parts):
                let sum = parts.reduce(0) { $0 + x($1) }, y = x(target)
                if sum.isNaN || y.isNaN { continue }
                if abs(sum - y) > 1e-9 * max(1, abs(y)) { return false }
                tests += 1
                if parts.allSatisfy({ x($0) != 0 }) { shown = true }
            case .exactlyOne(let group):
                if group.reduce(0, { $0 + x($1) }) != 1 { return false }
                tests += 1
                shown = true
            case .depends(let target, let source, var table):
                let a = t.columns[source].offset(i), b = t.columns[target].offset(i)
                if a < 0 || b < 0 { continue }
                if let known = table[a] {
                    if known != b { return false }
                    tests += 1
                } else {
                    table[a] = b
                    c = .depends(target, on: source, table: table)
                }
            case .missingTogether(let a, let b):
                if x(a).isNaN != x(b).isNaN { return false }
                if x(a).isNaN { tests += 1 } else { shown = true }
            }
        }
        return true
    }

    /// Whether an order holds by the bounds of its columns, or by two others through a column that is never missing.
    private func follows(_ a: Int, _ b: Int, from orders: Set<[Int]>) -> Bool {
        switch (schema.fields[a].kind, schema.fields[b].kind) {
        case (.date(_, let high), .date(let low, _)) where high <= low: return true
        case (.datetime(_, let high, _), .datetime(let low, _, _)) where high <= low: return true
        default:
            return schema.fields.indices.contains {
                schema.fields[$0].required && orders.contains([a, $0]) && orders.contains([$0, b])
            }
        }
    }

    /// Rules as JSON: those that enough rows speak for.
    var proposals: [JSON] {
        func name(_ j: Int) -> JSON { .string(schema.fields[j].name) }
        var groups: [[Int]] = [], out: [JSON] = []
        let orders = open.indices.compactMap { k -> [Int]? in
            if case .order(let a, let b) = open[k], tests[k] >= 50, shown[k] { return [a, b] }
            return nil
        }
        for (k, c) in open.enumerated() where tests[k] >= 50 {
            switch c {
            case .order(let a, let b) where shown[k] && !follows(a, b, from: Set(orders)):
                out.append(.members([("name", .string("\(schema.fields[a].name) to \(schema.fields[b].name)")),
                                     ("order", .array([name(a), name(b)]))]))
            case .equal(let a, let b) where shown[k]:
                out.append(.members([("name", .string("\(schema.fields[a].name) copied")),
                                     ("equal", .members([(schema.fields[a].name, name(b))]))]))
            case .sum(let target, let parts) where shown[k]:
                out.append(.members([("name", .string("\(schema.fields[target].name) summed")),
                                     ("sum", .members([(schema.fields[target].name, .array(parts.map(name)))]))]))
            case .exactlyOne(let group):
                groups.append(group)
            case .depends(let target, let source, let table)
                where tests[k] >= 10 * table.count && Set(table.values).count >= 2:
                guard let from = schema.fields[source].levels, let to = schema.fields[target].levels,
                      table.count == from.count else { continue }
                let pairs = table.sorted { $0.key < $1.key }.map { (from[Int($0.key)], JSON.string(to[Int($0.value)])) }
                let title = "\(schema.fields[source].name) to \(schema.fields[target].name)"
                out.append(.members([("name", .string(title)),
                                     ("depends", .members([(schema.fields[target].name, name(source))])),
                                     ("table", .members(pairs))]))
            case .missingTogether(let a, let b) where shown[k]:
                out.append(.members([("name", .string("\(schema.fields[a].name), \(schema.fields[b].name) missing")),
                                     ("missing_together", .array([name(a), name(b)]))]))
            default: continue
            }
        }
        // Of groups inside one another the larger one is not exactly one unless the rest is always unset.
        for group in groups where !groups.contains(where: { $0.count < group.count && Set($0).isSubset(of: group) }) {
            out.append(.members([("name", .string("one of " + group.map { schema.fields[$0].name }
                                    .joined(separator: ", "))), ("exactly_one", .array(group.map(name)))]))
        }
        // One computed column each, none from itself: a proposal that the others contradict is left out.
        var taken: [JSON] = []
        for rule in out where (try? schema.with(metadata: { $0[Schema.rulesKey] = .array(taken + [rule]) })) != nil {
            taken.append(rule)
        }
        return taken
    }
}
