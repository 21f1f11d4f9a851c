// How many cells of which column were replaced while a table was read with "invalid": "coerce".
// Counts only, never values.

import Basics

/// The columns in which cells were replaced, in the schema's order, with how many, and how many rows were left out.
package struct ReplacedCells {
    package let counts: [(column: String, count: Int)]
    /// Rows that broke a rule between columns and were left out.
    package let dropped: Int

    package init(_ counts: [(column: String, count: Int)] = [], dropped: Int = 0) {
        self.counts = counts.filter { $0.count > 0 }
        self.dropped = dropped
    }

    /// These and those of one more batch of rows.
    package func with(_ table: Table) -> ReplacedCells {
        let more = table.columns.map { column in
            (column.field.name, column.replaced + (counts.first { $0.column == column.field.name }?.count ?? 0))
        }
        return ReplacedCells(more, dropped: dropped + table.dropped)
    }

    /// An object {column: count}.
    package var json: JSON { .object(JSONObject(counts.map { ($0.column, .int(Int64($0.count))) })) }

    /// A sentence for people; nil where nothing was replaced or left out.
    package var text: String? {
        let rows = dropped == 0 ? nil : "rows that broke the schema's rules and were left out: \(dropped)"
        let texts = [cells, rows].compactMap { $0 }
        return texts.isEmpty ? nil : texts.joined(separator: "; ")
    }

    private var cells: String? {
        guard !counts.isEmpty else { return nil }
        let shown = counts.prefix(8).map { "\(quoted($0.column)): \($0.count)" }.joined(separator: ", ")
        let list = shown + (counts.count > 8 ? ", …" : "")
        return "cells that broke the schema and were replaced by missing or the nearest value: \(list)"
    }
}

extension Table {
    /// Nothing for a table that was read without coercion.
    package var replaced: ReplacedCells {
        ReplacedCells(columns.map { ($0.field.name, $0.replaced) }, dropped: dropped)
    }
}
