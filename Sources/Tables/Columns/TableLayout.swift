// What a table of some schema will cost in memory, before there is one.

import Basics

package struct TableLayout: Sendable {
    /// One for each field, in order.
    package let storages: [CellStorage]
    package let bytesPerRow: Int

    package init(_ schema: Schema) {
        storages = schema.fields.map { CellStorage($0) }
        bytesPerRow = storages.reduce(0) { $0 + $1.bytes }
    }

    /// Bytes of a table of `rows` rows that is made in one piece.
    /// - Throws: `.noMemory` when that is beyond what can be addressed.
    package func bytes(rows: Int) throws -> Int {
        let (size, over) = max(rows, 0).multipliedReportingOverflow(by: bytesPerRow)
        guard !over else { throw Failure(.noMemory, "not enough memory for a table of \(rows) rows") }
        return size
    }
}
