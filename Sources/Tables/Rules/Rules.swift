// All rules of a schema, read from its member "flip:rules" and checked against its fields.

import Basics

package struct Rules: Sendable {
    package let all: [Rule]
    /// One column for each field, without cells: they know what values there are. Empty where there are no rules.
    package let columns: [Column]
    /// For each column of the schema the rules that look at it, as places in `all`.
    package let ofColumn: [[Int]]

    package var isEmpty: Bool { all.isEmpty }
    package func map<T>(_ body: (Rule) throws -> T) rethrows -> [T] { try all.map(body) }

    /// Rules beyond this are no declaration any more.
    static let maxRules = 10_000

    /// - Parameter json: the member, or nil.
    /// - Throws: `.schema` naming rule, key and columns: for a rule that does not fit its columns, and for rules that
    ///   contradict each other or leave a level impossible.
    init(_ json: JSON?, fields: [Field], missingValues: [String], places: [String: Int]) throws {
        guard let json else {
            (all, columns, ofColumn) = ([], [], [])
            return
        }
        guard let list = json.asArray, list.count <= Self.maxRules else {
            throw Failure(.schema, "schema, \(quoted(Schema.rulesKey)): must be a list of at most "
                + "\(Self.maxRules) rules")
        }
        let reader = try ValueReader(fields: fields, missingValues: missingValues)
        columns = fields.indices.map(reader.column)
        let parser = RuleParser(fields: fields, reader: reader, places: places)
        all = try list.enumerated().map { try parser.rule($0.element, place: $0.offset) }
        var seen = Set<String>()
        for rule in all where !seen.insert(rule.name).inserted {
            throw Failure(.schema, "schema, \(quoted(Schema.rulesKey)): two rules are named \(quoted(rule.name))")
        }
        var of = [[Int]](repeating: [], count: fields.count)
        for (k, rule) in all.enumerated() { for j in rule.columns { of[j].append(k) } }
        ofColumn = of
        try checkComputed(fields)
        try checkBounds(fields)
        try checkLevels(fields)
    }

    /// Columns that some rule looks at, in the schema's order.
    package var usedColumns: [Int] { ofColumn.indices.filter { !ofColumn[$0].isEmpty } }

    /// The first rule that a row breaks; nil where it keeps all.
    package func broken(_ x: UnsafePointer<Double>) -> Int? {
        for k in all.indices where !all[k].holds(x, self) { return k }
        return nil
    }

    /// Day of a date or of a moment.
    func day(_ v: Double, column j: Int) -> Int64 {
        let whole = Int64(v.rounded(.down))
        if case .datetime = columns[j].field.kind { return floorDiv(whole, microsecondsPerDay) }
        return whole
    }
}

extension Rules: Equatable {
    package static func == (a: Rules, b: Rules) -> Bool { a.all == b.all }
}
