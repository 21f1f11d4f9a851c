// A table that grows row by row. Every cell is checked against the schema when it is given.

import Basics

/// Give each column its cell with `append`, then `endRow`; at the end `finish`. After an error the builder still holds
/// the rows that were ended before.
package final class TableBuilder {
    package let schema: Schema
    package private(set) var rows = 0
    let columns: [Column]
    private var capacity: Int
    private var given: [Bool]
    private var finished = false

    /// - Parameter expectedRows: room made at once; more is made as needed.
    package init(schema: Schema, expectedRows: Int = 0) throws {
        guard expectedRows >= 0 else { throw Failure(.argument, "the expected number of rows is negative") }
        self.schema = schema
        capacity = max(expectedRows, 64)
        let room = capacity
        columns = try schema.fields.map { try Column($0, capacity: room) }
        given = [Bool](repeating: false, count: columns.count)
    }

    /// A value as a double: the number, level index, 0 or 1, days, microseconds; NaN is missing. For a categorical
    /// field of another type than string it is the level's value.
    package func append(_ value: Double, column: Int) throws { try append(column) { $0.store($1, value) } }
    package func append(int value: Int64, column: Int) throws { try append(column) { $0.store($1, int: value) } }
    package func appendMissing(column: Int) throws { try append(column) { $0.storeMissing($1) } }

    /// An offset as `Column.offset` gives it; -1 is missing. Not for a number without a step.
    package func append(offset: Int64, column: Int) throws {
        try append(column) { column, row in
            if offset == missingOffset { return column.storeMissing(row) }
            guard offset >= 0, offset < column.domain.count else { return BadCell.badCode.rawValue }
            column.put(row, offset)
            return offset
        }
    }

    private func append(_ place: Int, _ store: (Column, Int) -> Int64) throws {
        guard columns.indices.contains(place) else { throw Failure(.argument, "there is no column \(place)") }
        try reserve(rows + 1)
        let verdict = store(columns[place], rows)
        if verdict < missingOffset { throw badCell(verdict, columns[place].field, rows) }
        given[place] = true
    }

    /// Ends the row. Columns that were given nothing are missing.
    /// - Throws: `.schema` when one of them is required.
    package func endRow() throws {
        try reserve(rows + 1)
        for (i, column) in columns.enumerated() where !given[i] {
            let verdict = column.storeMissing(rows)
            if verdict < missingOffset { throw badCell(verdict, column.field, rows) }
        }
        advance(1)
        for i in given.indices { given[i] = false }
    }

    /// Counts rows whose cells were all put.
    func advance(_ count: Int) { rows += count }

    /// Room for `count` rows; grows by half, so that appending stays linear.
    func reserve(_ count: Int) throws {
        guard !finished else { throw Failure(.state, "the table is finished") }
        guard count > capacity else { return }
        let (more, over) = capacity.addingReportingOverflow(capacity / 2)
        let room = max(count, over ? Int.max : more)
        for column in columns { try column.setCapacity(room) }
        capacity = room
    }

    /// The table. Ends the builder.
    /// - Throws: `.schema` when there are no rows, `.state` the second time.
    package func finish() throws -> Table {
        guard !finished else { throw Failure(.state, "the table is finished") }
        try Table.checkRows(rows)
        for column in columns { try column.setCapacity(rows) }
        finished = true
        return Table(schema: schema, rows: rows, columns: columns)
    }
}

/// The error of a refused cell. Rows count from 1 in messages.
func badCell(_ verdict: Int64, _ field: Field, _ row: Int) -> Failure {
    let rule = BadCell(rawValue: verdict)?.rule(field) ?? "not valid"
    return Failure(.schema, "column \(quoted(field.name)), row \(row + 1): \(rule)")
}
