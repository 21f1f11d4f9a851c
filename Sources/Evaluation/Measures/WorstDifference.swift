// The largest difference between two groups of a rate, with an interval for it: what the worst-treated group meets.
//
// Every pair of groups has an interval of its own: Newcombe's of two shares (1998, Statistics in Medicine 17:873,
// method 10), from the shares' intervals by Wilson (1927). All pairs together hold with 95 % (Bonferroni), so the
// largest difference lies between the largest of the lower ends and the largest of the upper ends. The interval is
// about the rows that were set aside as a sample. The classifier and the score that selects are taken as given.

import Basics
import Glibc

package struct WorstDifference {
    /// The largest difference, and an interval that holds it with 95 %. 0 to 1.
    package let value, low, high: Double
    /// The groups with the least and the largest rate; nil where the difference is a mean over parts.
    package let least, most: Int?

    /// Rows of a group, and how many of them are selected.
    struct Rate {
        let group: Int, rows: Int, selected: Int
        var share: Double { Double(selected) / Double(rows) }

        /// The interval of the share within z standard errors.
        func limits(_ z: Double) -> (low: Double, high: Double) {
            let n = Double(rows), p = share, zz = z * z
            let centre = (p + zz / (2 * n)) / (1 + zz / n)
            let arm = z / (1 + zz / n) * (p * (1 - p) / n + zz / (4 * n * n)).squareRoot()
            return (max(0, centre - arm), min(1, centre + arm))
        }
    }

    static let confidence = 0.95

    /// - Parameters:
    ///   - kinds: rates that are compared within each kind: shares selected; or of rows with label 1 and with label 0.
    /// - Returns: nil where no kind has two groups.
    static func largest(_ kinds: [[Rate]]) -> WorstDifference? {
        let z = limit(kinds)
        var out: WorstDifference?
        for rates in kinds {
            guard let d = largest(rates, z) else { continue }
            guard let old = out else { out = d; continue }
            let worst = d.value > old.value ? d : old
            out = WorstDifference(value: worst.value, low: max(old.low, d.low), high: max(old.high, d.high),
                                  least: worst.least, most: worst.most)
        }
        return out
    }

    /// The mean over parts of the table, by their rows, of the largest difference within each.
    /// - Returns: nil where no part has two groups.
    static func mean(_ parts: [[Rate]]) -> WorstDifference? {
        let z = limit(parts)
        let found = parts.compactMap { rates in
            largest(rates, z).map { ($0, Double(rates.reduce(0) { $0 + $1.rows })) }
        }
        let all = found.reduce(0) { $0 + $1.1 }
        guard all > 0 else { return nil }
        func mean(_ of: (WorstDifference) -> Double) -> Double { found.reduce(0) { $0 + of($1.0) * $1.1 } / all }
        return WorstDifference(value: mean(\.value), low: mean(\.low), high: mean(\.high), least: nil, most: nil)
    }

    /// Standard errors that all pairs together need.
    private static func limit(_ kinds: [[Rate]]) -> Double {
        let pairs = kinds.reduce(0) { $0 + $1.count * max($1.count - 1, 0) / 2 }
        return normalLimit(1 - (1 - confidence) / Double(max(pairs, 1)))
    }

    private static func largest(_ rates: [Rate], _ z: Double) -> WorstDifference? {
        guard let most = rates.max(by: { $0.share < $1.share }), let least = rates.min(by: { $0.share < $1.share }),
              rates.count > 1 else { return nil }
        let limits = rates.map { $0.limits(z) }
        var low = 0.0, high = 0.0
        for a in rates.indices {
            for b in rates.indices.dropFirst(a + 1) {
                let (p, q) = (rates[a].share, rates[b].share), d = p - q
                func arm(_ x: Double, _ y: Double) -> Double { (x * x + y * y).squareRoot() }
                let below = d - arm(p - limits[a].low, limits[b].high - q)
                let above = d + arm(limits[a].high - p, q - limits[b].low)
                // Of the absolute difference: an interval on both sides of 0 reaches down to 0.
                low = max(low, below > 0 ? below : above < 0 ? -above : 0)
                high = max(high, abs(below), abs(above))
            }
        }
        let same = most.share == least.share
        return WorstDifference(value: most.share - least.share, low: low, high: min(1, high),
                               least: same ? nil : least.group, most: same ? nil : most.group)
    }
}
