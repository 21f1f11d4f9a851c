// A table from an AnnData dataframe, column by column: each is found by its name, its cells are given to the table in their own type, and
// the table checks every one against the schema. Memory: the table and one column of eight bytes a cell. Columns that the schema does
// not name are not looked at, nor is the order of columns or what the rows are called.

import Basics
import Tables

/// The dataframe in `group` of the file at `path`. The file is the user's own: see Guards.swift for what is refused all the same.
/// - Parameters:
///   - schema: nil takes the one that libflip stores with its own dataframes.
///   - progress: called with the cells done and all cells before each column; false stops.
/// - Throws: `.io`; `.format` for a file that is not such a dataframe; `.schema` naming column, row and rule, never a value;
///   `.noMemory`; `.cancelled`.
package func readTable(_ path: String, group: String = "/data", schema: Schema? = nil, limits: Limits = Limits(),
                       progress: TableProgress? = nil) throws -> Table {
    var frame = try FileReader(dataSet: path, limits: limits).root()
    for name in try components(group) { frame = try frame.group(name) }
    if frame.hasAttribute("encoding-type") {
        guard try frame.attribute("encoding-type", maxBytes: 256) == "dataframe" else {
            throw Failure(.format, "\(path), \(quoted(group)): must be a dataframe")
        }
    }
    return try read(frame, path, schema ?? storedSchema(frame, path, group), progress)
}

/// The schema stored with the dataframe in `group` of the file at `path`.
/// - Throws: as `readTable`; `.schema` when there is none.
package func readSchema(_ path: String, group: String = "/data") throws -> Schema {
    var frame = try FileReader(dataSet: path).root()
    for name in try components(group) { frame = try frame.group(name) }
    return try storedSchema(frame, path, group)
}

private func storedSchema(_ frame: GroupReader, _ path: String, _ group: String) throws -> Schema {
    guard frame.hasAttribute("flip-schema") else {
        throw Failure(.schema, "\(path), \(quoted(group)): holds no schema (attribute \"flip-schema\"): give one")
    }
    return try Schema(json: frame.attribute("flip-schema", maxBytes: 16 << 20))
}

private func read(_ frame: GroupReader, _ path: String, _ schema: Schema, _ progress: TableProgress?) throws -> Table {
    var table: Table?
    for (j, field) in schema.fields.enumerated() {
        let source = try ColumnSource(frame, FieldText(field))
        if table == nil {
            guard source.rows > 0 else { throw Failure(.schema, "\(path): the table has no rows") }
            table = try Table(schema: schema, rows: source.rows)
        }
        guard let table, table.rows == source.rows else { throw frame.failure(field.name, "has another number of rows than the other columns") }
        let (total, overflow) = table.rows.multipliedReportingOverflow(by: schema.fields.count)
        if let progress, !progress(j * table.rows, overflow ? Int.max : total) { throw Failure(.cancelled, "\(path): reading was cancelled") }
        do {
            try ColumnReader(table, field, source).read()
        } catch let failure as Failure where failure.code == .schema {
            throw Failure(.schema, "\(path): \(failure.message)")
        }
    }
    guard let table else { throw Failure(.schema, "\(path): the table has no columns") }
    try table.requireComplete()
    return table
}
