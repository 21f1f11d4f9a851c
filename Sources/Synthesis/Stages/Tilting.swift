// Exponential tilting: heads are tilted, column after column, so that generated rows meet the released marginals. Free.

import Basics
import Compute
import Networks
import Projection
import Storage

package struct Tilting: Stage {
    package let id: StageID
    private static let poolSeed: UInt64 = 0x72616b65
    /// Columns up to which students meet all pairs; beyond, the rows that they learned are met by them alone.
    private static let mostStudentColumns = 64
    /// - id: `.studentTilt` where other networks taught these.
    package init(_ id: StageID = .tilt) { self.id = id }

    package func steps(_ plan: Plan) -> Int {
        guard plan.settings.tilt.enabled else { return 0 }
        return id == .tilt || plan.conditionals > 0 && plan.grids.count <= Self.mostStudentColumns ? 1 : 0
    }

    package func cost(_ plan: Plan) -> StageCost {
        StageCost(id, steps: 1, text: "a tilt of the heads, column after column, fitted in \(plan.tiltSteps) steps")
    }

    package func memory(_ plan: Plan, threads: Int) throws -> Int {
        guard steps(plan) > 0 else { return 0 }
        let plan = plan.student
        let bins = plan.modelled.reduce(0) { $0 + min(plan.grids[$1].count, plan.settings.encoder.bins + 8) }
        return 4 * bins * TiltPool.rows(plan, bins: bins) + plan.diffusionMemory(threads: threads)
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        guard let calibrated = run.artefacts.calibrated else { throw StageRun.lost }
        let work = try run.memory(of: id) {
            var generator = try run.generator(autoencoder: calibrated)
            generator.tilt = nil
            return try TiltPool(Sampler(plan: run.plan, generator), calibrated, seed: Self.poolSeed,
                                threads: run.threads)
        }
        while !work.isFull {
            if run.takeCancel() { throw StageRun.cancelled }
            work.advance()
            if run.yieldsHere() { return }
        }
        let fit = try work.fit ?? newFit(work, run)
        work.fit = fit
        while !fit.isDone {
            if run.takeCancel() { throw StageRun.cancelled }
            fit.advance()
            if !fit.isDone, run.yieldsHere() { return }
        }
        run.artefacts.tilt = try fit.finish()
        run.dropMemory()
    }

    private func newFit(_ work: TiltPool, _ run: StageRun) throws -> HeadTiltFit {
        let s = run.plan.settings.tilt, statistics = try run.statistics()
        var options = HeadTiltOptions()
        (options.steps, options.batch, options.learningRate) = (run.plan.tiltSteps, s.batch, s.learningRate)
        (options.spread, options.seed, options.threads) = (s.spread, Self.poolSeed, run.threads)
        let targets = try run.tiltTargets(), own = zip(targets, run.plan.heads(of: targets.map(\.columns))).map {
            NoisyMarginal(columns: $1, values: $0.values, standardDeviation: $0.standardDeviation)
        }
        return try HeadTiltFit(levels: statistics.modelledLevels, ordered: run.plan.modelled.map {
            run.plan.grids[$0].numerical
        }, marginals: own, bars: try StructuralZeros(run.plan)?.bars(run.plan, statistics) ?? [],
                               total: statistics.rows, pool: work.logits, blocks: work.blocks, options)
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        if let tilt = run.artefacts.tilt { try root.group("tilt") { try tilt.write(to: $0) } }
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        if root.has("tilt"), let statistics = run.artefacts.statistics {
            run.artefacts.tilt = try HeadTilt.read(from: root.group("tilt"), levels: statistics.modelledLevels,
                                                   columns: run.plan.tiltedHeads(run.marginalRequests()))
        }
        guard run.artefacts.tilt != nil || !isOver else {
            throw Failure(.format, "checkpoint: finished, but without its result")
        }
    }

    package func write(_ generator: Generator, of plan: Plan, to root: GroupWriter) throws {
        if let tilt = generator.tilt { try root.group("tilt") { try tilt.write(to: $0) } }
        if let tilt = generator.rowTilt { try root.group("tilt") { try tilt.write(to: $0) } }
    }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        let requests = plan.marginalRequests(pairs: generator.pairs ?? plan.allPairs), g = try root.group("tilt")
        if HeadTilt.isIn(g) {
            generator.tilt = try HeadTilt.read(from: g, levels: generator.statistics.modelledLevels,
                                               columns: plan.tiltedHeads(requests))
        } else {
            generator.rowTilt = try RowTilt.read(from: g, levels: generator.statistics.levels,
                                                 columns: plan.tiltColumns(requests))
        }
    }
}

/// Logits of generated latents, made in portions, and the fit on them.
private final class TiltPool {
    /// In lanes: [blocks][bins] vectors.
    let logits: Buffer<Float>, blocks: Int
    var fit: HeadTiltFit?
    private let sampler: Sampler, vae: VAE, seed: UInt64, threads: Int, spaces: [DrawSpace]
    private var done = 0
    private let chunks: Int, blocksPerChunk: Int
    var isFull: Bool { done >= chunks }

    /// Rows of a pool for heads of so many bins: at most 64 MB of logits, in whole chunks.
    static func rows(_ plan: Plan, bins: Int) -> Int {
        let most = max(DrawSpace.chunk, min(plan.settings.tilt.pool, (16 << 20) / max(bins, 1)))
        return (most + DrawSpace.chunk - 1) / DrawSpace.chunk * DrawSpace.chunk
    }

    init(_ sampler: Sampler, _ vae: VAE, seed: UInt64, threads: Int) throws {
        (self.sampler, self.vae, self.seed, self.threads) = (sampler, vae, seed, threads)
        let bins = sampler.statistics.modelledLevels.reduce(0, +), rows = Self.rows(sampler.plan, bins: bins)
        (chunks, blocksPerChunk) = (rows / DrawSpace.chunk, DrawSpace.chunk / vae.kernels.lanes)
        blocks = chunks * blocksPerChunk
        logits = try Buffer(count: rows * bins, for: "logits")
        spaces = try (0..<threads).map { _ in try sampler.rows.space() }
    }

    /// The next portion: 4 chunks a worker.
    func advance() {
        let start = done, now = min(threads * 4, chunks - done), size = logits.count / chunks
        Workers.run(threads: threads, chunks: now) { k, worker in
            let c = start + k, w = self.spaces[worker]
            guard let scratch = w.vae else { return }
            self.sampler.rows.drawLatents(RowPlace(seed: self.seed, first: Int64(c * DrawSpace.chunk)),
                                          count: DrawSpace.chunk, w)
            self.vae.decodeLanes(w.latents.base, blocks: self.blocksPerChunk, into: self.logits.base + c * size,
                                 scratch)
        }
        done += now
    }
}
