// What a stage may use while a plan is carried out: the door to the private rows, the artefacts of the stages before
// it, threads, and memory that lasts as long as the stage.

import Basics
import Compute
import Networks
import Privacy
import Projection
import Storage
import Synchronization

package final class StageRun {
    static let lost = Failure(.state,
                              "an earlier release was refused or lost; its charge stays, and this training cannot be "
                                  + "finished")
    static let cancelled = Failure(.cancelled, "training was cancelled; it can be continued")

    /// The plan as the networks in training see it, and the whole plan.
    package private(set) var plan: Plan
    let basis: Plan
    package let door: Door
    package let threads: Int
    /// How rows elsewhere are read; nil: they are here.
    var elsewhere: RemoteOptions?
    var artefacts = Artefacts()
    private let cancelFlag = Atomic<Bool>(false)
    /// When the host wants to be heard again, on the clock of `monotonicSeconds`.
    var deadline = Double.infinity
    /// Whether the running step was left before its end, to be gone on with by the next call.
    private var hasYielded = false
    /// The running stage's memory, and whose it is.
    private var memory: (stage: StageID, object: AnyObject)?

    init(plan: Plan, door: Door) {
        (self.plan, basis, self.door) = (plan.teacher, plan, door)
        threads = plan.settings.threads > 0 ? plan.settings.threads : Workers.available
    }

    func cancel() { cancelFlag.store(true, ordering: .relaxed) }
    /// Whether `cancel` was called since the last answer.
    func takeCancel() -> Bool { cancelFlag.exchange(false, ordering: .relaxed) }

    /// Whether a long step should be left now: it keeps its state in `memory` and is gone on with by the next call. A
    /// step that is left was not done, and one that charges is never left.
    func yieldsHere() -> Bool {
        guard monotonicSeconds() >= deadline else { return false }
        hasYielded = true
        return true
    }

    /// Whether the step was left since the last answer.
    func takeYield() -> Bool {
        defer { hasYielded = false }
        return hasYielded
    }

    /// Memory that lasts as long as `stage`: made when it is first asked for, dropped when another stage asks.
    func memory<M: AnyObject>(of stage: StageID, _ make: () throws -> M) rethrows -> M {
        if let memory, memory.stage == stage, let own = memory.object as? M { return own }
        memory = nil                                     // before the new one, so that both are never there at once
        let made = try make()
        memory = (stage, made)
        return made
    }
    func dropMemory() { memory = nil }

    /// Released statistics.
    /// - Throws: `.state` where the first release was lost.
    package func statistics() throws -> Statistics {
        guard let statistics = artefacts.statistics else { throw Self.lost }
        return statistics
    }

    /// How `stage` samples private rows.
    func batches(of stage: StageID) throws -> Batches {
        guard let own = artefacts.batches.first(where: { $0.stage == stage }) else { throw Self.lost }
        return own
    }

    /// Takes the first release, from which the rates of all sampled stages follow.
    /// - Throws: `.budget` when δ is not below 1 over the released row count: judged after it was paid for, and no
    ///   later stage begins.
    package func begin(with statistics: Statistics) throws {
        artefacts.statistics = statistics
        guard plan.delta < 1 / statistics.rows else {
            throw Failure(.budget, "delta: must be below 1 over the released row count")
        }
        artefacts.batches = try plan.batches(statistics.groupRows)
    }

    /// A new autoencoder for the released bins; its heads begin at the released shares.
    func newAutoencoder() throws -> VAE {
        let statistics = try statistics()
        let vae = try VAE(shape: plan.autoencoderShape(levels: statistics.modelledLevels), seed: plan.settings.seed)
        try vae.setHeadBiases(statistics.modelled.map { $0.binShare.map(Statistics.logShare) })
        return vae
    }

    /// Released shares of the bins of every column that networks see: what heads are calibrated to.
    func headShares() throws -> [[Double]] {
        let statistics = try statistics()
        guard let marginals = artefacts.marginals else { return statistics.modelled.map(\.binShare) }
        let counts = try marginals.columnCounts(plan: plan, statistics: statistics)
        return plan.modelled.map { j in counts[j].values.map { $0 / statistics.rows } }
    }

    /// The averaged autoencoder, on which the diffusion learns: made when it is first needed, so that a lost last step
    /// loses only itself.
    func finishedAutoencoder() throws -> VAE {
        if let made = artefacts.finishedAutoencoder { return made }
        guard let fit = artefacts.finetuned ?? artefacts.autoencoder else { throw Self.lost }
        let averaged = try fit.averaged()
        dropMemory()
        (artefacts.privateAlignment, artefacts.releasedAlignment) = (nil, nil)
        if plan.settings.diffusion.enabled {
            artefacts.diffusion = try NetworkFit(plan.makeDenoiser(latent: averaged.latentCount))
        }
        artefacts.finishedAutoencoder = averaged
        return averaged
    }

    /// The marginals that were asked for, or will be.
    func marginalRequests() throws -> [MarginalRequest] {
        guard let pairs = plan.selects ? artefacts.pairs : plan.allPairs else { throw Self.lost }
        return plan.marginalRequests(pairs: pairs)
    }

    /// Public seed of released rows: nothing private is drawn from it.
    var rowSeed: UInt64 { plan.settings.seed ^ 0x726f7773 }

    /// Rows of the relaxed table; fitted when first asked for.
    func projectedRows() throws -> ProjectedRows {
        if let rows = artefacts.projected { return rows }
        guard let marginals = artefacts.marginals else { throw Self.lost }
        let rows = try marginals.projectedRows(plan: plan, statistics: statistics(), threads: threads, stop: takeCancel)
        artefacts.projected = rows
        return rows
    }

    /// Rows that networks learn in place of private ones; made when first asked for.
    func freeRows() throws -> any FreeRows { try taught()?.rows ?? projectedRows() }

    /// Fair rows that students learn; nil: there are none.
    func taught() throws -> FairRows? {
        if let made = artefacts.taught { return made }
        artefacts.taught = try artefacts.teacher?.fairRows(basis, statistics(), threads: threads, stop: takeCancel)
        return artefacts.taught
    }

    /// What alignment came to, and the fit that it was made by; made again.
    func fairFit() throws -> (estimate: DisparityEstimate?, fit: FairFit) {
        let statistics = try statistics()
        if let teacher = artefacts.teacher {
            let source = try teacher.rows(basis, statistics, threads: threads, stop: takeCancel)
            return (try taught()?.estimate, try FairFit(teaching: source, plan: plan, statistics: statistics,
                                                            threads: threads))
        }
        guard let marginals = artefacts.marginals else { throw Self.lost }
        let rows = try projectedRows(), plain = ProjectedRows(rows, fair: nil)
        return (rows.estimate, try FairFit(marginals.fairTask(plain, plan: plan, statistics: statistics), plain,
                                           plan: plan, statistics: statistics, threads: threads))
    }

    /// The networks in training teach from now on, and others are trained.
    /// - Parameter rows: of the teacher; nil: made when they are asked for.
    func handOver(to teacher: Teacher, _ rows: FairRows?) throws {
        var left = Artefacts()
        (left.teacher, left.taught, left.batches) = (teacher, rows, artefacts.batches)
        plan = basis.student
        left.statistics = try statistics().seen(by: plan)
        artefacts = left
        dropMemory()
        artefacts.autoencoder = try NetworkFit(newAutoencoder())
    }

    /// What the tilt meets: what was released, or the rows that students learned.
    func tiltTargets() throws -> [NoisyMarginal] {
        let statistics = try statistics()
        if let rows = try taught()?.rows {
            return try rows.tiltTargets(plan: plan, statistics: statistics)
        }
        guard let marginals = artefacts.marginals else { throw Self.lost }
        return try marginals.tiltTargets(plan: plan, statistics: statistics, rows: projectedRows)
    }

    /// Encoded rows of the relaxed table with one posterior draw each: what the diffusion learns.
    func latentPool() throws -> LatentPool {
        if let pool = artefacts.latentPool { return pool }
        let vae = try finishedAutoencoder(), s = plan.settings.diffusion
        let wanted = s.steps.multipliedReportingOverflow(by: s.batch)
        let pool = try LatentPool(freeRows(), vae, wanted: wanted.overflow ? .max : wanted.partialValue,
                                  seed: rowSeed &+ 1, threads: threads)
        artefacts.latentPool = pool
        return pool
    }

    /// The diffusion of a checkpoint, if that stage had begun.
    func readDiffusion(_ root: GroupReader, _ name: String) throws {
        guard root.has(name) else { return }
        _ = try finishedAutoencoder()
        try artefacts.diffusion?.read(from: root, name)
    }

    /// Mean and scale by which latents of the diffusion are put back; nil where it works on latents as they are.
    func latentScale() throws -> LatentScale? {
        let isFree = artefacts.teacher != nil || plan.steps(of: .projection) > 0
        return isFree && plan.settings.diffusion.enabled ? try latentPool().scale : nil
    }

    /// The generator as far as it is trained. - autoencoder: nil for a preset without networks.
    func generator(autoencoder: VAE?) throws -> Generator {
        var g = Generator(statistics: try statistics())
        (g.pairs, g.marginals, g.autoencoder, g.tilt) = (artefacts.pairs, artefacts.marginals, autoencoder,
                                                         artefacts.tilt)
        (g.disparity, g.teacher) = (artefacts.disparity, artefacts.teacher)
        guard autoencoder != nil else { return g }
        (g.denoiser, g.latents) = (try artefacts.diffusion?.averaged(), try latentScale())
        return g
    }
}
