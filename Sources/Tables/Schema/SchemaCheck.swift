// Says what a table breaks of a schema, all of it at once: for each column and rule how often, and where first.
// Never a value.

import Basics

/// One rule that cells of one column break.
package struct SchemaBreach: Equatable, Sendable {
    /// Nil for what concerns whole records.
    package let column: String?
    package let rule: String
    package var count = 0
    /// The first place: a line of a file, or a row of a host's memory or of a dataframe, from 1.
    package let first: Int

    package init(column: String?, rule: String, count: Int = 0, first: Int) {
        (self.column, self.rule, self.count, self.first) = (column, rule, count, first)
    }
}

package struct SchemaCheck: Sendable {
    package private(set) var rows = 0
    /// In the order of the schema's columns; whole records first.
    package private(set) var breaches: [SchemaBreach] = []
    /// Columns of the schema that the table lacks, and those it has beyond them.
    package private(set) var missing: [String] = [], unknown: [String] = []
    /// How many columns the schema does not name; their names are left out where the header does not look like one.
    package private(set) var unknownCount = 0
    private let place: String

    package var fits: Bool { breaches.isEmpty && missing.isEmpty && unknownCount == 0 }

    /// Reads all of the CSV file at `path`, whose cells may break any rule.
    /// - Parameter options: `invalid` is not looked at; `extra` "ignore" lets other columns be.
    /// - Throws: `.io`; `.format` for a file without a header; `.cancelled`.
    package init(csv path: String, _ schema: Schema, _ options: CSVOptions = CSVOptions(),
                 progress: TableProgress? = nil) throws {
        let file = try InputFile(path)
        try self.init(name: path, size: file.size, schema, options, progress: progress) {
            try file.read(into: $0, count: $1)
        }
    }

    init(name: String, size: Int, _ schema: Schema, _ options: CSVOptions, progress: TableProgress? = nil,
         read: @escaping (UnsafeMutableRawPointer, Int) throws -> Int) throws {
        place = "line"
        let records = try CSVRecords(name: name, size: size, options, progress: progress, read: read)
        let titles = records.titles
        missing = schema.fields.map(\.name).filter { !titles.contains($0) }
        if options.extra == .refuse, !schema.allowsExtraColumns {
            let strangers = titles.filter { schema.index(of: $0) == nil && $0 != options.person?.column }
            unknownCount = strangers.count
            // A first line of values must not be shown: half of the schema's names make it a header.
            if missing.count * 2 <= schema.fields.count { unknown = strangers }
        }
        let columns = try titles.enumerated().compactMap { i, title in
            try schema.index(of: title).map { try Tally(schema, $0, cell: i) }
        }
        var ruled = try RuleTally(schema)
        var whole: [(rule: String, count: Int, first: Int)] = []
        func note(_ rule: String, _ line: Int) {
            if let i = whole.firstIndex(where: { $0.rule == rule }) { whole[i].count += 1 } else {
                whole.append((rule, 1, line))
            }
        }
        do {
            while try records.next() {
                if records.count != titles.count {
                    note("\(records.count < titles.count ? "fewer" : "more") cells than the header", records.line)
                }
                ruled.begin()
                for i in columns.indices where columns[i].cell < records.count {
                    let j = columns[i].cell
                    if let flaw = records.flaw(j) {
                        columns[i].note(flaw.rawValue, records.line)
                    } else {
                        let value = columns[i].read(records.text(j), records.line)
                        ruled.take(value, column: columns[i].index)
                    }
                }
                ruled.judge(records.line)
            }
        } catch let failure as Failure where failure.code == .format {
            // Nothing behind such a place can be told apart any more.
            note("a quote without end, or a record beyond 16 MiB; nothing behind it was read", records.line + 1)
        }
        rows = records.rows
        if rows == 0, whole.isEmpty { whole.append(("the table has no rows", 1, 1)) }
        breaches = whole.map { SchemaBreach(column: nil, rule: $0.rule, count: $0.count, first: $0.first) }
            + columns.sorted { $0.index < $1.index }.flatMap(\.breaches) + ruled.breaches
    }

    /// A column of a host's memory; nil is missing.
    package init(_ schema: Schema, column name: String, rows: Int, text: (Int) -> UnsafeBufferPointer<UInt8>?) throws {
        place = "row"
        self.rows = rows
        let column = try Tally(schema, schema.place(of: name), cell: 0)
        for row in 0..<rows {
            if let text = text(row) { column.read(text, row + 1) } else { column.readMissing(row + 1) }
        }
        breaches = column.breaches
    }

    /// Rules between columns that rows of a host's memory break; cells that break their own field's rule are left to
    /// the check of their column. text: of a field, by its place in `names`, and a row; nil is missing.
    package init(rulesOf schema: Schema, columns names: [String], rows: Int,
                 text: (_ column: Int, _ row: Int) -> UnsafeBufferPointer<UInt8>?) throws {
        place = "row"
        self.rows = rows
        let columns = try names.map { try Tally(schema, schema.place(of: $0), cell: 0) }
        var found = try RuleTally(schema)
        for row in 0..<rows {
            found.begin()
            for (k, column) in columns.enumerated() {
                found.take(text(k, row).map { column.read($0, row + 1) } ?? .nan, column: column.index)
            }
            found.judge(row + 1)
        }
        breaches = found.breaches
    }

    /// What was found of a table by another reader.
    /// - Parameters:
    ///   - breaches: in the order of the schema's columns, with rows that count from 1.
    ///   - missing: columns of the schema that the table lacks.
    package init(rows: Int, breaches: [SchemaBreach], missing: [String]) {
        place = "row"
        (self.rows, self.breaches, self.missing) = (rows, breaches, missing)
    }

    package var json: JSON {
        let problems = breaches.map { b in
            JSON.object(JSONObject([("column", b.column.map(JSON.string) ?? .null), ("rule", .string(b.rule)),
                                    ("count", .int(Int64(b.count))),
                          ("first_\(place)", .int(Int64(b.first)))]))
        }
        let isShown = unknown.count == unknownCount
        let strangers: JSON = isShown ? .array(unknown.map(JSON.string)) : .int(Int64(unknownCount))
        return .object(JSONObject([("fits", .bool(fits)), ("rows", .int(Int64(rows))),
                                   ("missing_columns", .array(missing.map(JSON.string))),
                         ("unknown_columns", strangers),
                         ("problems", .array(problems))]))
    }

    /// For people, a line a problem.
    package var text: String {
        guard !fits else { return "\(rows) rows fit the schema" }
        var lines = missing.map { "column \(quoted($0)): in the schema, not in the table" }
        lines += unknown.map { "column \(quoted($0)): in the table, not in the schema" }
        if unknown.count < unknownCount {
            lines.append("\(unknownCount) columns are not in the schema; "
                + "is the first line a header, and the delimiter right?")
        }
        lines += breaches.map { b in
            (b.column.map { "column \(quoted($0))" } ?? "records")
                + ": \(b.rule): \(b.count) \(b.count == 1 ? "time" : "times"), first in \(place) \(b.first)"
        }
        return lines.joined(separator: "\n")
    }
}

