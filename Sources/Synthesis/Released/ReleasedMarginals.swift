// The marginals that were released: noisy tables over the encoders' bins. Public once released; model files and
// checkpoints keep them, and whoever has a file can compare generated rows with them for free.

import Basics
import Privacy
import Projection
import Storage

package struct ReleasedMarginals: Sendable {
    /// One to three columns each, by place in the schema.
    package let columns: [[Int]]
    /// Noisy counts in rows, row-major over the columns' bins; may be negative.
    package let values: [Buffer<Double>]

    /// - Throws: `.format` when the tables do not fit the columns' bins or a count is beyond all tables.
    package init(columns: [[Int]], values: [Buffer<Double>], levels: [Int]) throws {
        guard columns.count == values.count, zip(columns, values).allSatisfy({ c, v in
            (1...3).contains(c.count) && Set(c).count == c.count && c.allSatisfy(levels.indices.contains)
                && c.reduce(1) { $0 * levels[$1] } == v.count && v.allSatisfy { abs($0) <= maxReleasedCount }
        }) else { throw Failure(.format, "released marginals: not of these columns") }
        (self.columns, self.values) = (columns, values)
    }

    /// Standard deviation of the noise of one count, in rows.
    func standardDeviation(_ plan: Plan) -> Double { plan.marginalNoise * Double(columns.count).squareRoot() }

    /// What the relaxed table and the tilt are fitted to: the columns' shares from the first release and these
    /// marginals, each with the standard deviation of its noise in rows.
    func targets(plan: Plan, statistics: Statistics) throws -> [NoisyMarginal] {
        let standardDeviation = standardDeviation(plan)
        // A bin of several cells has more noise than one count; its standard deviation is taken as that of the
        // marginals over the root of their number.
        let own = min(standardDeviation,
                      max(plan.countStandardDeviation,
                          standardDeviation / Double(statistics.levels.count).squareRoot()))
        let zeros = try StructuralZeros(plan)
        return try statistics.encoders.enumerated().map {
            try NoisyMarginal(column: $0, shares: $1.binShare, total: statistics.rows, standardDeviation: own)
        }
            + zip(columns, values).map { c, v in
                NoisyMarginal(columns: c, values: try Self.possible(v, c, zeros, statistics),
                              standardDeviation: standardDeviation)
            }
    }

    /// Counts without those of cells that no row can be in.
    static func possible(_ values: Buffer<Double>, _ columns: [Int], _ zeros: StructuralZeros?,
                                 _ statistics: Statistics) throws -> Buffer<Double> {
        let bins = columns.map { statistics.levels[$0] }
        guard let none = zeros?.impossible(columns, bins: bins, bin: {
            Int(statistics.encoders[columns[$0]].binOfCell[$1])
        }) else { return values }
        let out = try Buffer<Double>(count: values.count, for: "a marginal")
        for i in 0..<values.count { out[i] = none[i] ? 0 : values[i] }
        return out
    }

    /// What the tilt meets: of columns alone what all releases tell of them; of several what the fitted table holds,
    /// as parity left it where groups are aligned, and otherwise with what the released tables say beyond it.
    func tiltTargets(plan: Plan, statistics: Statistics, rows: () throws -> ProjectedRows) throws -> [NoisyMarginal] {
        let ordered = plan.grids.map(\.numerical), single = try columnCounts(plan: plan, statistics: statistics)
        return try targets(plan: plan, statistics: statistics).filter { plan.tilts($0.columns) }.map {
            guard $0.columns.count > 1 else { return single[$0.columns[0]] }
            let fitted = try rows().marginal($0, total: statistics.rows)
            return plan.alignsTable ? fitted
                : try $0.shrunk(to: fitted, levels: statistics.levels, ordered: ordered,
                                threshold: plan.settings.tilt.threshold)
        }
    }

    /// The relaxed table of `plan`, fitted: the same bits whenever it is made. Free.
    /// - Throws: `.cancelled` when `stop` answers true, `.noMemory`.
    func projectedRows(plan: Plan, statistics: Statistics, threads: Int, stop: () -> Bool) throws -> ProjectedRows {
        let table = try relaxedTable(targets(plan: plan, statistics: statistics), plan: plan, statistics: statistics,
                                     threads: threads, stop: stop)
        return try rows(of: table, plan: plan, statistics: statistics, threads: threads, stop: stop)
    }

    /// A table fitted to `targets` as the plan's projection is.
    /// - Parameter start: a table to start from; see `RelaxedTable.fit`.
    func relaxedTable(_ targets: [NoisyMarginal], from start: RelaxedTable? = nil, plan: Plan, statistics: Statistics,
                      threads: Int, stop: () -> Bool) throws -> RelaxedTable {
        let s = plan.settings.projection
        var options = ProjectionOptions()
        (options.rows, options.steps, options.learningRate, options.seed, options.threads) = (s.rows, s.steps,
            s.learningRate,
            plan.settings.seed, threads)
        return try RelaxedTable.fit(levels: statistics.levels, marginals: targets, total: statistics.rows,
                                    shares: statistics.encoders.map(\.binShare), start: start, options: options,
                                    stop: stop)
    }

    /// Rows of a fitted table, after alignment of the groups.
    func rows(of table: RelaxedTable, plan: Plan, statistics: Statistics, threads: Int, stop: () -> Bool) throws
        -> ProjectedRows {
        let rows = try ProjectedRows(movedToParity(table, plan: plan, statistics: statistics, threads: threads,
                                                   stop: stop),
                                     plan: plan, repair: min(1, plan.settings.independence.repair * plan.strength))
        guard plan.conditionals > 0 else { return rows }
        let fit = try FairFit(fairTask(rows, plan: plan, statistics: statistics), rows, plan: plan,
                              statistics: statistics, threads: threads)
        return ProjectedRows(rows, fair: try fit.fairRows(rows, stop: stop))
    }

    /// The table moved towards parity of the groups that are large beside the noise of a count: of a smaller one the
    /// table knows little.
    private func movedToParity(_ table: RelaxedTable, plan: Plan, statistics: Statistics, threads: Int,
                               stop: () -> Bool) throws -> RelaxedTable {
        guard plan.parity > 0, let grouping = plan.grouping else { return table }
        let membership = try grouping.membership(table), N = table.rows,
            least = 16 * standardDeviation(plan)
        let rows = (0..<grouping.count).map { g in
            (0..<N).reduce(0.0) { $0 + Double(membership[g * N + $1]) } / Double(N) * statistics.rows
        }
        var options = plan.parityOptions
        options.threads = threads
        return try table.movedToParity(columns: plan.modelled, ordered: plan.modelled.map { plan.grids[$0].numerical },
                                  groups: ParityGroups(membership: membership,
                                                       weights: rows.map { $0 >= least ? 1 : 0 }), options: options,
                                                           stop: stop)
    }

    func write(to root: GroupWriter) throws {
        try root.group("marginals") { g in
            try g.tensor("columns", shape: [columns.count, 3],
                         columns.flatMap { c in (0..<3).map { Int32($0 < c.count ? c[$0] : -1) } },
                         axes: "marginals by places of columns; -1: none")
            let all = try Buffer<Double>(count: values.reduce(0) { $0 + $1.count }, for: "released marginals")
            var at = 0
            for v in values { (all.base + at).update(from: v.base, count: v.count); at += v.count }
            try g.tensor("counts", shape: [all.count], all,
                         axes: "cells of all marginals, each row-major over its columns' bins")
        }
    }

    /// - Parameter count: marginals that the plan can have released.
    static func read(from root: GroupReader, requests: [MarginalRequest], levels: [Int]) throws -> ReleasedMarginals {
        let g = try root.group("marginals")
        let places = try g.tensor("columns", shape: [requests.count, 3], as: Int32.self)
        for (k, r) in requests.enumerated() {
            for i in 0..<3 where places[3 * k + i] != Int32(i < r.columns.count ? r.columns[i] : -1) {
                throw Failure(.format, "released marginals: not those of the plan")
            }
        }
        let sizes = requests.map { $0.columns.reduce(1) { $0 * levels[$1] } }
        let all = try g.tensor("counts", shape: [sizes.reduce(0, +)], as: Double.self)
        var at = 0
        let values = try sizes.map { n in
            let b = try Buffer<Double>(count: n, for: "released marginals")
            b.base.update(from: all.base + at, count: n)
            at += n
            return b
        }
        return try ReleasedMarginals(columns: requests.map(\.columns), values: values, levels: levels)
    }
}
