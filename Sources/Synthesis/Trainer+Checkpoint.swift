// Checkpoints: weights, optimiser, ledger and a run name; no row, batch, key or row count. A file written by `checkpoint` is bound
// to its trainer: before any further step is drawn the file is charged for a block of steps ahead, so that what a crash loses
// stays charged and the resumed run does that many steps fewer. A second `checkpoint` (a clean stop) writes the true count.

import Basics
import Networks
import Privacy
import Projection
import Storage
import Tables

extension Trainer {
    /// Writes the state after the last finished step, in one move, and binds the file to this trainer.
    /// - Throws: `.io`, `.noMemory`; the trainer and an older file are unharmed.
    package func checkpoint(_ path: String) throws {
        // The shared budget first: should the file fail, the older one was charged for more.
        if let run, run.isOpen { try run.record(ledger) }
        try write(path, ledger, done: done)
        (file, chargedTo) = (path, done)
    }

    /// The door calls this with the charged ledger before every draw: nothing is drawn that the bound file and the shared budget have not
    /// been charged for.
    func chargeAhead(_ ledger: Ledger) throws {
        guard file != nil || run != nil, done >= chargedTo, let now = ledger.releases.last else { return }
        let (stage, step) = place(of: done)
        let ahead = min(plan.settings.checkpointBlock, plan.steps[stage.rawValue] - step)
        var charged = ledger
        if ahead > 1 { try charged.charge(now.times(ahead - 1)) }
        try run?.check()                                 // a branch that was left behind must not write over the file of the one that goes on
        // The file first: one that was charged for more than the budget knows can be resumed, the other way round it could not.
        if let file { try write(file, charged, done: done + ahead) }
        try run?.record(charged)
        chargedTo = done + ahead
    }

    private func write(_ path: String, _ ledger: Ledger, done: Int) throws {
        try ModelFile.write(.checkpoint, to: path) { root in
            try plan.write(to: root)
            try ledger.write(to: root)
            try root.string("run", runID)
            if let run {
                try root.group("shared_budget") { g in
                    try g.string("budget", run.budget.id)
                    try g.string("token", run.token)
                }
            }
            try root.scalar("steps_done", Int64(done))
            try statistics?.write(to: root, plan: plan)
            try plan.write(pairs: pairs, to: root)
            try marginals?.write(to: root)
            if let tilt { try root.group("tilt") { try tilt.write(to: $0) } }
            try tuned?.write(to: root, "finetuned")
            try autoencoder?.write(to: root, "autoencoder")
            try independence?.write(to: root)
            try alignment?.write(to: root)
            try diffusion?.write(to: root, "diffusion")
            if let calibrated { try root.group("calibrated") { try calibrated.parameters.write(to: $0) } }
        }
    }

    /// Continues a checkpoint. The caller vouches that `table` is the one it was begun on. Batches and noise are drawn anew.
    /// - Parameter shared: the budget that the training was begun under, nil when it was begun under none.
    /// - Throws: `.io`, `.format`, `.version` for files that cannot be trusted; `.schema` when the table is not the plan's;
    ///   `.budget` when the charge for the first release was made but its result was lost; `.state` for another budget, and when the
    ///   checkpoint is not the last of its run.
    package static func resume(_ path: String, table: Table, shared: SharedBudget? = nil) throws -> Trainer {
        let trainer = try ModelFile.read(.checkpoint, path) { root in
            let plan = try Plan.read(from: root)
            var ledger = try Ledger.read(from: root, plan: plan)
            let done = Int(clamping: try root.scalar("steps_done", as: Int64.self))
            guard (0...plan.totalSteps).contains(done) else { throw Failure(.format, "steps_done: not of this plan") }
            ledger.assume("the table of a resumed training is the one it was begun on")
            // A new key and new batches; in test mode another deterministic stream.
            let random = try plan.settings.testSeed.map { SecureRandom(testSeed: $0 &+ UInt64(done) &* 0x9E37_79B9_7F4A_7C15) } ?? SecureRandom()
            let t = try Trainer(plan: plan, table: table, ledger: ledger, random: random, runID: root.string("run", maxBytes: 64))
            t.done = done
            try t.restore(root)
            try plan.check(ledger, statistics: t.statistics, done: done)
            let place = root.has("shared_budget") ? try root.group("shared_budget") : nil
            guard try place?.string("budget", maxBytes: 64) == shared?.id else {
                throw Failure(.state, place == nil ? "\(path): this training was not begun under a shared budget"
                    : shared == nil ? "\(path): this training spends from a shared budget: resume it under that one" : "\(path): this training spends from another budget")
            }
            if let place, let shared { t.run = try SharedRun(shared, id: t.runID, resuming: place.string("token", maxBytes: 64), ledger) }
            return t
        }
        (trainer.file, trainer.chargedTo) = (path, trainer.done)
        // From here on this file alone goes on: another copy of it does not know the new name.
        if trainer.run != nil { try trainer.write(path, trainer.ledger, done: trainer.done) }
        return trainer
    }

