// A plan being carried out on a table, one step at a time. The host owns the loop. The stages of the plan's preset do
// the work (Stages/). The trainer counts the steps and makes sure that every release is charged before its noise is
// drawn. Checkpoint files are in Trainer+Checkpoint.swift.

import Basics
import Budgets
import Privacy
import Tables

package struct Progress: Sendable {
    package var stage: StageID
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
    let stages: [any Stage]
    let run: StageRun
    let started = monotonicSeconds()

    /// Steps done in all stages. Steps that a crash lost are counted: their charge stays, and they are not repeated.
    var done = 0
    /// Whether the stages were told of the released statistics.
    var isPrepared = false
    /// Why no further step may be drawn: a refusal that followed from a release.
    private(set) var refusal: Failure?
    /// Whether the next step has the sums that it asked for.
    var hasAnswer = false
    /// The checkpoint file that is charged before every draw, and this training's run in a shared budget.
    var file: String?
    var sharedRun: SharedRun?
    /// The step up to which file and shared budget have been charged in advance.
    var chargedTo = 0

    /// - Parameters:
    ///   - table: read once, here; private from now on.
    ///   - shared: the budget that the plan was made under. The budget's file reserves all that the plan may spend now.
    ///     The unspent part returns when the training is finished, or dropped without a checkpoint.
    ///   - name: name of this run in the reports of the shared budget.
    /// - Throws: `.schema` when the table is not of the plan's schema, `.budget` when the shared budget has not that
    ///   much left, `.noMemory`, `.entropy`, `.io`.
    package convenience init(plan: Plan, table: Table, shared: SharedBudget? = nil, name: String = "training") throws {
        try self.init(plan: plan, rows: .table(table), shared: shared, name: name)
    }

    convenience init(plan: Plan, rows: TrainingRows, shared: SharedBudget?, name: String) throws {
        let random = try plan.settings.testSeed.map { SecureRandom(testSeed: $0) } ?? SecureRandom()
        guard plan.declared.domainRelease == nil || plan.declared.domainRelease?.budget == shared?.id else {
            throw Failure(.state, "this schema was bought from a shared budget: the training must be planned under "
                + "that budget, which holds what both cost")
        }
        var ledger = try Ledger(budget: plan.budget, groups: plan.releasedGroups, assumptions: plan.assumptions)
        if let constants = plan.constants {
            guard shared == nil else {
                throw Failure(.argument, "plan: it was not made under the shared budget that is to bear it")
            }
            try ledger.admit(by: constants)
        }
        if let domain = plan.declared.domainRelease {
            guard let found = try shared?.account().runs.first(where: { $0.id == domain.run }),
                let domainRelease = Ledger.DomainRelease(found) else {
                throw Failure(.state, "this schema was bought in a run that the shared budget does not hold")
            }
            ledger.record(domainRelease: domainRelease)
            if !found.ledger.isPrivate { ledger.assume(Ledger.notPrivate) }
        }
        if let shared {
            ledger.assume("a training of a shared budget: all its runs together are (\(short(shared.terms.epsilon)), "
                + "\(short(shared.terms.delta)))-private, "
                + "and whoever sees several of them has that figure")
        }
        try self.init(plan: plan, rows: rows, ledger: ledger, random: random, runID: newID())
        if let shared { sharedRun = try SharedRun(shared, id: runID, name: name, self.ledger) }
    }

    /// A trainer that is dropped without a checkpoint cannot be resumed, so its reserved budget is given back.
    deinit { if file == nil { try? sharedRun?.close(run.door.ledger) } }

    init(plan: Plan, rows: TrainingRows, ledger: Ledger, random: SecureRandom, runID: String) throws {
        (self.plan, self.runID) = (plan, runID)
        stages = try plan.recipe()
        run = StageRun(plan: plan, door: try rows.door(plan, ledger, random))
        run.elsewhere = rows.options
        run.door.durable = { [weak self] in try self?.chargeAhead($0) }
    }

    package var ledger: Ledger { run.door.ledger }
    /// The shared budget that this training spends from; nil: it has a budget of its own.
    package var sharedBudget: SharedBudget? { sharedRun?.budget }
    package var isFinished: Bool { done >= plan.totalSteps }

    package var progress: Progress {
        Progress(stage: plan.place(of: min(done, plan.totalSteps - 1)).stage, step: done, total: plan.totalSteps,
                 epsilon: ledger.quickEpsilon, seconds: monotonicSeconds() - started)
    }

    /// Ends the running or the next `step` call with `.cancelled`. May be called from any thread. A release ends as
    /// soon as the running micro-batches are done. Its charge stays, and the step is not repeated.
    package func cancel() {
        run.cancel()
        run.door.cancel()
    }

    /// Does up to `maxSteps` steps, or as many as fit into `maxSeconds` (at least one); returns at once when finished.
    /// Calibration and tilt are long steps: they are left when the time is over, and the next call goes on with them.
    /// Where the rows are elsewhere it goes no further than to a step that needs them.
    /// - Throws: `.cancelled` after `cancel()`: the trainer stays usable. `.budget`, `.io`, `.noMemory`: the trainer
    ///   stays at the step that it had reached.
    @discardableResult
    package func step(maxSteps: Int, maxSeconds: Double) throws -> Progress {
        guard maxSteps >= 1 else { throw Failure(.argument, "max_steps: must be at least 1") }
        guard maxSeconds > 0 else { throw Failure(.argument, "max_seconds: must be above 0") }
        let begin = monotonicSeconds()
        run.deadline = begin + maxSeconds
        var count = 0
        while !isFinished, count < maxSteps {
            if let refusal { throw refusal }
            if try !hasAnswer && nextCounts() != nil {
                if count > 0 { break }
                throw Failure(.state, "the next step needs sums of rows elsewhere: ask for them, and answer")
            }
            let charged = ledger.releases
            do { try doStep() } catch {
                // A charged step is never repeated, even when its released value was not used.
                if ledger.releases != charged { done += 1 }
                if (error as? Failure)?.code == .cancelled { _ = run.takeCancel() }
                throw error
            }
            if run.takeYield() { break }
            done += 1
            count += 1
            try keepRelease()
            if monotonicSeconds() - begin >= maxSeconds { break }
        }
        return progress
    }

    private func doStep() throws {
        let place = plan.place(of: done)
        do { try stages[place.index].step(place.step, run) } catch let failure as Failure where failure.code == .budget
            && run.artefacts.statistics != nil {
            // A refusal that follows from a release is final: nothing more is charged.
            if !isPrepared { refusal = failure }
            throw failure
        }
        try prepareStages()
    }

    /// Tells the stages of the released statistics, once there are some.
    func prepareStages() throws {
        guard !isPrepared, run.artefacts.statistics != nil else { return }
        isPrepared = true
        for (stage, planned) in zip(stages, plan.stages) where planned.steps > 0 { try stage.prepare(run) }
    }

    /// The trained generator.
    /// - Throws: `.state` before the last step; `.io` when a shared budget cannot be told: call it again.
    package func finish() throws -> Model {
        guard isFinished, run.artefacts.statistics != nil else { throw Failure(.state, "training is not finished") }
        var generator = try run.generator(autoencoder: run.artefacts.calibrated)
        try generator.barHeads(plan)
        guard generator.autoencoder != nil || plan.steps(of: .autoencoder) == 0 else {
            throw Failure(.state, "training is not finished")
        }
        try sharedRun?.close(ledger)
        return Model(plan: plan, ledger: ledger, generator: generator)
    }
}
