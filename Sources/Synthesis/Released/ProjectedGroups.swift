// Protected groups in a relaxed table. A component is a product of distributions, so it holds group g with the product
// of its shares of g's parts, P(g | r); from these follow a group's share, the components of a row of a given group,
// P(r | g), and its distribution of every column, Σ_r P(r | g) p_rj. Released values only.

import Alignment
import Basics
import Compute
import Projection

final class ProjectedGroups: Sendable {
    let shares: GroupShares
    /// Running sums, [groups][components], of P(g | r).
    private let running: Buffer<Float>
    private let components: Int
    /// One for each column that networks see; empty: none is repaired.
    private let repairs: [ColumnRepair]

    /// - Parameters:
    ///   - starts: of each column in a row of the table.
    ///   - repair: strength, 0 to 1.
    init(_ table: RelaxedTable, _ grouping: Grouping, plan: Plan, starts: [Int], repair: Double) throws {
        let N = table.rows, G = grouping.count, D = table.width
        components = N
        running = try Buffer(count: G * N, for: "groups of the relaxed table")
        var totals = [Double](repeating: 0, count: G)
        let membership = try grouping.membership(table)
        for g in 0..<G {
            var sum = 0.0
            for r in 0..<N {
                sum += Double(membership[g * N + r])
                running[g * N + r] = Float(sum)
            }
            totals[g] = sum
        }
        let shares = GroupShares(totals, plan: plan)
        self.shares = shares
        guard repair > 0, G > 1 else { repairs = []; return }
        repairs = try plan.modelled.map { j in
            let K = table.levels[j], h = try Buffer<Double>(count: G * K, for: "groups of the relaxed table")
            for r in 0..<N {
                for g in 0..<G {
                    let p = Double(membership[g * N + r])
                    for k in 0..<K { h[g * K + k] += p * Double(table.probabilities[r * D + starts[j] + k]) }
                }
            }
            return try shares.shares.withUnsafeBufferPointer {
                try ColumnRepair(histograms: h.base, groups: G, levels: K, ordered: plan.grids[j].numerical,
                                 strength: min(repair, 1), shares: $0.baseAddress)
            }
        }
    }

    /// A component by P(r | g). u: uniform in [0, 1).
    func component(_ u: Double, group g: Int) -> Int {
        cumulativeSearch(UnsafeBufferPointer(start: running.base + g * components, count: components), Float(u))
    }

    func repaired(_ code: UInt16, column t: Int, group g: Int, _ u: Double) -> UInt16 {
        repairs.isEmpty ? code : UInt16(truncatingIfNeeded: repairs[t].apply(Int32(code), group: Int32(g), uniform: u))
    }
}

extension Grouping {
    /// How much of each component of a relaxed table is of each group, [groups][components]: the product of its shares
    /// of the group's parts.
    func membership(_ table: RelaxedTable) throws -> Buffer<Float> {
        let N = table.rows, D = table.width
        var at = 0
        let starts = table.levels.map { K in defer { at += K }; return at }
        let out = try Buffer<Float>(count: count * N, for: "groups of the relaxed table")
        for g in 0..<count {
            for r in 0..<N {
                out[g * N + r] = Float(zip(axes,
                                           partsOf[g]).reduce(1.0) {
                                               $0 * Double(table.probabilities[r * D + starts[$1.0.column] + $1.1]) })
            }
        }
        return out
    }
}
