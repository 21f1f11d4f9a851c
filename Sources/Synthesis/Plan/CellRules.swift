// How the cells of a plan's columns are made, as far as the options do not say it. A plan from a file keeps the rules
// of that file, so that models of earlier versions read as they were written.

import Basics
import Tables

struct CellRules: Sendable, Equatable {
    /// The columns whose cells grow with the distance from zero; nil: those that `encoder.grid` says.
    var powers: Set<String>?
    /// Whether each labelled reason of a missing value has a cell of its own.
    var haveReasons = true

    init() {}

    /// Whether the cells of a field may grow with the distance from zero.
    func isPowers(_ field: Field, _ settings: Settings) -> Bool {
        if let powers { return powers.contains(field.name) }
        switch settings.encoder.grid {
        case "powers": return true
        case "equal": return false
        default: return PowerCells.suit(field)
        }
    }

    /// - Parameter r: a plan as a file holds it.
    init(_ r: JSONReader) throws {
        powers = Set(try r.optionalStrings("power_grids") ?? [])
        haveReasons = try r.optionalBool("missing_reasons") ?? false
    }
}

extension Plan {
    /// The members by which a file tells the rules of its cells: only those that make a difference to its columns.
    var cellMembers: [(String, JSON)] {
        let powers = zip(schema.fields, grids).filter { $0.1.isPowers }.map { JSON.string($0.0.name) }
        return (powers.isEmpty ? [] : [("power_grids", .array(powers))])
            + (grids.contains { $0.reasons > 0 } ? [("missing_reasons", .bool(true))] : [])
    }
}