    private func restore(_ root: GroupReader) throws {
        guard root.has("released") else {
            // Nothing was released yet, or it was charged for and lost: a second histogram release would break the promise.
            guard done == 0 else { throw Failure(.budget, "the first release was lost in a crash; its charge stays, and this training cannot be finished") }
            return
        }
        try begin(with: Statistics.read(from: root, plan: plan))
        if plan.isBest {
            if plan.selects, root.has("selected_pairs") { pairs = try plan.readPairs(root) }
            if root.has("marginals"), let statistics {
                marginals = try ReleasedMarginals.read(from: root, requests: requests(), levels: statistics.levels)
            }
            // What was charged for and lost cannot be bought again.
            let bought = plan.steps[..<Plan.Stage.projection.rawValue].reduce(0, +)
            guard marginals != nil || done < bought, pairs != nil || !plan.selects || done < 2 else { throw Self.lost }
            if root.has("tilt"), let statistics { tilt = try Tilt.read(from: root.group("tilt"), levels: statistics.levels, columns: plan.tiltColumns(requests())) }
        }
        try autoencoder?.read(from: root, "autoencoder")
        if root.has("independence"), let autoencoder { try releasedAlignment(projectedRows(), autoencoder.network)?.read(from: root, network: autoencoder.network) }
        if let autoencoder { try alignment?.read(from: root, network: autoencoder.network) }
        if root.has("finetuned"), let autoencoder {
            tuned = try NetworkFit(autoencoder.averaged())
            try tuned?.read(from: root, "finetuned")
        }
        if root.has("diffusion") {
            _ = try finishedAutoencoder()
            try diffusion?.read(from: root, "diffusion")
        }
        if root.has("calibrated") {
            let vae = try finishedAutoencoder().copy()
            try vae.parameters.read(from: root.group("calibrated"))
            calibrated = vae
        }
        if isFinished, calibrated == nil || (plan.steps[Plan.Stage.rake.rawValue] > 0 && tilt == nil) { throw Failure(.format, "checkpoint: finished, but without its result") }
    }
}

extension PrivateAlignment {
    private var state: [(String, Buffer<Double>)] {
        [("moments", moments.moments), ("mass", moments.mass), ("energy", moments.energy), ("expected", moments.expected), ("counts", moments.counts)]
    }

    func write(to root: GroupWriter) throws {
        try root.group("alignment") { g in
            for (name, b) in state { try g.tensor(name, shape: [b.count], b, axes: name == "moments" ? "pools of groups by numbers of a row's moments" : "pools of groups") }
            if let anchor { try g.group("anchor") { try anchor.parameters.write(to: $0) } }
        }
    }

    /// A stage that is over has left nothing.
    func read(from root: GroupReader, network: VAE) throws {
        guard root.has("alignment") else { return }
        let g = try root.group("alignment")
        for (name, b) in state {
            let kept = try g.tensor(name, shape: [b.count], as: Double.self)
            for i in 0..<b.count { b[i] = kept[i] }
        }
        try moments.checkState()
        if g.has("anchor") {
            let frozen = try network.copy()
            try frozen.parameters.read(from: g.group("anchor"))
            anchor = frozen
        }
    }
}

extension NetworkFit {
    func write(to root: GroupWriter, _ name: String) throws {
        try root.group(name) { g in
            try g.group("weights") { try network.parameters.write(to: $0) }
            try g.tensor("average", shape: [average.count], average)
            try g.tensor("adam_first", shape: [average.count], adam.first)
            try g.tensor("adam_second", shape: [average.count], adam.second)
            try g.scalar("updates", Int64(adam.steps))
        }
    }

    func read(from root: GroupReader, _ name: String) throws {
        let g = try root.group(name)
        try network.parameters.read(from: g.group("weights"))
        for (part, target) in [("average", average), ("adam_first", adam.first), ("adam_second", adam.second)] {
            try g.tensor(part, shape: [target.count], into: target.base)
            for i in 0..<target.count where !target.base[i].isFinite { throw Failure(.format, "\(name): a value is not finite") }
        }
        let updates = try g.scalar("updates", as: Int64.self)
        guard (0...1_000_000).contains(updates) else { throw Failure(.format, "\(name): updates out of range") }
        adam.steps = Int(updates)
    }
}
