// Rows whose columns tell the groups apart as little as is asked for, whatever column somebody will predict from the
// others. A model of pairs is fitted to rows whose groups are as they were released, with conditionals that select rows
// of all groups alike, and rows are drawn from it. Networks and tilt learn these rows. All of it follows from released
// values. Free.

import Basics
import Compute
import Projection

/// What a pair model is fitted to, beside the rows.
struct FairTask {
    /// Of the bins of every column that networks see.
    let shares: [[Double]]
    /// Pairs of such columns with a factor, the first below the second.
    let pairs: [[Int]]
    /// What is known of some of them beyond the rows; see `PairModelFit`.
    var lacking: [[Int]: [Double]] = [:]
    /// Standard deviation of the noise in what is known of a group, in rows.
    let noise: Double
}

/// Fits of a pair model to rows before alignment, at any strength.
struct FairFit {
    private static let seed: UInt64 = 0x66616972
    private let plan: Plan, tasks: [Bool], rows: PairModelRows, threads: Int
    let task: FairTask

    /// - Parameter source: rows before alignment, with groups.
    init(_ task: FairTask, _ source: any FreeRows, plan: Plan, statistics: Statistics, threads: Int) throws {
        let heads = plan.heads, groups = source.groupShares ?? GroupShares([1], plan: plan),
            strata = try AdmissibleParts(plan, statistics)
        (self.task, self.plan, self.threads) = (task, plan, threads)
        tasks = plan.modelled.map { !strata.columns.contains($0) }
        let weights = groups.shares.map { share -> Double in
            // What is known of a group that is small beside the noise is mostly noise.
            let x = share * statistics.rows / (16 * task.noise)
            return x < 0.25 ? 0 : min(1, x * x)
        }
        rows = PairModelRows(groupWeights: weights, shares: groups.shares, strata: strata.count) { k, g, codes in
            source.draw(seed: Self.seed, row: k, group: g, codes: codes, targets: nil, stride: 1)
            return strata.part { Int(codes[heads[$0] ?? 0]) }
        }
    }

    func fit(_ strength: Double, stop: () -> Bool) throws -> PairModelFit {
        var options = PairModelOptions()
        (options.threads, options.notion) = (threads, plan.settings.fairness.notion)
        options.weight = plan.settings.independence.conditionals * strength
        let made = try PairModelFit(shares: task.shares, ordered: plan.modelled.map { plan.grids[$0].numerical },
                                    tasks: tasks, pairs: task.pairs, rows: rows, lacking: task.lacking, options)
        _ = try made.run(stop: stop)
        return made
    }

    /// What a plain model of pairs that learns `others` selects among the rows before alignment: what somebody gets who
    /// learns from them.
    func figures(learning others: DrawnRows, stop: () -> Bool) throws -> PairModelFigures? {
        var options = PairModelOptions()
        (options.threads, options.notion) = (threads, plan.settings.fairness.notion)
        let own = PairModelRows(groupWeights: [1], shares: [1]) { k, _, codes in
            others.draw(seed: Self.seed, row: k, group: nil, codes: codes, targets: nil, stride: 1)
            return 0
        }
        let made = try PairModelFit(shares: task.shares, ordered: plan.modelled.map { plan.grids[$0].numerical },
                                    tasks: tasks, pairs: task.pairs, rows: own, tried: rows, options)
        _ = try made.run(stop: stop)
        return made.figures()
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

extension FairFit {
    private static let rowCount = 1 << 16, sweeps = 12
    private enum Seed { static let start: UInt64 = 0x66737461, sweep: UInt64 = 0x66737770 }

    /// Bytes of the fit and of its rows.
    static func memory(_ plan: Plan, threads: Int) -> Int {
        let bins = plan.maxBins, levels = plan.modelled.map { bins[$0] }
        let T = levels.count, n = PairModelOptions().batch + 32, K = levels.max() ?? 1
        return PairModel.memory(levels: levels, pairs: plan.marginalPairCount) + rowCount * T * 12
            + threads * n * (8 * K + 32)
    }

    /// - Parameter source: rows before alignment, from which chains start.
    func fairRows(_ source: any FreeRows, stop: () -> Bool) throws -> FairRows {
        var strength = plan.strength, chosen: PairModelFit, estimate: DisparityEstimate?
        if let reduce = plan.settings.fairness.reduce, let before = try fit(0, stop: stop).figures() {
            // The figures are taken anew: those by which the fit was chosen are too low, because they chose it.
            (strength, chosen) = try least(reaching: (1 - reduce) * before.disparity, stop: stop)
            estimate = chosen.figures().map { DisparityEstimate(strength: strength, before: before, after: $0) }
        } else {
            chosen = try fit(strength, stop: stop)
        }
        let n = Self.rowCount, startGroups = try Buffer<Int32>(count: n, for: "rows")
        let codes = try chosen.model.rows(n, sweeps: Self.sweeps, shares: task.shares, seed: Seed.sweep,
                                          threads: threads, start: { k, codes in
            startGroups[Int(k)] = Int32(source.draw(seed: Seed.start, row: k, group: nil, codes: codes, targets: nil,
                                                    stride: 1))
        }, stop: stop)
        let rows = try DrawnRows(count: n, codes: codes, groups: source.groupShares?.count ?? 1,
                                 shares: source.groupShares, plan: plan) { Int(startGroups[$0]) }
        return FairRows(rows: rows, estimate: estimate)
    }
}
