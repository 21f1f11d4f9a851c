// Writes a table to an HDF5 file as an AnnData dataframe, at once or in batches of rows.
// Memory: one chunk per column. `anndata.io.read_elem(file["data"])` gives the pandas frame.

import Basics
import CHDF5
import Tables

/// Writes `table` to `path`, where it appears complete or not at all.
package func writeTable(_ table: Table, to path: String, group: String = "/data") throws {
    let writer = try DataSetWriter(path, schema: table.schema, group: group, expectedRows: table.rows)
    try writer.append(table)
    try writer.finish()
}

/// A dataframe being written in batches. The path appears only with `finish()`.
package final class DataSetWriter {
    package let schema: Schema
    package private(set) var rows = 0
    private let target: AtomicFile
    private let file: FileWriter
    private let group: String
    private let chunkRows: Int
    private var columns: [ColumnWriter] = []
    private var open = true

    /// - Parameters:
    ///   - group: where in the file, such as "/data" or "/a/b".
    ///   - expectedRows: makes the chunks of a small table small. Files of equal content are equal when it is.
    package init(_ path: String, schema: Schema, group: String = "/data", expectedRows: Int? = nil) throws {
        (self.schema, self.group) = (schema, group)
        // A chunk of at most half a megabyte a column, less when there are many columns: 65536 rows for up to 256 of
        // them.
        let maxRows = max(1024, min(65_536, (1 << 24) / schema.fields.count))
        chunkRows = max(1, min(maxRows, expectedRows ?? maxRows))
        guard !schema.fields.contains(where: { $0.name == "_index" }) else {
            throw Failure(.schema, "column \"_index\": in an HDF5 dataframe this name is taken by the row labels")
        }
        let places = try ColumnPlace.places(schema.fields.map(\.name))
        target = try AtomicFile(path)
        file = try FileWriter(target)
        try file.root { root in
            try root.encoding("dict", "0.1.0")
            try within(root, components(group)) { frame in
                try frame.encoding("dataframe", "0.2.0")
                try frame.attribute("_index", "_index")
                try frame.attribute("column-order", places.map { $0.joined(separator: "/") })
                try frame.attribute("flip-schema", schema.json)
                var made = Set<String>()
                for (field, place) in zip(schema.fields, places) {
                    try nested(frame, place.dropLast(), &made) { group in
                        columns.append(try ColumnWriter(field, in: group, as: place[place.count - 1],
                            chunkRows: chunkRows))
                    }
                }
            }
        }
    }

    deinit { abandon() }

    /// Appends rows `first ..< first + count`, by default all, of a table with the same columns. After an error the
    /// writer is of no more use.
    package func append(_ table: Table, first: Int = 0, count: Int? = nil) throws {
        let count = count ?? table.rows - first
        guard open else { throw Failure(.state, "\(target.path): already closed") }
        guard table.schema.hasSameColumns(as: schema) else {
            throw Failure(.argument, "\(target.path): the batch has other columns")
        }
        guard first >= 0, count >= 0, first <= table.rows, count <= table.rows - first else {
            throw Failure(.argument, "rows outside the table")
        }
        try table.requireComplete()
        try orAbandon {
            for (writer, column) in zip(columns, table.columns) {
                try writer.append(column, first: first, count: count)
                try file.checkDisk()
            }
        }
        rows += count
    }

    /// Completes the file and puts it in place.
    /// - Throws: `.schema` when there are no rows; `.io`. Then nothing was changed at the path.
    package func finish() throws {
        guard open else { throw Failure(.state, "\(target.path): already closed") }
        try orAbandon {
            guard rows > 0 else { throw Failure(.schema, "the table has no rows") }
            for column in columns { try column.finish() }
            try file.root { root in try reopen(root, components(group)) { try writeIndex($0) } }
            columns = []
            try file.close()
            try Seal.seal(target)
            try target.commit()
        }
        open = false
    }

    /// Gives up: nothing is left behind. Does nothing after `finish`.
    package func abandon() {
        guard open else { return }
        open = false
        columns = []
        file.discard()
        target.abandon()
    }

    private func orAbandon(_ body: () throws -> Void) throws {
        do { try body() } catch {
            abandon()
            throw error
        }
    }

    /// The row labels 0, 1, 2, …, in 32 bits when they fit.
    private func writeIndex(_ frame: GroupWriter) throws {
        let wide = rows > Int(Int32.max)
        let index = try RowWriter(frame, "_index", .number(wide ? .int64 : .int32), chunkRows: chunkRows)
        try index.append(rows) { target, start, n in
            if wide {
                let target = target.assumingMemoryBound(to: Int64.self)
                for i in 0..<n { target[i] = Int64(start + i) }
            } else {
                let target = target.assumingMemoryBound(to: Int32.self)
                for i in 0..<n { target[i] = Int32(truncatingIfNeeded: start + i) }
            }
        }
        try index.finish()
    }
}

/// Creates the groups `path` below `group`, mappings but for the last, and hands the last one to `body`.
private func within(_ group: GroupWriter, _ path: ArraySlice<String>, _ body: (GroupWriter) throws -> Void) throws {
    guard let name = path.first else { return try body(group) }
    if path.count == 1 { return try group.rawGroup(name, body) }
    try group.group(name) { try within($0, path.dropFirst(), body) }
}

/// Hands `body` the group at `path` below `group`, for columns whose names have several parts. `made`: the paths of the
/// groups there are.
private func nested(_ group: GroupWriter, _ path: ArraySlice<String>, _ made: inout Set<String>,
                    _ body: (GroupWriter) throws -> Void) throws {
    guard let name = path.first else { return try body(group) }
    if made.insert(Name.join(group.path, name)).inserted {
        try group.rawGroup(name) { try nested($0, path.dropFirst(), &made, body) }
    } else {
        try group.reopen(name) { try nested($0, path.dropFirst(), &made, body) }
    }
}

/// Opens the groups `path` below `group`, which are there, and hands the last one to `body`.
private func reopen(_ group: GroupWriter, _ path: ArraySlice<String>, _ body: (GroupWriter) throws -> Void) throws {
    guard let name = path.first else { return try body(group) }
    try group.reopen(name) { try reopen($0, path.dropFirst(), body) }
}

/// "/a/b" as its names.
/// - Throws: `.argument` when one is not a valid name or there is none.
func components(_ path: String) throws -> ArraySlice<String> {
    let names = path.split(separator: "/").map(String.init)
    guard !names.isEmpty, names.count <= 8, names.allSatisfy(Name.isValid) else {
        throw Failure(.argument, "\(quoted(path)) is not a place in an HDF5 file: expected a path such as \"/data\"")
    }
    return names[...]
}
