// What a host says of a new shared budget: one table that reads, prints and describes it.

import Basics
import Privacy

package struct BudgetOptions {
    /// What all runs together may cost, and its failure probability; both are required.
    package var epsilon: Double?, delta: Double?
    /// Rényi order at which divergences are added; nil: the one that suits trainings at a sampling rate of 0.03.
    package var order: Int?
    /// Part of δ that thresholded histograms may use.
    package var selection = 0.0
    /// Rows that one person may have; 0: the promise is for rows.
    package var rowsPerPerson = 0
    /// What runs may release, and how their divergences become ε.
    package var filter = Budget.Filter.renyi

    package init() {}

    /// - Throws: `.argument` naming the key.
    package init(_ json: JSON) throws { try Self.table.read(json, context: "budget", into: &self) }

    /// The terms of the budget.
    /// - Throws: what `SharedBudget.terms` throws.
    package func terms() throws -> Budget {
        guard let epsilon, let delta else { throw Failure(.argument, "budget: epsilon and delta are required") }
        return try SharedBudget.terms(epsilon: epsilon, delta: delta, order: order, selection: selection,
                                      rowsPerPerson: rowsPerPerson, filter: filter)
    }

    package static var table: OptionTable<BudgetOptions> {
        OptionTable([
            Option("epsilon", range: "above 0, at most 1000", unit: "nats",
                   help: "what all runs together may cost; required",
                   read: { $0.epsilon = try $1.double("epsilon") }, write: { $0.epsilon.map { .number($0) } ?? .null }),
            Option("delta", range: "above 0, below 1 / rows", unit: "probability",
                   help: "its failure probability; required",
                   read: { $0.delta = try $1.double("delta") }, write: { $0.delta.map { .number($0) } ?? .null }),
            Option("order", range: "2 to 64, 128, 256, 512, 1024",
                   help: "Rényi order at which divergences are added; fitted to trainings at a sampling rate of 0.03 "
                       + "when it "
                       + "is left out",
                   read: { $0.order = try $1.optionalInt("order") },
                       write: { $0.order.map { .int(Int64($0)) } ?? .null }),
            Option("filter", range: "renyi | gaussian",
                   help: "gaussian: exact sums of Gaussian releases of all rows, as the preset best and a private "
                       + "domain make them, and nothing else; renyi: releases of any kind",
                   read: { o, r in
                       let known = Budget.Filter.allCases.map(\.rawValue)
                       o.filter = try r.optionalChoice("filter", of: known).flatMap(Budget.Filter.init) ?? .renyi
                   },
                   write: { .string($0.filter.rawValue) }),
            Option("selection_delta", range: "0 to delta", unit: "probability",
                   help: "part of delta that thresholded histograms may use",
                   read: { $0.selection = try $1.optionalDouble("selection_delta") ?? 0 },
                   write: { $0.selection == 0 ? .int(0) : .number($0.selection) }),
            Option("max_rows_per_person", range: "0 to 1024", unit: "rows",
                   help: "all runs are for persons with up to so many rows; 0: for rows",
                   read: { $0.rowsPerPerson = try $1.optionalInt("max_rows_per_person") ?? 0 },
                   write: { .int(Int64($0.rowsPerPerson)) }),
        ])
    }
}
