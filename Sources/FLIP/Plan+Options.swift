// One JSON object for a whole plan: the promise (epsilon, delta), the protected columns and the preset beside the options of the method.

import Basics
import Synthesis
import Tables

extension Plan {
    private static let promise = ["epsilon", "delta", "protected", "preset"]

    /// - Throws: `.argument` for a missing epsilon or delta, and what making the plan throws.
    init(schema: Schema, options: JSON) throws {
        let all = options.asObject ?? JSONObject()
        let r = JSONReader(all.filter { Self.promise.contains($0) }, context: "config")
        let method = all.filter { !Self.promise.contains($0) }
        try self.init(schema: schema, protected: r.optionalStrings("protected") ?? [], epsilon: r.double("epsilon"), delta: r.double("delta"),
                      preset: r.optionalString("preset") ?? Plan.presets[0], config: .object(method))
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
