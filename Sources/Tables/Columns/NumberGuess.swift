// How the numbers of a column seem to be written where they are not written the standard's way: decimal comma, signs
// between groups of digits, a currency or percent sign.

/// Every way of writing is believed until a cell contradicts it.
struct NumberGuess {
    private struct Way {
        let decimal: UInt8
        let group: String
        /// False: a currency or percent sign may stand around the number.
        let isBare: Bool
    }

    private static let comma = UInt8(ascii: ","), point = UInt8(ascii: ".")
    /// In the order in which they are named. A space between groups may be one that does not break the line.
    private static let ways: [Way] = [true, false].flatMap { isBare in
        [(point, ""), (comma, ""), (comma, "."), (point, ","), (comma, " "), (point, " "), (comma, "'"), (point, "'"),
         (comma, "\u{A0}"), (comma, "\u{202F}")].map {
            Way(decimal: $0.0, group: $0.1, isBare: isBare)
        }
    }
    private static let around = ["%", "€", "$", "£", "¥", "EUR", "USD", "GBP", "CHF", "kr", "zł"].map { Array($0.utf8) }

    private var believed = [Bool](repeating: true, count: ways.count)
    private(set) var isPossible = true

    mutating func contradict() { isPossible = false }

    /// Plain numbers with a point were seen before.
    mutating func sawPoints() {
        for (k, way) in NumberGuess.ways.enumerated() where way.decimal == NumberGuess.comma { believed[k] = false }
    }

    mutating func add(_ p: UnsafePointer<UInt8>, _ n: Int) {
        let (start, end) = trimmed(p, n)
        let text = UnsafeBufferPointer(start: p + start, count: end - start)[...], bare = NumberGuess.inner(text)
        isPossible = false
        for (k, way) in NumberGuess.ways.enumerated() where believed[k] {
            believed[k] = NumberGuess.fits(way.isBare ? text : bare, way)
            if believed[k] { isPossible = true }
        }
    }

    /// What the cells look like, and how a field is declared that reads them; nil where they are no such numbers, or
    /// plain ones. `sure`: not for signs around the numbers, which levels may have too.
    func words(sure: Bool) -> String? {
        guard isPossible, let first = believed.firstIndex(of: true) else { return nil }
        let way = NumberGuess.ways[first]
        guard way.isBare ? way.decimal == NumberGuess.comma || !way.group.isEmpty : !sure else { return nil }
        let other = NumberGuess.ways.indices.contains {
            believed[$0] && NumberGuess.ways[$0].decimal == NumberGuess.point && NumberGuess.ways[$0].group == ","
        }
        var keys: [String] = [], look = "numbers"
        if way.decimal == NumberGuess.comma, way.group.isEmpty, other {
            look += " with a comma, decimal or between thousands"
            keys.append("\"decimalChar\": \",\" or \"groupChar\": \",\"")
        } else {
            if way.decimal == NumberGuess.comma {
                look += " with a decimal comma"
                keys.append("\"decimalChar\": \",\"")
            }
            if !way.group.isEmpty {
                look += (way.decimal == NumberGuess.comma ? " and" : " with") + " signs between thousands"
                keys.append("\"groupChar\": \"\(way.group)\"")
            }
        }
        if !way.isBare {
            look += keys.isEmpty ? " with a currency or percent sign" : " and a currency or percent sign"
            keys.append("\"bareNumber\": false")
        }
        return look + ": declare a number with " + keys.joined(separator: ", ")
    }

    /// The text without a currency or percent sign before or behind it.
    private static func inner(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Slice<UnsafeBufferPointer<UInt8>> {
        var text = text
        for sign in around {
            if text.starts(with: sign) { text = text.dropFirst(sign.count) }
            if text.suffix(sign.count).elementsEqual(sign) { text = text.dropLast(sign.count) }
        }
        while text.first == UInt8(ascii: " ") { text = text.dropFirst() }
        while text.last == UInt8(ascii: " ") { text = text.dropLast() }
        return text
    }

    /// Whether a text is a number written in one way: groups have three digits, the first one to three.
    private static func fits(_ text: Slice<UnsafeBufferPointer<UInt8>>, _ way: Way) -> Bool {
        func areDigits(_ part: some Collection<UInt8>) -> Bool { !part.isEmpty && part.allSatisfy { $0 &- 0x30 < 10 } }
        let isSigned = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+")
        let parts = (isSigned ? text.dropFirst() : text).split(separator: way.decimal, maxSplits: 2,
                                                                omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.count == 1 || areDigits(parts[1]), let whole = parts.first else { return false }
        // 007 is a name.
        if whole.count > 1, whole.first == UInt8(ascii: "0") { return false }
        if way.group.isEmpty { return areDigits(whole) }
        var rest = whole, digits = 0, isFirst = true
        let sign = Array(way.group.utf8)
        while true {
            while let byte = rest.first, byte &- 0x30 < 10 { (rest, digits) = (rest.dropFirst(), digits + 1) }
            if rest.isEmpty { return isFirst ? digits > 0 : digits == 3 }
            guard rest.starts(with: sign), isFirst ? (1...3).contains(digits) : digits == 3 else { return false }
            (rest, digits, isFirst) = (rest.dropFirst(sign.count), 0, false)
        }
    }
}
