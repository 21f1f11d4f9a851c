// Parses JSON text strictly: no comments, no trailing commas, no repeated keys, no lone surrogates.
// Errors give line and column and the rule, never a piece of the text.

/// Walks well-formed UTF-8 once. `at` never leaves 0...count; every look goes through `peek`.
struct JSONParser {
    static let maxDepth = 64
    static let maxValues = 4_000_000
    private let text: UnsafeBufferPointer<UInt8>
    private var at = 0
    private var depth = 0
    private var values = 0

    /// - Parameter text: well-formed UTF-8, borrowed for the life of the parser.
    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    mutating func document() throws -> JSON {
        if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF {
            throw failure("a byte order mark is not allowed")
        }
        skipSpace()
        let value = try self.value()
        skipSpace()
        guard at == text.count else { throw failure("text after the end of the value") }
        return value
    }

    // MARK: values

    private mutating func value() throws -> JSON {
        values += 1
        guard values <= Self.maxValues else { throw failure("more than \(Self.maxValues) values") }
        guard let next = peek else { throw failure("the text ends where a value should be") }
        switch next {
        case UInt8(ascii: "{"): return try nested { try $0.object() }
        case UInt8(ascii: "["): return try nested { try $0.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): try word("true"); return .bool(true)
        case UInt8(ascii: "f"): try word("false"); return .bool(false)
        case UInt8(ascii: "n"): try word("null"); return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("a value should be here")
        }
    }

    private mutating func nested(_ body: (inout JSONParser) throws -> JSON) throws -> JSON {
        guard depth < Self.maxDepth else { throw failure("more than \(Self.maxDepth) levels deep") }
        depth += 1
        defer { depth -= 1 }
        at += 1
        skipSpace()
        return try body(&self)
    }

    private mutating func array() throws -> JSON {
        var items: [JSON] = []
        if take(UInt8(ascii: "]")) { return .array(items) }
        while true {
            skipSpace()
            items.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(items) }
            guard take(UInt8(ascii: ",")) else { throw failure("a comma or ] should be here") }
        }
    }

    private mutating func object() throws -> JSON {
        var object = JSONObject()
        var seen: Set<String> = []
        if take(UInt8(ascii: "}")) { return .object(object) }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw failure("a key in quotes should be here") }
            let key = try string()
            guard seen.insert(key).inserted else { throw failure("the key \(quoted(key)) is repeated") }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw failure("a colon should be here") }
            skipSpace()
            object.append(fresh: key, try value())
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(object) }
            guard take(UInt8(ascii: ",")) else { throw failure("a comma or } should be here") }
        }
    }

    // MARK: numbers

    private mutating func number() throws -> JSON {
        let start = at
        let negative = take(UInt8(ascii: "-"))
        let leading = at
        guard digits() > 0 else { throw failure("a digit should be here") }
        if text[leading] == UInt8(ascii: "0"), at - leading > 1 { throw failure("a number does not start with 0") }
        var whole = true
        if take(UInt8(ascii: ".")) {
            whole = false
            guard digits() > 0 else { throw failure("a digit should follow the point") }
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            whole = false
            at += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { at += 1 }
            guard digits() > 0 else { throw failure("a digit should follow the exponent") }
        }
        let literal = String(decoding: text[start..<at], as: UTF8.self)
        if whole, let i = Int64(literal), !(i == 0 && negative) { return .int(i) }  // -0 keeps its sign as a double
        guard let x = Double(literal), x.isFinite else { throw failure("a number is too large") }
        return .number(x)
    }

    private mutating func digits() -> Int {
        let start = at
        while let b = peek, b >= UInt8(ascii: "0"), b <= UInt8(ascii: "9") { at += 1 }
        return at - start
    }

    // MARK: strings

    private mutating func string() throws -> String {
        at += 1                                          // the opening quote
        var start = at
        var out = ""
        while let b = peek {
            switch b {
            case UInt8(ascii: "\""):
                let tail = String(decoding: text[start..<at], as: UTF8.self)
                at += 1
                return out.isEmpty ? tail : out + tail
            case UInt8(ascii: "\\"):
                out += String(decoding: text[start..<at], as: UTF8.self)
                at += 1
                out.unicodeScalars.append(try escape())
                start = at
            case 0..<0x20:
                throw failure("a control character inside a string")
            default:
                at += 1
            }
        }
        throw failure("a string without end")
    }

    private mutating func escape() throws -> Unicode.Scalar {
        guard let b = peek else { throw failure("a string without end") }
        at += 1
        switch b {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try hex4()
            if let scalar = Unicode.Scalar(first) { return scalar }
            // Only surrogates are not scalars: a high one must be followed by a low one.
            guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw failure("half of a surrogate pair")
            }
            let second = try hex4()
            guard (0xDC00...0xDFFF).contains(second),
                let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            else { throw failure("half of a surrogate pair") }
            return scalar
        default: throw failure("an unknown escape")
        }
    }

    private mutating func hex4() throws -> UInt32 {
        var v: UInt32 = 0
        for _ in 0..<4 {
            guard let b = peek else { throw failure("a string without end") }
            switch b {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): v = v << 4 | UInt32(b - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): v = v << 4 | UInt32(b - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): v = v << 4 | UInt32(b - UInt8(ascii: "A") + 10)
            default: throw failure("four hexadecimal digits should follow \\u")
            }
            at += 1
        }
        return v
    }

    // MARK: steps

    private var peek: UInt8? { at < text.count ? text[at] : nil }

    private mutating func take(_ b: UInt8) -> Bool {
        guard peek == b else { return false }
        at += 1
        return true
    }

    private mutating func word(_ w: StaticString) throws {
        for i in 0..<w.utf8CodeUnitCount where !take(w.utf8Start[i]) { throw failure("a value should be here") }
    }

    private mutating func skipSpace() {
        while let b = peek, b == 0x20 || b == 0x0A || b == 0x0D || b == 0x09 { at += 1 }
    }

    private func failure(_ rule: String) -> Failure {
        var line = 1, column = 1
        for b in text[0..<at] {
            if b == 0x0A { line += 1; column = 1 } else if b & 0xC0 != 0x80 { column += 1 }
        }
        return Failure(.format, "JSON, line \(line), column \(column): \(rule)")
    }
}
