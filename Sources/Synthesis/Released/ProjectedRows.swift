// An endless supply of rows from a relaxed table: row k of a seed is a draw from one of the table's softmax rows, and
// its targets are a second draw from the same one. All of it is released, so every row is free.
//
// Where networks do not see the protected columns a row is of a group instead, drawn for any group that is asked for,
// and its columns are repaired: moved until none of them alone tells the group (ColumnRepair). How groups lie in the
// table is in ProjectedGroups.swift.

import Alignment
import Basics
import Compute
import Projection

final class ProjectedRows: FreeRows {
    /// Of every column of the schema.
    let levels: [Int]
    /// Rows of the relaxed table.
    let count: Int
    /// Nil where networks see every column.
    private let groups: ProjectedGroups?
    var groupShares: GroupShares? { groups?.shares }
    /// Rows that are drawn instead of those of the table; nil: the table is as fair as it is to be.
    let drawn: DrawnRows?
    /// What they were made for.
    let estimate: DisparityEstimate?
    /// [count][Σ levels]: within each column the running sums of the probabilities.
    private let running: Buffer<Float>
    private let width: Int
    /// Columns that networks see, and where each starts in a row of the table.
    private let modelled: [Int], starts: [Int]
    private enum Purpose { static let row = DrawnRows.purpose, repair: UInt32 = 0x72657061 }

    /// - Parameter repair: strength of the columns' repair, 0 to 1.
    init(_ table: RelaxedTable, plan: Plan, repair: Double) throws {
        (drawn, estimate) = (nil, nil)
        (levels, count) = (table.levels, table.rows)
        width = levels.reduce(0, +)
        running = try Buffer(count: count * width, for: "the relaxed table")
        for r in 0..<count {
            var at = r * width
            for K in levels {
                var sum: Float = 0
                for b in at..<at + K {
                    sum += table.probabilities[b]
                    running[b] = sum
                }
                at += K
            }
        }
        modelled = plan.modelled
        var at = 0
        let starts = table.levels.map { K in defer { at += K }; return at }
        self.starts = starts
        groups = plan.strength > 0
            ? try plan.grouping.map { try ProjectedGroups(table, $0, plan: plan, starts: starts, repair: repair) } : nil
    }

    /// The same table, from which fair rows were made; nil: before that.
    init(_ table: ProjectedRows, fair: FairRows?) {
        (levels, count, groups, drawn, estimate) = (table.levels, table.count, table.groups, fair?.rows, fair?.estimate)
        (running, width, modelled, starts) = (table.running, table.width, table.modelled, table.starts)
    }

    /// Writes row `k` of `seed`, every column of the schema as it was fitted, to codes[t * stride].
    func draw(seed: UInt64, row k: UInt64, codes: UnsafeMutablePointer<UInt16>, stride: Int) {
        var stream = CounterStream(seed: seed, row: k, purpose: Purpose.row)
        let from = component(stream.uniformDouble()) * width
        for (t, K) in levels.enumerated() { codes[t * stride] = level(from + starts[t], K, stream.uniform()) }
        // The protected columns stay those of the table, and say nothing of the drawn row.
        guard let drawn else { return }
        drawn.copy(drawn.place(stream.uniformDouble())) { codes[modelled[$0] * stride] = $1 }
    }

    /// Writes the columns that networks see of row `k` of `seed` to codes[t * stride] and, when wanted, its second draw
    /// to targets[t * stride].
    /// - Parameter group: the row's; nil: drawn as often as it is in the table.
    /// - Returns: the group, 0 where there are none.
    @discardableResult
    func draw(seed: UInt64, row k: UInt64, group wanted: Int? = nil, codes: UnsafeMutablePointer<UInt16>,
              targets: UnsafeMutablePointer<UInt16>?, stride: Int) -> Int {
        if let drawn {
            return drawn.draw(seed: seed, row: k, group: wanted, codes: codes, targets: targets, stride: stride)
        }
        var stream = CounterStream(seed: seed, row: k, purpose: Purpose.row)
        guard let groups else {
            let from = component(stream.uniformDouble()) * width
            for (t, j) in modelled.enumerated() {
                codes[t * stride] = level(from + starts[j], levels[j], stream.uniform())
                if let targets { targets[t * stride] = level(from + starts[j], levels[j], stream.uniform()) }
            }
            return 0
        }
        let own = groups.shares.group(stream.uniformDouble()), g = wanted ?? own
        let from = groups.component(stream.uniformDouble(), group: g) * width
        var moves = CounterStream(seed: seed, row: k, purpose: Purpose.repair)
        for (t, j) in modelled.enumerated() {
            codes[t * stride] = groups.repaired(level(from + starts[j], levels[j], stream.uniform()), column: t,
                                                group: g, moves.uniformDouble())
            if let targets {
                targets[t * stride] = groups.repaired(level(from + starts[j], levels[j], stream.uniform()), column: t,
                                                      group: g, moves.uniformDouble())
            }
        }
        return g
    }

    /// What the table holds of the columns of a released marginal, in its place: with the noise that was in that, by
    /// which differences are judged.
    func marginal(_ of: NoisyMarginal, total: Double) throws -> NoisyMarginal {
        let c = of.columns, out = try Buffer<Double>(count: of.values.count, for: "a marginal"),
            scale = total / Double(count)
        let places = c.compactMap(modelled.firstIndex(of:))
        // Drawn rows have the columns that networks see.
        if let drawn, places.count == c.count {
            drawn.count(places, levels: c.map { levels[$0] }) { out[$0] += total / Double(drawn.count) }
            return NoisyMarginal(columns: c, values: out, standardDeviation: of.standardDeviation)
        }
        for r in 0..<count {
            let rows = c.map { j in (running.base + r * width + starts[j], levels[j]) }
            func add(_ k: Int, _ at: Int, _ p: Double) {
                guard k < c.count else { return out[at] += p * scale }
                for u in 0..<rows[k].1 {
                    add(k + 1, at * rows[k].1 + u, p * Double(rows[k].0[u] - (u > 0 ? rows[k].0[u - 1] : 0)))
                }
            }
            add(0, 0, 1)
        }
        return NoisyMarginal(columns: c, values: out, standardDeviation: of.standardDeviation)
    }

    private func component(_ u: Double) -> Int { min(Int(u * Double(count)), count - 1) }

    /// First level whose running sum exceeds u of the last.
    private func level(_ at: Int, _ K: Int, _ u: Float) -> UInt16 {
        UInt16(cumulativeSearch(UnsafeBufferPointer(start: running.base + at, count: K), u))
    }
}
