// What happens to cells that break the schema, for tables that a host fills and for HDF5 files; as for CSV files.

import Basics

package struct CellOptions: Sendable {
    package var invalid = CSVOptions.Invalid.refuse

    package init() {}

    /// - Throws: `.argument` naming the key.
    package init(_ json: JSON) throws { try Self.table.read(json, context: "cells", into: &self) }

    /// Every option, in the order in which they are described.
    package static let table = OptionTable<CellOptions>([
        .choice("invalid", \.invalid, help: CSVOptions.invalidHelp),
    ])
}
