// From networks that learned from private rows to fair rows of theirs, which other networks then learn. Free.

import Basics
import Storage

package struct Distillation: Stage {
    package let id = StageID.distillation
    package init() {}

    package func steps(_ plan: Plan) -> Int { plan.conditionals > 0 ? 1 : 0 }

    package func cost(_ plan: Plan) -> StageCost {
        StageCost(id, steps: 1, text: "fair rows drawn from the networks above, for networks that see no protected "
            + "column")
    }

    /// The pair model and its rows, the teachers' rows, and the teachers themselves.
    package func memory(_ plan: Plan, threads: Int) throws -> Int {
        guard plan.conditionals > 0 else { return 0 }
        return FairFit.memory(plan, threads: threads) + 4 * Teacher.rowCount * plan.grids.count
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        guard let vae = run.artefacts.calibrated else { throw StageRun.lost }
        let teacher = Teacher(autoencoder: vae, denoiser: try run.artefacts.diffusion?.averaged())
        let rows = try teacher.fairRows(run.basis, run.statistics(), threads: run.threads, stop: run.takeCancel)
        try run.handOver(to: teacher, rows)
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws { try run.artefacts.teacher?.write(to: root) }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        guard root.has(Teacher.group) else {
            guard !isOver else { throw Failure(.format, "checkpoint: finished, but without its result") }
            return
        }
        try run.handOver(to: Teacher.read(from: root, plan: run.basis, run.statistics()), nil)
    }

    package func write(_ generator: Generator, of plan: Plan, to root: GroupWriter) throws {
        try generator.teacher?.write(to: root)
    }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        generator.teacher = try Teacher.read(from: root, plan: plan, generator.statistics)
    }
}
