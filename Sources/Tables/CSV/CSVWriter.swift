// Writes tables as CSV: a header, then a line for each row, cells quoted only where they must be.
// Lines end with LF. Missing cells are the field's first missing text (nothing, if it has none), or the reason why they
// are missing. What is written reads back as the same table.

import Basics

/// Append tables of one schema, then `finish`. A file takes its place only then; without it nothing is left behind.
package final class CSVWriter {
    package let schema: Schema
    package private(set) var rows = 0

    private let out: OutBuffer
    private let file: AtomicFile?
    private let delimiter: UInt8
    // Per field: its levels, or false and true; then the reasons of missing values; the last one stands for missing.
    private let texts: [ReadyTexts]
    private let only: Bool                               // whether a line has one cell

    /// - Throws: `.io`, `.noMemory`.
    package convenience init(_ path: String, _ schema: Schema, _ options: CSVOptions = CSVOptions()) throws {
        let file = try AtomicFile(path)
        try self.init(schema, options, file) { try file.write($0) }
    }

    /// Writes to `sink` instead of a file.
    package convenience init(_ schema: Schema, _ options: CSVOptions = CSVOptions(),
                             sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
        try self.init(schema, options, nil, sink)
    }

    private init(_ schema: Schema, _ options: CSVOptions, _ file: AtomicFile?,
                 _ sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
        self.schema = schema
        self.file = file
        delimiter = options.delimiter
        out = try OutBuffer(sink: sink)
        let only = schema.fields.count == 1
        self.only = only
        let cell = { (text: String) in CSVWriter.cell(text, options.delimiter, only) }
        texts = try schema.fields.map { field in
            let missing = field.reasons.map(cell) + [cell(field.missingValues(schema.missingValues).first ?? "")]
            if case .boolean = field.kind {
                return try ReadyTexts([cell(field.falseValues[0]), cell(field.trueValues[0])] + missing)
            }
            return try ReadyTexts((field.levels ?? []).map { cell(field.form.text(level: $0, field.type)) } + missing)
        }
        for (j, field) in schema.fields.enumerated() {
            if j > 0 { try out.append(delimiter) }
            try cell(field.name).withUnsafeBufferPointer { try out.append($0) }
        }
        try out.append(0x0A)
    }

    /// - Throws: `.argument` for a table of other columns, `.state` for one that is not complete, `.io`, `.cancelled`.
    package func append(_ table: Table, progress: TableProgress? = nil) throws {
        guard table.schema.hasSameColumns(as: schema) else {
            throw Failure(.argument, "the table has other columns than the file")
        }
        try table.requireComplete()
        let formats = try Buffer<CellFormat?>(count: table.columns.count, for: "the columns of a table")
        for (j, column) in table.columns.enumerated() { formats[j] = CellFormat(column, texts[j]) }
        let plain = schema.fields.map { $0.form.isPlain || $0.levels != nil }
        try withExtendedLifetime(table) {
            for row in 0..<table.rows {
                if row & 0xFFFF == 0, let progress, !progress(row, table.rows) {
                    throw Failure(.cancelled, "writing was cancelled")
                }
                for j in 0..<table.columns.count {
                    if j > 0 { try out.append(delimiter) }
                    if plain[j] || table.columns[j].isMissing(row) {
                        try formats.base[j]?.write(row, to: out)
                    } else {
                        let text = table.columns[j].text(row, schema.fields[j].form)
                        try CSVWriter.cell(text, delimiter, only).withUnsafeBufferPointer { try out.append($0) }
                    }
                }
                try out.append(0x0A)
            }
        }
        rows += table.rows
    }

    /// Writes what is left and puts the file in place.
    package func finish() throws {
        try out.flush()
        try file?.commit()
    }

    /// A text as a cell. Where a line has one cell only, an empty one is quoted, or the line would look blank.
    private static func cell(_ text: String, _ delimiter: UInt8, _ only: Bool) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        let plain = text.utf8.allSatisfy { $0 != delimiter && $0 != quote && $0 != 0x0A && $0 != 0x0D }
        if plain, !(only && text.isEmpty) { return Array(text.utf8) }
        return [quote] + text.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }
}

extension TextForm {
    /// A level as it stands in cells: numbers and dates in the field's own form.
    func text(level: String, _ type: FieldType) -> String {
        if let pattern, let moment = withText(level, { parseDatetime($0, $1) }) { return pattern.text(moment) }
        return type == .number ? number.text(level) : level
    }
}

extension Column {
    /// A cell with a value as text.
    fileprivate func text(_ row: Int, _ form: TextForm) -> String {
        if let pattern = form.pattern, let v = int64(row) {
            return pattern.text(field.type == .date ? v * microsecondsPerDay : v)
        }
        if let v = int64(row) { return String(v) }
        return form.number.text(numberText(double(row)))
    }
}

/// A whole table as a file, which takes its place only when all of it is written.
/// - Throws: `.io`, `.state`, `.noMemory`, `.cancelled`.
package func writeCSV(_ table: Table, _ path: String, _ options: CSVOptions = CSVOptions(),
                      progress: TableProgress? = nil) throws {
    let writer = try CSVWriter(path, table.schema, options)
    try writer.append(table, progress: progress)
    try writer.finish()
}
