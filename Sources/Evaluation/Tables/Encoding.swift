// Rows as points: numbers and one-hot levels, each standardised by a reference table.
// Distances and moments of such points mean something whatever the columns' units.

import Basics

/// How columns become coordinates. A number is (x - mean) / standard deviation, 0 where missing; every level, missing
/// among them, is an indicator minus its share over its standard deviation. A standard deviation below that of an
/// indicator seen once counts as that.
struct Encoding {
    struct Column {
        let mean, standardDeviation: Double                 // numbers
        /// Share and standard deviation of each level; of a number: one indicator, "missing".
        let shares, standardDeviations: [Double]
    }
    let columns: [Column]

    init(_ reference: Frame) {
        let n = Double(reference.rows), least = (1 / n * (1 - 1 / n)).squareRoot()
        func indicator(_ share: Double) -> Double { max((share * (1 - share)).squareRoot(), max(least, 1e-12)) }
        columns = reference.columns.map { series in
            if let codes = series.codes {
                var shares = [Double](repeating: 0, count: series.codeCount)
                for k in codes { shares[Int(k)] += 1 }
                shares = shares.map { $0 / n }
                return Column(mean: 0, standardDeviation: 1, shares: shares, standardDeviations: shares.map(indicator))
            }
            var count = 0.0, mean = 0.0, square = 0.0
            for x in series.values! where !x.isNaN { (count, mean) = (count + 1, mean + x) }
            mean /= max(count, 1)
            for x in series.values! where !x.isNaN { square += (x - mean) * (x - mean) }
            let sigma = (square / max(count, 1)).squareRoot(), missing = 1 - count / n
            return Column(mean: mean, standardDeviation: sigma > 0 ? sigma : 1, shares: [missing],
                          standardDeviations: [indicator(missing)])
        }
    }

    /// The number of coordinates of all columns but `leaveOut`.
    func width(leaveOut: Set<Int>) -> Int {
        columns.indices.filter { !leaveOut.contains($0) }.reduce(0) {
            $0 + columns[$1].shares.count + (columns[$1].shares.count == 1 ? 1 : 0)
        }
    }

    /// Rows `order[range]` as points [rows][width], row-major.
    func points(_ frame: Frame, _ order: Buffer<Int32>, _ range: Range<Int>, leaveOut: Set<Int>) throws
        -> Buffer<Float> {
        let w = width(leaveOut: leaveOut), out = try Buffer<Float>(count: range.count * w, for: "an evaluation")
        for (i, k) in range.enumerated() {
            let row = Int(order.base[k])
            var at = i * w
            for (c, column) in columns.enumerated() where !leaveOut.contains(c) {
                let series = frame.columns[c]
                var level = -1
                if let values = series.values {
                    let x = values.base[row]
                    out.base[at] = x.isNaN ? 0 : Float((x - column.mean) / column.standardDeviation)
                    at += 1
                    level = x.isNaN ? 0 : -1
                } else {
                    level = Int(series.codes!.base[row])
                }
                for l in column.shares.indices {
                    out.base[at] = Float(((l == level ? 1 : 0) - column.shares[l]) / column.standardDeviations[l])
                    at += 1
                }
            }
        }
        return out
    }
}
