// A schema read off a table, for people to edit. Its levels and bounds come from the rows, so it is marked: "flip:domain" says so in the
// schema, and every ledger under it repeats it. Who has made sure that levels and bounds are public takes the mark away.

import Basics

package struct InferOptions: Sendable {
    /// The most levels a column of texts may have, 1 ... Schema.maximumLevels.
    package var levels = 1000
    /// Columns to leave out.
    package var skip: [String] = []
    package var csv = CSVOptions()
    /// For a column of a host's memory: its texts are levels that somebody declared, in order.
    package var declared = false

    package init() {}

    /// Takes "levels", "skip", "delimiter" and "declared"; the caller finishes the reader.
    package init(_ r: JSONReader) throws {
        levels = try r.optionalInt("levels", in: 1...Schema.maximumLevels) ?? levels
        skip = try r.optionalStrings("skip") ?? []
        declared = try r.optionalBool("declared") ?? false
        csv = try CSVOptions(delimiter: r.optionalString("delimiter") ?? ",")
    }
}

extension Schema {
    package static let inferredDescription = "Read off the rows of a table. Levels and bounds count as public from here on: change those that are not, "
        + "remove levels that give a person away, then remove \"flip:domain\"."

    /// A schema for the CSV file at `path`. Reads all of it, in the memory of the levels.
    /// - Throws: `.io`; `.format` for text that is not CSV; `.schema` naming every column that no field can be made of; `.cancelled`.
    package static func inferred(csv path: String, _ options: InferOptions = InferOptions(), progress: TableProgress? = nil) throws -> Schema {
        let file = try InputFile(path)
        return try inferred(try CSVRecords(name: path, size: file.size, options.csv, progress: progress) { try file.read(into: $0, count: $1) }, options)
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
        var fields: [Field] = [], refused: [String] = []
        for guess in kept {
            switch guess.verdict(missingValues: missing) {
            case .field(let field): fields.append(field)
            case .refused(let reason): refused.append("\(quoted(guess.name)) (\(reason))")
            }
        }
        guard refused.isEmpty else {
            let names = refused.prefix(8).joined(separator: ", ") + (refused.count > 8 ? ", …" : "")
            throw Failure(.schema, "\(prefix)no levels or bounds for \(refused.count == 1 ? "the column" : "the columns") \(names): names, identifiers and free "
                + "text cannot be generated; leave them out (\"skip\"), or allow more than \(options.levels) levels (\"levels\")")
        }
        let metadata = JSONObject([("description", .string(inferredDescription)), (domainKey, .string(assumePublic))])
        return try Schema(fields: fields, missingValues: missing, metadata: metadata)
    }
}
