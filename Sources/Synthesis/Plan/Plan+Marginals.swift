// Which marginals the preset `best` buys, and the stages of any preset that sample private rows. Public: from the plan
// and, for wide tables, from a private selection.

import Basics
import Privacy
import Projection

extension Plan {
    /// Whether the pairs of columns are chosen by a private selection.
    package var selects: Bool { steps(of: .selection) > 0 }

    /// Pairs that a selection chooses.
    var selectedPairs: Int {
        let m = schema.fields.count, all = m * (m - 1) / 2
        return min(all, settings.marginals.count > 0 ? settings.marginals.count : 4 * m)
    }

    /// Every pair of columns, in order.
    var allPairs: [[Int]] {
        let m = schema.fields.count
        return (0..<m).flatMap { a in (a + 1..<max(m, a + 1)).map { [a, $0] } }
    }

    /// The marginals of the joint release. Without focus columns the given pairs; with them the triples of each focus
    /// column and each pair of others, which hold those pairs, and the pairs that no triple holds.
    /// - Parameter pairs: all, or those selected.
    func marginalRequests(pairs: [[Int]]) -> [MarginalRequest] {
        let m = schema.fields.count
        guard m > 1 else { return [MarginalRequest(columns: [0])] }
        let focus = settings.focus.compactMap { schema.index(of: $0) }
        var wanted: [[Int]] = []
        var covered = Set<[Int]>(), seen = Set<[Int]>()
        for f in focus {
            for p in pairs where !p.contains(f) {
                let triple = (p + [f]).sorted()
                guard seen.insert(triple).inserted else { continue }
                wanted.append(triple)
                for k in 0..<3 { covered.insert(triple.enumerated().filter { $0.offset != k }.map(\.element)) }
            }
        }
        wanted += pairs.filter { !covered.contains($0) }
        return wanted.map { MarginalRequest(columns: $0) }
    }

    /// Weight of parity in the relaxed table; 0: the table stays as it was fitted.
    var parity: Double { settings.independence.parity * strength }

    /// Weight of equal selection by the columns' conditionals; 0: rows are those of the relaxed table.
    var conditionals: Double { settings.independence.conditionals * strength }

    /// Whether tables of pairs are met as alignment left them.
    var alignsTable: Bool { parity > 0 || conditionals > 0 }

    /// Pairs of columns that are released at most.
    var marginalPairCount: Int {
        let m = schema.fields.count
        return selects ? min(m * (m - 1) / 2, selectedPairs * 3) : m * (m - 1) / 2
    }

    var parityOptions: ParityOptions {
        var o = ParityOptions()
        o.weight = parity
        return o
    }

    /// Whether a tilt meets a table of these columns.
    ///
    /// Where groups are aligned, released tables of pairs would bring the group back, also those that name no protected
    /// column, since other columns stand in for it. So a tilt meets pairs as parity has left them
    /// (`ReleasedMarginals.tiltTargets`), or, without parity, no pairs: one column alone has nothing to bring back.
    func tilts(_ columns: [Int]) -> Bool {
        strength == 0 || columns.allSatisfy(modelled.contains) && (columns.count == 1 || alignsTable)
    }

    /// Steps of its fit.
    var tiltSteps: Int { settings.tilt.steps > 0 ? settings.tilt.steps : 150 }

    /// The same tables by the heads that draw their columns.
    func tiltedHeads(_ requests: [MarginalRequest]) -> [[Int]] { heads(of: tiltColumns(requests)) }

    /// Columns of the schema that heads draw, as heads.
    func heads(of tables: [[Int]]) -> [[Int]] {
        let head = heads
        return tables.map { $0.compactMap { head[$0] } }
    }

    /// The head that draws each column of the learned schema; nil: none does.
    var heads: [Int?] {
        var out = [Int?](repeating: nil, count: grids.count)
        for (h, t) in modelled.enumerated() { out[t] = h }
        return out
    }

    /// What a tilt's weights are sums over: every column, then the released marginals.
    func tiltColumns(_ requests: [MarginalRequest]) -> [[Int]] {
        (schema.fields.indices.map { [$0] } + requests.map(\.columns)).filter(tilts)
    }
}
