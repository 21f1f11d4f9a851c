// Writes the canonical JSON of a schema: equal schemas have equal text, and reading the text gives an equal schema.

import Basics

extension Schema {
    /// Compact canonical text.
    package var json: String { jsonValue.text }

    package var jsonValue: JSON {
        var out = metadata
        out["fields"] = .array(fields.map(\.jsonValue))
        out["missingValues"] = .array(missingValues.map { text in
            guard !missingLabels.isEmpty else { return .string(text) }
            return .members([("value", .string(text))] + (missingLabels[text].map { [("label", .string($0))] } ?? []))
        })
        return .object(out)
    }
}

extension Field {
    var jsonValue: JSON {
        var out = JSONObject([("name", .string(name)), ("type", .string(type.rawValue))])
        for member in metadata.members { out[member.key] = member.value }
        // A step that was declared beside the constraints stays there.
        let isStepBeside = metadata[Field.stepKey] != nil
        var c = JSONObject()
        if required { c["required"] = true }
        switch kind {
        case .categorical(let levels):
            c["enum"] = .array(levels.map { level in
                switch type {
                case .integer: return Int64(level).map(JSON.int) ?? .string(level)
                case .number: return withText(level) { parseDecimal($0, $1) }.map(number) ?? .string(level)
                default: return .string(level)
                }
            })
        case .boolean:
            if trueValues != Field.defaultTrue { out["trueValues"] = .array(trueValues.map(JSON.string)) }
            if falseValues != Field.defaultFalse { out["falseValues"] = .array(falseValues.map(JSON.string)) }
        case .integer(let low, let high, let step):
            c["minimum"] = .int(low)
            c["maximum"] = .int(high)
            if step != 1, !isStepBeside { c["multipleOf"] = .int(step) }
        case .number(let low, let high, let step):
            c["minimum"] = number(low)
            c["maximum"] = number(high)
            if !isStepBeside { c["multipleOf"] = step.map(number) }
        case .date(let low, let high):
            c["minimum"] = .string(dateText(low))
            c["maximum"] = .string(dateText(high))
        case .datetime(let low, let high, let step):
            c["minimum"] = .string(datetimeText(low))
            c["maximum"] = .string(datetimeText(high))
            if step != 1, !isStepBeside { c["multipleOf"] = number(Double(step) / 1e6) }
        }
        if !c.isEmpty { out["constraints"] = .object(c) }
        return .object(out)
    }

    private func number(_ x: Double) -> JSON { x == x.rounded() && x.magnitude < 0x1p53 ? .int(Int64(x)) : .number(x) }
}
