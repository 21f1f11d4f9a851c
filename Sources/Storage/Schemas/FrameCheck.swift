// Says what a dataframe in an HDF5 file breaks of a schema, all of it at once, by the rules by which it would be read.
// Columns that the schema does not name are not looked at, as when the dataframe is read.

import Basics
import Tables

/// What the table in `path`, of the kind its name says, breaks of a schema.
/// - Parameters:
///   - group: the dataframe in an HDF5 file, as for `FrameReader`.
///   - schema: nil takes the one stored in an HDF5 file.
/// - Throws: `.argument` for CSV without a schema or with a group, and what the checks throw.
package func checkTableFile(_ path: String, group: String? = nil, _ schema: Schema?,
                            _ options: CSVOptions = CSVOptions(), progress: TableProgress? = nil) throws
                                -> SchemaCheck {
    if isHDF5Name(path) { return try SchemaCheck(hdf5: path, group: group, schema, progress: progress) }
    try refuse(group, path)
    return try SchemaCheck(csv: path, needed(schema, path), options, progress: progress)
}

extension SchemaCheck {
    /// - Parameters:
    ///   - group: where in the file, as for `FrameReader`.
    ///   - schema: nil takes the one that libflip stores with its own dataframes.
    ///   - progress: called with the cells done and all cells before each column; false stops.
    /// - Throws: `.io`; `.format` for a file that is not a dataframe; `.schema` where there is no schema; `.cancelled`.
    package init(hdf5 path: String, group: String? = nil, _ given: Schema?, progress: TableProgress? = nil) throws {
        let frame = try Frame(path, group), schema = try given ?? frame.storedSchema()
        var breaches: [SchemaBreach] = [], missing: [String] = [], rows: Int?
        for (j, field) in schema.fields.enumerated() {
            let total = (rows ?? 0).multipliedReportingOverflow(by: schema.fields.count)
            if let progress, !progress(total.overflow ? 0 : (rows ?? 0) * j, total.overflow ? 0 : total.partialValue) {
                throw Failure(.cancelled, "\(path): reading was cancelled")
            }
            guard try ColumnPlace.find(field.name, in: frame.group) != nil else {
                missing.append(field.name)
                continue
            }
            do {
                let source = try ColumnSource(frame, FieldText(field))
                guard source.rows == rows ?? source.rows else {
                    throw frame.group.failure(field.name, "has another number of rows than the other columns")
                }
                rows = source.rows
                breaches += try Self.breaches(source, field, schema)
            } catch let failure as Failure where [.format, .schema, .argument].contains(failure.code) {
                // The column as a whole cannot be read for this field.
                breaches.append(SchemaBreach(column: field.name, rule: failure.message, count: rows ?? 1, first: 1))
            }
        }
        if rows ?? 1 == 0 {
            breaches.append(SchemaBreach(column: nil, rule: "the table has no rows", count: 1, first: 1))
        }
        if breaches.isEmpty, missing.isEmpty, !schema.rules.isEmpty {
            breaches = try Self.brokenRules(path, group, schema)
        }
        self.init(rows: rows ?? 0, breaches: breaches, missing: missing)
    }

    private static func breaches(_ source: ColumnSource, _ field: Field, _ schema: Schema) throws -> [SchemaBreach] {
        let found = CellBreaches(field), batchRows = 65_536
        let alone = try Schema(fields: [field], missingValues: schema.missingValues,
                               missingLabels: schema.missingLabels)
        for first in stride(from: 0, to: source.rows, by: batchRows) {
            found.next(origin: first + 1)
            let table = try Table(schema: alone, rows: min(batchRows, source.rows - first))
            table.breaches = found
            var reader = try ColumnReader(table, field, source, first: first)
            try reader.read()
        }
        return found.all
    }

    /// Rules between columns that rows break, of a dataframe whose cells all fit.
    private static func brokenRules(_ path: String, _ group: String?, _ schema: Schema) throws -> [SchemaBreach] {
        var found = try RuleTally(schema)
        let reader = try FrameReader(path, group: group, schema: schema.with { $0[Schema.rulesKey] = nil })
        var first = 1
        while let table = try reader.next(65_536) {
            found.judge(table, first: first)
            first += table.rows
        }
        return found.breaches
    }
}
