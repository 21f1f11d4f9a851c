// What the cells of one column break: for each rule how often, and where first. Counts and places only, never values.

import Basics

package final class CellBreaches {
    package let field: Field
    /// What is added to the row of a note: the rows of earlier batches, and 1 where places count from 1.
    package var origin: Int
    private var found: [Int64: (count: Int, first: Int)] = [:]
    private var others: [(rule: String, count: Int, first: Int)] = []
    /// Rows of the batch that were noted in words: a second note of the same cell does not count.
    private var settled: Set<Int> = []

    package init(_ field: Field, origin: Int = 0) {
        self.field = field
        self.origin = origin
    }

    /// A cell at `row` that was refused with a `BadCell` code.
    func note(_ verdict: Int64, _ row: Int) {
        guard !settled.contains(row) else { return }
        found[verdict, default: (0, row + origin)].count += 1
    }

    /// A cell at `row` that breaks a rule which has no code.
    package func note(_ rule: String, _ row: Int) {
        settled.insert(row)
        if let i = others.firstIndex(where: { $0.rule == rule }) { others[i].count += 1 } else {
            others.append((rule, 1, row + origin))
        }
    }

    /// Notes from here on are of the next batch of rows.
    package func next(origin: Int) {
        self.origin = origin
        settled = []
    }

    package var all: [SchemaBreach] {
        found.sorted { $0.key > $1.key }.map { verdict, seen in
            let rule = BadCell(rawValue: verdict)?.rule(field) ?? "not valid"
            return SchemaBreach(column: field.name, rule: rule, count: seen.count, first: seen.first)
        } + others.map { SchemaBreach(column: field.name, rule: $0.rule, count: $0.count, first: $0.first) }
    }
}
