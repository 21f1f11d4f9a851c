// The bins that decision trees split: at most 256 for each column.
// Up to 50 levels are bins of their own, and a split sets one apart, as on one-hot columns. Longer lists of levels
// count as numbers. Numbers are cut at values of the table that is learned from.

import Basics

struct Binning {
    static let maxBins = 256
    static let maxLevels = 50

    /// One column: levels (`edges` empty), or numbers: cell 0 is missing, cell k holds values from edges[k - 1] up to
    /// edges[k].
    struct Column {
        let isLevels: Bool
        let edges: [Double]
        let bins: Int
    }
    let columns: [Column]

    /// - Parameter reference: the table that is learned from.
    init(_ reference: Frame) throws {
        columns = try reference.columns.map { column in
            if column.levels != nil, column.codeCount <= Binning.maxLevels + 1 {
                return Column(isLevels: true, edges: [], bins: column.codeCount)
            }
            let edges: [Double]
            if let values = column.values {
                edges = try Binning.edges(values)
            } else {
                let values = try Buffer<Double>(count: reference.rows, for: "an evaluation")
                for i in 0..<reference.rows { values.base[i] = Double(column.codes!.base[i]) }
                edges = try Binning.edges(values)
            }
            return Column(isLevels: false, edges: edges, bins: edges.count + 1)
        }
    }

    /// All distinct values where there are at most 254; otherwise quantiles and the least value.
    private static func edges(_ x: Buffer<Double>) throws -> [Double] {
        let (sorted, n) = try sortedValues(x)
        var distinct: [Double] = []
        for i in 0..<n where distinct.last != sorted.base[i] {
            distinct.append(sorted.base[i])
            if distinct.count >= maxBins - 1 { break }
        }
        if distinct.count < maxBins - 1 { return distinct }
        let inner = try quantileEdges(x, bins: maxBins - 1)
        return inner.first == sorted.base[0] ? inner : [sorted.base[0]] + inner
    }

    /// bins: [rows][columns] row-major.
    func apply(_ frame: Frame) throws -> Buffer<UInt8> {
        let m = columns.count
        let (size, over) = frame.rows.multipliedReportingOverflow(by: m)
        guard !over else { throw Failure(.noMemory, "not enough memory for an evaluation") }
        let out = try Buffer<UInt8>(count: size, for: "an evaluation")
        for (c, column) in columns.enumerated() {
            let series = frame.columns[c]
            column.edges.withUnsafeBufferPointer { edges in
                for i in 0..<frame.rows {
                    if column.isLevels {
                        out.base[i &* m &+ c] = UInt8(truncatingIfNeeded: series.codes!.base[i])
                    } else {                        // a value below every edge shares the first cell of values
                        let v = series.number(i)
                        out.base[i &* m &+ c] = v.isNaN ? 0 : UInt8(truncatingIfNeeded: min(max(cell(v, edges), 1),
                            column.bins - 1))
                    }
                }
            }
        }
        return out
    }
}