/// The cells of one column, read as texts and noted where they break a rule.
private struct Tally {
    let index: Int, cell: Int
    private let parser: CellParser
    private let found: CellBreaches
    private let probe: Column
    var breaches: [SchemaBreach] { found.all }

    init(_ schema: Schema, _ index: Int, cell: Int) throws {
        (self.index, self.cell) = (index, cell)
        parser = try CellParser(schema.fields[index], missingValues: schema.missingValues)
        found = CellBreaches(schema.fields[index])
        probe = try Column(schema.fields[index], capacity: 1)
    }

    /// The cell as `Column.double` would give it, a not-a-number for missing; nil where it breaks the schema.
    @discardableResult
    func read(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Double? {
        var value = Double.nan
        let verdict = parser.parse(text, &value)
        guard verdict >= missingOffset else {
            note(verdict, place)
            return nil
        }
        probe.put(0, verdict, value)
        return probe.double(0)
    }

    func readMissing(_ place: Int) { if parser.field.required { note(BadCell.missing.rawValue, place) } }

    func note(_ verdict: Int64, _ place: Int) { found.note(verdict, place) }
}

/// Which rules between columns rows break. A rule with an unreadable cell is not judged.
package struct RuleTally {
    private let schema: Schema
    private var row: [Double], isRead: [Bool]
    private var counts: [(count: Int, first: Int)]

    package init(_ schema: Schema) throws {
        self.schema = schema
        row = [Double](repeating: .nan, count: schema.fields.count)
        isRead = [Bool](repeating: false, count: schema.fields.count)
        counts = [(count: Int, first: Int)](repeating: (0, 0), count: schema.rules.all.count)
    }

    /// Judges every row of a table.
    /// - Parameter first: what its first row counts as.
    package mutating func judge(_ table: Table, first: Int) {
        let used = schema.rules.usedColumns
        begin()
        for i in 0..<table.rows {
            for j in used { take(table.columns[j].double(i), column: j) }
            judge(first + i)
        }
    }

    mutating func begin() { if !counts.isEmpty { for j in isRead.indices { isRead[j] = false } } }

    mutating func take(_ value: Double?, column j: Int) {
        if let value, !counts.isEmpty { (row[j], isRead[j]) = (value, true) }
    }

    mutating func judge(_ place: Int) {
        for k in counts.indices {
            let rule = schema.rules.all[k]
            guard rule.columns.allSatisfy({ isRead[$0] }), !rule.holds(row, schema.rules) else { continue }
            counts[k] = (counts[k].count + 1, counts[k].count == 0 ? place : counts[k].first)
        }
    }

    package var breaches: [SchemaBreach] {
        counts.indices.filter { counts[$0].count > 0 }.map {
            SchemaBreach(column: nil, rule: schema.rules.all[$0].title(schema.fields), count: counts[$0].count,
                         first: counts[$0].first)
        }
    }
}
