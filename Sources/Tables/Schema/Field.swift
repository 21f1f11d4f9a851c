// One column's public declaration: name, type, domain, whether cells may be missing.
// A domain is always finite or bounded: levels for text, bounds for everything that is counted or measured.

import Basics

/// The declared type of a field, by its Table Schema name.
package enum FieldType: String, Sendable, CaseIterable {
    case string, integer, number, boolean, date, datetime
}

/// What values a column can hold. Bounds are included; with a step they are multiples of it.
package enum Kind: Equatable, Sendable {
    /// 1...65 534 levels in declared order.
    case categorical(levels: [String])
    /// Offset 0 is false, 1 is true.
    case boolean
    /// Multiples of `step` >= 1.
    case integer(minimum: Int64, maximum: Int64, step: Int64)
    /// Finite; with a step the whole multiples of it (see Grid), without one every double between.
    case number(minimum: Double, maximum: Double, step: Double?)
    /// Days since 1970-01-01.
    case date(minimum: Int64, maximum: Int64)
    /// Microseconds since 1970-01-01 UTC; `step` in microseconds.
    case datetime(minimum: Int64, maximum: Int64, step: Int64)

    /// The number of distinct values, at most 2^62; nil for numbers without a step. 0 for bounds that no schema would
    /// take.
    package var count: Int64? {
        switch self {
        case .categorical(let levels): return Int64(levels.count)
        case .boolean: return 2
        case .integer(let low, let high, let step), .datetime(let low, let high, let step):
            return Kind.count(low, high, step)
        case .date(let low, let high): return Kind.count(low, high, 1)
        case .number(_, _, nil): return nil
        case .number: return grid?.count ?? 0
        }
    }

    private static func count(_ low: Int64, _ high: Int64, _ step: Int64) -> Int64 {
        let (range, over) = high.subtractingReportingOverflow(low)
        return over || range < 0 || range >= 1 << 62 || step < 1 ? 0 : range / step + 1
    }

    /// The multiples of a number's step; nil for other kinds and without a step.
    package var grid: Grid? {
        guard case .number(let low, let high, let step?) = self else { return nil }
        return Grid(minimum: low, maximum: high, step: step)
    }
}

package struct Field: Equatable, Sendable {
    package let name: String
    package let type: FieldType
    package let kind: Kind
    /// Required cells are never missing.
    package let required: Bool
    /// Texts of a boolean, the first of each is the one written.
    package let trueValues, falseValues: [String]
    /// title, description, rdfType and example, carried along unread, and the members of Table Schema that say how
    /// cells are written.
    package let metadata: JSONObject
    /// How the field's cells are written in text.
    package let form: TextForm
    /// Of the texts that mean "missing" in this field, those that are values of its type: a host's number that one of
    /// them spells is missing as well. Set by `Schema.init`.
    package let missingCodes: [String]

    /// Nothing is checked here: `Schema.init` checks every field it takes.
    /// - Parameter type: only needed when levels are typed, such as an integer with an enum.
    package init(name: String, kind: Kind, required: Bool = true, type: FieldType? = nil,
                 trueValues: [String] = Field.defaultTrue, falseValues: [String] = Field.defaultFalse,
                 metadata: JSONObject = JSONObject(), form: TextForm = TextForm(), missingCodes: [String] = []) {
        self.name = name
        self.form = form
        self.missingCodes = missingCodes
        self.kind = kind
        self.required = required
        self.trueValues = trueValues
        self.falseValues = falseValues
        self.metadata = metadata
        switch kind {
        case .categorical: self.type = type ?? .string
        case .boolean: self.type = .boolean
        case .integer: self.type = .integer
        case .number: self.type = .number
        case .date: self.type = .date
        case .datetime: self.type = .datetime
        }
    }

    /// Marks a field whose bounds or levels were released under a budget, and so do not fit every row: numbers outside
    /// are clamped, texts that are no level are the last one.
    static let estimatedKey = "flip:bought"
    package var isEstimated: Bool { metadata[Field.estimatedKey] == .bool(true) }

    /// The step of a field, where readers of Table Schema that know no such constraint leave it alone.
    static let stepKey = "flip:multipleOf"

    /// The texts that mean "missing" in this field.
    /// - Parameter schema: those of the whole schema, which hold where the field has none of its own.
    package func missingValues(_ schema: [String]) -> [String] {
        (form.missingValues ?? schema).filter { !form.reasons.contains($0) }
    }

    /// The pattern that days or moments are written by; nil for ISO 8601.
    var datePattern: DatePattern? { form.pattern }

    /// The defaults of Table Schema, and what is written: "true" and "false".
    package static let defaultTrue = ["true", "True", "TRUE", "1"]
    package static let defaultFalse = ["false", "False", "FALSE", "0"]

    /// Levels of a categorical field, `["false", "true"]` of a boolean one, nil of others.
    package var levels: [String]? {
        switch kind {
        case .categorical(let levels): return levels
        case .boolean: return ["false", "true"]
        default: return nil
        }
    }

    /// Bounds and step as text, for messages.
    var bounds: (minimum: String, maximum: String, step: String) {
        switch kind {
        case .categorical, .boolean: return ("", "", "")
        case .integer(let low, let high, let step): return (String(low), String(high), String(step))
        case .number(let low, let high, let step):
            return (numberText(low), numberText(high), step.map(numberText) ?? "")
        case .date(let low, let high): return (dateText(low), dateText(high), "1 day")
        case .datetime(let low, let high, let step):
            return (datetimeText(low), datetimeText(high), numberText(Double(step) / 1e6) + " s")
        }
    }
}

/// How the cells of a field are written in text: in CSV files, and in texts and dictionaries of hosts.
package struct TextForm: Equatable, Sendable {
    package var number = NumberText.standard
    /// Nil for ISO 8601.
    package var pattern: DatePattern?
    /// The texts that mean "missing" in this field alone; nil: those of the schema.
    package var missingValues: [String]?
    /// Texts that say why a value is missing, by their labels in the schema. In a field with levels each of them is a
    /// level, in any other one a state beside the values (MissingReason.swift).
    package var reasons: [String] = []

    package init() {}

    /// Whether numbers and dates stand in cells as the standard writes them by default.
    var isPlain: Bool { number == .standard && pattern == nil }
}

/// The shortest text that reads as the same double; whole numbers without a point.
func numberText(_ x: Double) -> String {
    x == x.rounded() && x.magnitude < 0x1p53 ? String(Int64(x)) : x.description
}
