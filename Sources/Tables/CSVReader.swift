// From CSV to tables, in batches of any size: the memory is that of one batch. The header names the columns, in any order; every cell is
// checked against the schema. Errors name file, line, column and rule, never a value, and for that reason never a header cell
// that may be one: a file without a header shows its first row there.

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
    private var headerCount = 0
    private let tick: () throws -> Void

    /// Opens the file and reads its header.
    /// - Throws: `.io`; `.format` for text that is not CSV; `.schema` for a header that does not fit; `.cancelled`.
    package convenience init(_ path: String, _ schema: Schema, _ options: CSVOptions = CSVOptions(), progress: TableProgress? = nil) throws {
        let file = try InputFile(path)
        try self.init(name: path, size: file.size, schema, options, progress: progress) { try file.read(into: $0, count: $1) }
    }

    /// - Parameters:
    ///   - name: for messages. `size`: bytes in all, 0 if unknown.
    ///   - read: gives up to that many bytes; 0 is the end.
    package init(name: String, size: Int, _ schema: Schema, _ options: CSVOptions = CSVOptions(), progress: TableProgress? = nil,
                 read: @escaping (UnsafeMutableRawPointer, Int) throws -> Int) throws {
        self.schema = schema
        self.name = name
        self.options = options
        var done = 0
        let tick = {
            if let progress, !progress(done, size) { throw Failure(.cancelled, "\(name): reading was cancelled") }
        }
        self.tick = tick
        scanner = try CSVScanner(name: name, delimiter: options.delimiter) { target, count in
            try tick()
            let n = try read(target, count)
            done += n
            return n
        }
        parsers = try schema.fields.map { try CellParser($0, missingValues: schema.missingValues, coerce: options.invalid == .coerce) }
        try readHeader()
    }

    /// Up to `maximum` further rows; nil when there are none left.
    /// - Throws: `.schema` naming line, column and rule; `.format`; `.io`; `.noMemory`; `.cancelled`.
    package func next(_ maximum: Int) throws -> Table? {
        guard maximum > 0 else { throw Failure(.argument, "a batch has at least one row") }
        let builder = try TableBuilder(schema: schema, expectedRows: min(maximum, 4096))
        try read(into: builder, maximum)
        return builder.rows > 0 ? try builder.finish() : nil
    }

    /// All rows that are left.
    /// - Throws: as `next`; `.schema` when there are none.
    package func rest() throws -> Table {
        let builder = try TableBuilder(schema: schema)
        try read(into: builder, .max)
        guard builder.rows > 0 else { throw Failure(.schema, "\(name): the table has no rows") }
        return try builder.finish()
    }

    // MARK: rows

    private func read(into builder: TableBuilder, _ maximum: Int) throws {
        while builder.rows < maximum {
            guard try scanner.next() else {
                try tick()
                return
            }
            if scanner.cellCount == 1, headerCount > 1, scanner.cells[0].count == 0, !scanner.cells[0].isQuoted { continue }   // a blank line
            if options.invalid == .refuse { try checkRecord() }
            try builder.reserve(builder.rows + 1)
            let row = builder.rows
            let cells = scanner.cells.base, base = scanner.base, count = scanner.cellCount
            for j in 0..<parsers.count {
                let parser = parsers[j], at = place[j]
                var value = Double.nan
                var verdict: Int64
                if at < count {
                    let cell = cells[at]
                    verdict = cell.flaws == 0 ? parser.parse(base + cell.start, cell.count, &value) : parser.settle(cell.bad.rawValue, &value)
                } else {
                    verdict = parser.absent(&value)
                }
                if verdict < missingOffset { throw failure(at, BadCell(rawValue: verdict)?.rule(parser.field) ?? "not valid") }
                builder.columns[j].put(row, verdict, value)
            }
            builder.advance()
            rows += 1
        }
    }

    /// What is wrong with a record before its cells are looked at.
    private func checkRecord() throws {
        guard scanner.cellCount == headerCount else {
            throw Failure(.format, "\(name), line \(scanner.line): \(scanner.cellCount) cells where the header has \(headerCount)")
        }
        guard scanner.isFlawed, let bad = (0..<headerCount).first(where: { scanner.cells[$0].flaws != 0 }) else { return }
        throw failure(bad, scanner.cells[bad].bad.rule(schema.fields[0]), .format)
    }

    private func failure(_ cell: Int, _ rule: String, _ code: FailureCode = .schema) -> Failure {
        let column = place.firstIndex(of: cell).map { quoted(schema.fields[$0].name) } ?? String(cell + 1)
        return Failure(code, "\(name), line \(scanner.line), column \(column): \(rule)")
    }

    // MARK: header

    private func readHeader() throws {
        try scanner.skipMark()
        guard try scanner.next(growing: true) else { throw Failure(.format, "\(name): the file is empty") }
        headerCount = scanner.cellCount
        let line = scanner.line
        if scanner.isFlawed, let bad = (0..<headerCount).first(where: { scanner.cells[$0].flaws != 0 }) {
            throw Failure(.format, "\(name), line \(line), header cell \(bad + 1): \(scanner.cells[bad].bad.rule(schema.fields[0]))")
        }
        var found = [Int](repeating: -1, count: schema.fields.count)
        var extra: [String] = [], strangers = 0
        for i in 0..<headerCount {
            let cell = scanner.cells[i]
            let title = String(decoding: UnsafeBufferPointer(start: scanner.base + cell.start, count: cell.count), as: UTF8.self)
            if let j = schema.index(of: title) {
                guard found[j] < 0 else { throw Failure(.schema, "\(name): the column \(quoted(title)) is in the header twice") }
                found[j] = i
            } else {
                strangers += 1
                if extra.count < 8 { extra.append(quoted(title)) }
            }
        }
        // Names of the schema may be shown. Those of the file only once all of the schema's are there, so that this is a header.
        let missing = found.indices.filter { found[$0] < 0 }
        if !missing.isEmpty {
            let names = missing.prefix(8).map { quoted(schema.fields[$0].name) }.joined(separator: ", ") + (missing.count > 8 ? ", …" : "")
            let hint = missing.count == found.count ? "; is the first line a header, and the delimiter right?" : ""
            throw Failure(.schema, "\(name): the header lacks \(missing.count == 1 ? "the column" : "the columns") \(names)\(hint)")
        }
        if strangers > 0, options.extra == .refuse {
            let names = extra.joined(separator: ", ") + (strangers > extra.count ? ", …" : "")
            let say = strangers == 1 ? "the column \(names) is" : "the columns \(names) are"
            throw Failure(.schema, "\(name): \(say) not in the schema; the option \"extra\": \"ignore\" leaves out what the schema does not name")
        }
        place = found
    }
}

/// A whole file as a table.
/// - Throws: `.io`, `.format`, `.schema` (also when there are no rows), `.noMemory`, `.cancelled`.
package func readCSV(_ path: String, _ schema: Schema, _ options: CSVOptions = CSVOptions(), progress: TableProgress? = nil) throws -> Table {
    try CSVReader(path, schema, options, progress: progress).rest()
}
