// Shares of the protected groups among rows that are free.

import Basics
import Compute

struct GroupShares: Sendable {
    /// Of each group; sums to 1.
    let shares: [Double]
    /// Groups that hold a row or more of the table, by their share.
    let present: [Int]
    private let sums: [Double]
    var count: Int { shares.count }

    /// - totals: of each group, in any unit; not negative.
    init(_ totals: [Double], plan: Plan) {
        let all = max(totals.reduce(0, +), 1e-300)
        let shares = totals.map { $0 / all }
        var sum = 0.0
        sums = shares.map { sum += $0; return sum }
        let least = 1 / Double(max(plan.expectedRows, 1)), large = shares.indices.filter { shares[$0] >= least }
        present = large.isEmpty ? [shares.indices.max { shares[$0] < shares[$1] } ?? 0] : large
        self.shares = shares
    }

    /// A group by its share. u: uniform in [0, 1).
    func group(_ u: Double) -> Int { sums.withUnsafeBufferPointer { cumulativeSearch($0, u) } }
}
