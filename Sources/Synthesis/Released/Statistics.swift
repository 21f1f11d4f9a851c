// The first release of a training and what follows from it: noisy histograms, the noisy row count, and the encoders
// made from them. All of it is public once released. Model files and checkpoints keep it.

import Basics
import Glibc
import Privacy
import Tables

/// The largest released count that a file may hold. No table has so many rows, no noise that a plan allows is near it,
/// and sums and quotients of such counts are whole numbers that can be counted with.
let maxReleasedCount = 0x1p40

package struct Statistics: Sendable {
    /// Noisy counts in rows, in the order of `plan.histograms`; may be negative.
    package let counts: [Buffer<Double>]
    /// Noisy row count of each group that was released, in rows; may be negative.
    let releasedGroupCounts: [Double]
    /// Row count of each group of the plan, as released or as it follows from that; may be negative.
    package let groupCounts: [Double]
    /// The declared row count, or `estimatedRows`.
    package let rows: Double
    /// Best released estimate of the row count, at least 1, and the standard deviation of its noise.
    package let estimatedRows: Double, rowsNoise: Double
    /// One encoder for each column of the schema. Where no network sees a protected column, its bins are its parts.
    package let encoders: [ColumnEncoder]
    /// Encoders of the columns that networks see, in the order of `plan.modelled`.
    package let modelled: [ColumnEncoder]
    /// Running sums of the shares by which groups are drawn; nil where networks see the protected columns.
    let groupShares: [Double]?

    package init(plan: Plan, counts: [Buffer<Double>], groupCounts: [Double]) throws {
        guard counts.count == plan.histograms.count, groupCounts.count == plan.releasedGroups.count,
              zip(counts, plan.histograms)
                  .allSatisfy({ $0.count == plan.grids[$1.column].histogramSize(divisor: $1.divisor)
                      && $0.allSatisfy { abs($0) <= maxReleasedCount } }),
              groupCounts.allSatisfy({ abs($0) <= maxReleasedCount }) else {
                  throw Failure(.format, "released histograms: not of this plan")
              }
        self.counts = counts
        releasedGroupCounts = groupCounts
        // The count of its own and the total of every histogram estimate the same number: weight each by its inverse
        // variance.
        var weight = 1 / Double(groupCounts.count), sum = groupCounts.reduce(0, +) * weight
        for h in counts { sum += h.reduce(0, +) / Double(h.count); weight += 1 / Double(h.count) }
        let n = max(sum / weight, 1)
        let declared: Double? = if case .declared(let m) = plan.settings.rows { Double(m) } else { nil }
        rows = declared ?? n
        // Independent estimates weighted by their inverse variances: the variance of the mean is one over the sum of
        // the weights.
        (estimatedRows, rowsNoise) = (n, plan.countStandardDeviation / weight.squareRoot())
        var at = 0
        var made: [ColumnEncoder] = []
        let most = plan.bins(rows: rows)
        let hidden = plan.released.isAligned ? plan.releasedGrouping : nil
        for (j, grid) in plan.grids.enumerated() {
            var own: ArraySlice<Buffer<Double>>
            if j == plan.groupColumn {
                let groups = try Buffer<Double>(count: groupCounts.count, for: "a histogram")
                for (g, n) in groupCounts.enumerated() { groups[g] = n }
                own = [groups]
            } else {
                own = counts[at..<at + grid.divisors.count]
                at += grid.divisors.count
            }
            let noise = plan.countStandardDeviation, support = plan.massSupport
            let masses = try cellMasses(grid: grid, counts: own, standardDeviation: noise, total: rows,
                                        support: support)
            if let axis = hidden?.axes.first(where: { $0.column == j }) {
                for c in masses.indices { masses[c] /= rows }
                try made.append(ColumnEncoder(binOfCell: axis.partOfCell, share: masses, bins: axis.parts.count))
                continue
            }
            try made.append(ColumnEncoder(grid: grid, masses: masses, standardDeviation: noise, most: most,
                                          support: support))
        }
        encoders = made
        modelled = plan.modelled.map { made[$0] }
        self.groupCounts = try plan.groupCounts(groupCounts, encoders: made, rows: rows)
        groupShares = plan.shares(of: self.groupCounts)
    }

    /// The same releases with other shares of cells in the same bins: `encoders` has one for each column.
    func with(encoders: [ColumnEncoder], plan: Plan) -> Statistics { Statistics(self, encoders, plan) }

    /// The same releases for networks that see the columns of `plan`, which differs in nothing else that was released.
    func seen(by plan: Plan) -> Statistics { Statistics(self, encoders, plan) }

    private init(_ old: Statistics, _ encoders: [ColumnEncoder], _ plan: Plan) {
        (counts, rows) = (old.counts, old.rows)
        groupShares = plan.shares(of: old.groupCounts)
        (groupCounts, releasedGroupCounts) = (old.groupCounts, old.releasedGroupCounts)
        (estimatedRows, rowsNoise, self.encoders) = (old.estimatedRows, old.rowsNoise, encoders)
        modelled = plan.modelled.map { encoders[$0] }
    }

    /// For each column the bin of every cell, in the form that `Door` takes.
    var columnCodes: [ColumnCodes] { encoders.map { ColumnCodes(map: $0.binOfCell, count: $0.bins) } }

    /// Log of a released share, at least log 1e-4: the first bias of a head, and the centre of its logits in alignment.
    static func logShare(_ share: Double) -> Float { Float(log(max(share, 1e-4))) }

    /// Bins of each column of the schema.
    package var levels: [Int] { encoders.map(\.bins) }
    /// Bins of each column that networks see.
    package var modelledLevels: [Int] { modelled.map(\.bins) }
    package var groupRows: GroupCounts { GroupCounts(rows: rows, groups: releasedGroupCounts) }

    /// In words: a declared row count that the released counts contradict, by more than six standard deviations and 5
    /// %.
    package func warnings(_ plan: Plan) -> [String] {
        guard case .declared(let n) = plan.settings.rows, abs(estimatedRows - Double(n)) > max(6 * rowsNoise,
            0.05 * estimatedRows) else { return [] }
        return ["the declared row count is \(n), and the noisy counts say about \(Int(estimatedRows.rounded())): "
            + "rates, noise and the check of delta follow "
                + "the declared one"]
    }
}

extension Plan {
    /// Running sums of the shares by which groups are drawn; nil where networks see the protected columns.
    fileprivate func shares(of groupCounts: [Double]) -> [Double]? {
        modelled.count == grids.count ? nil
            : grouping?.drawShares(settings.fairness.draw, counts: groupCounts, schema: schema)
    }
}
