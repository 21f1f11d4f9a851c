// How stages sample private rows: rates, clipping norms and noise of every group, from noisy counts (or, for a price in
// advance, guessed ones). Neighbours see the same noisy counts, so all of this is constant given what was released
// before. Sources: docs/PRIVACY.md, "Groups"; the filter that covers such parameters is Budget.swift.

import Basics
import Privacy

/// Row counts of the table and of each group: noisy and released, declared, or guessed. A noisy count may be negative.
package struct GroupCounts: Sendable, Equatable {
    package let rows: Double
    package let groups: [Double]
}

/// The batches of one stage. Arrays are over the plan's groups.
package struct Batches: Sendable, Equatable {
    package let stage: StageID
    package let steps: Int
    /// q_g.
    package let rates: [Double]
    /// Noise multiplier σ_g of the whole release of one step, as the ledger holds it.
    package let multipliers: [Double]
    /// Clipping norm C_g of each group. `noise` is ν, the standard deviation of the noise in each number of the sum.
    package let clips: [Double]
    package let noise: Double
    /// R_g, what a row may add to its group's moments, and ν_M, the standard deviation of their noise; none without
    /// such a release.
    package let momentClips: [Double]
    package let momentNoise: Double
    /// Σ q_g ñ_g, by which a batch's sum is divided: expected rows, never those drawn.
    package let divisor: Double
    /// Factors of the rows' losses before the clip; 1 unless the balance is undone.
    package let weights: [Double]
    /// q_g ñ_g, and the most that a group can pull on the expected sum: q_g ñ_g C_g.
    package let expected: [Double]
    package var influence: [Double] { zip(expected, clips).map { $0 * $1 } }

    /// All steps of the stage as one entry of a ledger.
    package func release(_ names: [String]) -> Ledger.Release {
        Ledger.Release(name: stage.name, count: steps,
                       groups: names.indices.map { .init(group: names[$0], samplingRate: rates[$0],
                                                         noiseMultiplier: multipliers[$0]) })
    }
}

/// Which groups are sampled as one.
package struct Pools: Sendable, Equatable {
    /// Pool of each group: 0 ..< counts.count.
    package let of: [Int]
    /// Noisy rows of each pool, at least 1.
    package let counts: [Double]

    /// Divides the rows of each pool among its groups: in proportion to their noisy counts above 0, or equally where no
    /// count is above 0.
    func rows(_ noisy: GroupCounts) -> [Double] {
        var positive = [Double](repeating: 0, count: counts.count), members = positive
        for (g, p) in of.enumerated() { positive[p] += max(noisy.groups[g], 0); members[p] += 1 }
        return of.enumerated().map { g, p in
            positive[p] > 0 ? counts[p] * max(noisy.groups[g], 0) / positive[p] : counts[p] / members[p]
        }
    }
}

extension Plan {
    /// The stages that sample private rows, in order.
    var sampledStages: [SampledSteps] { stages.compactMap(\.sampled) }

    /// Whether moments of the groups are released with the autoencoder's gradients.
    package var isAligned: Bool { strength > 0 && settings.alignment.sites.isWanted }

    /// Groups below the public threshold are one pool; every other group is a pool of its own.
    package func pools(_ counts: GroupCounts) -> Pools {
        let threshold = Double(settings.fairness.poolBelow)
        var of: [Int] = [], sums: [Double] = [], small: Int?
        for n in counts.groups {
            if isBalanced, n < threshold {
                if let small { sums[small] += n } else { small = sums.count; sums.append(n) }
                of.append(small ?? 0)
            } else {
                of.append(sums.count)
                sums.append(n)
            }
        }
        return Pools(of: of, counts: sums.map { max($0, 1) })
    }

    /// q_max: no group's rate is above it.
    package func cap(batch: Int, _ counts: GroupCounts) -> Double {
        settings.fairness.cap > 0 ? settings.fairness.cap : min(1, 4 * Double(batch) / max(counts.rows, 1))
    }

