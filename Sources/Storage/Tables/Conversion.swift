// Converts one table file into another, CSV and HDF5 in either direction, in batches of rows.

import Basics
import Tables

/// Names that end in .h5, .hdf5 or .h5ad mean HDF5, all others CSV.
package func isHDF5Name(_ path: String) -> Bool { [".h5", ".hdf5", ".h5ad"].contains { path.hasSuffix($0) } }

/// The table in `path`, of the kind its name says.
/// - Parameters:
///   - group: the dataframe in an HDF5 file, as for `FrameReader`.
///   - schema: nil takes the one stored in an HDF5 file.
/// - Throws: `.argument` for CSV without a schema, and what the readers throw.
package func readTableFile(_ path: String, group: String? = nil, schema: Schema?, options: CSVOptions = CSVOptions(),
                           progress: TableProgress? = nil) throws -> Table {
    if isHDF5Name(path) {
        return try readTable(path, group: group, schema: schema, coerces: options.invalid == .coerce,
                             progress: progress)
    }
    try refuse(group, path)
    return try readCSV(path, needed(schema, path), options, progress: progress)
}

/// Writes `table` as the kind of file the name says.
package func writeTableFile(_ table: Table, _ path: String, options: CSVOptions = CSVOptions()) throws {
    if isHDF5Name(path) { try writeTable(table, to: path) } else { try writeCSV(table, path, options) }
}

/// Writes tables of one schema, each made when the one before was written, as the kind of file the name says.
/// - Parameters:
///   - group: of the dataframe in an HDF5 file; nil is "/data".
///   - expectedRows: as for `DataSetWriter`.
/// - Throws: what the writers and `next` throw, then there is no file; `.argument` for a group of another file.
package func writeTableFile(_ schema: Schema, _ path: String, group: String? = nil, options: CSVOptions = CSVOptions(),
                            expectedRows: Int? = nil, next: () throws -> Table?) throws {
    if isHDF5Name(path) {
        let writer = try DataSetWriter(path, schema: schema, group: group ?? "/data", expectedRows: expectedRows)
        while let table = try next() { try writer.append(table) }
        try writer.finish()
    } else {
        try refuse(group, path)
        let writer = try CSVWriter(path, schema, options)
        while let table = try next() { try writer.append(table) }
        try writer.finish()
    }
}

/// Reads `source` and writes `target`, which appears complete or not at all.
/// - Parameters:
///   - group: the dataframe in an HDF5 source, as for `FrameReader`.
///   - targetGroup: the dataframe in an HDF5 target; nil is "/data".
///   - given: nil takes the schema stored in an HDF5 source.
/// - Returns: the rows that were read, and the columns in which cells were replaced ("invalid": "coerce").
/// - Throws: what reading and writing throw; `.argument` for a group of a file that is not HDF5.
@discardableResult
package func convertTable(from source: String, group: String? = nil, to target: String, targetGroup: String? = nil,
                          schema given: Schema?, options: CSVOptions = CSVOptions(),
                          progress: TableProgress? = nil) throws -> (rows: Int, replaced: ReplacedCells) {
    let batchRows = 65_536
    var rows = 0
    let schema: Schema, next: () throws -> Table?, replaced: () -> ReplacedCells
    if isHDF5Name(source) {
        let reader = try FrameReader(source, group: group, schema: given, coerces: options.invalid == .coerce)
        (schema, next) = (reader.schema, { try reader.next(batchRows, progress: progress) })
        replaced = { reader.replaced }
    } else {
        try refuse(group, source)
        let reader = try CSVReader(source, needed(given, source), options, progress: progress)
        (schema, next) = (reader.schema, { try reader.next(batchRows) })
        replaced = { reader.replaced }
    }
    try writeTableFile(schema, target, group: targetGroup, options: options) {
        let table = try next()
        rows += table?.rows ?? 0
        return table
    }
    return (rows, replaced())
}

func refuse(_ group: String?, _ path: String) throws {
    guard group == nil else {
        throw Failure(.argument, "\(path): a group is for HDF5 files, and its name is not that of one")
    }
}

func needed(_ schema: Schema?, _ path: String) throws -> Schema {
    guard let schema else { throw Failure(.argument, "\(path): a CSV file needs a schema") }
    return schema
}
