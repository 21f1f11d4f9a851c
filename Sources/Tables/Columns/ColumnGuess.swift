// What a column seems to hold, from its cells alone: every type is believed until a cell contradicts it.
// The memory is that of the column's levels. From here to a field: ColumnGuess+Field.swift.

import Basics

/// Give it every cell of a column.
package final class ColumnGuess {
    /// Texts that are taken for missing wherever they stand, and further ones that count only beside numbers and dates.
    static let missingTexts = ["", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NaT", "NULL", "null"],
        missingBesideNumbers = ["?", "-", ".", "None"]
    private static let all = (missingTexts + missingBesideNumbers).map { Array($0.utf8) }

    package let name: String
    /// Cells with a value.
    private(set) var values = 0
    /// Cells that never had a text.
    private(set) var absent = 0
    /// Which of the missing texts were there: a bit for each.
    private(set) var missing: UInt32 = 0
    let levels: LevelSet
    /// Levels that somebody declared, in their order.
    private(set) var declared: [String] = []

    // Types that no cell has contradicted.
    private(set) var isWhole = true, isDecimal = true, isDate = true, isMoment = true, isBoolean = true
    private(set) var truths = Set<String>(), falsehoods = Set<String>()
    private(set) var least = Int64.max, most = Int64.min
    private(set) var low = Double.infinity, high = -Double.infinity
    /// Whole numbers that grow from row to row.
    private(set) var isRising = true
    /// In microseconds.
    private(set) var first = Int64.max, last = Int64.min
    /// The coarsest unit that all moments are multiples of, as a place in `units`.
    private(set) var unit = 0
    static let units: [Int64] = [86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1]
    var scale = DecimalScale()
    /// Whether every value is a date of numbers in another order than the standard's.
    private(set) var isForeignDate = true
    /// Whether the values are numbers that are written in another way than the standard's, since one was no plain one.
    private(set) var numbers = NumberGuess()

    /// - Parameter limit: the most levels a column of texts may have.
    package init(_ name: String, limit: Int) throws {
        self.name = name
        levels = try LevelSet(limit: limit)
    }

    package func addMissing() { absent += 1 }

    /// - Throws: `.schema` for text that a CSV file could not hold.
    package func add(_ text: UnsafeBufferPointer<UInt8>) throws {
        guard isUTF8(text) else { throw Failure(.schema, "column \(quoted(name)): \(BadCell.notUTF8.rule(nil))") }
        guard !text.contains(0) else { throw Failure(.schema, "column \(quoted(name)): \(BadCell.nul.rule(nil))") }
        var nothing: UInt8 = 0
        if let base = text.baseAddress { add(base, text.count) } else { add(&nothing, 0) }
    }

    package func add(_ text: String) throws {
        var text = text
        try text.withUTF8 { try add($0) }
    }

    /// A level by declaration, whether or not a row has it.
    package func declare(_ text: UnsafeBufferPointer<UInt8>) throws {
        try add(text)
        if declared.count <= Schema.maxLevels { declared.append(String(decoding: text, as: UTF8.self)) }
    }

    /// A day or a moment that needs no reading.
    package func add(microseconds: Int64, isDay: Bool) {
        values += 1
        (isWhole, isDecimal, isBoolean, isForeignDate) = (false, false, false, false)
        numbers.contradict()
        time(microseconds, isDay: isDay)
    }

    func add(_ p: UnsafePointer<UInt8>, _ n: Int) {
        if n == 0 || n <= 4 && p[0] &- 0x30 >= 10,
           let i = ColumnGuess.all.firstIndex(where: { $0.elementsEqual(UnsafeBufferPointer(start: p, count: n)) }) {
            missing |= 1 << UInt32(i)
            // A level, if this is no column of numbers.
            if i >= ColumnGuess.missingTexts.count { levels.insert(p, n) }
            return
        }
        values += 1
        levels.insert(p, n)
        if isForeignDate { isForeignDate = isForeignDateText(p, n) }
        if isDecimal {
            number(p, n)
            if !isDecimal, scale.decimals > 0 || scale.isFree { numbers.sawPoints() }
        }
        if !isDecimal, numbers.isPossible { numbers.add(p, n) }
        if isMoment { time(p, n) }
        if isBoolean { boolean(p, n) }
    }

    private func number(_ p: UnsafePointer<UInt8>, _ n: Int) {
        // 007 is a name: as a number it would come back as 7.
        guard !(n > 1 && p[0] == UInt8(ascii: "0") && p[1] &- 0x30 < 10), let x = parseDecimal(p, n), x.isFinite else {
            (isWhole, isDecimal) = (false, false)
            return
        }
        (low, high) = (min(low, x), max(high, x))
        scale.add(p, n)
        guard isWhole else { return }
        guard case .value(let v) = parseInteger(p, n) else {
            isWhole = false
            return
        }
        if values > 1, v <= most { isRising = false }
        (least, most) = (min(least, v), max(most, v))
    }

    private func time(_ p: UnsafePointer<UInt8>, _ n: Int) {
        if let moment = parseDatetime(p, n) { time(moment, isDay: n == 10) } else {
            (isDate, isMoment) = (false, false)
        }
    }

    private func time(_ moment: Int64, isDay: Bool) {
        guard microsecondRange.contains(moment) else {
            (isDate, isMoment) = (false, false)
            return
        }
        if !isDay { isDate = false }
        (first, last) = (min(first, moment), max(last, moment))
        while moment % ColumnGuess.units[unit] != 0 { unit += 1 }
    }

    private func boolean(_ p: UnsafePointer<UInt8>, _ n: Int) {
        let text = n <= 5 ? String(decoding: UnsafeBufferPointer(start: p, count: n), as: UTF8.self) : ""
        switch text {
        case "true", "True", "TRUE": truths.insert(text)
        case "false", "False", "FALSE": falsehoods.insert(text)
        default: isBoolean = false                       // 0 and 1 stay numbers: they come back as they were
        }
    }
}

/// Whether a text is a date of three numbers with the year at the end: "31.12.2020", "12/31/2020", "1-2-1999".
func isForeignDateText(_ p: UnsafePointer<UInt8>, _ n: Int) -> Bool {
    let (start, end) = trimmed(p, n)
    let text = UnsafeBufferPointer(start: p + start, count: end - start)
    guard let sign = text.first(where: { $0 &- 0x30 >= 10 }),
          [UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "-")].contains(sign) else {
        return false
    }
    let parts = text.split(separator: sign, omittingEmptySubsequences: false)
    return parts.count == 3 && parts[2].count == 4 && parts.prefix(2).allSatisfy { (1...2).contains($0.count) }
        && parts.allSatisfy { $0.allSatisfy { $0 &- 0x30 < 10 } }
}

