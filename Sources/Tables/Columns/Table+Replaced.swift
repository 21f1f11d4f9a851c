// How many cells of which column were replaced while a table was read with "invalid": "coerce".
// Counts only, never values.

import Basics

extension Table {
    /// The columns in which cells were replaced, in the schema's order, with how many. Empty for a table that was read
    /// without coercion.
    package var replaced: [(column: String, count: Int)] {
        columns.filter { $0.replaced > 0 }.map { ($0.field.name, $0.replaced) }
    }

    /// A sentence for people; nil where nothing was replaced.
    package var replacedText: String? {
        let rows = dropped == 0 ? nil : "rows that broke the schema's rules and were left out: \(dropped)"
        let texts = [Table.replacedText(replaced), rows].compactMap { $0 }
        return texts.isEmpty ? nil : texts.joined(separator: "; ")
    }

    package static func replacedText(_ counts: [(column: String, count: Int)]) -> String? {
        guard !counts.isEmpty else { return nil }
        let shown = counts.prefix(8).map { "\(quoted($0.column)): \($0.count)" }.joined(separator: ", ")
        let list = shown + (counts.count > 8 ? ", …" : "")
        return "cells that broke the schema and were replaced by missing or the nearest value: \(list)"
    }
}
