// How CSV text is read and written. Few choices: comma, semicolon, tab or bar between cells, RFC 4180 quotes, UTF-8.

import Basics

package struct CSVOptions: Equatable, Sendable {
    package enum Invalid: String, Sendable, CaseIterable {
        /// A bad cell is an error that names file, line, column and rule.
        case refuse
        /// A bad cell is replaced by a function of itself alone (see CellParser).
        case coerce
    }
    package enum Extra: String, Sendable, CaseIterable {
        /// A column that the schema does not name is an error.
        case refuse
        /// It is not read.
        case ignore
    }

    package var invalid = Invalid.refuse
    package var extra = Extra.refuse
    package private(set) var delimiter = UInt8(ascii: ",")
    /// A column outside the schema that says who a row belongs to, and how many rows of one person are kept: read, used, and forgotten.
    package var person: Person?
    package struct Person: Equatable, Sendable {
        package var column: String, most: Int
        package init(column: String, most: Int) { (self.column, self.most) = (column, most) }
    }

    package static let delimiters = [",", ";", "\t", "|"]

    package init() {}

    /// - Throws: `.argument` for a delimiter outside `delimiters`.
    package init(invalid: Invalid = .refuse, extra: Extra = .refuse, delimiter: String = ",") throws {
        guard CSVOptions.delimiters.contains(delimiter), let byte = delimiter.utf8.first else {
            throw Failure(.argument, "csv, \"delimiter\": must be one of \",\", \";\", \"|\" or a tab")
        }
        (self.invalid, self.extra, self.delimiter) = (invalid, extra, byte)
    }

    /// Takes the keys "invalid", "extra", "delimiter", "person" and "max_rows_per_person", all optional; the caller finishes the reader.
    package init(_ r: JSONReader) throws {
        try self.init(invalid: r.optionalChoice("invalid", of: Invalid.allCases.map(\.rawValue)).flatMap(Invalid.init) ?? .refuse,
                      extra: r.optionalChoice("extra", of: Extra.allCases.map(\.rawValue)).flatMap(Extra.init) ?? .refuse,
                      delimiter: r.optionalString("delimiter") ?? ",")
        let most = try r.optionalInt("max_rows_per_person", in: 1...Table.mostRowsPerPerson)
        switch (try r.optionalString("person"), most) {
        case (let column?, let most?): person = Person(column: column, most: most)
        case (nil, nil): break
        default: throw Failure(.argument, "csv: person and max_rows_per_person belong together")
        }
    }
}

/// Called from time to time on the calling thread with work done and in all (0: unknown); false ends the work with `.cancelled`.
package typealias TableProgress = (_ done: Int, _ total: Int) -> Bool
