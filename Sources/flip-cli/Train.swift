// flip train: a table or a folder of tables, a promise, a model file.

import Basics
import Budgets
import Glibc
import Privacy
import Storage
import Synthesis
import Tables

func train(_ words: [String]) throws {
    let a = try Arguments("train", words, named: planOptionNames + csvOptionNames + tableOptionNames
        + ["out", "checkpoint"],
                          switches: ["quiet", "resume"], places: ["TABLE"])
    let out = try a.required("out"), checkpoint = try a.text("checkpoint")
    if a.has("resume"), checkpoint == nil { throw Usage("flip train: --resume needs --checkpoint") }
    // Both can fail: before the work rather than after it.
    try AtomicFile(out).abandon()
    if let checkpoint { try refuseExisting(checkpoint, resume: a.has("resume")) }
    let known = try schema(a)
    if known == nil, !isHDF5Name(a.words[0]) { throw Usage("flip train: --schema is missing") }

    let shared = try sharedBudget(a)
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    let folder = try FolderRows(a.words[0], csvOptions(a)), resume = a.has("resume"), trainer: Trainer
    if let folder {
        guard let known else { throw Usage("flip train: --schema is missing") }
        trainer = try makeTrainer(makePlan(a, known, under: shared), checkpoint: checkpoint, resume: resume) {
            try Trainer(plan: $0, elsewhere: folder.remote, shared: shared)
        } goOn: {
            try Trainer.resume($0, elsewhere: folder.remote, shared: shared)
        }
    } else {
        let table = try readTable(a.words[0], a, known, bar)
        trainer = try makeTrainer(makePlan(a, table.schema, under: shared), checkpoint: checkpoint, resume: resume) {
            try Trainer(plan: $0, table: table, shared: shared)
        } goOn: {
            try Trainer.resume($0, table: table, shared: shared)
        }
    }
    try runAll(trainer, folder, checkpoint: checkpoint, bar)
    let model = try trainer.finish()
    try model.save(out)
    let ledger = model.ledger
    for warning in model.warnings { complain(warning) }
    say("\(out): ε \(short(ledger.epsilon)) of \(short(ledger.target)) at δ \(short(ledger.delta)); `flip ledger` "
        + "shows every release")
    if ledger.domainRelease != nil {
        say("  with the schema that was estimated under the budget: ε \(short(ledger.headline)) for whoever has the "
            + "file")
    }
    if ledger.groups.count > 1 {
        for (group, epsilon) in zip(ledger.groups, ledger.epsilons) { say("  \(group): ε \(short(epsilon))") }
    }
    if !ledger.isPrivate { say("  NOT PRIVATE: the noise was made from a test seed") }
}

private func refuseExisting(_ checkpoint: String, resume: Bool) throws {
    guard !resume, fileExists(checkpoint) else { return }
    throw Failure(.state, "\(checkpoint): exists; pass --resume to continue it, or delete it: its charges would be "
        + "lost")
}

private func makeTrainer(_ plan: Plan, checkpoint: String?, resume: Bool, begin: (Plan) throws -> Trainer,
                         goOn: (String) throws -> Trainer) throws -> Trainer {
    guard let checkpoint, fileExists(checkpoint) else {
        let trainer = try begin(plan)
        // Bound before the first release: a crash loses steps and never their charge.
        if let checkpoint { try trainer.checkpoint(checkpoint) }
        return trainer
    }
    try refuseExisting(checkpoint, resume: resume)
    let trainer = try goOn(checkpoint)
    guard trainer.plan.json == plan.json else {
        throw Failure(.state, "\(checkpoint): was begun with other options; use those, or leave out --resume")
    }
    return trainer
}

private func runAll(_ trainer: Trainer, _ folder: FolderRows?, checkpoint: String?, _ bar: Bar) throws {
    defer { bar.close() }
    var saved = monotonicSeconds()
    while !trainer.isFinished {
        let state = try folder?.answer(trainer, bar) ?? trainer.step(maxSteps: .max, maxSeconds: 0.1)
        if !bar.show(state.stage.name, state.step, state.total, epsilon: state.epsilon) {
            bar.close()
            if let checkpoint {
                try trainer.checkpoint(checkpoint)
                complain("stopped; --resume goes on from \(checkpoint)")
            } else {
                complain("stopped; ε \(short(state.epsilon)) was spent")
            }
            throw Failure(.cancelled, "interrupted")
        }
        if let checkpoint, monotonicSeconds() - saved > 30 {
            try trainer.checkpoint(checkpoint)
            saved = monotonicSeconds()
        }
    }
}
