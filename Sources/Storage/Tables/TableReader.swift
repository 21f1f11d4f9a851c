// Reads tables from an AnnData dataframe, whole or in batches of rows.
// Each column is found by its name, its cells are given to the table in their own type, and the table checks every one
// against the schema. Columns that the schema does not name are not looked at, nor is the order of columns or what the
// rows are called.

import Basics
import Tables

/// A dataframe in a file, read in batches. The file is the user's own: see Guards.swift for what is refused all the
/// same.
package final class FrameReader {
    package let schema: Schema
    /// Rows in all.
    package let rows: Int
    /// Rows read so far.
    package private(set) var done = 0
    private let path: String
    private let columns: [ColumnSource], coerces: Bool
    /// Cells that were replaced and rows that were left out so far.
    package private(set) var replaced = ReplacedCells()

    /// - Parameters:
    ///   - group: where in the file, such as "/data" or "/a/b"; "/" is the root; nil is "/data", or where a file of
    ///     AnnData has a
    ///     dataframe: the root, "/obs".
    ///   - schema: nil takes the one that libflip stores with its own dataframes.
    ///   - coerces: whether cells and rows that break the schema are replaced, repaired or left out (`Table.coerces`).
    /// - Throws: `.io`; `.format` for a file that is not such a dataframe; `.schema` when it has no rows or, if asked
    ///   for, no schema.
    package init(_ path: String, group: String? = nil, schema: Schema? = nil, coerces: Bool = false,
                 limits: Limits = Limits()) throws {
        let frame = try Frame(path, group, limits)
        let schema = try schema ?? frame.storedSchema()
        let columns = try schema.fields.map { try ColumnSource(frame, FieldText($0)) }
        let rows = columns.first?.rows ?? 0
        if let i = columns.firstIndex(where: { $0.rows != rows }) {
            throw frame.group.failure(schema.fields[i].name, "has another number of rows than the other columns")
        }
        guard rows > 0 else { throw Failure(.schema, "\(path): the table has no rows") }
        (self.path, self.schema, self.rows, self.columns, self.coerces) = (path, schema, rows, columns, coerces)
    }

    /// Up to `maximum` further rows; nil when there are none left. Memory: the batch and one column of eight bytes a
    /// cell.
    /// - Throws: `.schema` naming column, row (of the file, from 1) and rule, never a value; `.format`; `.noMemory`;
    ///   `.cancelled`.
    package func next(_ maximum: Int, progress: TableProgress? = nil) throws -> Table? {
        guard maximum > 0 else { throw Failure(.argument, "a batch has at least one row") }
        let count = min(maximum, rows - done)
        guard count > 0 else { return nil }
        let table = try Table(schema: schema, rows: count, coerces: coerces)
        for (j, field) in schema.fields.enumerated() {
            let (total, overflow) = rows.multipliedReportingOverflow(by: columns.count)
            if let progress, !progress(overflow ? 0 : done * columns.count + j * count, overflow ? 0 : total) {
                throw Failure(.cancelled, "\(path): reading was cancelled")
            }
            do {
                var reader = try ColumnReader(table, field, columns[j], first: done)
                try reader.read()
            } catch let failure as Failure where failure.code == .schema {
                throw Failure(.schema, "\(path): \(renumbered(failure.message, field, by: done))")
            }
        }
        try table.requireComplete()
        done += count
        if coerces { replaced = replaced.with(table) }
        return table
    }
}

/// The whole dataframe in `group` of the file at `path`.
/// - Parameters:
///   - group: as for `FrameReader`.
///   - schema: nil takes the one that libflip stores with its own dataframes.
///   - coerces: as for `FrameReader`.
///   - progress: called with the cells done and all cells before each column; false stops.
/// - Throws: as `FrameReader`.
package func readTable(_ path: String, group: String? = nil, schema: Schema? = nil, coerces: Bool = false,
                       limits: Limits = Limits(), progress: TableProgress? = nil) throws -> Table {
    let reader = try FrameReader(path, group: group, schema: schema, coerces: coerces, limits: limits)
    guard let table = try reader.next(reader.rows, progress: progress) else {
        throw Failure(.schema, "\(path): the table has no rows")
    }
    return table
}

/// The schema stored with the dataframe in `group` of the file at `path`.
/// - Throws: as `FrameReader`; `.schema` when there is none.
package func readSchema(_ path: String, group: String? = nil) throws -> Schema { try Frame(path, group).storedSchema() }

/// The names of the columns of the dataframe in `group` of the file at `path`, in its order.
/// - Throws: as `FrameReader`.
package func columnNames(_ path: String, group: String? = nil) throws -> [String] { try Frame(path, group).names() }

/// A message about a cell of a batch, with the row of the file in place of the row of the batch.
private func renumbered(_ message: String, _ field: Field, by first: Int) -> String {
    let start = "column \(quoted(field.name)), row "
    guard first > 0, message.hasPrefix(start) else { return message }
    let rest = message.dropFirst(start.count)
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard let row = Int(digits) else { return message }
    return start + String(row + first) + rest.dropFirst(digits.count)
}
