// Reads and writes dates and times by a pattern of Table Schema's `format`, such as "%d.%m.%Y".
// It knows the directives of strptime that are numbers.

import Basics

/// A pattern of %Y %m %d %H %M %S %f %y %z %% and plain text.
package struct DatePattern: Equatable, Sendable {
    package let pattern: String
    private enum Part: Equatable, Sendable { case text([UInt8]), number(UInt8) }
    private let parts: [Part]

    /// Nil for a pattern with another directive, without year, month and day, or with one of them twice.
    package init?(_ pattern: String, isDate: Bool) {
        self.pattern = pattern
        var parts: [Part] = [], rest = Array(pattern.utf8)[...]
        while let b = rest.popFirst() {
            if b != UInt8(ascii: "%") {
                if case .text(let t)? = parts.last { parts[parts.count - 1] = .text(t + [b]) } else {
                    parts.append(.text([b]))
                }
                continue
            }
            guard let directive = rest.popFirst() else { return nil }
            if directive == UInt8(ascii: "%") { parts.append(.text([directive])) } else {
                parts.append(.number(directive))
            }
        }
        self.parts = parts
        let directives = parts.compactMap { if case .number(let d) = $0 { String(UnicodeScalar(d)) } else { nil } }
        let known = Set(isDate ? ["Y", "y", "m", "d"] : ["Y", "y", "m", "d", "H", "M", "S", "f", "z"])
        guard Set(directives).count == directives.count, directives.allSatisfy(known.contains),
              directives.contains("m"),
              directives.contains("d"), directives.contains("Y") != directives.contains("y") else { return nil }
    }

    /// The moment of a text: microseconds since 1970-01-01 UTC. Nil when the text does not have this form.
    func parse(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
        var at = 0
        var year: Int64 = 1970, month: Int64 = 1, day: Int64 = 1, hour: Int64 = 0, minute: Int64 = 0, second: Int64 = 0
        var micro: Int64 = 0, shift: Int64 = 0
        /// Up to `most` digits; at least one.
        func number(_ most: Int) -> (value: Int64, digits: Int)? {
            var v: Int64 = 0, n = 0
            while n < most, at < count, p[at] &- 0x30 < 10 {
                v = v * 10 + Int64(p[at] &- 0x30)
                (n, at) = (n + 1, at + 1)
            }
            return n > 0 ? (v, n) : nil
        }
        for part in parts {
            switch part {
            case .text(let text):
                for b in text {
                    guard at < count, p[at] == b else { return nil }
                    at += 1
                }
            case .number(let directive):
                switch directive {
                case UInt8(ascii: "Y"):
                    guard let n = number(4), n.digits == 4 else { return nil }
                    year = n.value
                case UInt8(ascii: "y"):                  // as POSIX: 69 to 99 are of the twentieth century
                    guard let n = number(2), n.digits == 2 else { return nil }
                    year = n.value < 69 ? 2000 + n.value : 1900 + n.value
                case UInt8(ascii: "f"):
                    guard let n = number(6) else { return nil }
                    micro = (0..<(6 - n.digits)).reduce(n.value) { v, _ in v * 10 }
                case UInt8(ascii: "z"):
                    guard let zone = zoneShift(p + at, count - at) else { return nil }
                    (shift, at) = (zone.microseconds, at + zone.length)
                default:
                    guard let n = number(2) else { return nil }
                    switch directive {
                    case UInt8(ascii: "m"): month = n.value
                    case UInt8(ascii: "d"): day = n.value
                    case UInt8(ascii: "H"): hour = n.value
                    case UInt8(ascii: "M"): minute = n.value
                    default: second = n.value
                    }
                }
            }
        }
        guard at == count, isDay(year, month, day), hour < 24, minute < 60, second < 60 else { return nil }
        let days = daysSinceEpoch(year: year, month: month, day: day)
        return days * microsecondsPerDay + (hour * 3600 + minute * 60 + second) * 1_000_000 + micro - shift
    }

    /// The text of a moment in microseconds. Zones are written as UTC.
    func text(_ moment: Int64) -> String {
        let day = floorDiv(moment, microsecondsPerDay), rest = moment - day * microsecondsPerDay
        let (year, month, date) = civilDate(days: day)
        var out = ""
        for part in parts {
            switch part {
            case .text(let text): out += String(decoding: text, as: UTF8.self)
            case .number(let directive):
                switch directive {
                case UInt8(ascii: "Y"): out += padded(year, 4)
                case UInt8(ascii: "y"): out += padded(year % 100, 2)
                case UInt8(ascii: "m"): out += padded(month, 2)
                case UInt8(ascii: "d"): out += padded(date, 2)
                case UInt8(ascii: "H"): out += padded(rest / 3_600_000_000, 2)
                case UInt8(ascii: "M"): out += padded(rest / 60_000_000 % 60, 2)
                case UInt8(ascii: "S"): out += padded(rest / 1_000_000 % 60, 2)
                case UInt8(ascii: "f"): out += padded(rest % 1_000_000, 6)
                default: out += "+0000"
                }
            }
        }
        return out
    }
}
