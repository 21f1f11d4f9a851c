// How the cells of a plan's columns are made, as far as the options do not say it. A plan from a file keeps the rules of
// that file, so that models of earlier versions read as they were written.

import Basics
import Tables

struct CellRules: Sendable, Equatable {
    /// Whether each labelled reason of a missing value has a cell of its own.
    var haveReasons = true

    init() {}

    /// - Parameter r: a plan as a file holds it.
    init(_ r: JSONReader) throws {
        haveReasons = try r.optionalBool("missing_reasons") ?? false
    }
}

extension Plan {
    /// The members by which a file tells the rules of its cells: only those that make a difference to its columns.
    var cellMembers: [(String, JSON)] {
        grids.contains { $0.reasons > 0 } ? [("missing_reasons", .bool(true))] : []
    }
}