    /// Sampling rates q_g = min(q_max, b / ñ_g) with b = batch / pools. Without balance all groups have one rate.
    func rates(batch: Int, _ counts: GroupCounts, _ pools: Pools) -> [Double] {
        guard isBalanced else { return counts.groups.map { _ in poissonRate(batch: batch, rows: counts.rows) } }
        let cap = cap(batch: batch, counts), share = Double(batch) / Double(pools.counts.count)
        return pools.of.map { min(cap, share / pools.counts[$0]) }
    }

    /// Every stage that samples private rows, with the least noise that keeps every group within R* at α*.
    ///
    /// `uniform`: all clipping norms are the stage's, and the worst group sets the noise. `equalised`: one noise, and
    /// norms C_g = ν / σ_g solved for every group apart, so that all end at the same ε; scaled so that they average to
    /// the stage's over the rows expected in a batch.
    /// - Throws: `.budget` when no noise meets the ceiling.
    package func batches(_ counts: GroupCounts) throws -> [Batches] {
        let stages = sampledStages, pools = pools(counts)
        guard !stages.isEmpty else { return [] }
        let rates = stages.map { self.rates(batch: $0.batch, counts, pools) }
        let events = counts.groups.indices.map { g in
            (events: zip(stages, rates).map { Budget.Event(rate: $1[g], weight: $0.weight, count: $0.steps) },
             spent: filteredCost)
        }
        var factors = try budget.calibrateEach(events).map { $0 * noiseFactor }
        if settings.fairness.calibration == "uniform" {
            factors = factors.map { [most = factors.max() ?? 1] _ in most }
        }
        return zip(stages, rates).map { stage, q in
            let expected = zip(q, pools.rows(counts)).map { $0 * $1 }, total = expected.reduce(0, +)
            let divisor = max(isBalanced ? total : q[0] * counts.rows, 1)
            // Equal factors are kept to their last bit: then nothing here depends on counts.
            let isOne = factors.allSatisfy { $0 == factors[0] }
            let spread = isOne ? factors[0] : total / zip(expected, factors).reduce(0) { $0 + $1.0 / $1.1 }
            let clips = factors.map { isOne ? stage.clip : stage.clip * spread / $0 }
            // σ_g = ((C_g/ν)² + (R_g/ν_M)²)^(−1/2), R_g = C_g / C and ν_M / R = r ν / C.
            let joint = stage.moments.map { (1 + 1 / ($0 * $0)).squareRoot() } ?? 1
            let noise = stage.clip * spread * stage.weight * joint
            let population = counts.groups.reduce(0) { $0 + max($1, 0) }
            let weights = expected.indices.map { g -> Double in
                guard settings.fairness.reweight, isBalanced, population > 0, expected[g] > 0 else { return 1 }
                return max(counts.groups[g], 0) / population * total / expected[g]
            }
            let momentClips = stage.moments.map { _ in clips.map { $0 / stage.clip } } ?? []
            let momentNoise = stage.moments.map { $0 * noise / stage.clip } ?? 0
            var blocks = [SumBlock(length: 1, clips: clips, noise: noise)]
            if stage.moments != nil { blocks.append(SumBlock(length: 1, clips: momentClips, noise: momentNoise)) }
            return Batches(stage: stage.stage, steps: stage.steps, rates: q,
                           multipliers: jointNoiseMultipliers(blocks, groups: q.count), clips: clips, noise: noise,
                           momentClips: momentClips, momentNoise: momentNoise, divisor: divisor, weights: weights,
                               expected: expected)
        }
    }

    /// What the user guesses or declares, before anything is released.
    package var expectedCounts: GroupCounts {
        let n = Double(expectedRows), named = settings.fairness.shares
        let left = max(0, 1 - named.values.reduce(0, +)), rest = releasedGroups.count - named.count
        return GroupCounts(rows: n, groups: releasedGroups.map {
            n * (named[$0] ?? (rest > 0 ? left / Double(rest) : 0))
        })
    }

    /// Divergence at α* that each group will have spent when everything is done.
    func totals(_ batches: [Batches]) -> [Double] {
        releasedGroups.indices.map { g in
            batches.reduce(fixedCost) {
                $0 + $1.release(releasedGroups).divergence(group: g, order: budget.order, rows: budget.multiplicity)
            }
        }
    }
}
