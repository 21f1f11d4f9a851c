// A worker's side of an ask: rows of its parts become cells, or texts for a domain, and these become sums. A row is
// read once and forgotten.

import Basics
import Budgets
import Privacy
import Tables

package final class PartSums {
    package let ask: Ask
    package let sums: Sums
    private let rows: Reader

    private indirect enum Reader {
        case cells(CellReader, Schema)
        case texts(DomainRows)
    }
    /// Rows that are turned into cells at a time.
    private static let blockRows = 1 << 16

    /// Sums of nothing.
    /// - Throws: `.argument`, `.noMemory`.
    package init(_ ask: Ask) throws {
        self.ask = ask
        switch ask.subject {
        case .training(let plan): rows = .cells(CellReader(plan), plan.schema)
        case .domain(let domain): rows = .texts(domain)
        }
        sums = try Sums(ask.request, ask.tag, columns: ask.subject.columns)
    }

    /// Adds the rows of a part.
    /// - Throws: `.schema` for a table of another schema; `.state` when it is not complete, when the part is in
    ///   already, and where the plan promises for persons and their rows are not bounded in the table; `.unsupported`
    ///   for an ask of a domain.
    package func add(_ table: Table, part: Int) throws {
        guard case .cells(let reader, _) = rows else {
            throw Failure(.unsupported, "this ask is for a domain: a table has a schema already; give a stream or a "
                + "CSV file")
        }
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
        guard case .cells(let reader, let schema) = rows else {
            return try addTexts(part) { domain in
                let texts = try ArrowTexts(stream, domain.sketch, person: domain.person, options, progress: progress)
                return (texts, try domain.sketch.plain(texts.areTyped))
            }
        }
        let batches = try ArrowTables(stream, schema, options)
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
        guard case .cells(let reader, let schema) = rows else {
            return try addTexts(part) { domain in
                guard options.person == nil else {
                    throw Failure(.argument, "csv: the ask says whose rows are bounded; leave out person")
                }
                options.person = domain.person
                return (RawRows(path, names: domain.sketch.names, options: options, progress: progress), domain.sketch)
            }
        }
        let file = try CSVReader(path, schema, options, progress: progress)
        try sums.beginPart(part)
        var before = schema.fields.map { _ in 0 }
        while let table = try file.next(Self.blockRows) {
            try reader.check(table)
            let all = file.replacedCells
            try sums.add(reader.cells(table, first: 0, count: table.rows), problems: zip(all, before).map { $0 - $1 })
            before = all
        }
        sums.endPart()
    }

    /// Adds rows that are texts, by a sketch that fits them.
    private func addTexts(_ part: Int, _ open: (DomainRows) throws -> (some TextRows, SchemaSketch)) throws {
        guard case .texts(let domain) = rows else { return }
        let (texts, sketch) = try open(domain)
        try DomainRows(sketch, person: domain.person).add(texts, to: sums, part: part)
    }
}
