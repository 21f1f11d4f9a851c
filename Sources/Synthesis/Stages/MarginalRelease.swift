// One joint release of noisy tables over two or three columns each, with the bins of the released encoders.

import Basics
import Privacy
import Storage

package struct MarginalRelease: Stage {
    package let id = StageID.marginals
    package init() {}

    package func steps(_ plan: Plan) -> Int { 1 }
    package func release(_ plan: Plan) -> FixedRelease? {
        let m = plan.plannedMarginals
        return .gaussian(noiseMultiplier: plan.marginalNoise, sensitivity: m.exact ? Double(m.count).squareRoot() : 1)
    }
    package var ledgerWords: String? { "noisy tables of columns taken together" }

    package func cost(_ plan: Plan) -> StageCost {
        let m = plan.plannedMarginals, noise = plan.marginalNoise, sigma = noise * Double(m.count).squareRoot()
        var members = Plan.eventMembers(releases: 1, rate: 1, noise: noise)
            + [(m.exact ? "marginals" : "marginals_at_most", .int(Int64(m.count))), ("cell_noise_rows", .number(sigma))]
        if let cells = m.cells { members.append(("cells_at_most", .int(Int64(cells)))) }
        let size = m.cells.map { " of at most \($0) cells" } ?? ""
        return StageCost(id, steps: 1, divergence: plan.budget.cost(rate: 1, noise: noise), members: members,
                         text: (m.exact ? "" : "up to ")
                             + "\(m.count) marginal\(m.count == 1 ? "" : "s")\(size); noise of one cell: "
                             + "\(short(sigma, 3)) rows")
    }

    package func counts(_ run: StageRun) throws -> CountRequest? {
        try CountRequest(tables: run.marginalRequests().map(\.columns), codes: run.statistics().columnCodes)
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        let statistics = try run.statistics(), requests = try run.marginalRequests()
        let values = try run.door.releaseMarginals(name: id.name, requests: requests, codes: statistics.columnCodes,
                                                   noiseMultiplier: run.plan.marginalNoise, threads: run.threads)
        run.artefacts.marginals = try ReleasedMarginals(columns: requests.map(\.columns), values: values,
                                                        levels: statistics.levels)
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws { try run.artefacts.marginals?.write(to: root) }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        if let statistics = run.artefacts.statistics, root.has("marginals") {
            run.artefacts.marginals = try ReleasedMarginals.read(from: root, requests: run.marginalRequests(),
                levels: statistics.levels)
        }
        // What was charged and lost cannot be released again.
        guard run.artefacts.marginals != nil || !isOver else { throw StageRun.lost }
    }

    package func write(_ generator: Generator, of plan: Plan, to root: GroupWriter) throws {
        try generator.marginals?.write(to: root)
    }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        let requests = plan.marginalRequests(pairs: generator.pairs ?? plan.allPairs)
        generator.marginals = try ReleasedMarginals.read(from: root, requests: requests,
                                                         levels: generator.statistics.levels)
    }
}