/// The decimals of numbers, and whether they are multiples of something coarser.
struct DecimalScale {
    private(set) var decimals = 0
    /// The greatest common divisor of all values times 10^decimals; 0 while there are only zeros.
    private(set) var divisor: UInt64 = 0
    /// Numbers with an exponent or many digits: measured, not counted.
    private(set) var isFree = false
    static let maxDecimals = 6

    mutating func add(_ p: UnsafePointer<UInt8>, _ n: Int) {
        guard !isFree else { return }
        var mantissa: UInt64 = 0, behind = 0, point = false, digits = 0
        for i in 0..<n {
            let d = p[i] &- 0x30
            if d < 10 {
                mantissa = mantissa &* 10 &+ UInt64(d)
                digits += mantissa > 0 ? 1 : 0
                if point { behind += 1 }
            } else if p[i] == UInt8(ascii: ".") { point = true } else if p[i] | 0x20 == UInt8(ascii: "e") {
                isFree = true
                return
            }
        }
        while behind > 0, mantissa % 10 == 0 { (mantissa, behind) = (mantissa / 10, behind - 1) }
        guard digits <= 15, behind <= DecimalScale.maxDecimals else {
            isFree = true
            return
        }
        while decimals < behind { (divisor, decimals) = (divisor &* 10, decimals + 1) }
        for _ in behind..<decimals { mantissa = mantissa &* 10 }
        guard mantissa < 1 << 53, divisor < 1 << 60 else {
            isFree = true
            return
        }
        var (a, b) = (mantissa, divisor)
        while b != 0 { (a, b) = (b, a % b) }
        divisor = a
    }
}
