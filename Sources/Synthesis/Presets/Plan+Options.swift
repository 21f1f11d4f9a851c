// One JSON object for a whole plan: the promise (epsilon, delta), the protected columns and the preset beside the
// options of the method.

import Basics
import Budgets
import Privacy
import Tables

extension Plan {
    private static let promise = ["epsilon", "delta", "protected", "preset"]

    /// - Throws: `.argument` for a missing epsilon or delta, and what making the plan throws.
    package init(schema: Schema, options: JSON, shared: Budget? = nil) throws {
        let all = options.asObject ?? JSONObject()
        let r = JSONReader(all.filter { Self.promise.contains($0) }, context: "config")
        let method = all.filter { !Self.promise.contains($0) }
        try self.init(schema: schema, protected: r.optionalStrings("protected") ?? [], epsilon: r.double("epsilon"),
                      delta: r.double("delta"),
                      preset: r.optionalString("preset") ?? Presets.standard, config: .object(method), under: shared)
    }

    /// The same under a shared budget, which gives δ and the unit; `share` of its R* may stand for epsilon.
    package init(schema: Schema, options: JSONObject, under shared: SharedBudget) throws {
        let terms = shared.terms
        var all = options
        if all["delta"] == nil { all["delta"] = .number(terms.delta) }
        if all["max_rows_per_person"] == nil { all["max_rows_per_person"] = .int(Int64(terms.rowsPerPerson)) }
        if let share = all["share"] {
            guard all["epsilon"] == nil else { throw Failure(.argument, "config: give either epsilon or share") }
            guard let s = share.asDouble else {
                throw Failure(.argument, "config, share: must be above 0 and at most 1")
            }
            all["epsilon"] = .number(try shared.epsilon(share: s, key: "config, share"))
            all["share"] = nil
        }
        try self.init(schema: schema, options: .object(all), shared: terms)
    }

    /// Every key of `options`, for hosts.
    package static var optionsSchema: JSON {
        func line(_ key: String, _ range: String, _ unit: String, _ help: String, _ value: JSON = .null)
            -> (String, JSON) {
            (key, ["default": value, "range": .string(range), "unit": .string(unit), "help": .string(help)])
        }
        let own = [
            line("epsilon", "above 0, at most 1000", "nats",
                 "promised privacy loss, one row added or removed; required"),
            line("delta", "above 0, below 1 / rows", "probability", "promised failure probability; required"),
            line("protected", "[names]", "", "protected columns", .array([])),
            line("preset", Presets.names.joined(separator: " | "), "", "the recipe", .string(Presets.standard)),
        ]
        let options = Settings.schema(presets: Presets.registered.map { ($0.name, $0.defaults, $0.sections) })
        return .object(JSONObject(own + (options.asObject?.members ?? []).map { ($0.key, $0.value) }))
    }
}
