// Rows whose columns tell the groups apart as little as is asked for, whatever column somebody will predict from the
// others. A model of pairs is fitted to rows of the relaxed table, with conditionals that select rows of all groups
// alike, and rows are drawn from it. Networks and tilt learn these rows. All of it follows from released values. Free.

import Basics
import Compute
import Projection

/// Fits of a pair model to a relaxed table, at any strength.
struct FairFit {
    private static let seed: UInt64 = 0x66616972
    private let plan: Plan, tasks: [Bool], pairs: [[Int]], rows: PairModelRows, threads: Int
    private let lacking: [[Int]: [Double]]
    /// Of the bins of every column that networks see.
    let shares: [[Double]]

    init(_ marginals: ReleasedMarginals, _ rows: ProjectedRows, _ groups: ProjectedGroups, plan: Plan,
         statistics: Statistics, threads: Int) throws {
        let modelled = plan.modelled, heads = plan.heads, strata = try AdmissibleParts(plan, statistics)
        (self.plan, self.threads) = (plan, threads)
        let counts = try marginals.columnCounts(plan: plan, statistics: statistics)
        shares = modelled.map { j in counts[j].values.map { $0 / statistics.rows } }
        tasks = modelled.map { !strata.columns.contains($0) }
        pairs = marginals.releasedPairs.compactMap { p in
            let own = p.compactMap { heads[$0] }
            return own.count == 2 ? own : nil
        }
        lacking = try marginals.lacking(rows, pairs: pairs, plan: plan, statistics: statistics)
        let least = 16 * marginals.standardDeviation(plan)
        let weights = groups.shares.map { share -> Double in
            // What a table knows of a group that is small beside the noise is mostly noise.
            let x = share * statistics.rows / least
            return x < 0.25 ? 0 : min(1, x * x)
        }
        self.rows = PairModelRows(groupWeights: weights, shares: groups.shares, strata: strata.count) { k, g, codes in
            rows.draw(seed: Self.seed, row: k, group: g, codes: codes, targets: nil, stride: 1)
            return strata.part { Int(codes[heads[$0] ?? 0]) }
        }
    }

    func fit(_ strength: Double, stop: () -> Bool) throws -> PairModelFit {
        var options = PairModelOptions()
        (options.threads, options.notion) = (threads, plan.settings.fairness.notion)
        options.weight = plan.settings.independence.conditionals * strength
        let made = try PairModelFit(shares: shares, ordered: plan.modelled.map { plan.grids[$0].numerical },
                                    tasks: tasks, pairs: pairs, rows: rows,
                                    lacking: lacking, options)
        _ = try made.run(stop: stop)
        return made
    }

    /// The least strength, nearly, at which the disparity is at most `wanted`: by doubling, then between the last two.
    func least(reaching wanted: Double, stop: () -> Bool) throws -> (strength: Double, fit: PairModelFit) {
        func isEnough(_ fit: PairModelFit) -> Bool { (fit.figures()?.disparity ?? 0) <= wanted }
        var low = 0.0, high = 0.25, best = try fit(high, stop: stop)
        while !isEnough(best), high < 64 {
            (low, high) = (high, high * 2)
            best = try fit(high, stop: stop)
        }
        for _ in 0..<3 {
            let middle = low == 0 ? high / 2 : (low * high).squareRoot(), made = try fit(middle, stop: stop)
            if isEnough(made) { (high, best) = (middle, made) } else { low = middle }
        }
        return (high, best)
    }
}

extension ReleasedMarginals {
    private static let rowCount = 1 << 16, sweeps = 12
    private enum Seed { static let start: UInt64 = 0x66737461, sweep: UInt64 = 0x66737770 }

    /// Bytes of the fit and of its rows.
    static func fairMemory(_ plan: Plan, levels: [Int], threads: Int) -> Int {
        let T = levels.count, n = PairModelOptions().batch + 32, K = levels.max() ?? 1
        return PairModel.memory(levels: levels, pairs: plan.marginalPairCount) + rowCount * T * 12
            + threads * n * (8 * K + 32)
    }

    /// - Parameter rows: of the relaxed table.
    func fairRows(_ rows: ProjectedRows, groups: ProjectedGroups, plan: Plan, statistics: Statistics, threads: Int,
                  stop: () -> Bool) throws -> DrawnRows {
        let fits = try FairFit(self, rows, groups, plan: plan, statistics: statistics, threads: threads)
        var strength = plan.strength, chosen: PairModelFit, estimate: DisparityEstimate?
        if let reduce = plan.settings.fairness.reduce, let before = try fits.fit(0, stop: stop).figures() {
            (strength, chosen) = try fits.least(reaching: (1 - reduce) * before.disparity, stop: stop)
            estimate = chosen.figures().map { DisparityEstimate(strength: strength, before: before, after: $0) }
        } else {
            chosen = try fits.fit(strength, stop: stop)
        }
        let n = Self.rowCount, startGroups = try Buffer<Int32>(count: n, for: "rows")
        let codes = try chosen.model.rows(n, sweeps: Self.sweeps, shares: fits.shares, seed: Seed.sweep,
                                          threads: threads, start: { k, codes in
            startGroups[Int(k)] = Int32(rows.draw(seed: Seed.start, row: k, codes: codes, targets: nil, stride: 1))
        }, stop: stop)
        var byGroup = [[Int32]](repeating: [], count: groups.count)
        for i in 0..<n { byGroup[Int(startGroups[i])].append(Int32(i)) }
        return DrawnRows(count: n, codes: codes, byGroup: byGroup, estimate: estimate)
    }

    /// Pairs of columns that a released table holds.
    var releasedPairs: [[Int]] {
        var seen = Set<[Int]>(), out: [[Int]] = []
        for c in columns {
            for (i, a) in c.enumerated() {
                for b in c[(i + 1)...] where seen.insert([min(a, b), max(a, b)]).inserted {
                    out.append([min(a, b), max(a, b)])
                }
            }
        }
        return out
    }
}
