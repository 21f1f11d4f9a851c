// JSON as a value (RFC 8259), whose objects keep the order they were written in.
// So the same value always gives the same text. Every schema, option, plan and ledger is written in it. Reading is in
// JSONParser.swift, writing in JSONWriter.swift, picking an object apart in JSONReader.swift.

/// One JSON value. Integers that fit 64 bits are `int`, every other number is a finite `number`.
package enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    /// The text of a JSON document, checked strictly.
    /// - Throws: `.format` with line and column, never with the text itself.
    package static func parse(_ text: String) throws -> JSON {
        var text = text
        return try text.withUTF8 { try parse($0) }
    }

    /// At most 4 million values, so that a short text of many empty lists cannot take gigabytes.
    /// - Parameter limit: the longest document accepted, in bytes.
    package static func parse(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int = 16 << 20) throws -> JSON {
        guard bytes.count <= limit else { throw Failure(.format, "JSON: the text is longer than \(limit) bytes") }
        guard isUTF8(bytes) else { throw Failure(.format, "JSON: the text is not UTF-8") }
        var parser = JSONParser(bytes)
        return try parser.document()
    }

    /// The value as a double, for `int` and `number`; nil for everything else.
    package var asDouble: Double? {
        switch self {
        case .int(let i): return Double(i)
        case .number(let x): return x
        default: return nil
        }
    }

    /// The value as an integer: `int`, or a `number` without fraction whose magnitude is below 2^53, where doubles are
    /// exact.
    package var asInt64: Int64? {
        switch self {
        case .int(let i): return i
        case .number(let x): return x == x.rounded() && x.magnitude < 0x1p53 ? Int64(x) : nil
        default: return nil
        }
    }

    package var asString: String? { if case .string(let s) = self { return s } else { return nil } }
    package var asBool: Bool? { if case .bool(let b) = self { return b } else { return nil } }
    package var asArray: [JSON]? { if case .array(let a) = self { return a } else { return nil } }
    package var asObject: JSONObject? { if case .object(let o) = self { return o } else { return nil } }
    /// Whether it is `other` but for numbers, which may differ by `tolerance` × max(1, |number|): another machine's
    /// logarithms may differ in their last bits.
    package func isClose(to other: JSON, within tolerance: Double) -> Bool {
        switch (self, other) {
        case (.array(let a), .array(let b)):
            return a.count == b.count && zip(a, b).allSatisfy { $0.isClose(to: $1, within: tolerance) }
        case (.object(let a), .object(let b)):
            return a.members.count == b.members.count && zip(a.members, b.members).allSatisfy {
                $0.key == $1.key && $0.value.isClose(to: $1.value, within: tolerance)
            }
        default:
            guard let a = asDouble, let b = other.asDouble else { return self == other }
            return abs(a - b) <= tolerance * max(1, abs(b))
        }
    }

    /// The member `key` of an object; nil when there is none or this is not an object.
    package subscript(key: String) -> JSON? { asObject?[key] }
}

/// The members of a JSON object in the order they were written; keys do not repeat.
package struct JSONObject: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package let key: String
        package var value: JSON
    }
    package private(set) var members: [Member] = []

    package init() {}
    /// Pairs in order; a repeated key replaces the earlier value.
    package init(_ pairs: [(String, JSON)]) {
        members.reserveCapacity(pairs.count)
        // looking each key up in a list would be quadratic
        var places: [String: Int] = Dictionary(minimumCapacity: pairs.count)
        for (key, value) in pairs {
            if let i = places[key] { members[i].value = value } else {
                places[key] = members.count
                members.append(Member(key: key, value: value))
            }
        }
    }

    /// The members whose key fulfils a condition, in the same order.
    package func filter(_ keep: (String) -> Bool) -> JSONObject {
        var object = JSONObject()
        object.members = members.filter { keep($0.key) }
        return object
    }

    package var keys: [String] { members.map(\.key) }
    package var isEmpty: Bool { members.isEmpty }

    /// Reads, replaces, appends at the end, or removes with nil.
    package subscript(key: String) -> JSON? {
        get { members.first { $0.key == key }?.value }
        set {
            let place = members.firstIndex { $0.key == key }
            switch (place, newValue) {
            case (let i?, let v?): members[i].value = v
            case (let i?, nil): members.remove(at: i)
            case (nil, let v?): members.append(Member(key: key, value: v))
            case (nil, nil): break
            }
        }
    }

    /// For the parser, which has seen to it that `key` is new.
    mutating func append(fresh key: String, _ value: JSON) { members.append(Member(key: key, value: value)) }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}
