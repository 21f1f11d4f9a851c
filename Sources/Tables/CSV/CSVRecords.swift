// Reads CSV without a schema: titles and records, for whoever wants to know what is in a file.
// CSVReader makes tables.

import Basics

/// A file's records one after the other. Errors name file, line and rule, never a cell.
final class CSVRecords {
    let name: String
    let titles: [String]
    /// Records read so far.
    private(set) var rows = 0
    private let scanner: CSVScanner
    private let cells: Buffer<CSVCell>
    private let tick: () throws -> Void

    /// Opens the file and reads its titles.
    /// - Parameters: as CSVReader's.
    /// - Throws: `.io`; `.format` also for titles that are empty or repeated; `.cancelled`.
    init(name: String, size: Int, _ options: CSVOptions, progress: TableProgress? = nil,
         read: @escaping (UnsafeMutableRawPointer, Int) throws -> Int) throws {
        self.name = name
        let (tick, read) = counted(name, size, progress, read)
        self.tick = tick
        scanner = try CSVScanner(name: name, delimiter: options.delimiter, read: read)
        titles = try scanner.header()
        try CSVRecords.check(titles, name, options)
        cells = try Buffer<CSVCell>(count: titles.count, for: "a line")
    }

    private static func check(_ titles: [String], _ name: String, _ options: CSVOptions) throws {
        if let i = titles.firstIndex(of: "") {
            throw Failure(.format, "\(name), header cell \(i + 1): a column without a name "
                + "(pandas writes its index so: to_csv(..., index=False))")
        }
        var seen = Set<String>()
        if let i = titles.firstIndex(where: { !seen.insert($0).inserted }) {
            throw Failure(.format, "\(name), header cell \(i + 1): a name that was there before")
        }
        let delimiters = CSVOptions.delimiters.compactMap(\.utf8.first)
        if titles.count == 1, titles[0].utf8.contains(where: delimiters.contains) {
            throw Failure(.format, "\(name): the header is one cell; is the delimiter right?")
        }
    }

    /// Whether there is a further record. Blank lines are none, except in a file of one column.
    func next() throws -> Bool {
        repeat {
            guard try scanner.next(cells.base, room: cells.count) == .record else {
                try tick()
                return false
            }
        } while count == 1 && titles.count > 1 && cells[0].count == 0 && !cells[0].isQuoted
        rows += 1
        return true
    }

    /// Of the present record: its cells, and the line it starts on.
    var count: Int { scanner.cellCount }
    var line: Int { scanner.line }

    /// What is wrong with the text of a cell, if anything is.
    func flaw(_ j: Int) -> BadCell? { cells[j].flaws == 0 ? nil : cells[j].bad }

    /// The text of cell j < count, valid until the next record.
    func text(_ j: Int) -> UnsafeBufferPointer<UInt8> { scanner.text(&cells.base[j]) }

    /// - Throws: `.format` for a record with more or fewer cells than there are titles, or with text that is not CSV or
    ///   not UTF-8.
    func requireWhole() throws {
        guard count == titles.count else {
            throw Failure(.format, "\(name), line \(line): \(count) cells where the header has \(titles.count)")
        }
        guard scanner.isFlawed, let j = titles.indices.first(where: { cells[$0].flaws != 0 }) else { return }
        throw Failure(.format, "\(name), line \(line), column \(quoted(titles[j])): \(cells[j].bad.rule(nil))")
    }
}

/// `read` with a count of what was read, and the question whether to go on, asked before every piece.
func counted(_ name: String, _ size: Int, _ progress: TableProgress?,
             _ read: @escaping (UnsafeMutableRawPointer, Int) throws -> Int)
    -> (tick: () throws -> Void, read: (UnsafeMutableRawPointer, Int) throws -> Int) {
    var done = 0
    let tick = {
        if let progress, !progress(done, size) { throw Failure(.cancelled, "\(name): reading was cancelled") }
    }
    return (tick, { target, count in
        try tick()
        let n = try read(target, count)
        done += n
        return n
    })
}

/// The names in the header of a CSV file, in order.
/// - Throws: `.io`; `.format` for text that is not CSV, and for titles that are empty or repeated.
package func csvTitles(_ path: String, _ options: CSVOptions = CSVOptions()) throws -> [String] {
    let file = try InputFile(path)
    return try CSVRecords(name: path, size: file.size, options) { try file.read(into: $0, count: $1) }.titles
}
