// The types of Arrow columns that a table can be filled from, by their format strings, and which may fill which field.
// Arrow C data interface, "Format strings".

enum ArrowType: Equatable {
    case null, bool
    case int(bytes: Int, signed: Bool)
    case half, float, double
    /// Whole numbers of 4, 8, 16 or 32 bytes, of units of 10^-scale.
    case decimal(scale: Int, bytes: Int)
    /// A byte a cell, every one but 0 true (the extension arrow.bool8).
    case byteBool
    /// Offsets of 32 bits, or of 64.
    case text, largeText
    /// 16 bytes a cell: length, then the text itself or where it is.
    case textView
    /// Days since 1970-01-01.
    case days
    /// Since 1970-01-01 UTC (without a zone: taken as UTC), `perSecond` 1, 1 000, 1 000 000 or 1 000 000 000. Dates in
    /// milliseconds too.
    case moment(perSecond: Int64)

    /// Nil for a format that is not supported, hostile text among it.
    init?(_ format: UnsafePointer<CChar>) {
        // A C string: reading stops at its end because every comparison fails there.
        func at(_ i: Int) -> UInt8 { UInt8(bitPattern: format[i]) }
        func ends(_ i: Int) -> Bool { format[i] == 0 }
        let simple: [UInt8: ArrowType] = [
            UInt8(ascii: "n"): .null, UInt8(ascii: "b"): .bool, UInt8(ascii: "c"): .int(bytes: 1, signed: true),
            UInt8(ascii: "C"): .int(bytes: 1, signed: false), UInt8(ascii: "s"): .int(bytes: 2, signed: true),
            UInt8(ascii: "S"): .int(bytes: 2, signed: false), UInt8(ascii: "i"): .int(bytes: 4, signed: true),
            UInt8(ascii: "I"): .int(bytes: 4, signed: false), UInt8(ascii: "l"): .int(bytes: 8, signed: true),
            UInt8(ascii: "L"): .int(bytes: 8, signed: false), UInt8(ascii: "e"): .half, UInt8(ascii: "f"): .float,
                UInt8(ascii: "g"): .double,
            UInt8(ascii: "u"): .text, UInt8(ascii: "U"): .largeText,
        ]
        guard !ends(0) else { return nil }
        if ends(1) {
            guard let type = simple[at(0)] else { return nil }
            self = type
        } else if at(0) == UInt8(ascii: "v"), at(1) == UInt8(ascii: "u"), ends(2) {
            self = .textView
        } else if at(0) == UInt8(ascii: "t"), at(1) == UInt8(ascii: "d"), !ends(2), ends(3) {
            guard at(2) == UInt8(ascii: "D") || at(2) == UInt8(ascii: "m") else { return nil }
            self = at(2) == UInt8(ascii: "D") ? .days : .moment(perSecond: 1_000)
        } else if at(0) == UInt8(ascii: "t"), at(1) == UInt8(ascii: "s"), !ends(2), at(3) == UInt8(ascii: ":") {
            let units: [UInt8: Int64] = [UInt8(ascii: "s"): 1, UInt8(ascii: "m"): 1_000, UInt8(ascii: "u"): 1_000_000,
                                         UInt8(ascii: "n"): 1_000_000_000]
            guard let perSecond = units[at(2)] else { return nil }
            self = .moment(perSecond: perSecond)
        } else if at(0) == UInt8(ascii: "d"), at(1) == UInt8(ascii: ":") {
            guard let (scale, bytes) = ArrowType.decimalForm(format) else { return nil }
            self = .decimal(scale: scale, bytes: bytes)
        } else {
            return nil
        }
    }

    /// Scale, -1 000 to 1 000, and bytes of `d:precision,scale[,bits]`; nil for other widths than 32, 64, 128 and 256
    /// bits.
    private static func decimalForm(_ format: UnsafePointer<CChar>) -> (scale: Int, bytes: Int)? {
        var length = 0
        while length < 32, format[length] != 0 { length += 1 }
        guard length < 32 else { return nil }
        let text = String(decoding: UnsafeRawBufferPointer(start: format + 2, count: length - 2), as: UTF8.self)
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, let scale = Int(parts[1]), scale.magnitude <= 1_000,
              let bits = parts.count == 2 ? 128 : Int(parts[2]), [32, 64, 128, 256].contains(bits) else { return nil }
        return (scale, bits / 8)
    }

    /// What an unsupported format string stands for, in words; nil for one that the specification does not know.
    static func unsupportedName(_ format: UnsafePointer<CChar>) -> String? {
        let names: [(String, String)] = [
            ("+r", "run-end encoded"), ("+l", "list"), ("+L", "list"), ("+vl", "list view"), ("+vL", "list view"),
                ("+w", "list"),
            ("+s", "struct"), ("+m", "map"), ("+u", "union"), ("tt", "time of day"), ("tD", "duration"),
                ("ti", "interval"),
            ("z", "binary"), ("Z", "binary"), ("vz", "binary"), ("w:", "binary"), ("d:", "decimal"),
        ]
        var length = 0
        while length < 32, format[length] != 0 { length += 1 }
        let text = String(decoding: UnsafeRawBufferPointer(start: format, count: length), as: UTF8.self)
        return names.first { text.hasPrefix($0.0) }?.1
    }

    /// Bytes of a cell in the second buffer; 0 where cells are no whole bytes.
    var width: Int {
        switch self {
        case .null, .bool: return 0
        case .int(let bytes, _), .decimal(_, let bytes): return bytes
        case .byteBool: return 1
        case .half: return 2
        case .float, .days, .text: return 4
        case .double, .moment, .largeText: return 8
        case .textView: return 16
        }
    }

    /// Whether cells are no texts.
    var isTyped: Bool {
        switch self {
        case .null, .text, .largeText, .textView: false
        default: true
        }
    }

    /// For messages.
    var name: String {
        switch self {
        case .null: return "null"
        case .bool, .byteBool: return "boolean"
        case .int(let bytes, let signed): return (signed ? "int" : "uint") + String(bytes * 8)
        case .half: return "float16"
        case .float: return "float32"
        case .double: return "float64"
        case .decimal(_, let bytes): return "decimal\(bytes * 8)"
        case .text, .largeText, .textView: return "text"
        case .days: return "date"
        case .moment: return "timestamp"
        }
    }

    /// Whether such cells may fill a field: text every one, as a CSV file would; moments and numbers are not taken for
    /// one another.
    func fits(_ type: FieldType) -> Bool {
        switch self {
        case .null, .text, .largeText, .textView: return true
        case .bool, .byteBool, .int, .half, .float, .double, .decimal: return type != .date && type != .datetime
        case .days, .moment: return type == .string || type == .date || type == .datetime
        }
    }
}
