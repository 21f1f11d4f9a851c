// Rules at loading: a table whose rows break one is refused, or its rows are repaired or dropped one by one.
//
// # Guarantee
// What happens to a row depends on that row and the schema alone, so neighbouring tables stay neighbouring: a row that
// is repaired becomes one other row, and one that is dropped becomes none. It happens before the promise begins.

import Basics

extension Table {
    /// Requires that every row keeps every rule.
    /// - Parameter coerce: repairs what a rule decides by itself and drops rows that still break one. A computed column
    ///   is computed again, a dependent one takes the value of its table, and a column that must be missing becomes
    ///   missing. Rules are gone through in their order, once.
    /// - Parameter persons: whose the rows are.
    /// - Returns: `persons` without those of dropped rows.
    /// - Throws: `.schema` naming each broken rule and how many rows break it, never a value; when no row is left.
    @discardableResult
    func keepRules(coerce: Bool, persons: PersonList? = nil) throws -> PersonList? {
        let rules = schema.rules
        guard !rules.isEmpty else { return persons }
        let used = rules.usedColumns, x = try Buffer<Double>(count: schema.fields.count, for: "a row")
        var counts = [Int](repeating: 0, count: rules.all.count), kept: [Int32] = []
        for i in 0..<rows {
            for j in used { x[j] = columns[j].double(i) }
            if !coerce {
                for (k, rule) in rules.all.enumerated() where !rule.holds(x.base, rules) { counts[k] += 1 }
                continue
            }
            for rule in rules.all where !rule.holds(x.base, rules) {
                guard let (j, v) = rule.repair(x.base, rules) else { continue }
                x[j] = v
                columns[j].put(i, value: v)
                columns[j].replaced += 1
            }
            if rules.broken(x.base) == nil { kept.append(Int32(truncatingIfNeeded: i)) }
        }
        if let text = rules.text(broken: counts) { throw Failure(.schema, text) }
        guard coerce, kept.count < rows else { return persons }
        guard !kept.isEmpty else { throw Failure(.schema, "no row keeps the rules of the schema") }
        drop(allBut: kept)
        return try persons.map { all in
            let list = try PersonList()
            for i in kept { try list.append(all[Int(i)]) }
            return list
        }
    }
}

extension Rules {
    /// What is wrong with a table, by name and count; nil where nothing is.
    func text(broken counts: [Int]) -> String? {
        let found = counts.indices.filter { counts[$0] > 0 }
        guard !found.isEmpty else { return nil }
        let shown = found.prefix(8).map {
            "\(all[$0].title(columns.map(\.field))) in \(counts[$0]) row\(counts[$0] == 1 ? "" : "s")"
        }
        return "rows break the schema's rules: " + shown.joined(separator: ", ") + (found.count > 8 ? ", …" : "")
            + "; the option \"invalid\": \"coerce\" repairs or drops such rows"
    }
}

extension Rule {
    /// The cell that keeps the rule where the rule itself decides it; nil where it does not.
    package func repair(_ x: UnsafePointer<Double>, _ rules: Rules) -> (column: Int, value: Double)? {
        switch body {
        case .derived(let target, let formula):
            return rules.columns[target].nearest(formula.value(x, rules)).map { (target, $0) }
        case .depends(let target, let source, let table): return table[x[source]].map { (target, $0) }
        case .missingUnless(let target, _): return (target, .nan)
        default: return nil
        }
    }
}
