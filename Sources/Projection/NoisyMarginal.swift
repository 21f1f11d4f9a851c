// A released marginal: joint counts of one to three columns with the standard deviation of their noise.

import Basics

package struct NoisyMarginal: Sendable {
    /// One to three distinct columns; `values` is row-major in this order.
    package let columns: [Int]
    /// Noisy counts in rows; may be negative.
    package let values: Buffer<Double>
    /// Of the noise in one count, in rows; 0: none.
    package let standardDeviation: Double

    /// Nothing is checked here; a fit checks its marginals against the columns.
    package init(columns: [Int], values: Buffer<Double>, standardDeviation: Double) {
        (self.columns, self.values, self.standardDeviation) = (columns, values, standardDeviation)
    }

    /// The shares of one column as a marginal of `total` rows.
    /// - Throws: `.noMemory`.
    package init(column: Int, shares: [Double], total: Double, standardDeviation: Double) throws {
        let v = try Buffer<Double>(count: shares.count, for: "a marginal")
        for (i, s) in shares.enumerated() { v[i] = s * total }
        self.init(columns: [column], values: v, standardDeviation: standardDeviation)
    }
}

/// Bins of all columns side by side, [total], column by column.
struct LevelLayout: Sendable {
    let levels: [Int]
    /// First bin of each column.
    let first: [Int]
    let total: Int

    init(_ levels: [Int]) {
        self.levels = levels
        var f: [Int] = [], at = 0
        for k in levels { f.append(at); at += k }
        (first, total) = (f, at)
    }

    /// The way back through each column's softmax: g = p (g - sum p g). p, g: [n][levels][lanes].
    func throughSoftmax(_ p: UnsafePointer<Float>, _ g: UnsafeMutablePointer<Float>, blocks n: Int, lanes W: Int) {
        for m in 0..<n {
            for (t, K) in levels.enumerated() {
                let at = (m * total + first[t]) * W, p = p + at, g = g + at
                for l in 0..<W {
                    var sum: Float = 0
                    for k in 0..<K { sum += p[k * W + l] * g[k * W + l] }
                    for k in 0..<K { g[k * W + l] = p[k * W + l] * (g[k * W + l] - sum) }
                }
            }
        }
    }

    /// - Throws: `.argument` when a marginal does not fit the columns.
    func check(_ marginals: [NoisyMarginal]) throws {
        for m in marginals {
            guard (1...3).contains(m.columns.count), Set(m.columns).count == m.columns.count,
                  m.columns.allSatisfy(levels.indices.contains),
                  m.columns.reduce(1, { $0 * levels[$1] }) == m.values.count, m.standardDeviation >= 0,
                  m.standardDeviation.isFinite, m.values.allSatisfy(\.isFinite) else {
                throw Failure(.argument, "marginals: one does not fit its columns")
            }
        }
    }
}
