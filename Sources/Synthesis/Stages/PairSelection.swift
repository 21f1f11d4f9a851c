// A private choice of the pairs of columns whose marginals are worth releasing, for tables with too many pairs to
// release all.

import Basics
import Privacy
import Storage

package struct PairSelection: Stage {
    package let id = StageID.selection
    package init() {}

    /// Whether the options ask for a selection.
    package static func isWanted(_ s: Settings, columns: Int) -> Bool {
        s.marginals.pairs == "selected" || (s.marginals.pairs == "auto" && columns > 64)
    }

    package func steps(_ plan: Plan) -> Int { Self.isWanted(plan.settings, columns: plan.schema.fields.count) ? 1 : 0 }
    package func release(_ plan: Plan) -> FixedRelease? { .zeroConcentrated(rho: plan.selectionRho) }
    package var ledgerWords: String? { "a private choice of the columns that are looked at together" }

    /// Standard standard deviation of the noise that one selected pair's cells will have, in rows.
    private func cellNoise(_ plan: Plan) -> Double { plan.marginalNoise * Double(plan.selectedPairs).squareRoot() }

    package func cost(_ plan: Plan) -> StageCost {
        let n = plan.selectedPairs, rho = plan.selectionRho
        return StageCost(id, steps: 1, divergence: plan.budget.cost(rho: rho),
                         members: [("releases", .int(1)), ("pairs", .int(Int64(n))), ("rho", .number(rho))],
                         text: "\(n) pair\(n == 1 ? "" : "s") of columns chosen, rho \(short(rho, 3)), where they "
                             + "differ most from independence against "
                             + "a noise of \(short(cellNoise(plan), 3)) rows")
    }

    package func counts(_ run: StageRun) throws -> CountRequest? {
        try CountRequest(tables: run.plan.allPairs, codes: run.statistics().columnCodes)
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        let statistics = try run.statistics(), plan = run.plan, all = plan.allPairs
        let oneWay = try statistics.encoders.map { e in
            let b = try Buffer<Double>(count: e.bins, for: "released shares")
            for (i, s) in e.binShare.enumerated() { b[i] = s * statistics.rows }
            return b
        }
        let chosen = try run.door.selectPairs(name: id.name, candidates: all.map { ($0[0], $0[1]) },
                                              codes: statistics.columnCodes, oneWay: oneWay,
                                              total: statistics.rows, standardDeviation: cellNoise(plan),
                                                  count: plan.selectedPairs, rho: plan.selectionRho,
                                              threads: run.threads)
        run.artefacts.pairs = chosen.sorted().map { all[$0] }
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        try run.plan.write(pairs: run.artefacts.pairs, to: root)
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        if run.artefacts.statistics != nil, root.has("selected_pairs") {
            run.artefacts.pairs = try run.plan.readPairs(root)
        }
        // What was charged and lost cannot be released again.
        guard run.artefacts.pairs != nil || !isOver else { throw StageRun.lost }
    }

    package func write(_ generator: Generator, of plan: Plan, to root: GroupWriter) throws {
        try plan.write(pairs: generator.pairs, to: root)
    }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        generator.pairs = try plan.readPairs(root)
    }
}
