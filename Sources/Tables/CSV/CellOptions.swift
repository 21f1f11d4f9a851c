// What happens to cells that break the schema, for tables that a host fills and for HDF5 files; as for CSV files.

import Basics

package struct CellOptions: Sendable {
    package var invalid = CSVOptions.Invalid.refuse

    package init() {}

    /// Takes the options of `CellOptions.table`, all of which may be left out; the caller finishes the reader.
    package init(_ r: JSONReader) throws { try CellOptions.table.read(r, into: &self) }

    /// Every option, in the order in which they are described.
    package static let table = OptionTable<CellOptions>([
        .choice("invalid", \.invalid, help: CSVOptions.invalidHelp),
    ])
}
