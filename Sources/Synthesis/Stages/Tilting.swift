// Exponential tilting: generated rows are accepted with a probability by which they meet the released marginals. Free.

import Basics
import Projection
import Storage

package struct Tilting: Stage {
    package let id = StageID.tilt
    private static let poolSeed: UInt64 = 0x72616b65
    package init() {}

    package func steps(_ plan: Plan) -> Int { plan.settings.tilt.enabled ? 1 : 0 }

    package func cost(_ plan: Plan) -> StageCost {
        StageCost(id, steps: 1,
                  text: "a tilt by which generated rows are accepted, fitted on \(plan.settings.tilt.pool) of them")
    }

    package func memory(_ plan: Plan, threads: Int) throws -> Int {
        plan.settings.tilt.pool * (2 * plan.grids.count + 12)
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        guard let calibrated = run.artefacts.calibrated, run.artefacts.marginals != nil else { throw StageRun.lost }
        let work = try run.memory(of: id) {
            var generator = try run.generator(autoencoder: calibrated)
            generator.tilt = nil
            return try TiltingWork(pool: BinPool(Sampler(plan: run.plan, generator), seed: Self.poolSeed,
                                                 count: run.plan.settings.tilt.pool, threads: run.threads))
        }
        while !work.pool.isFull {
            if run.takeCancel() { throw StageRun.cancelled }
            work.pool.advance()
            if run.yieldsHere() { return }
        }
        let fit = try work.fit ?? newFit(work.pool.bins, run)
        work.fit = fit
        while !fit.isDone {
            if run.takeCancel() { throw StageRun.cancelled }
            fit.advance()
            if !fit.isDone, run.yieldsHere() { return }
        }
        run.artefacts.tilt = try fit.finish()
        run.dropMemory()
    }

    private func newFit(_ pool: Buffer<UInt16>, _ run: StageRun) throws -> TiltFit {
        guard let marginals = run.artefacts.marginals else { throw StageRun.lost }
        let s = run.plan.settings.tilt, statistics = try run.statistics()
        var options = TiltOptions()
        (options.steps, options.learningRate, options.ridge) = (run.plan.tiltSteps, s.learningRate, s.ridge)
        (options.floor, options.cap, options.threads) = (s.floor, s.cap, run.threads)
        let targets = try marginals.tiltTargets(plan: run.plan, statistics: statistics, rows: run.projectedRows)
        return try TiltFit(statistics.levels, targets, total: statistics.rows, pool: pool, rows: s.pool, options)
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        if let tilt = run.artefacts.tilt { try root.group("tilt") { try tilt.write(to: $0) } }
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        if root.has("tilt"), let statistics = run.artefacts.statistics {
            run.artefacts.tilt = try Tilt.read(from: root.group("tilt"), levels: statistics.levels,
                                               columns: run.plan.tiltColumns(run.marginalRequests()))
        }
        guard run.artefacts.tilt != nil || !isOver else {
            throw Failure(.format, "checkpoint: finished, but without its result")
        }
    }

    package func write(_ generator: Generator, of plan: Plan, to root: GroupWriter) throws {
        if let tilt = generator.tilt { try root.group("tilt") { try tilt.write(to: $0) } }
    }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        let requests = plan.marginalRequests(pairs: generator.pairs ?? plan.allPairs)
        generator.tilt = try Tilt.read(from: root.group("tilt"), levels: generator.statistics.levels,
                                       columns: plan.tiltColumns(requests))
    }
}

/// What the tilt has done so far.
private final class TiltingWork {
    let pool: BinPool
    var fit: TiltFit?
    init(pool: BinPool) { self.pool = pool }
}
