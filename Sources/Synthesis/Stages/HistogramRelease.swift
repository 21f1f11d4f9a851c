// The first stage of every preset: one joint release of all columns' histograms and of the groups' counts. Encoders,
// rates and noise of later stages follow from it.

import Basics
import Privacy
import Storage

package struct HistogramRelease: Stage {
    package let id = StageID.histograms
    package init() {}

    package func steps(_ plan: Plan) -> Int { 1 }
    package func release(_ plan: Plan) -> FixedRelease? { 
        .gaussian(noiseMultiplier: plan.histogramNoise, sensitivity: plan.histogramSensitivity)
    }
    package var ledgerWords: String? { "noisy counts of the values of every column, and of the rows in every group" }

    package func cost(_ plan: Plan) -> StageCost {
        let n = plan.histograms.count, noise = plan.histogramNoise, sigma = plan.countStandardDeviation
        return StageCost(id, steps: 1, divergence: plan.budget.cost(rate: 1, noise: noise),
                         members: Plan.eventMembers(releases: 1, rate: 1, noise: noise)
                             + [("histograms", .int(Int64(n))), ("count_noise_rows", .number(sigma))],
                         text: "\(n) histogram\(n == 1 ? "" : "s") and the row count; noise of one count: "
                             + "\(short(sigma, 3)) rows")
    }

    package func counts(_ run: StageRun) throws -> CountRequest? {
        try CountRequest(histograms: run.plan.histograms, cellCounts: run.plan.grids.map(\.count),
                         groups: run.plan.releasedGroups.count)
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        let (counts, groups) = try run.door.releaseHistograms(name: id.name, requests: run.plan.histograms,
                                                              noiseMultiplier: run.plan.histogramNoise)
        try run.begin(with: Statistics(plan: run.plan, counts: counts, groupCounts: groups))
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        try run.artefacts.statistics?.write(to: root, plan: run.plan)
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        guard root.has("released") else {
            // Nothing was released yet, or it was charged for and lost: a second histogram release would break the
            // promise.
            guard !isOver else {
                throw Failure(.budget,
                              "the first release was lost in a crash; its charge stays, and this training cannot be "
                                  + "finished")
            }
            return
        }
        try run.begin(with: Statistics.read(from: root, plan: run.plan))
    }
}
