// One JSON object for a whole plan: the promise (epsilon, delta), the protected columns and the preset beside the options of the method.

import Basics
import Privacy
import Synthesis
import Tables

extension Plan {
    private static let promise = ["epsilon", "delta", "protected", "preset"]

    /// - Throws: `.argument` for a missing epsilon or delta, and what making the plan throws.
    init(schema: Schema, options: JSON, shared: Budget? = nil) throws {
        let all = options.asObject ?? JSONObject()
        let r = JSONReader(all.filter { Self.promise.contains($0) }, context: "config")
        let method = all.filter { !Self.promise.contains($0) }
        try self.init(schema: schema, protected: r.optionalStrings("protected") ?? [], epsilon: r.double("epsilon"), delta: r.double("delta"),
                      preset: r.optionalString("preset") ?? Plan.presets[0], config: .object(method), under: shared)
    }

    /// The same under a shared budget, which gives δ and the unit; `share` of its R* may stand for epsilon.
    init(schema: Schema, options: JSONObject, under shared: SharedBudget) throws {
        let terms = shared.terms
        var all = options
        if all["delta"] == nil { all["delta"] = .number(terms.delta) }
        if all["max_rows_per_person"] == nil { all["max_rows_per_person"] = .int(Int64(terms.rowsPerPerson)) }
        if let share = all["share"] {
            guard all["epsilon"] == nil else { throw Failure(.argument, "config: give either epsilon or share") }
            guard let s = share.asDouble, s > 0, s <= 1 else { throw Failure(.argument, "config, share: must be above 0 and at most 1") }
            let epsilon = Account(budget: terms).epsilon(share: s)
            guard epsilon > 0 else { throw Failure(.budget, "config, share: too little for any training") }
            all["epsilon"] = .number(epsilon)
            all["share"] = nil
        }
        try self.init(schema: schema, options: .object(all), shared: terms)
    }

    /// Every key of `options`, for hosts.
    static var optionsSchema: JSON {
        func line(_ key: String, _ range: String, _ unit: String, _ help: String, _ value: JSON = .null) -> (String, JSON) {
            (key, ["default": value, "range": .string(range), "unit": .string(unit), "help": .string(help)])
        }
        let own = [
            line("epsilon", "above 0, at most 1000", "nats", "promised privacy loss, one row added or removed; required"),
            line("delta", "above 0, below 1 / rows", "probability", "promised failure probability; required"),
            line("protected", "[names]", "", "protected columns", .array([])),
            line("preset", presets.joined(separator: " | "), "", "the recipe", .string(presets[0])),
        ]
        return .object(JSONObject(own + (Settings.schema.asObject?.members ?? []).map { ($0.key, $0.value) }))
    }
}

extension PlanBox {
    convenience init(schema: Schema, options: JSON, under shared: SharedBudget) throws {
        var options = options.asObject ?? JSONObject()
        let name = options["name"]
        options["name"] = nil
        guard name == nil || name?.asString != nil else { throw Failure(.argument, "config, name: must be a string") }
        try self.init(Plan(schema: schema, options: options, under: shared), shared: shared, name: name?.asString ?? "training")
    }
}
