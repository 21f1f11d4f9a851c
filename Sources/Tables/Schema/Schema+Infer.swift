// Reads a schema off a table, for people to edit; it is marked as read off rows until somebody takes the mark away.
// Levels and bounds come from the rows: "flip:domain" says so in the schema, and every ledger under it repeats it.
// Whoever has made sure that levels and bounds are public takes the mark away.

import Basics

package struct InferOptions: Sendable {
    /// The most levels a column of texts may have, 1 ... Schema.maximumLevels.
    package var levels = 1000
    /// Columns to leave out.
    package var skip: [String] = []
    package var csv = CSVOptions()
    /// For a column of a host's memory: its texts are levels that somebody declared, in order.
    package var declared = false
    /// Whether rules that hold in every row of a CSV file are proposed.
    package var rules = false

    package init() {}

    /// Takes the options of `InferOptions.table`, all of which may be left out; the caller finishes the reader.
    package init(_ r: JSONReader) throws { try InferOptions.table.read(r, into: &self) }

    /// Every option, in the order in which they are described.
    package static let table = OptionTable<InferOptions>([
        .whole("levels", \.levels, 1...Schema.maxLevels, unit: "levels",
               help: "the most levels that a column of texts may have"),
        .texts("skip", \.skip, range: "[column, ...]", help: "columns to leave out"),
        CSVOptions.delimiterOption("what stands between two cells (CSV)", \.csv),
        .flag("declared", \.declared,
              help: "the texts are levels that were declared, in order, whether a row has them or not "
                  + "(flip_schema_infer_strings)"),
        .flag("rules", \.rules,
              help: "propose rules between columns that hold in every row (CSV files of 100 rows or more; the file is "
                  + "read a second time)"),
    ])
}

extension Schema {
    package static let inferredDescription = "Read off the rows of a table. "
        + "Levels and bounds count as public from here on: change those that are not, "
        + "remove levels that give a person away, then remove \"flip:domain\"."

    /// A schema for the CSV file at `path`. Reads all of it, in the memory of the levels.
    /// - Throws: `.io`; `.format` for text that is not CSV; `.schema` naming every column that no field can be made of;
    ///   `.cancelled`.
    package static func inferred(csv path: String, _ options: InferOptions = InferOptions(),
                                 progress: TableProgress? = nil) throws -> Schema {
        let file = try InputFile(path)
        let records = try CSVRecords(name: path, size: file.size, options.csv, progress: progress) {
            try file.read(into: $0, count: $1)
        }
        let found = try inferred(records, options)
        return options.rules ? try found.proposingRules(csv: path, options, progress: progress) : found
    }

    static func inferred(_ records: CSVRecords, _ options: InferOptions) throws -> Schema {
        let guesses = try records.titles.map { try ColumnGuess($0, limit: options.levels) }
        while try records.next() {
            try records.requireWhole()
            for (j, guess) in guesses.enumerated() {
                let text = records.text(j)
                if let base = text.baseAddress { guess.add(base, text.count) }
            }
        }
        guard records.rows > 0 else { throw Failure(.schema, "\(records.name): the table has no rows") }
        return try inferred(guesses, options, records.name)
    }

    /// - Parameter place: the file, for messages; empty for a host's memory.
    package static func inferred(_ guesses: [ColumnGuess], _ options: InferOptions, _ place: String) throws -> Schema {
        let prefix = place.isEmpty ? "" : place + ": "
        if let stranger = options.skip.first(where: { name in !guesses.contains { $0.name == name } }) {
            throw Failure(.argument, "\(prefix)there is no column \(quoted(stranger)) to leave out")
        }
        let kept = guesses.filter { !options.skip.contains($0.name) }
        let missing = (ColumnGuess.missingTexts + ColumnGuess.missingBesideNumbers).filter { text in
            text.isEmpty || kept.contains { $0.missingFound.contains(text) }
        }
        var fields: [Field] = [], refused: [String] = [], undeclared: [String] = []
        for guess in kept {
            switch guess.verdict(missingValues: missing) {
            case .field(let field): fields.append(field)
            case .refused(let reason): refused.append("\(quoted(guess.name)) (\(reason))")
            case .undeclared(let reason): undeclared.append("column \(quoted(guess.name)): \(reason)")
            }
        }
        guard undeclared.isEmpty else {
            let names = undeclared.prefix(8).joined(separator: "; ") + (undeclared.count > 8 ? "; …" : "")
            throw Failure(.schema, "\(prefix)\(names); or leave it out (\"skip\")")
        }
        guard refused.isEmpty else {
            let names = refused.prefix(8).joined(separator: ", ") + (refused.count > 8 ? ", …" : "")
            let columns = refused.count == 1 ? "the column" : "the columns"
            throw Failure(.schema, "\(prefix)no levels or bounds for \(columns) \(names): "
                + "names, identifiers and free text cannot be generated; leave them out (\"skip\"), "
                + "or allow more than \(options.levels) levels (\"levels\")")
        }
        let metadata = JSONObject([("description", .string(inferredDescription)), (domainKey, .string(assumePublic))])
        return try Schema(fields: fields, missingValues: missing, metadata: metadata)
    }
}
