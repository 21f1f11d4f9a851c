// What a stage of a plan costs and gives, before any data is seen: the one source of `explain` (JSON) and `explanation`
// (text).

import Basics
import Privacy

/// The price of one stage and what is had for it.
package struct StageCost: Sendable {
    package let stage: StageID
    package let steps: Int
    /// Divergence at α* of the group that spends most; 0: free.
    package let divergence: Double
    /// Members of `explain`'s entry for a stage that costs.
    package let members: [(String, JSON)]
    /// For people, one line.
    package let text: String

    package init(_ stage: StageID, steps: Int, divergence: Double = 0, members: [(String, JSON)] = [], text: String) {
        (self.stage, self.steps, self.divergence, self.members, self.text) = (stage, steps, divergence, members, text)
    }
}

extension Plan {
    /// Members of `explain` for Gaussian releases.
    static func eventMembers(releases: Int, rate: Double, noise: Double) -> [(String, JSON)] {
        [("releases", .int(Int64(releases))), ("sampling_rate", .number(rate)), ("noise_multiplier", .number(noise))]
    }

    /// The cost of a stage that samples private rows.
    func cost(_ b: Batches, _ sampled: SampledSteps, worst: Int) -> StageCost {
        func span(_ x: [Double]) -> String {
            let lo = short(x.min() ?? 0, 3), hi = short(x.max() ?? 0, 3)
            return lo == hi ? lo : lo + " to " + hi
        }
        let most = b.rates.indices.max { b.rates[$0] < b.rates[$1] } ?? 0, n = sampled.steps
        var members = Self.eventMembers(releases: n, rate: b.rates[most], noise: b.multipliers[most])
            + [("batch_rows", .int(Int64(sampled.batch)))]
        if grouping != nil { members.append(("groups", groupsJSON(b))) }
        return StageCost(sampled.stage, steps: n,
                         divergence: b.release(releasedGroups).divergence(group: worst, order: budget.order,
                             rows: budget.multiplicity), members: members,
                         text: "\(n) step\(n == 1 ? "" : "s") on about \(sampled.batch) rows each; sampling rate "
                             + "\(span(b.rates)), "
                             + "noise multiplier \(span(b.multipliers))")
    }

    /// The group that spends most: the plan's price is its.
    func worstGroup(_ batches: [Batches]) -> Int {
        let all = totals(batches)
        return all.indices.max { all[$0] < all[$1] } ?? 0
    }

    /// How many marginals are released. `exact` is false where a private choice decides: then no more than `count` are.
    /// `cells`: at most, nil where the choice decides which.
    var plannedMarginals: (count: Int, exact: Bool, cells: Int?) {
        // A pair that is chosen stays a pair, or gives one triple with each focus column outside it.
        if selects { return (selectedPairs * max(1, settings.focus.count), settings.focus.isEmpty, nil) }
        let requests = marginalRequests(pairs: allPairs), bins = maxBins
        var cells = 0.0
        for r in requests { cells += r.columns.reduce(1.0) { $0 * Double(bins[$1]) } }
        return (requests.count, true, cells < 9e15 ? Int(cells) : nil)
    }

    /// Bins of a numerical column once the row count was released, at most. A function of the plan and of a noisy
    /// count.
    ///
    /// Where pairs are bought, a cell of a pair of such columns should expect at least twice its noise in rows, n / K²
    /// ≥ 2 ν: finer cells hold noise, which the relaxed table then learns. Eight bins are always allowed.
    func bins(rows: Double) -> Int {
        guard marginalNoise > 0 else { return settings.encoder.bins }
        let noise = marginalNoise * Double(plannedMarginals.count).squareRoot()
        let fitting = (max(rows, 1) / (2 * noise)).squareRoot().rounded(.down)
        return Int(min(Double(settings.encoder.bins), max(8, fitting)))
    }

    /// Bins that each column can have, at most: the histograms decide how many it has.
    var maxBins: [Int] {
        grids.map {
            $0.numerical ? min($0.count, settings.encoder.bins + 1 + $0.count - $0.body)
                : $0.count
        }
    }
}
