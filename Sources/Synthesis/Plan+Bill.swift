// What each stage of a plan costs and buys, before any data is seen: the one source of `explain` (JSON) and `explanation` (text).

import Basics
import Privacy

extension Plan {
    /// One stage that a plan carries out.
    struct Bill: Sendable {
        enum Buys: Sendable {
            /// Histograms beside the row count; deviation of the noise of one count, in rows.
            case histograms(Int, deviation: Double)
            /// Pairs of columns chosen together; deviation of the noise of one score.
            case pairs(Int, rho: Double, deviation: Double)
            /// Marginals; `exact` is false where a private choice decides how many fewer; cells at most, nil where the choice decides
            /// which; deviation of the noise of one cell, in rows.
            case marginals(Int, exact: Bool, cells: Int?, deviation: Double)
            /// Noisy sums over Poisson batches of so many rows.
            case steps(Batches, rows: Int)
            /// Works on what was released.
            case nothing(String)
        }
        let stage: Stage
        let steps: Int
        /// Divergence at α*; 0: free.
        let divergence: Double
        let buys: Buys
    }

    /// The group that spends most: the plan's price is its.
    func worstGroup(_ batches: [Batches]) -> Int {
        let all = totals(batches)
        return all.indices.max { all[$0] < all[$1] } ?? 0
    }

    /// Row count that is declared or guessed.
    var expectedRows: Int { switch settings.rows { case .declared(let n), .guessed(let n): n } }

    /// The stages in order, those that have no steps left out.
    /// - Throws: `.budget` when no noise meets the ceiling.
    func bills() throws -> [Bill] {
        let batches = try batches(expectedCounts), worst = worstGroup(batches), s = settings
        return Stage.allCases.compactMap { stage in
            let count = steps[stage.rawValue]
            guard count > 0 else { return nil }
            func free(_ what: String) -> Bill { Bill(stage: stage, steps: count, divergence: 0, buys: .nothing(what)) }
            if let b = batches.first(where: { $0.stage == stage }) {
                return Bill(stage: stage, steps: count, divergence: b.release(groups).divergence(group: worst, order: budget.order, rows: budget.multiplicity),
                            buys: .steps(b, rows: sampledStages.first { $0.stage == stage }?.batch ?? 0))
            }
            switch stage {
            case .histograms:
                return Bill(stage: stage, steps: count, divergence: histogramCost, buys: .histograms(histograms.count, deviation: countDeviation))
            case .selection:
                return Bill(stage: stage, steps: count, divergence: budget.cost(rho: selectionRho),
                            buys: .pairs(selectedPairs, rho: selectionRho, deviation: marginalNoise * Double(selectedPairs).squareRoot()))
            case .marginals:
                let m = plannedMarginals
                return Bill(stage: stage, steps: count, divergence: budget.cost(rate: 1, noise: marginalNoise),
                            buys: .marginals(m.count, exact: m.exact, cells: m.cells, deviation: marginalNoise * Double(m.count).squareRoot()))
            case .projection: return free("a table of \(s.projection.rows) distributions fitted to the marginals, at most \(s.projection.steps) steps")
            case .autoencoder: return free("\(count) steps on rows drawn from the fitted table")
            case .diffusion: return free("\(count) steps on the latents of such rows")
            case .calibration: return free("head biases shifted until generated rows meet the histograms")
            case .rake: return free("a tilt by which generated rows are accepted, fitted on \(s.rake.pool) of them")
            case .finetuning: return nil
            }
        }
    }

    /// How many marginals are released. `exact` is false where a private choice decides: then no more than `count` are. `cells`: at most,
    /// nil where the choice decides which.
    var plannedMarginals: (count: Int, exact: Bool, cells: Int?) {
        // A pair that is chosen stays a pair, or gives one triple with each focus column outside it.
        if selects { return (selectedPairs * max(1, settings.focus.count), settings.focus.isEmpty, nil) }
        let requests = marginalRequests(pairs: allPairs), bins = mostBins
        var cells = 0.0
        for r in requests { cells += r.columns.reduce(1.0) { $0 * Double(bins[$1]) } }
        return (requests.count, true, cells < 9e15 ? Int(cells) : nil)
    }

    /// Bins of a numerical column once the row count was released, at most. A function of the plan and of a noisy count.
    ///
    /// Where pairs are bought, a cell of a pair of such columns should expect at least twice its noise in rows, n / K² ≥ 2 ν: finer cells hold noise, which the
    /// relaxed table then learns. Eight bins are always allowed.
    func bins(rows: Double) -> Int {
        guard isBest else { return settings.encoder.bins }
        let noise = marginalNoise * Double(plannedMarginals.count).squareRoot()
        return min(settings.encoder.bins, max(8, Int((max(rows, 1) / (2 * noise)).squareRoot().rounded(.down))))
    }

    /// Bins that each column can have, at most: the histograms decide how many it has.
    var mostBins: [Int] {
        grids.map { $0.numerical ? min($0.count, settings.encoder.bins + 1 + $0.atomCount + ($0.missingCell == nil ? 0 : 1)) : $0.count }
    }
}
