// Writes a JSON value as text, in a compact layout and in one for people.
// `text` has no space and is what is stored and digested; `pretty` is for people. Doubles are the shortest text that
// reads back as the same double.

extension JSON {
    /// Canonical compact text. A number that is not finite has no JSON form and becomes `null`.
    package var text: String {
        var out = ""
        write(to: &out, indent: nil)
        return out
    }

    /// The text with a line for every member and two spaces a level; it ends without a newline.
    package var pretty: String {
        var out = ""
        write(to: &out, indent: 0)
        return out
    }

    private func write(to out: inout String, indent: Int?) {
        switch self {
        case .null: out += "null"
        case .bool(let b): out += b ? "true" : "false"
        case .int(let i): out += String(i)
        case .number(let x): out += x.isFinite ? x.description : "null"
        case .string(let s): Self.write(s, to: &out)
        case .array(let items):
            // A list of plain values stays on one line also in the pretty layout.
            let inner = indent.flatMap { level in items.contains { $0.isNested } ? level + 1 : nil }
            out += "["
            for (i, item) in items.enumerated() {
                if i > 0 { out += inner == nil && indent != nil ? ", " : "," }
                Self.newline(to: &out, inner)
                item.write(to: &out, indent: inner)
            }
            if let indent, inner != nil { Self.newline(to: &out, indent) }
            out += "]"
        case .object(let object):
            let inner = object.isEmpty ? nil : indent.map { $0 + 1 }
            out += "{"
            for (i, member) in object.members.enumerated() {
                if i > 0 { out += "," }
                Self.newline(to: &out, inner)
                Self.write(member.key, to: &out)
                out += inner == nil ? ":" : ": "
                member.value.write(to: &out, indent: inner)
            }
            if let indent, inner != nil { Self.newline(to: &out, indent) }
            out += "}"
        }
    }

    private var isNested: Bool {
        switch self {
        case .array, .object: return true
        default: return false
        }
    }

    private static func newline(to out: inout String, _ level: Int?) {
        guard let level else { return }
        out += "\n" + String(repeating: "  ", count: level)
    }

    private static func write(_ s: String, to out: inout String) {
        out += "\""
        for c in s.unicodeScalars {
            switch c {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{8}": out += "\\b"
            case "\u{C}": out += "\\f"
            default:
                if c.value < 0x20 {
                    let hex = String(c.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    out.unicodeScalars.append(c)
                }
            }
        }
        out += "\""
    }
}
