// What a host may ask of sampled rows: {"sex": "Female", "age": {"minimum": 30, "maximum": 40}, "ward": ["a", null]}. A
// row that does not meet it is drawn again, so accepted rows have the generator's own distribution given the condition,
// and are as free as any.

import Basics
import Tables

package struct Condition: Sendable {
    enum Rule: Sendable {
        /// Values as `Column.double` gives them; NaN is not among them. Reasons count beside `missing`, which holds for
        /// any of them.
        case values(Set<Double>, missing: Bool, reasons: Set<Int>)
        case range(Double, Double)

        func holds(_ x: Double) -> Bool {
            switch self {
            case .values(let v, let missing, let reasons):
                guard x.isNaN else { return v.contains(x) }
                return missing || MissingReason.of(x).map(reasons.contains) ?? false
            case .range(let lo, let hi): return x >= lo && x <= hi
            }
        }
    }
    let rules: [(column: Int, rule: Rule)]

    /// - Parameter json: for each column a value (null: missing), a list of values, or minimum and maximum of a column
    ///   with an order. A reason of missing values is named by its text.
    /// - Throws: `.argument` naming the column and the rule that is broken.
    package init(_ json: JSON, schema: Schema) throws {
        let r = try JSONReader(json, context: "where")
        let reader = try ValueReader(schema)
        rules = try r.keys.map { name in
            guard let j = schema.index(of: name) else { throw r.failure(name, "not in the schema") }
            let given = try r.value(name), field = schema.fields[j]
            func value(_ x: JSON) throws -> Double {
                guard let v = reader.value(x, column: j) else { throw r.failure(name, "not a value of this column") }
                return v
            }
            if given.asObject != nil {
                if field.levels != nil { throw r.failure(name, "has no order: name its values") }
                let o = try r.object(name)
                let lo = try o.optional("minimum").map(value) ?? -.infinity, hi = try o.optional("maximum").map(value)
                    ?? .infinity
                try o.finish()
                guard lo <= hi else { throw r.failure(name, "minimum is above maximum") }
                return (j, .range(lo, hi))
            }
            let list = given.asArray ?? [given]
            guard !list.isEmpty else { throw r.failure(name, "the list of values is empty") }
            var values = Set<Double>(), missing = false, reasons = Set<Int>()
            for x in list {
                if x == .null {
                    guard !field.required || !field.reasons.isEmpty else { throw r.failure(name, "is never missing") }
                    missing = true
                } else {
                    let v = try value(x)
                    if let reason = MissingReason.of(v) { reasons.insert(reason) }
                    else if v.isNaN { missing = true } else { values.insert(v) }
                }
            }
            return (j, .values(values, missing: missing, reasons: reasons))
        }
        try r.finish()
    }
}
