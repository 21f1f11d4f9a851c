// Means and quantiles of numerical columns, compared between the synthetic and the real table.
// They show what total variation does not: a little mass that lies far away.

import Basics
import Glibc

/// Where the values of one numerical column lie in both tables. Missing values take no part.
package struct Location {
    /// The quantiles that are compared.
    static let shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    /// A shift is worth a note above these, in standard deviations and in interquartile ranges, when chance does not
    /// explain it.
    static let notedMean = 0.25, notedQuantile = 0.5, notedChance = 4.0

    /// Place of the column in the table.
    package let column: Int
    /// Values that are not missing.
    package let counts: (real: Int, synthetic: Int)
    package let means: (real: Double, synthetic: Double)
    /// In the order of `shares`; definition 7 of Hyndman and Fan 1996.
    package let quantiles: [(real: Double, synthetic: Double)]
    /// Share of the synthetic values at or below each real quantile.
    private let reached: [Double], reachedReal: [Double]
    /// Standard deviation of the real values; where it is 0, the size of their mean, or 1.
    let scale: Double
    /// Distance between the real quartiles; where it is 0, `scale`.
    let range: Double

    /// - Returns: nil when either table has no value in this column.
    /// - Throws: `.noMemory`.
    init?(column: Int, real: Buffer<Double>, synthetic: Buffer<Double>) throws {
        let (x, n) = try sortedValues(real), (y, m) = try sortedValues(synthetic)
        guard n > 0, m > 0 else { return nil }
        func mean(_ v: Buffer<Double>, _ count: Int) -> Double {
            (0..<count).reduce(0.0) { $0 + v.base[$1] / Double(count) }
        }
        let own = mean(x, n)
        let variance = (0..<n).reduce(0.0) { $0 + (x.base[$1] - own) * (x.base[$1] - own) / Double(n) }
        self.column = column
        counts = (n, m)
        means = (own, mean(y, m))
        quantiles = Location.shares.map { (quantile(x, n, $0), quantile(y, m, $0)) }
        func shareUpTo(_ v: Double, _ sorted: Buffer<Double>, _ count: Int) -> Double {
            Double(cell(v, UnsafeBufferPointer(start: sorted.base, count: count))) / Double(count)
        }
        reached = quantiles.map { shareUpTo($0.real, y, m) }
        reachedReal = quantiles.map { shareUpTo($0.real, x, n) }
        scale = variance > 0 ? variance.squareRoot() : own != 0 ? own.magnitude : 1
        let quartiles = quantiles[3].real - quantiles[1].real
        range = quartiles > 0 ? quartiles : scale
    }

    /// Synthetic mean less real mean, in standard deviations of the real values: 0 best.
    package var meanShift: Double { (means.synthetic - means.real) / scale }

    /// Synthetic quantiles less real ones, in interquartile ranges of the real values: 0 best.
    package var quantileShifts: [Double] { quantiles.map { ($0.synthetic - $0.real) / range } }

    /// The quantile that is off most.
    package var largestQuantileShift: Double { quantileShifts.max { $0.magnitude < $1.magnitude } ?? .nan }

    /// What of this column is off by more than chance explains; nil when nothing is.
    func note(_ name: String) -> String? {
        let chance = (1 / Double(counts.real) + 1 / Double(counts.synthetic)).squareRoot()
        var parts: [String] = []
        if meanShift.magnitude > max(Location.notedMean, Location.notedChance * chance) {
            parts.append("mean \(means.synthetic), real \(means.real)")
        }
        for (i, share) in Location.shares.enumerated() where quantileShifts[i].magnitude > Location.notedQuantile {
            // A quantile is judged by the share of values up to it, whose chance error does not depend on how they are
            // spread.
            let error = chance * (share * (1 - share)).squareRoot()
            guard (reached[i] - reachedReal[i]).magnitude > Location.notedChance * error else { continue }
            let (real, synthetic) = quantiles[i]
            parts.append("\(Int((100 * share).rounded())) % quantile \(synthetic), real \(real)")
        }
        return parts.isEmpty ? nil : "\(quoted(name)) lies elsewhere: " + parts.joined(separator: "; ")
    }

    /// Of every numerical column that has values in both tables.
    static func all(real: Frame, synthetic: Frame) throws -> [Location] {
        try real.columns.indices.compactMap { c in
            guard let x = real.columns[c].values, let y = synthetic.columns[c].values else { return nil }
            return try Location(column: c, real: x, synthetic: y)
        }
    }
}
