// What a reduction of the disparity came to, measured on rows of the finished generator against rows before alignment.
// Free.

import Basics
import Compute
import Projection
import Storage

package struct DisparityMeasurement: Stage {
    package let id = StageID.disparity
    private static let rowCount = 1 << 16, seed: UInt64 = 0x64697370
    package init() {}

    package func steps(_ plan: Plan) -> Int { plan.conditionals > 0 && plan.settings.fairness.reduce != nil ? 1 : 0 }

    package func cost(_ plan: Plan) -> StageCost {
        StageCost(id, steps: 1, text: "the disparity that generated rows lead to, estimated")
    }

    package func memory(_ plan: Plan, threads: Int) throws -> Int {
        steps(plan) > 0 ? FairFit.memory(plan, threads: threads) + 4 * Self.rowCount * plan.grids.count : 0
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        guard let vae = run.artefacts.calibrated else { throw StageRun.lost }
        let (found, fit) = try run.fairFit()
        guard var estimate = found else { return }
        var g = try run.generator(autoencoder: vae)
        try g.barHeads(run.plan)
        let bins = try Sampler(plan: run.plan, g).bins(seed: Self.seed, count: Self.rowCount, threads: run.threads,
                                                       stop: run.takeCancel)
        estimate.generated = try fit.figures(learning: DrawnRows(of: bins, count: Self.rowCount, plan: run.plan),
                                             stop: run.takeCancel)
        run.artefacts.disparity = estimate
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws { try run.artefacts.disparity?.write(to: root) }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        if root.has(DisparityEstimate.group) { run.artefacts.disparity = try DisparityEstimate.read(from: root) }
    }

    package func write(_ generator: Generator, of plan: Plan, to root: GroupWriter) throws {
        try generator.disparity?.write(to: root)
    }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        if root.has(DisparityEstimate.group) { generator.disparity = try DisparityEstimate.read(from: root) }
    }
}
