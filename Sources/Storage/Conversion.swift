// One table file into another, CSV and HDF5 in either direction. A CSV source is read in batches, so its size does not matter; an HDF5
// source is read whole.

import Basics
import Tables

/// Names that end in .h5, .hdf5 or .h5ad mean HDF5, all others CSV.
package func isHDF5Name(_ path: String) -> Bool { [".h5", ".hdf5", ".h5ad"].contains { path.hasSuffix($0) } }

/// The table in `path`, of the kind its name says; in HDF5 the dataframe "/data".
/// - Parameter schema: nil takes the one stored in an HDF5 file.
/// - Throws: `.argument` for CSV without a schema, and what the readers throw.
package func readTableFile(_ path: String, schema: Schema?, options: CSVOptions = CSVOptions(), progress: TableProgress? = nil) throws -> Table {
    if isHDF5Name(path) { return try readTable(path, schema: schema, progress: progress) }
    return try readCSV(path, needed(schema, path), options, progress: progress)
}

/// Writes `table` as the kind of file the name says.
package func writeTableFile(_ table: Table, _ path: String, options: CSVOptions = CSVOptions()) throws {
    if isHDF5Name(path) { try writeTable(table, to: path) } else { try writeCSV(table, path, options) }
}

/// Reads `source` and writes `target`, which appears complete or not at all.
/// - Throws: what reading and writing throw.
package func convertTable(from source: String, to target: String, schema: Schema?, options: CSVOptions = CSVOptions(),
                          progress: TableProgress? = nil) throws {
    if isHDF5Name(source) {
        return try writeTableFile(readTable(source, schema: schema, progress: progress), target, options: options)
    }
    let reader = try CSVReader(source, needed(schema, source), options, progress: progress)
    let batchRows = 65_536
    if isHDF5Name(target) {
        let writer = try DataSetWriter(target, schema: reader.schema)
        while let batch = try reader.next(batchRows) { try writer.append(batch) }
        try writer.finish()
    } else {
        let writer = try CSVWriter(target, reader.schema, options)
        while let batch = try reader.next(batchRows) { try writer.append(batch) }
        try writer.finish()
    }
}

private func needed(_ schema: Schema?, _ path: String) throws -> Schema {
    guard let schema else { throw Failure(.argument, "\(path): a CSV file needs a schema") }
    return schema
}
