// Order statistics of a column, and the cells they cut it into.

import Basics
import Tables

/// The values of `x` that are not NaN, in ascending order.
func sortedValues(_ x: Buffer<Double>) throws -> (values: Buffer<Double>, count: Int) {
    let out = try Buffer<Double>(count: x.count, for: "an evaluation")
    let keys = try Buffer<UInt64>(count: x.count, for: "an evaluation")
    var n = 0
    for i in 0..<x.count where !x.base[i].isNaN {
        keys.base[n] = ascending(x.base[i])
        n += 1
    }
    try sortKeys(keys, n)
    for i in 0..<n { out.base[i] = fromAscending(keys.base[i]) }
    return (out, n)
}

/// The quantile at `share` in 0...1 of n ascending values, between neighbours by straight lines (Hyndman and Fan 1996,
/// definition 7).
func quantile(_ sorted: Buffer<Double>, _ n: Int, _ share: Double) -> Double {
    guard n > 0 else { return .nan }
    let at = share * Double(n - 1), low = Int(at)
    guard low + 1 < n else { return sorted.base[n - 1] }
    return sorted.base[low] + (at - Double(low)) * (sorted.base[low + 1] - sorted.base[low])
}

/// The edges of at most `bins` cells with about equal shares of x: inner quantiles, each once.
func quantileEdges(_ x: Buffer<Double>, bins: Int) throws -> [Double] {
    let (sorted, n) = try sortedValues(x)
    var edges: [Double] = []
    for k in 1..<bins where n > 0 {
        let edge = quantile(sorted, n, Double(k) / Double(bins))
        if edges.last != edge { edges.append(edge) }
    }
    return edges
}

/// The number of edges at or below v: the cell of v in 0 ... edges.count.
@inline(__always) func cell(_ v: Double, _ edges: UnsafeBufferPointer<Double>) -> Int {
    var low = 0, high = edges.count
    while low < high {
        let middle = (low + high) >> 1
        if edges[middle] <= v { low = middle + 1 } else { high = middle }
    }
    return low
}

/// Every column as cells: levels as they are, numbers in quantile bins of a reference table; missing is a cell of its
/// own, the last but for those of the reasons why.
struct Cells {
    let columns: [Buffer<Int32>]
    let counts: [Int]

    /// The inner edges of each numerical column of `reference`; empty for levels.
    static func edges(_ reference: Frame, bins: Int) throws -> [[Double]] {
        try reference.columns.map { try $0.values.map { try quantileEdges($0, bins: bins) } ?? [] }
    }

    init(_ frame: Frame, edges: [[Double]]) throws {
        counts = zip(frame.columns, edges).map { column, edges in
            column.values == nil ? column.codeCount : edges.count + 2 + column.reasons
        }
        columns = try zip(frame.columns, edges).map { column, edges in
            if let codes = column.codes { return codes }
            let out = try Buffer<Int32>(count: frame.rows, for: "an evaluation")
            edges.withUnsafeBufferPointer { edges in
                for i in 0..<frame.rows {
                    let v = column.values!.base[i]
                    let gone = edges.count + 1 + (column.reasons > 0 ? MissingReason.of(v).map { $0 + 1 } ?? 0 : 0)
                    out.base[i] = Int32(truncatingIfNeeded: v.isNaN ? gone : cell(v, edges))
                }
            }
            return out
        }
    }
}
