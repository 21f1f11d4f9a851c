// Reads an Arrow stream of a host as a table, and releases the stream, its schema and every batch on every path.
// Nothing in a stream is believed: see ArrowView. A producer's own error text is not passed on: it may hold values.

import Basics
import CArrow
import Glibc

/// A stream taken over from a host, as the interface says: the host's struct is marked as released, this object
/// releases the copy.
package final class ArrowStream {
    private let stream: UnsafeMutablePointer<ArrowArrayStream>

    /// - Parameter source: a `struct ArrowArrayStream`.
    package init(taking source: UnsafeMutableRawPointer) {
        let source = source.assumingMemoryBound(to: ArrowArrayStream.self)
        stream = .allocate(capacity: 1)
        stream.initialize(to: source.pointee)
        source.pointee.release = nil
    }

    deinit {
        stream.pointee.release?(stream)
        stream.deallocate()
    }

    /// Calls `body` with the stream's schema, and releases it.
    func withSchema<R>(_ body: (ArrowSchema) throws -> R) throws -> R {
        guard stream.pointee.release != nil, let get = stream.pointee.get_schema else {
            throw Failure(.argument, "the Arrow stream was released")
        }
        var schema = ArrowSchema()
        try check(get(stream, &schema))
        guard schema.release != nil else { throw Failure(.format, "the Arrow stream gave a schema that was released") }
        defer { schema.release?(&schema) }
        return try body(schema)
    }

    /// Calls `body` with the next batch, and releases it; false when there is none.
    func withNext(_ body: (ArrowArray) throws -> Void) throws -> Bool {
        guard let get = stream.pointee.get_next else { throw Failure(.argument, "the Arrow stream has no get_next") }
        var batch = ArrowArray()
        try check(get(stream, &batch))
        guard batch.release != nil else { return false }
        defer { batch.release?(&batch) }
        try body(batch)
        return true
    }

    private func check(_ status: Int32) throws {
        switch status {
        case 0: return
        case ENOMEM: throw Failure(.noMemory, "the Arrow stream had not enough memory")
        case ECANCELED, EINTR: throw Failure(.cancelled, "the Arrow stream was cancelled")
        default:
            throw Failure(.io, "the Arrow stream failed with error \(status); "
                + "its own words are not repeated here, for they may hold values")
        }
    }
}

/// What happens to cells and columns that do not fit; the same words as for CSV.
package struct ArrowOptions: Sendable {
    package var invalid = CSVOptions.Invalid.refuse
    package var extra = CSVOptions.Extra.refuse
    /// Where rows are counted and none may stop the count: every cell that breaks the schema is replaced.
    package var refusesNothing = false

    package init(invalid: CSVOptions.Invalid = .refuse, extra: CSVOptions.Extra = .refuse) {
        (self.invalid, self.extra) = (invalid, extra)
    }

    /// Takes the options of `ArrowOptions.table`, all of which may be left out; the caller finishes the reader.
    package init(_ r: JSONReader) throws { try ArrowOptions.table.read(r, into: &self) }

    /// Every option, in the order in which they are described.
    package static let table = OptionTable<ArrowOptions>([
        .choice("invalid", \.invalid, help: CSVOptions.invalidHelp),
        .choice("extra", \.extra, help: "columns the schema does not name"),
    ])
}

/// All batches of a stream as one table.
/// - Throws: `.argument` for a stream that was released; `.format` for one that breaks the interface; `.schema` for a
///   column that is missing, unknown or of a type that does not fit, for a refused cell, for no rows; `.io` when the
///   stream fails; `.noMemory`; `.cancelled`.
package func importArrow(_ stream: ArrowStream, _ schema: Schema, _ options: ArrowOptions = ArrowOptions(),
                         progress: TableProgress? = nil) throws -> Table {
    let plan = try stream.withSchema { try ArrowColumns($0, schema, options) }
    let builder = try TableBuilder(schema: schema)
    repeat {
        if let progress, !progress(builder.rows, 0) {
            throw Failure(.cancelled, "reading an Arrow stream was cancelled")
        }
    } while try stream.withNext { try plan.read($0, into: builder) }
    let table = try builder.finish()
    try table.keepRules(coerce: options.invalid == .coerce)
    return table
}

/// A stream as tables of some thousand rows each, so that it may be longer than memory. It may have no rows.
package final class ArrowTables {
    private let stream: ArrowStream, schema: Schema, columns: ArrowColumns
    private var isOver = false
    /// Rows read, for progress.
    package private(set) var rows = 0
    /// Replaced cells of each column that earlier tables reported.
    private var reported: [Int]

    /// - Throws: as `importArrow`.
    package init(_ stream: ArrowStream, _ schema: Schema, _ options: ArrowOptions) throws {
        (self.stream, self.schema) = (stream, schema)
        columns = try stream.withSchema { try ArrowColumns($0, schema, options) }
        reported = schema.fields.map { _ in 0 }
    }

    /// Whole batches, until there are `count` rows; nil at the end.
    /// - Returns: a table, and how many cells of each of its columns were replaced.
    /// - Throws: as `importArrow`, but for no rows.
    package func next(rows count: Int) throws -> (table: Table, replaced: [Int])? {
        guard !isOver else { return nil }
        let builder = try TableBuilder(schema: schema)
        while builder.rows < count, !isOver {
            isOver = try !stream.withNext { try columns.read($0, into: builder) }
        }
        guard builder.rows > 0 else { return nil }
        rows += builder.rows
        let table = try builder.finish(), all = table.columns.map(\.replaced)
        defer { reported = zip(reported, all).map(max) }
        return (table, zip(all, reported).map { max($0 - $1, 0) })
    }
}

/// Which child of a batch fills which field, and how.
private struct ArrowColumns {
    private let columns: [ArrowColumn], places: ArrowPlaces

    init(_ root: ArrowSchema, _ schema: Schema, _ options: ArrowOptions) throws {
        let places = try ArrowPlaces(root, schema.fields.map(\.name),
                                     refusesExtra: options.extra == .refuse && !schema.allowsExtraColumns)
        self.places = places
        columns = try schema.fields.indices.map { j in
            try ArrowColumn(schema.fields[j], places.child(of: root, j), missingValues: schema.missingValues, options)
        }
    }

    func read(_ batch: ArrowArray, into builder: TableBuilder) throws {
        let (first, count) = try places.check(batch), rows = builder.rows
        guard count > 0 else { return }
        try Table.checkRows(rows + count)
        try builder.reserve(rows + count)
        for (j, column) in columns.enumerated() {
            try column.read(places.child(of: batch, j), first: first, count: count, into: builder.columns[j], row: rows)
        }
        builder.advance(count)
    }
}
