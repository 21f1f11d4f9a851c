// Days and microseconds since 1970-01-01 UTC, to and from ISO 8601 text, for the years 0001 to 9999.
// The calendar is the proleptic Gregorian one. Arithmetic is done here: no time zone data, no leap seconds, no locale.

/// Days since 1970-01-01 of a valid date. Years are counted from March, so that the leap day is the last of its year.
func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let m = month <= 2 ? month + 9 : month - 3                  // March = 0
    let yearDays = 365 * y + floorDiv(y, 4) - floorDiv(y, 100) + floorDiv(y, 400)
    return yearDays + (153 * m + 2) / 5 + day - 1 - 719_468      // 719 468 days from 0000-03-01 to 1970-01-01
}

/// Year, month (1...12) and day (1...31) of a day since 1970-01-01.
func civilDate(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let z = days + 719_468
    let era = floorDiv(z, 146_097), d = z - era * 146_097        // 146 097 days in 400 years
    let y = (d - d / 1_460 + d / 36_524 - d / 146_096) / 365
    let dayOfYear = d - (365 * y + y / 4 - y / 100)
    let m = (5 * dayOfYear + 2) / 153
    let month = m < 10 ? m + 3 : m - 9
    return (era * 400 + y + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * m + 2) / 5 + 1)
}

func floorDiv(_ a: Int64, _ b: Int64) -> Int64 {
    let q = a / b
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q
}

/// The first and the last day that have a text.
package let dayRange: ClosedRange<Int64> = -719_162...2_932_896
let microsecondsPerDay: Int64 = 86_400_000_000
/// The first and the last microsecond that have a text.
package let microsecondRange: ClosedRange<Int64> = -719_162 * microsecondsPerDay...2_932_897 * microsecondsPerDay - 1

private func isLeap(_ y: Int64) -> Bool { y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) }

private func monthLength(_ year: Int64, _ month: Int64) -> Int64 {
    switch month {
    case 2: return isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: return 30
    default: return 31
    }
}

/// `count` decimal digits at `p`, or nil.
@inline(__always) private func digits(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
    var v: Int64 = 0
    for i in 0..<count {
        let d = p[i] &- 0x30
        guard d < 10 else { return nil }
        v = v &* 10 &+ Int64(d)
    }
    return v
}

/// Days since 1970-01-01 of the text `YYYY-MM-DD` and nothing else; nil when it is not a date.
func parseDate(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
    guard count == 10, p[4] == UInt8(ascii: "-"), p[7] == UInt8(ascii: "-"), let year = digits(p, 4),
          let month = digits(p + 5, 2),
          let day = digits(p + 8, 2), isDay(year, month, day) else { return nil }
    return daysSinceEpoch(year: year, month: month, day: day)
}

/// What a text says of a moment.
enum MomentText: Equatable {
    /// Microseconds since 1970-01-01 UTC.
    case value(Int64)
    /// A moment that lies between two microseconds, and the nearer one; the later one of two that are equally near.
    case finer(nearest: Int64)
    case not
}

/// Reads `YYYY-MM-DD[(T| )hh:mm[:ss[.f…]][zone]]`, with a zone of Z, ±hh, ±hhmm or ±hh:mm. Without a zone it is UTC,
/// without a time midnight. Any number of digits may stand behind the second; a moment is meant to the microsecond.
func parseMoment(_ p: UnsafePointer<UInt8>, _ count: Int) -> MomentText {
    guard count >= 10, let day = parseDate(p, 10) else { return .not }
    let midnight = day * microsecondsPerDay
    if count == 10 { return .value(midnight) }
    guard count >= 16, p[10] == UInt8(ascii: "T") || p[10] == UInt8(ascii: " "), p[13] == UInt8(ascii: ":"),
          let hour = digits(p + 11, 2), let minute = digits(p + 14, 2), hour < 24, minute < 60 else { return .not }
    var moment = midnight + (hour * 3600 + minute * 60) * 1_000_000
    var at = 16
    var finer = false, up = false
    if at < count, p[at] == UInt8(ascii: ":") {
        guard count >= 19, let second = digits(p + 17, 2), second < 60 else { return .not }
        moment += second * 1_000_000
        at = 19
        if at < count, p[at] == UInt8(ascii: ".") {
            at += 1
            let first = at
            var scale: Int64 = 100_000
            while at < count, p[at] &- 0x30 < 10 {
                let d = Int64(p[at] &- 0x30)
                if scale == 0, d != 0 { finer = true }
                if at == first + 6 { up = d >= 5 }
                moment += d * scale
                scale /= 10
                at += 1
            }
            guard at > first else { return .not }
        }
    }
    if at < count {
        guard let zone = zoneShift(p + at, count - at), zone.length == count - at else { return .not }
        moment -= zone.microseconds
    }
    return finer ? .finer(nearest: moment + (up ? 1 : 0)) : .value(moment)
}

/// Microseconds since 1970-01-01 UTC of a text that `parseMoment` reads, exact to the microsecond; nil for any other.
func parseDatetime(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
    if case .value(let moment) = parseMoment(p, count) { return moment }
    return nil
}

/// What a zone at the start of a text adds to UTC, and how many bytes it takes; nil when there is none.
func zoneShift(_ p: UnsafePointer<UInt8>, _ count: Int) -> (microseconds: Int64, length: Int)? {
    guard count > 0 else { return nil }
    if p[0] == UInt8(ascii: "Z") { return (0, 1) }
    guard p[0] == UInt8(ascii: "+") || p[0] == UInt8(ascii: "-"), count >= 3, let hours = digits(p + 1, 2),
          hours < 24 else { return nil }
    var minutes: Int64 = 0, length = 3
    if count >= 6, p[3] == UInt8(ascii: ":"), let m = digits(p + 4, 2) { (minutes, length) = (m, 6) }
    else if count >= 5, let m = digits(p + 3, 2) { (minutes, length) = (m, 5) }
    guard minutes < 60 else { return nil }
    let shift = (hours * 60 + minutes) * 60_000_000
    return (p[0] == UInt8(ascii: "+") ? shift : -shift, length)
}

/// Whether there is such a day, in the years 0001 to 9999.
func isDay(_ year: Int64, _ month: Int64, _ day: Int64) -> Bool {
    year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= monthLength(year, month)
}

/// `YYYY-MM-DD`. `day` must lie in `dayRange`.
package func dateText(_ day: Int64) -> String {
    let (y, m, d) = civilDate(days: day)
    return padded(y, 4) + "-" + padded(m, 2) + "-" + padded(d, 2)
}

/// `YYYY-MM-DDThh:mm:ss[.ffffff]Z`, the fraction only when it is not zero. `moment` must lie in `microsecondRange`.
package func datetimeText(_ moment: Int64) -> String {
    let day = floorDiv(moment, microsecondsPerDay)
    let rest = moment - day * microsecondsPerDay
    let s = rest / 1_000_000, f = rest % 1_000_000
    let time = padded(s / 3600, 2) + ":" + padded(s / 60 % 60, 2) + ":" + padded(s % 60, 2)
    return dateText(day) + "T" + time + (f == 0 ? "" : "." + padded(f, 6)) + "Z"
}

func padded(_ v: Int64, _ width: Int) -> String {
    let s = String(v)
    return s.utf8.count < width ? String(repeating: "0", count: width - s.utf8.count) + s : s
}
