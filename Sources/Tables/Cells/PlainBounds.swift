// Bounds read off rows, rounded outward to plain numbers.
// The smallest and the largest value of a table are somebody's, and the next row lies beyond them as likely as not.

/// Bounds around low ... high with a round distance: the largest of 1, 2 and 5 times a power of ten that fits ten times
/// between them.
enum PlainBounds {
    /// Small ranges of whole numbers (months, marks, hours of a day) are codes and stay as they are.
    static let codes: Int64 = 31

    static func whole(_ low: Int64, _ high: Int64) -> (Int64, Int64) {
        let (range, over) = high.subtractingReportingOverflow(low)
        guard !over, range > codes else { return (low, high) }
        var unit: Int64 = 1
        while unit <= range / 100 { unit *= 10 }         // unit ≤ range / 10 < 10 unit
        unit *= range / 10 >= 5 * unit ? 5 : range / 10 >= 2 * unit ? 2 : 1
        let down = floorDiv(low, unit), up = floorDiv(high, unit) + (high % unit == 0 ? 0 : 1)
        let (a, below) = down.multipliedReportingOverflow(by: unit),
            (b, above) = up.multipliedReportingOverflow(by: unit)
        return (below ? low : a, above ? high : b)
    }

    /// - Parameter step: of the values, or 0; bounds are not rounded more finely than that.
    static func real(_ low: Double, _ high: Double, step: Double) -> (Double, Double) {
        let range = high - low
        guard range.isFinite else { return (low, high) }
        // Of equal values the first two digits count.
        let wanted = range > 0 ? range / 10 : max(low.magnitude / 10, 1e-300)
        var exponent = -300
        while exponent < 300, power(exponent + 1) <= max(wanted, step) { exponent += 1 }
        let factor = [5.0, 2, 1].first { multiple(1, $0, exponent) <= max(wanted, step) } ?? 1
        let unit = multiple(1, factor, exponent)
        guard unit > 0, max(low.magnitude, high.magnitude) / unit < 0x1p50 else { return (low, high) }
        var down = (low / unit).rounded(.down), up = (high / unit).rounded(.up)
        while multiple(down, factor, exponent) > low { down -= 1 }
        while multiple(up, factor, exponent) < high { up += 1 }
        if down == up, step == 0 { up += 1 }             // a number without a step needs room
        return (multiple(down, factor, exponent) + 0.0, multiple(up, factor, exponent) + 0.0)
    }

    private static func power(_ exponent: Int) -> Double { multiple(1, 1, exponent) }

    /// k·factor·10^exponent, by one correctly rounded operation where powers of ten are exact.
    private static func multiple(_ k: Double, _ factor: Double, _ exponent: Int) -> Double {
        switch exponent {
        case 0...22: k * factor * powersOfTen[exponent]
        case -22 ..< 0: k * factor / powersOfTen[-exponent]
        default: k * factor * (Double("1e\(exponent)") ?? 0)
        }
    }

    /// Days: whole years around more than two years, whole months around more than two months.
    static func dates(_ low: Int64, _ high: Int64) -> (Int64, Int64) {
        guard high - low > 62 else { return (low, high) }
        let years = high - low > 731
        let (y, m, _) = civilDate(days: low), (z, n, _) = civilDate(days: high)
        let first = daysSinceEpoch(year: y, month: years ? 1 : m, day: 1)
        let isYearsEnd = years || n == 12
        let next = daysSinceEpoch(year: isYearsEnd ? z + 1 : z, month: isYearsEnd ? 1 : n + 1, day: 1)
        return (max(first, dayRange.lowerBound), min(next - 1, dayRange.upperBound))
    }

    /// Microseconds, multiples of `step`: as dates around more than two days, otherwise whole hours.
    static func moments(_ low: Int64, _ high: Int64, step: Int64) -> (Int64, Int64) {
        let hour: Int64 = 3_600_000_000
        let (first, next): (Int64, Int64)
        if high - low > 2 * microsecondsPerDay {
            let (a, b) = dates(floorDiv(low, microsecondsPerDay), floorDiv(high, microsecondsPerDay))
            (first, next) = (a * microsecondsPerDay, (b + 1) * microsecondsPerDay)
        } else {
            (first, next) = (floorDiv(low, hour) * hour, (floorDiv(high, hour) + 1) * hour)
        }
        return (max(first, microsecondRange.lowerBound),
                floorDiv(min(next, microsecondRange.upperBound + 1) - 1, step) * step)
    }
}
