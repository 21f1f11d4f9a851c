// Rows that fit a schema, column by column.
// A table is either built row by row (TableBuilder, CSVReader) and complete from the start, or made for a number of
// rows and filled one column after another (Table+Set.swift); `requireComplete` tells a half-filled one apart. It can
// be neither printed nor compared: it may hold private rows.

import Basics
import Glibc

package final class Table: @unchecked Sendable {
    package let schema: Schema
    package private(set) var rows: Int
    package let columns: [Column]
    /// Each person has at most so many of the rows; 0: nothing is known of persons.
    package internal(set) var rowsPerPerson = 0
    /// Where set, the table is only a check: a cell that breaks its field's rule is noted here and counts as missing.
    package var breaches: CellBreaches?
    /// Whether a cell that breaks its field's rule becomes the nearest value or missing, and a row that breaks a rule
    /// between columns is repaired or left out ("invalid": "coerce"), when columns are set.
    package let coerces: Bool
    /// Rows that broke the schema's rules and were left out while the table was read, as "invalid": "coerce" allows.
    package internal(set) var dropped = 0
    /// Which columns hold their cells.
    private var filled: [Bool]

    /// A table whose columns are still to be set.
    /// - Throws: `.schema` for no rows, `.noMemory`.
    package init(schema: Schema, rows: Int, coerces: Bool = false) throws {
        try Table.checkRows(rows)
        (self.schema, self.rows, self.coerces) = (schema, rows, coerces)
        columns = try schema.fields.map { field in
            let column = try Column(field, capacity: rows)
            // Missing in every storage, NaN included: never what memory held before.
            memset(column.base, 0xFF, rows * column.storage.bytes)
            return column
        }
        filled = [Bool](repeating: false, count: columns.count)
    }

    /// The finished work of a builder: all columns hold `rows` cells.
    init(schema: Schema, rows: Int, columns: [Column]) {
        (self.schema, self.rows, self.columns, coerces) = (schema, rows, columns, false)
        filled = [Bool](repeating: true, count: columns.count)
    }

    /// Rows of a table stay below this: what is computed from private rows later relies on it, so a loader must refuse
    /// more.
    package static let maxRows = 1 << 29

    /// - Throws: `.schema` for no rows or too many.
    static func checkRows(_ rows: Int) throws {
        guard rows > 0 else { throw Failure(.schema, "the table has no rows") }
        guard rows < maxRows else {
            throw Failure(.schema, "the table has too many rows: they must be fewer than 536870912")
        }
    }

    package var isComplete: Bool { !filled.contains(false) }

    /// - Throws: `.state` naming the first column that was never set.
    package func requireComplete() throws {
        if let i = filled.firstIndex(of: false) {
            throw Failure(.state, "column \(quoted(schema.fields[i].name)) was never set")
        }
    }

    /// - Throws: `.argument` when there is none of that name.
    package func column(_ name: String) throws -> Column { columns[try schema.place(of: name)] }

    package var bytesPerRow: Int { TableLayout(schema).bytesPerRow }

    /// A column that a failed setter leaves behind counts as never set.
    package func fill(_ place: Int, _ body: (Column) throws -> Void) throws {
        filled[place] = false
        try body(columns[place])
        filled[place] = true
    }

    /// `fill` for a host's cells: with the last column the rows must keep the schema's rules.
    /// - Throws: `.schema` naming the broken rules; the column then counts as never set. `.state` where rows were left
    ///   out already.
    func load(_ place: Int, _ body: (Column) throws -> Void) throws {
        guard dropped == 0 else {
            throw Failure(.state, "rows were left out of this table: its columns cannot be set again")
        }
        if filled[place] { columns[place].replaced = 0 }
        do { try fill(place, body) } catch {
            columns[place].replaced = 0
            throw error
        }
        guard isComplete, !schema.rules.isEmpty else { return }
        filled[place] = false
        try keepRules(coerce: coerces)
        filled[place] = true
    }

    /// Leaves out all rows but these, which are in rising order.
    func drop(allBut kept: [Int32]) {
        for column in columns {
            let bytes = column.storage.bytes
            for (i, row) in kept.enumerated() where i < Int(row) {
                (column.base + i * bytes).copyMemory(from: column.base + Int(row) * bytes, byteCount: bytes)
            }
        }
        dropped += rows - kept.count
        rows = kept.count
    }

    /// Rows `first ..< first + count` as a table of their own.
    /// - Throws: `.argument` outside the table, `.schema` for no rows, `.noMemory`.
    package func slice(first: Int, count: Int) throws -> Table {
        try checkRange(first, count)
        try requireComplete()
        let out = try Table(schema: schema, rows: count)
        for (i, column) in columns.enumerated() {
            let bytes = column.storage.bytes
            try out.fill(i) { $0.base.copyMemory(from: column.base + first * bytes, byteCount: count * bytes) }
        }
        out.rowsPerPerson = rowsPerPerson
        return out
    }

    /// The rows of several tables of one schema, one table after another.
    /// - Throws: `.argument` for no table or different schemas; `.state` for one that is not complete; `.noMemory`.
    package static func joined(_ tables: [Table]) throws -> Table {
        guard let first = tables.first, tables.allSatisfy({ $0.schema == first.schema }) else {
            throw Failure(.argument, "tables of one schema are needed")
        }
        if tables.count == 1 { return first }
        for table in tables { try table.requireComplete() }
        let out = try Table(schema: first.schema, rows: tables.reduce(0) { $0 + $1.rows })
        for j in out.columns.indices {
            try out.fill(j) { target in
                var row = 0
                for table in tables {
                    let bytes = target.storage.bytes
                    (target.base + row * bytes).copyMemory(from: table.columns[j].base, byteCount: table.rows * bytes)
                    row += table.rows
                }
            }
        }
        return out
    }

    func checkRange(_ first: Int, _ count: Int) throws {
        guard first >= 0, count >= 0, first <= rows, count <= rows - first else {
            throw Failure(.argument, "rows outside the table: it has \(rows) rows")
        }
    }
}
