// Reads a JSON object key by key, with errors that name place, key and rule.
// What nobody asked for is refused: a misspelt option must not be silently ignored. Use: read every key once, then
// `finish()`.

/// Reads one object. `context` is the place named in errors ("plan", "schema, field \"age\"").
package final class JSONReader {
    package let context: String
    private let object: JSONObject
    private let code: FailureCode
    private var asked: Set<String> = []
    /// Where each key stands, for objects with so many keys that looking through them again and again would be
    /// quadratic.
    private let places: [String: Int]?

    /// - Parameter code: of the failures thrown; `.argument` for options, `.schema` for schemas, `.format` for files.
    package init(_ object: JSONObject, context: String, code: FailureCode = .argument) {
        (self.object, self.context, self.code) = (object, context, code)
        places = object.members.count <= 32 ? nil
            : Dictionary(zip(object.keys, 0...), uniquingKeysWith: { first, _ in first })
    }

    /// - Throws: when `json` is not an object.
    package convenience init(_ json: JSON, context: String, code: FailureCode = .argument) throws {
        guard case .object(let object) = json else { throw Failure(code, "\(context): must be an object") }
        self.init(object, context: context, code: code)
    }

    /// The failure for `key` in this place, for rules that only the caller knows.
    package func failure(_ key: String, _ rule: String) -> Failure {
        Failure(code, "\(context), \(quoted(key)): \(rule)")
    }

    /// - Throws: names the first key that was never asked for, and the one that may have been meant.
    package func finish() throws {
        for key in object.keys where !asked.contains(key) {
            let near = asked.min { (distance($0, key), $0) < (distance($1, key), $1) }
            let hint = near.flatMap { distance($0, key) <= 2 ? "; did you mean \(quoted($0))?" : nil } ?? ""
            throw Failure(code, "\(context): unknown key \(quoted(key))\(hint)")
        }
    }

    // MARK: one key

    /// All keys, for objects whose keys are names that the caller checks.
    package var keys: [String] { object.keys }

    package func has(_ key: String) -> Bool { optional(key) != nil }

    /// Any value, or nil when the key is absent. Counts as asked for.
    package func optional(_ key: String) -> JSON? {
        asked.insert(key)
        guard let places else { return object[key] }
        return places[key].map { object.members[$0].value }
    }

    package func value(_ key: String) throws -> JSON {
        guard let value = optional(key) else { throw Failure(code, "\(context): \(quoted(key)) is required") }
        return value
    }

    /// Finite, and inside `range` (bounds included) when one is given.
    package func double(_ key: String, in range: ClosedRange<Double>? = nil) throws -> Double {
        try check(key, value(key), range)
    }
    package func optionalDouble(_ key: String, in range: ClosedRange<Double>? = nil) throws -> Double? {
        try optional(key).map { try check(key, $0, range) }
    }

    /// A whole number; `10.0` counts as one.
    package func int64(_ key: String, in range: ClosedRange<Int64>? = nil) throws -> Int64 {
        try check(key, value(key), range)
    }
    package func optionalInt64(_ key: String, in range: ClosedRange<Int64>? = nil) throws -> Int64? {
        try optional(key).map { try check(key, $0, range) }
    }
    package func int(_ key: String, in range: ClosedRange<Int>? = nil) throws -> Int {
        Int(try int64(key, in: range.map { Int64($0.lowerBound)...Int64($0.upperBound) }))
    }
    package func optionalInt(_ key: String, in range: ClosedRange<Int>? = nil) throws -> Int? {
        try optionalInt64(key, in: range.map { Int64($0.lowerBound)...Int64($0.upperBound) }).map { Int($0) }
    }

    package func bool(_ key: String) throws -> Bool { try check(key, value(key).asBool, "true or false") }
    package func optionalBool(_ key: String) throws -> Bool? {
        try optional(key).map { try check(key, $0.asBool, "true or false") }
    }

    package func string(_ key: String) throws -> String { try check(key, value(key).asString, "a string") }
    package func optionalString(_ key: String) throws -> String? {
        try optional(key).map { try check(key, $0.asString, "a string") }
    }

    /// One of the words of `choices`.
    package func choice(_ key: String, of choices: [String]) throws -> String { try check(key, value(key), choices) }
    package func optionalChoice(_ key: String, of choices: [String]) throws -> String? {
        try optional(key).map { try check(key, $0, choices) }
    }

    package func array(_ key: String) throws -> [JSON] { try check(key, value(key).asArray, "a list") }
    package func optionalArray(_ key: String) throws -> [JSON]? {
        try optional(key).map { try check(key, $0.asArray, "a list") }
    }

    package func strings(_ key: String) throws -> [String] { try strings(key, array(key)) }
    package func optionalStrings(_ key: String) throws -> [String]? {
        try optionalArray(key).map { try strings(key, $0) }
    }

    package func doubles(_ key: String, in range: ClosedRange<Double>? = nil) throws -> [Double] {
        try array(key).map { try check(key, $0, range) }
    }

    /// A reader for the object under `key`; its errors name this place and the key. Finish it too.
    package func object(_ key: String) throws -> JSONReader {
        JSONReader(try check(key, value(key).asObject, "an object"), context: "\(context), \(quoted(key))", code: code)
    }
    package func optionalObject(_ key: String) throws -> JSONReader? { has(key) ? try object(key) : nil }

    // MARK: rules

    private func check<T>(_ key: String, _ value: T?, _ what: String) throws -> T {
        guard let value else { throw failure(key, "must be \(what)") }
        return value
    }

    private func check(_ key: String, _ value: JSON, _ range: ClosedRange<Double>?) throws -> Double {
        guard let x = value.asDouble, x.isFinite else { throw failure(key, "must be a number") }
        if let range, !range.contains(x) {
            throw failure(key, "must be between \(short(range.lowerBound)) and \(short(range.upperBound))")
        }
        return x
    }

    private func check(_ key: String, _ value: JSON, _ range: ClosedRange<Int64>?) throws -> Int64 {
        guard let i = value.asInt64 else { throw failure(key, "must be a whole number") }
        if let range, !range.contains(i) {
            throw failure(key, "must be between \(range.lowerBound) and \(range.upperBound)")
        }
        return i
    }

    private func check(_ key: String, _ value: JSON, _ choices: [String]) throws -> String {
        guard let s = value.asString, choices.contains(s) else {
            throw failure(key, "must be one of " + choices.map(quoted).joined(separator: ", "))
        }
        return s
    }

    private func strings(_ key: String, _ items: [JSON]) throws -> [String] {
        try items.map { try check(key, $0.asString, "a list of strings") }
    }

    private func short(_ x: Double) -> String {
        x == x.rounded() && x.magnitude < 1e15 ? String(Int64(x)) : x.description
    }
}

/// The number of insertions, deletions and replacements between two keys, for hints; keys over 64 bytes are never near.
private func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a.utf8), b = Array(b.utf8)
    guard a.count <= 64, b.count <= 64 else { return 64 }
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            let replace = diagonal + (x == y ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replace, row[j] + 1, diagonal + 1)
        }
    }
    return row[b.count]
}
