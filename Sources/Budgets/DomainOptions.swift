// What a host may ask for when it estimates a domain under a budget: one table that reads, prints and describes it.

import Basics
import Privacy
import Tables

package struct DomainOptions: Sendable {
    /// ε of this release alone, at the budget's order; or `share`.
    package var epsilon: Double?
    /// The part of the budget's R* that stands for ε.
    package var share: Double?
    /// Of its run in the budget's report.
    package var name = "domain"
    /// The level that stands for all that are not released.
    package var other = "other"
    /// δ_sel; nil: all that the budget has left of it.
    package var selection: Double?
    package var csv = CSVOptions()
    /// Tests only: the noise can be predicted.
    package var testSeed: UInt64?

    package init() {}
    package init(epsilon: Double) { self.epsilon = epsilon }

    /// The options of the domain beside those of reading CSV.
    /// - Throws: `.argument` naming the key.
    package init(_ json: JSON) throws {
        let r = try JSONReader(json, context: "domain")
        try self.init(r)
        try r.finish()
    }

    /// The same; the caller finishes the reader.
    package init(_ r: JSONReader) throws {
        try Self.table.read(r, into: &self)
        csv = try CSVOptions(r)
        guard (epsilon == nil) != (share == nil) else {
            throw Failure(.argument, "domain: give either epsilon or share")
        }
    }

    /// ε of the release under `budget`.
    /// - Throws: `.argument` without ε and share, `.budget` for a share that is too little.
    package func epsilon(of budget: SharedBudget) throws -> Double {
        if let share { return try budget.epsilon(share: share, key: "domain, share") }
        guard let epsilon else { throw Failure(.argument, "domain: give either epsilon or share") }
        return epsilon
    }

    package static var table: OptionTable<DomainOptions> {
        OptionTable([
            Option("epsilon", range: "above 0, at most 1000", unit: "nats",
                   help: "what the domain may cost alone, at the budget's order; or share",
                   read: { o, r in if let v = try r.optionalDouble("epsilon", in: 1e-9...1000) { o.epsilon = v } },
                   write: { $0.epsilon.map { .number($0) } ?? .null }),
            Option("share", range: "above 0, at most 1", help: "the part of the budget that it may cost; or epsilon",
                   read: { o, r in if let v = try r.optionalDouble("share", in: 1e-9...1) { o.share = v } },
                   write: { $0.share.map { .number($0) } ?? .null }),
            Option("selection_delta", range: "above 0, at most what the budget has left", unit: "probability",
                   help: "that a level shows which one row, or person, alone holds; all that is left when it is left "
                       + "out",
                   read: { o, r in if let v = try r.optionalDouble("selection_delta",
                       in: 1e-300...1) { o.selection = v } },
                   write: { $0.selection.map { .number($0) } ?? .null }),
            Option("other", range: "text", help: "the level that stands for all that are not bought",
                   read: { $0.other = try $1.optionalString("other") ?? $0.other }, write: { .string($0.other) }),
            Option("name", range: "text", help: "of the run in the budget's report",
                   read: { $0.name = try $1.optionalString("name") ?? $0.name }, write: { .string($0.name) }),
            Option("test_seed", range: "null | 0 to 2^63 - 1",
                   help: "tests only: deterministic noise, NOT private, recorded in the ledger",
                   read: { o, r in
                       if let v = r.optional("test_seed"), v != .null {
                           o.testSeed = UInt64(try r.int64("test_seed", in: 0...Int64.max))
                       }
                   },
                   write: { $0.testSeed.map { .int(Int64(clamping: $0)) } ?? .null }),
        ])
    }
}
