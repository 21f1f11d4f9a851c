// A plan being carried out on a table, one step at a time: the host owns the loop. Stages in order: histograms (one release),
// autoencoder and diffusion (DP-SGD), calibration (free). What a step does is in Trainer+Stages.swift, files in
// Trainer+Checkpoint.swift.

import Basics
import Compute
import Networks
import Privacy
import Projection
import Synchronization
import Tables

package struct Progress: Sendable {
    package var stage: Plan.Stage
    /// Steps done and planned, over all stages.
    package var step: Int, total: Int
    /// ε of what the ledger holds so far, at the plan's δ.
    package var epsilon: Double
    /// Seconds since this trainer was made or resumed.
    package var seconds: Double
}

package final class Trainer {
    package let plan: Plan
    /// A random name of this run; it tells two branches of one checkpoint apart. Not derived from the table.
    let runID: String
    let door: Door
    let started = monotonicSeconds()
    let threads: Int
    private let cancelled = Atomic<Bool>(false)

    /// Steps done in all stages, those lost in a crash included: they stay charged and are not done again.
    var done = 0
    var statistics: Statistics?
    /// How each stage samples private rows.
    var sampled: [Batches] = []
    var autoencoder: NetworkFit<VAE>?
    /// Alignment of the groups while the autoencoder is trained on private rows.
    var alignment: PrivateAlignment?
    /// Preset `best`: the autoencoder on private rows, when that is asked for.
    var tuned: NetworkFit<VAE>?
    var diffusion: NetworkFit<Denoiser>?
    /// Preset `best`: what was released, the rows fitted to it, and what is made from them. The last three can be made again.
    var pairs: [[Int]]?
    var marginals: ReleasedMarginals?
    var projected: ProjectedRows?
    var latentPool: LatentPool?
    /// Alignment of the groups while the autoencoder learns from released rows.
    var independence: ReleasedAlignment?
    var batch: ReleasedBatch?
    var tilt: Tilt?
    /// The averaged autoencoder, once its stage is over.
    var encoderForDiffusion: VAE?
    /// The running stage's memory, one for each worker.
    var cachedWorkspaces: (stage: Plan.Stage, spaces: [Workspace])?
    /// The last stage's result: averaged autoencoder with calibrated head biases.
    var calibrated: VAE?
    /// The bound checkpoint file, the part in a shared budget, and the step up to which both have been charged ahead.
    var file: String?
    var run: SharedRun?
    var chargedTo = 0

    /// - Parameters:
    ///   - table: read once, here; private from now on.
    ///   - shared: a budget that the plan was made under: all the plan may spend is promised to this run now, on the disk. What it did not spend
    ///     comes back when it is finished, or dropped without a checkpoint.
    ///   - name: of the run in that budget's reports.
    /// - Throws: `.schema` when the table is not of the plan's schema, `.budget` when the shared budget has not that much left, `.noMemory`, `.entropy`, `.io`.
    package convenience init(plan: Plan, table: Table, shared: SharedBudget? = nil, name: String = "training") throws {
        let random = try plan.settings.testSeed.map { SecureRandom(testSeed: $0) } ?? SecureRandom()
        guard plan.schema.purchase == nil || plan.schema.purchase?.budget == shared?.id else {
            throw Failure(.state, "this schema was bought from a shared budget: the training must be planned under that budget, which holds what both cost")
        }
        var ledger = try Ledger(budget: plan.budget, groups: plan.groups, assumptions: plan.assumptions)
        if let bought = plan.schema.purchase {
            guard let found = try shared?.account().runs.first(where: { $0.id == bought.run }), let purchase = Ledger.Purchase(found) else {
                throw Failure(.state, "this schema was bought in a run that the shared budget does not hold")
            }
            ledger.stand(on: purchase)
            if !found.ledger.isPrivate { ledger.assume(Ledger.notPrivate) }
        }
        if let shared { ledger.assume("a training of a shared budget: all its runs together are (\(short(shared.terms.epsilon)), \(short(shared.terms.delta)))-private, and whoever sees several of them has that figure") }
        try self.init(plan: plan, table: table, ledger: ledger, random: random, runID: Self.newID())
        if let shared { run = try SharedRun(shared, id: runID, name: name, self.ledger) }
    }

    /// A run that ends without a checkpoint will not go on.
    deinit { if file == nil { try? run?.close(door.ledger) } }

    init(plan: Plan, table: Table, ledger: Ledger, random: SecureRandom, runID: String) throws {
        let k = plan.settings.rowsPerPerson, bound = table.rowsPerPerson
        guard k == 0 ? bound == 0 : bound > 0 && bound <= k else {
            throw Failure(.state, k == 0 ? "the table was bounded to \(bound) rows a person: the plan must promise for persons, \"max_rows_per_person\": \(bound)"
                : "the plan promises for persons of at most \(k) rows: the table must be bounded to that many when it is loaded")
        }
        self.plan = plan
        self.runID = runID
        threads = plan.settings.threads > 0 ? plan.settings.threads : Workers.available
        door = try Door(table: privateTable(table, plan: plan), budget: plan.budget, ledger: ledger, random: random)
        door.durable = { [weak self] in try self?.chargeAhead($0) }
    }

    /// 32 random hexadecimal digits.
    static func newID() throws -> String {
        let r = try SecureRandom()
        return (0..<4).map { _ in let t = String(UInt32(truncatingIfNeeded: r.next()), radix: 16); return String(repeating: "0", count: 8 - t.count) + t }.joined()
    }

    package var ledger: Ledger { door.ledger }
    /// The budget that it spends from, if it shares one.
    package var sharedBudget: SharedBudget? { run?.budget }
    package var isFinished: Bool { done >= plan.totalSteps }

    /// The stage that step `k` belongs to, and its number inside the stage.
    func place(of k: Int) -> (stage: Plan.Stage, step: Int) {
        var k = k
        for (stage, n) in zip(Plan.Stage.allCases, plan.steps) {
            if k < n { return (stage, k) }
            k -= n
        }
        return (.calibration, plan.steps.last ?? 1)
    }

    package var progress: Progress {
        Progress(stage: place(of: min(done, plan.totalSteps - 1)).stage, step: done, total: plan.totalSteps,
                 epsilon: ledger.epsilon, seconds: monotonicSeconds() - started)
    }

    /// From any thread: the running or next `step` call ends with `.cancelled`, inside a release as soon as its micro-batches are done.
    /// What was charged stays charged, and such a step is not done again.
    package func cancel() {
        cancelled.store(true, ordering: .relaxed)
        door.cancel()
    }

    /// Whether `cancel` was called since the last answer.
    func takeCancel() -> Bool { cancelled.exchange(false, ordering: .relaxed) }

    /// Does up to `maxSteps` steps, or as many as fit into `maxSeconds` (at least one); returns at once when finished.
    /// - Throws: `.cancelled` after `cancel()`; the trainer stays usable. `.budget`, `.io`, `.noMemory` leave it where it was.
    @discardableResult
    package func step(maxSteps: Int, maxSeconds: Double) throws -> Progress {
        guard maxSteps >= 1 else { throw Failure(.argument, "max_steps: must be at least 1") }
        guard maxSeconds > 0 else { throw Failure(.argument, "max_seconds: must be above 0") }
        let begin = monotonicSeconds()
        var count = 0
        while !isFinished, count < maxSteps {
            let charged = ledger.releases
            do { try run(place(of: done)) } catch {
                // What was charged is spent, whether its value was used or not: such a step is not done again.
                if ledger.releases != charged { done += 1 }
                if (error as? Failure)?.code == .cancelled { _ = takeCancel() }
                throw error
            }
            done += 1
            count += 1
            if monotonicSeconds() - begin >= maxSeconds { break }
        }
        return progress
    }

    /// The trained generator.
    /// - Throws: `.state` before the last step; `.io` when a shared budget cannot be told: call it again.
    package func finish() throws -> Model {
        guard isFinished, let statistics, let calibrated else { throw Failure(.state, "training is not finished") }
        try run?.close(ledger)
        return try Model(plan: plan, ledger: ledger, statistics: statistics, marginals: marginals, pairs: pairs, autoencoder: calibrated, denoiser: diffusion?.averaged(), latents: latentScale(), tilt: tilt)
    }
}

