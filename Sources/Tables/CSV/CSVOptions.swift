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
    /// Where rows are counted and none may stop the count: every cell that breaks the schema is replaced.
    package var refusesNothing = false
    package private(set) var delimiter = UInt8(ascii: ",")
    private var personColumn: String?
    private var maxRowsPerPerson: Int?

    /// A column outside the schema that says who a row belongs to, and how many rows of one person are kept: read,
    /// used, and forgotten.
    package struct Person: Equatable, Sendable {
        package var column: String
        /// 1 ... `Table.maxRowsPerPerson`.
        package var maxRows: Int

        package init(column: String, maxRows: Int) { (self.column, self.maxRows) = (column, maxRows) }

        /// Why the column may not be in the schema.
        var hint: String {
            "the column \(quoted(column)) says who a row belongs to: "
                + "leave it out of the schema, it is not to be learned"
        }
    }
    package var person: Person? {
        get {
            guard let column = personColumn, let most = maxRowsPerPerson else { return nil }
            return Person(column: column, maxRows: most)
        }
        set { (personColumn, maxRowsPerPerson) = (newValue?.column, newValue?.maxRows) }
    }

    package static let delimiters = [",", ";", "\t", "|"]
    static let invalidHelp = "a bad cell is an error, or becomes missing or the nearest value; "
        + "a required cell that can be neither is an error in any case"
    static let extraHint = "the option \"extra\": \"ignore\" leaves out what the schema does not name"

    package init() {}

    /// - Throws: `.argument` for a delimiter outside `delimiters`.
    package init(invalid: Invalid = .refuse, extra: Extra = .refuse, delimiter: String = ",") throws {
        (self.invalid, self.extra) = (invalid, extra)
        try setDelimiter(delimiter)
    }

    /// Takes the options of `CSVOptions.table`, all of which may be left out; the caller finishes the reader.
    /// - Throws: `.argument` naming the key for a wrong type or value, and for a person without a number of rows.
    package init(_ r: JSONReader) throws {
        try CSVOptions.table.read(r, into: &self)
        guard (personColumn == nil) == (maxRowsPerPerson == nil) else {
            throw Failure(.argument, "csv: person and max_rows_per_person belong together")
        }
    }

    private mutating func setDelimiter(_ text: String) throws {
        guard CSVOptions.delimiters.contains(text), let byte = text.utf8.first else {
            throw Failure(.argument, "csv, \"delimiter\": must be one of \",\", \";\", \"|\" or a tab")
        }
        delimiter = byte
    }

    private var delimiterText: String { String(UnicodeScalar(delimiter)) }

    /// Every option, in the order in which they are described.
    package static let table = OptionTable<CSVOptions>([
        .choice("invalid", \.invalid, help: invalidHelp + " (reading)"),
        .choice("extra", \.extra, help: "columns the schema does not name (reading)"),
        .text("person", \.personColumn, range: "a column outside the schema",
              help: "who a row belongs to; read, used to bound the rows of each person, forgotten (reading)"),
        .whole("max_rows_per_person", \.maxRowsPerPerson, 1...Table.maxRowsPerPerson, unit: "rows",
               help: "rows that are kept of one person, by a choice among that person's rows alone; "
                   + "goes with person and with the plan's max_rows_per_person (reading)"),
        delimiterOption("what stands between two cells", \.self),
    ])

    /// The option "delimiter" of a configuration that holds CSV options.
    static func delimiterOption<Root>(_ help: String, _ at: WritableKeyPath<Root, CSVOptions>) -> Option<Root> {
        Option("delimiter", range: ", | ; | tab | bar", help: help,
               read: { root, r in
                   if let text = try r.optionalString("delimiter") { try root[keyPath: at].setDelimiter(text) }
               },
               write: { .string($0[keyPath: at].delimiterText) })
    }
}

/// Called from time to time on the calling thread with work done and in all (0: unknown); false ends the work with
/// `.cancelled`.
package typealias TableProgress = (_ done: Int, _ total: Int) -> Bool
