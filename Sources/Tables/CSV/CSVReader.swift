// Reads CSV text as tables, in batches of any size, with the memory of one batch.
// The header names the columns, in any order; every cell is checked against the schema. Errors name file, line, column
// and rule, never a value. A file without a header shows its first row there, so they never name a header cell that may
// be one.

import Basics

package final class CSVReader {
    package let schema: Schema
    /// Rows read so far.
    package private(set) var rows = 0

    private let name: String
    private let options: CSVOptions
    private let scanner: CSVScanner
    private let parsers: [CellParser]
    private var place: [Int] = []                        // place[j]: which cell of a record is field j
    private var personPlace = -1                         // which cell says who a row belongs to; -1: none
    private let persons: PersonList?
    private var headerCount = 0
    private static let maxBlockRows = 256, maxBlockCells = 1 << 16
    private var blockRows = 1
    private var block: Buffer<CSVCell>                   // [blockRows, headerCount] row-major
    private let lines: Buffer<Int>                       // [blockRows], where each row starts
    private var stop: Failure?
    private let tick: () throws -> Void

    /// Opens the file and reads its header.
    /// - Throws: `.io`; `.format` for text that is not CSV; `.schema` for a header that does not fit; `.cancelled`.
    package convenience init(_ path: String, _ schema: Schema, _ options: CSVOptions = CSVOptions(),
                             progress: TableProgress? = nil) throws {
        let file = try InputFile(path)
        try self.init(name: path, size: file.size, schema, options, progress: progress) {
            try file.read(into: $0, count: $1)
        }
    }

    /// - Parameters:
    ///   - name: for messages. `size`: bytes in all, 0 if unknown.
    ///   - read: gives up to that many bytes; 0 is the end.
    package init(name: String, size: Int, _ schema: Schema, _ options: CSVOptions = CSVOptions(),
                 progress: TableProgress? = nil,
                 read: @escaping (UnsafeMutableRawPointer, Int) throws -> Int) throws {
        self.schema = schema
        self.name = name
        self.options = options
        persons = try options.person.map { _ in try PersonList() }
        let (tick, read) = counted(name, size, progress, read)
        self.tick = tick
        scanner = try CSVScanner(name: name, delimiter: options.delimiter, read: read)
        parsers = try schema.fields.map {
            try CellParser($0, missingValues: schema.missingValues, coerce: options.invalid == .coerce,
                           refusesNothing: options.refusesNothing)
        }
        block = try Buffer<CSVCell>(count: 1, for: "lines of a file")
        lines = try Buffer<Int>(count: CSVReader.maxBlockRows)
        try readHeader()
        blockRows = min(CSVReader.maxBlockRows, max(1, CSVReader.maxBlockCells / headerCount))
        block = try Buffer<CSVCell>(count: headerCount * blockRows, for: "lines of a file")
    }

    /// Up to `maximum` further rows; nil when there are none left.
    /// - Throws: `.schema` naming line, column and rule; `.format`; `.io`; `.noMemory`; `.cancelled`.
    package func next(_ maximum: Int) throws -> Table? {
        guard maximum > 0 else { throw Failure(.argument, "a batch has at least one row") }
        guard persons == nil else {
            throw Failure(.unsupported, "\(name): rows of persons are bounded for whole tables only")
        }
        let builder = try TableBuilder(schema: schema, expectedRows: min(maximum, 4096))
        try read(into: builder, maximum)
        return builder.rows > 0 ? try ruled(builder.finish()).0 : nil
    }

    /// How many cells of each column were replaced so far.
    package var replacedCells: [Int] { parsers.map(\.replaced) }

    /// Columns in which cells were replaced so far, with how many; see Table+Replaced.swift.
    package var replaced: ReplacedCells { ReplacedCells(parsers.map { ($0.field.name, $0.replaced) }) }

    /// All rows that are left.
    /// - Throws: as `next`; `.schema` when there are none.
    package func rest() throws -> Table {
        let builder = try TableBuilder(schema: schema)
        try read(into: builder, .max)
        guard builder.rows > 0 else { throw Failure(.schema, "\(name): the table has no rows") }
        let (table, left) = try ruled(builder.finish())
        guard let left, let bound = options.person else { return table }
        return try table.bounded(left, maxRows: bound.maxRows)
    }

    /// A table whose rows keep the schema's rules, and whose they are.
    private func ruled(_ table: Table) throws -> (Table, PersonList?) {
        do {
            return (table, try table.keepRules(coerce: options.invalid == .coerce, persons: persons))
        } catch let failure as Failure where failure.code == .schema {
            throw Failure(.schema, "\(name): \(failure.message)")
        }
    }

    // MARK: rows

    /// Records are cut a block at a time and then read column by column: that keeps each column's rule and levels at
    /// hand.
    private func read(into builder: TableBuilder, _ maximum: Int) throws {
        while builder.rows < maximum {
            let count = try cutBlock(min(blockRows, maximum - builder.rows))
            if count > 0 { try readBlock(into: builder, count) }
            if let stop {
                // What was cut before a broken record has been read by now, so an earlier error was the one reported.
                self.stop = nil
                throw stop
            }
            if count == 0 { return try tick() }
        }
    }

    /// Cuts up to `limit` records that lie in the buffer together; 0 only at the end. A record that is broken ends the
    /// block and leaves its failure in `stop`.
    private func cutBlock(_ limit: Int) throws -> Int {
        var n = 0
        do {
            while n < limit {
                let cells = block.base + n * headerCount
                guard try scanner.next(cells, room: headerCount, mayFill: n == 0) == .record else { break }
                let count = scanner.cellCount
                if count == 1, headerCount > 1, cells[0].count == 0, !cells[0].isQuoted { continue }   // a blank line
                if options.invalid == .refuse, !options.refusesNothing { try checkRecord(cells) }
                for i in min(count, headerCount)..<headerCount { cells[i].count = -1 }
                lines.base[n] = scanner.line
                n += 1
            }
        } catch let failure as Failure {
            stop = failure
        }
        return n
    }

    private func readBlock(into builder: TableBuilder, _ count: Int) throws {
        try builder.reserve(builder.rows + count)
        let base = scanner.base
        var good = count                                 // rows before the first refused one
        var failure: Failure?
        for (j, parser) in parsers.enumerated() {
            let column = builder.columns[j]
            let (read, verdict) = parser.parse(block.base + place[j], stride: headerCount, count: good, base,
                                               into: column, row: builder.rows)
            if read < good {
                good = read
                failure = self.failure(place[j], lines[read],
                                       BadCell(rawValue: verdict)?.rule(parser.field) ?? "not valid")
            }
        }
        if let persons {
            for i in 0..<good {
                let cell = block.base + i * headerCount + personPlace
                guard cell.pointee.count > 0, cell.pointee.flaws == 0 else {
                    builder.advance(i)
                    rows += i
                    throw self.failure(personPlace, lines[i], "nobody is named: every row must belong to a person")
                }
                try persons.append(scanner.text(&cell.pointee))
            }
        }
        for (column, parser) in zip(builder.columns, parsers) { column.replaced = parser.replaced }
        builder.advance(good)
        rows += good
        if let failure { throw failure }
    }

    /// What is wrong with a record before its cells are looked at.
    private func checkRecord(_ cells: UnsafePointer<CSVCell>) throws {
        guard scanner.cellCount == headerCount else {
            let rule = "\(scanner.cellCount) cells where the header has \(headerCount)"
            throw Failure(.format, "\(name), line \(scanner.line): \(rule)")
        }
        guard scanner.isFlawed, let bad = (0..<headerCount).first(where: { cells[$0].flaws != 0 }) else { return }
        throw failure(bad, scanner.line, cells[bad].bad.rule(nil), .format)
    }

    private func failure(_ cell: Int, _ line: Int, _ rule: String, _ code: FailureCode = .schema) -> Failure {
        let person = cell == personPlace ? options.person?.column : nil
        let title = place.firstIndex(of: cell).map { schema.fields[$0].name } ?? person
        let column = title.map(quoted) ?? String(cell + 1)
        return Failure(code, "\(name), line \(line), column \(column): \(rule)")
    }

    // MARK: header

    private func readHeader() throws {
        let titles = try scanner.header()
        headerCount = titles.count
        var found = [Int](repeating: -1, count: schema.fields.count)
        var extra: [String] = [], strangers = 0
        for (i, title) in titles.enumerated() {
            if let j = schema.index(of: title) {
                guard found[j] < 0 else {
                    throw Failure(.schema, "\(name): the column \(quoted(title)) is in the header twice")
                }
                found[j] = i
            } else if title == options.person?.column {
                guard personPlace < 0 else {
                    throw Failure(.schema, "\(name): the column \(quoted(title)) is in the header twice")
                }
                personPlace = i
            } else {
                strangers += 1
                if extra.count < 8 { extra.append(quoted(title)) }
            }
        }
        // Names of the schema may be shown. Those of the file only once all of the schema's are there, so that this is
        // a header.
        let missing = found.indices.filter { found[$0] < 0 }
        if !missing.isEmpty {
            let shown = missing.prefix(8).map { quoted(schema.fields[$0].name) }.joined(separator: ", ")
            let names = (missing.count == 1 ? "the column " : "the columns ") + shown + (missing.count > 8 ? ", …" : "")
            let hint = missing.count == found.count ? "; is the first line a header, and the delimiter right?" : ""
            throw Failure(.schema, "\(name): the header lacks \(names)\(hint)")
        }
        if strangers > 0, options.extra == .refuse, !schema.allowsExtraColumns {
            let names = extra.joined(separator: ", ") + (strangers > extra.count ? ", …" : "")
            let say = strangers == 1 ? "the column \(names) is" : "the columns \(names) are"
            throw Failure(.schema, "\(name): \(say) not in the schema; \(CSVOptions.extraHint)")
        }
        place = found
        guard let person = options.person else { return }
        guard schema.index(of: person.column) == nil else {
            throw Failure(.schema, "\(name): \(person.hint)")
        }
        guard personPlace >= 0 else {
            throw Failure(.schema, "\(name): the header lacks the column \(quoted(person.column))")
        }
    }
}

/// A whole file as a table.
/// - Throws: `.io`, `.format`, `.schema` (also when there are no rows), `.noMemory`, `.cancelled`.
package func readCSV(_ path: String, _ schema: Schema, _ options: CSVOptions = CSVOptions(),
                     progress: TableProgress? = nil) throws -> Table {
    try CSVReader(path, schema, options, progress: progress).rest()
}
