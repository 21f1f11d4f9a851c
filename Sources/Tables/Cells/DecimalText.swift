// Reads numbers as they stand in cells: plain decimal text, byte by byte.
// The common short ones are exact by one multiplication or division of exact doubles (W. Clinger, "How to read floating
// point numbers accurately", PLDI 1990). The rest goes to the standard library, which rounds correctly and knows no
// locale.

/// The double nearest to `[+-]digits[.digits][e[+-]digits]` (at least one digit before or behind the point), spaces
/// around it aside; nil for any other text. May be infinite when the text is beyond all doubles. No hexadecimal, no
/// words.
func parseDecimal(_ p: UnsafePointer<UInt8>, _ count: Int) -> Double? {
    let (start, end) = trimmed(p, count)
    var at = start
    var negative = false
    if at < end, p[at] == UInt8(ascii: "-") || p[at] == UInt8(ascii: "+") {
        negative = p[at] == UInt8(ascii: "-")
        at += 1
    }
    var mantissa: UInt64 = 0, kept = 0, exponent = 0, digits = 0
    var exact = true
    var point = false
    while at < end {
        let d = p[at] &- 0x30
        if d < 10 {
            digits += 1
            if kept < 19 {
                mantissa = mantissa &* 10 &+ UInt64(d)
                if mantissa > 0 { kept += 1 }
                if point { exponent -= 1 }
            } else {
                if d != 0 { exact = false }
                if !point { exponent += 1 }
            }
        } else if p[at] == UInt8(ascii: "."), !point {
            point = true
        } else {
            break
        }
        at += 1
    }
    guard digits > 0 else { return nil }
    if at < end, p[at] | 0x20 == UInt8(ascii: "e") {
        at += 1
        var down = false
        if at < end, p[at] == UInt8(ascii: "-") || p[at] == UInt8(ascii: "+") {
            down = p[at] == UInt8(ascii: "-")
            at += 1
        }
        var e = 0, any = false
        while at < end, p[at] &- 0x30 < 10 {
            e = min(e * 10 + Int(p[at] - 0x30), 1_000_000)
            any = true
            at += 1
        }
        guard any else { return nil }
        exponent += down ? -e : e
    }
    guard at == end else { return nil }
    if exact, mantissa <= 1 << 53, exponent >= -22, exponent <= 22 {
        let m = Double(mantissa)
        let x = exponent < 0 ? m / powersOfTen[-exponent] : m * powersOfTen[exponent]
        return negative ? -x : x
    }
    if mantissa == 0 { return negative ? -0.0 : 0 }
    return Double(String(decoding: UnsafeBufferPointer(start: p + start, count: end - start), as: UTF8.self))
}

enum IntegerText {
    case value(Int64)
    /// Digits alone, but beyond 64 bits.
    case beyond(negative: Bool)
    /// Anything else, a fraction other than zero included.
    case not
}

/// `[+-]digits[.zeros]`, spaces around it aside. No exponent.
func parseInteger(_ p: UnsafePointer<UInt8>, _ count: Int) -> IntegerText {
    let (start, end) = trimmed(p, count)
    var at = start
    var negative = false
    if at < end, p[at] == UInt8(ascii: "-") || p[at] == UInt8(ascii: "+") {
        negative = p[at] == UInt8(ascii: "-")
        at += 1
    }
    let first = at
    var v: UInt64 = 0
    var over = false
    while at < end {
        let d = p[at] &- 0x30
        guard d < 10 else { break }
        if v > 922_337_203_685_477_580 { over = true }          // the next digit would leave 63 bits, or nearly
        v = v &* 10 &+ UInt64(d)
        if v > 1 << 63 { over = true }
        at += 1
    }
    guard at > first else { return .not }
    if at < end {
        guard p[at] == UInt8(ascii: ".") else { return .not }
        at += 1
        while at < end, p[at] == UInt8(ascii: "0") { at += 1 }
        guard at == end else { return .not }
    }
    if over || (!negative && v == 1 << 63) { return .beyond(negative: negative) }
    return .value(negative ? Int64(truncatingIfNeeded: 0 &- v) : Int64(v))
}

/// Where the text begins and ends without spaces and tabs around it.
@inline(__always) func trimmed(_ p: UnsafePointer<UInt8>, _ count: Int) -> (Int, Int) {
    var start = 0, end = count
    while start < end, p[start] == 0x20 || p[start] == 0x09 { start += 1 }
    while end > start, p[end - 1] == 0x20 || p[end - 1] == 0x09 { end -= 1 }
    return (start, end)
}
