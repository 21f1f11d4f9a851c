// Checkpoints: weights, optimiser, ledger and a run name; no row, batch, key or row count. A file written by
// `checkpoint` is bound to its trainer: before any further step is drawn the file is charged for a block of steps
// ahead, so that what a crash loses stays charged and the resumed run does that many steps fewer. A second `checkpoint`
// (a clean stop) writes the true count.

import Basics
import Budgets
import Privacy
import Storage
import Tables

extension Trainer {
    /// Writes the state after the last finished step, in one move, and binds the file to this trainer.
    /// - Throws: `.io`, `.noMemory`; the trainer and an older file are unharmed.
    package func checkpoint(_ path: String) throws {
        // The shared budget first: should the file fail, the older one was charged for more.
        if let sharedRun, sharedRun.isOpen {
            try sharedRun.record(ledger)
            // From here on the budget holds what was drawn and no step ahead: the next draw is charged anew, whether
            // the file can be written or not.
            chargedTo = done
        }
        try write(path, ledger, done: done)
        (file, chargedTo) = (path, done)
    }

    /// The door calls this with the charged ledger before every draw: nothing is drawn that the bound file and the
    /// shared budget have not been charged for.
    func chargeAhead(_ ledger: Ledger) throws {
        guard file != nil || sharedRun != nil, done >= chargedTo, let now = ledger.releases.last else { return }
        let place = plan.place(of: done)
        let ahead = min(plan.settings.checkpointBlock, plan.stages[place.index].steps - place.step)
        var charged = ledger
        if ahead > 1 { try charged.charge(now.times(ahead - 1)) }
        // a branch that was left behind must not write over the file of the one that goes on
        try sharedRun?.check()
        // The file first: one that was charged for more than the budget knows can be resumed, the other way round it
        // could not.
        if let file { try write(file, charged, done: done + ahead) }
        try sharedRun?.record(charged)
        chargedTo = done + ahead
    }

    /// After a release that cannot be made again the bound file gets its result before the next step: a crash then
    /// loses no more than time.
    func keepRelease() throws {
        guard let file, plan.stages[plan.place(of: done - 1).index].release != nil else { return }
        try write(file, ledger, done: done)
    }

    private func write(_ path: String, _ ledger: Ledger, done: Int) throws {
        try ModelFile.write(.checkpoint, to: path) { root in
            try plan.write(to: root)
            try ledger.write(to: root, risk: false)
            try root.string("run", runID)
            if let sharedRun {
                try root.group("shared_budget") { g in
                    try g.string("budget", sharedRun.budget.id)
                    try g.string("token", sharedRun.token)
                }
            }
            try root.scalar("steps_done", Int64(done))
            for (stage, planned) in zip(stages, plan.stages) where planned.steps > 0 { try stage.write(run, to: root) }
        }
    }

    /// Continues a checkpoint. The caller vouches that `table` is the one it was begun on. Batches and noise are drawn
    /// anew.
    /// - Parameter shared: the budget that the training was begun under, nil when it was begun under none.
    /// - Throws: `.io`, `.format`, `.version` for files that cannot be trusted; `.schema` when the table is not the
    ///   plan's; `.budget` when the charge for the first release was made but its result was lost; `.state` for another
    ///   budget, and when the checkpoint is not the last of its run.
    package static func resume(_ path: String, table: Table, shared: SharedBudget? = nil) throws -> Trainer {
        try resume(path, rows: .table(table), shared: shared)
    }

    /// Continues a checkpoint with rows in other processes. Open asks are void.
    /// - Throws: as with a table; `.unsupported` for a plan whose releases are not all counts of rows.
    package static func resume(_ path: String, elsewhere options: RemoteOptions,
                               shared: SharedBudget? = nil) throws -> Trainer {
        try resume(path, rows: .elsewhere(options), shared: shared)
    }

    private static func resume(_ path: String, rows: TrainingRows, shared: SharedBudget?) throws -> Trainer {
        let trainer = try ModelFile.read(.checkpoint, path) { root in
            let plan = try Plan.read(from: root)
            if rows.options != nil { try requireCounts(plan) }
            var ledger = try Ledger.read(from: root, plan: plan)
            let done = Int(clamping: try root.scalar("steps_done", as: Int64.self))
            guard (0...plan.totalSteps).contains(done) else { throw Failure(.format, "steps_done: not of this plan") }
            ledger.assume("the table of a resumed training is the one it was begun on")
            // A new key and new batches; in test mode another deterministic stream.
            let random = try plan.settings.testSeed.map {
                SecureRandom(testSeed: $0 &+ UInt64(done) &* 0x9E37_79B9_7F4A_7C15) } ?? SecureRandom()
            let t = try Trainer(plan: plan, rows: rows, ledger: ledger, random: random,
                                runID: root.string("run", maxBytes: 64))
            t.done = done
            try t.restore(root)
            try plan.check(ledger, statistics: t.run.artefacts.statistics, done: done)
            let place = root.has("shared_budget") ? try root.group("shared_budget") : nil
            guard try place?.string("budget", maxBytes: 64) == shared?.id else {
                throw Failure(.state, place == nil ? "\(path): this training was not begun under a shared budget"
                    : shared == nil ? "\(path): this training spends from a shared budget: resume it under that one"
                    : "\(path): this training spends from another budget")
            }
            if let place, let shared {
                t.sharedRun = try SharedRun(shared, id: t.runID, resuming: place.string("token", maxBytes: 64), ledger)
            }
            return t
        }
        (trainer.file, trainer.chargedTo) = (path, trainer.done)
        // From here on this file alone goes on: another copy of it does not know the new name.
        if trainer.sharedRun != nil { try trainer.write(path, trainer.ledger, done: trainer.done) }
        return trainer
    }

    private func restore(_ root: GroupReader) throws {
        var over = 0
        for (stage, planned) in zip(stages, plan.stages) where planned.steps > 0 {
            over += planned.steps
            try stage.read(run, from: root, isOver: done >= over)
            try prepareStages()
        }
    }
}
