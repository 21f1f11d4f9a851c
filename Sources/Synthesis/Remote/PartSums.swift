// A worker's side of an ask: rows of its parts become cells, and cells become sums. A row is read once and forgotten.

import Basics
import Privacy
import Tables

package final class PartSums {
    package let ask: Ask
    package let sums: Sums
    private let reader: CellReader
    /// Rows that are turned into cells at a time.
    private static let blockRows = 1 << 16

    /// Sums of nothing.
    /// - Throws: `.argument`, `.noMemory`.
    package init(_ ask: Ask) throws {
        self.ask = ask
        reader = CellReader(ask.plan)
        sums = try Sums(ask.request, ask.tag, columns: ask.plan.grids.count)
    }

    /// Adds the rows of a part.
    /// - Throws: `.schema` for a table of another schema; `.state` when it is not complete, when the part is in
    ///   already, and where the plan promises for persons and their rows are not bounded in the table.
    package func add(_ table: Table, part: Int) throws {
        try reader.check(table)
        try sums.beginPart(part)
        var first = 0
        while first < table.rows {
            let n = min(Self.blockRows, table.rows - first)
            try sums.add(reader.cells(table, first: first, count: n),
                         problems: table.columns.map { first == 0 ? $0.replaced : 0 })
            first += n
        }
        sums.endPart()
    }

    /// Adds the rows of a part as they are read, some thousand at a time. There may be none.
    /// - Parameter options: what breaks the schema is replaced and counted, whatever they say.
    /// - Throws: as `importArrow`, but for cells and for no rows; `.state` as `add(_:part:)`.
    package func add(_ stream: ArrowStream, part: Int, _ options: ArrowOptions, progress: TableProgress?) throws {
        var options = options
        options.refusesNothing = true
        let batches = try ArrowTables(stream, ask.plan.schema, options)
        try sums.beginPart(part)
        while let (table, replaced) = try batches.next(rows: Self.blockRows) {
            try reader.check(table)
            try sums.add(reader.cells(table, first: 0, count: table.rows), problems: replaced)
            if let progress, !progress(batches.rows, 0) {
                throw Failure(.cancelled, "adding up rows was cancelled")
            }
        }
        sums.endPart()
    }

    /// The same for the rows of a CSV file.
    /// - Throws: as `CSVReader`, but for cells and for no rows; `.state` as `add(_:part:)`.
    package func add(csv path: String, part: Int, _ options: CSVOptions, progress: TableProgress?) throws {
        var options = options
        options.refusesNothing = true
        let file = try CSVReader(path, ask.plan.schema, options, progress: progress)
        try sums.beginPart(part)
        var before = ask.plan.schema.fields.map { _ in 0 }
        while let table = try file.next(Self.blockRows) {
            try reader.check(table)
            let all = file.replacedCells
            try sums.add(reader.cells(table, first: 0, count: table.rows), problems: zip(all, before).map { $0 - $1 })
            before = all
        }
        sums.endPart()
    }
}
