// Reads times that a file holds as numbers: so many of a unit since 1970-01-01 UTC.
// The unit is in the attribute `units`, spelled as in the CF conventions (chapter 4.4): "days since 1970-01-01".
// AnnData has no type for time.

import Basics
import Tables

struct TimeUnit: Equatable {
    /// The unit in nanoseconds.
    let nanoseconds: Int64

    static let days = TimeUnit(nanoseconds: 86_400_000_000_000)
    static let seconds = TimeUnit(nanoseconds: 1_000_000_000)
    static let microseconds = TimeUnit(nanoseconds: 1_000)

    private static let names: [(name: String, nanoseconds: Int64)] = [
        ("days", 86_400_000_000_000), ("hours", 3_600_000_000_000), ("minutes", 60_000_000_000),
            ("seconds", 1_000_000_000),
        ("milliseconds", 1_000_000), ("microseconds", 1_000), ("nanoseconds", 1),
    ]

    private init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Reads "UNIT since 1970-01-01", with or without midnight and a Z behind it; nil for other texts.
    init?(_ text: String) {
        let parts = text.split(separator: " since ", maxSplits: 1).map(String.init)
        let epochs =
            ["1970-01-01", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00", "1970-01-01 00:00:00", "1970-01-01 00:00:00Z"]
        guard parts.count == 2, epochs.contains(parts[1]),
              let unit =
                  Self.names.first(where: { $0.name == parts[0] || $0.name == parts[0] + "s" }) else { return nil }
        nanoseconds = unit.nanoseconds
    }

    var text: String {
        let name = Self.names.first { $0.nanoseconds == nanoseconds }?.name ?? ""
        return name + " since 1970-01-01" + (self == .days ? "" : "T00:00:00Z")
    }

    /// `value` of this unit in microseconds: the whole number of them whose nearest double (or number of the type
    /// `narrow`) in this unit is `value`, so that 0.1 seconds are 100 000 microseconds though no double is 0.1. nil
    /// when there is none: the time is finer than that. Not finite values stay what they are.
    func microseconds(_ value: Double, _ narrow: NarrowFloat?) -> Double? {
        guard value.isFinite else { return value }
        let isCoarser = nanoseconds >= Self.microseconds.nanoseconds
        let ratio =
            Double(isCoarser ? nanoseconds / Self.microseconds.nanoseconds
            : Self.microseconds.nanoseconds / nanoseconds)
        let near = (isCoarser ? value * ratio : value / ratio).rounded()
        // Beyond 2^51 the product's own rounding may end one beside.
        return [near, near - 1, near + 1].first { whole in
            let back = isCoarser ? whole / ratio : whole * ratio
            return back == value || narrow?.isNearest(of: back, value) ?? false
        }
    }

    /// The whole number of microseconds nearest to `value` of this unit.
    func nearestMicroseconds(_ value: Double) -> Double {
        (value * Double(nanoseconds) / Double(Self.microseconds.nanoseconds)).rounded()
    }

    /// `value` of this unit in days, which may be no whole number of them.
    func days(_ value: Double) -> Double { value / Double(Self.days.nanoseconds / nanoseconds) }

    /// `value` of this unit in units of `other`; nil when it is no whole number of them or beyond 64 bits.
    func convert(_ value: Int64, to other: TimeUnit) -> Int64? {
        if nanoseconds == other.nanoseconds { return value }
        if nanoseconds > other.nanoseconds {
            let (out, overflow) = value.multipliedReportingOverflow(by: nanoseconds / other.nanoseconds)
            return overflow ? nil : out
        }
        let ratio = other.nanoseconds / nanoseconds
        return value % ratio == 0 ? value / ratio : nil
    }
}
