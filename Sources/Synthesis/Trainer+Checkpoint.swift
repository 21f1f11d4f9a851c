// Checkpoints: weights, optimiser, ledger and a run name; no row, batch, key or row count. A file written by `checkpoint` is bound
// to its trainer: before any further step is drawn the file is charged for a block of steps ahead, so that what a crash loses
// stays charged and the resumed run does that many steps fewer. A second `checkpoint` (a clean stop) writes the true count.

import Basics
import Networks
import Privacy
import Storage
import Tables

extension Trainer {
    /// Writes the state after the last finished step, in one move, and binds the file to this trainer.
    /// - Throws: `.io`, `.noMemory`; the trainer and an older file are unharmed.
    package func checkpoint(_ path: String) throws {
        try write(path, ahead: 0)
        file = (path, done)
    }

    /// Called before every step: nothing is drawn that the bound file has not been charged for.
    func chargeAhead() throws {
        guard let file, done >= file.chargedTo else { return }
        let (stage, step) = place(of: done)
        let ahead = min(plan.settings.checkpointBlock, plan.steps[stage.rawValue] - step)
        try write(file.path, ahead: ahead)
        self.file = (file.path, done + ahead)
    }

    /// The release that one step of `stage` makes; nil when the stage makes none.
    private func release(_ stage: Plan.Stage, count: Int) -> Ledger.Release? {
        func one(_ rate: Double, _ sigma: Double) -> Ledger.Release {
            .init(name: stage.name, count: count, groups: [.init(group: Plan.group, samplingRate: rate, noiseMultiplier: sigma)])
        }
        let rows = statistics?.rows ?? 1
        switch stage {
        case .histograms: return one(1, plan.histogramNoise)
        case .autoencoder: return one(Plan.rate(batch: plan.settings.autoencoder.batch, rows: rows), noise.autoencoder)
        case .diffusion: return one(Plan.rate(batch: plan.settings.diffusion.batch, rows: rows), noise.diffusion)
        case .calibration: return nil
        }
    }

    private func write(_ path: String, ahead: Int) throws {
        var ledger = self.ledger
        if ahead > 0, let r = release(place(of: done).stage, count: ahead) { try ledger.charge(r) }
        try ModelFile.write(.checkpoint, to: path) { root in
            try plan.write(to: root)
            try ledger.write(to: root)
            try root.string("run", runID)
            try root.scalar("steps_done", Int64(done + ahead))
            guard let statistics, let autoencoder else { return }
            try statistics.write(to: root, plan: plan)
            try autoencoder.write(to: root, "autoencoder")
            try diffusion?.write(to: root, "diffusion")
            if let calibrated { try root.group("calibrated") { try calibrated.parameters.write(to: $0) } }
        }
    }

    /// Continues a checkpoint. The caller vouches that `table` is the one it was begun on. Batches and noise are drawn anew.
    /// - Throws: `.io`, `.format`, `.version` for files that cannot be trusted; `.schema` when the table is not the plan's;
    ///   `.budget` when the charge for the first release was made but its result was lost.
    package static func resume(_ path: String, table: Table) throws -> Trainer {
        let trainer = try ModelFile.read(.checkpoint, path) { root in
            let plan = try Plan.read(from: root)
            let ledger = try Ledger.read(from: root, plan: plan)
            let done = Int(clamping: try root.scalar("steps_done", as: Int64.self))
            guard (0...plan.totalSteps).contains(done) else { throw Failure(.format, "steps_done: not of this plan") }
            // A new key and new batches; in test mode another deterministic stream.
            let random = try plan.settings.testSeed.map { SecureRandom(testSeed: $0 &+ UInt64(done) &* 0x9E37_79B9_7F4A_7C15) } ?? SecureRandom()
            let t = try Trainer(plan: plan, table: table, ledger: ledger, random: random, runID: root.string("run", maxBytes: 64))
            t.done = done
            try t.restore(root)
            return t
        }
        trainer.file = (path, trainer.done)
        return trainer
    }

    private func restore(_ root: GroupReader) throws {
        guard root.has("released") else {
            // Nothing was released yet, or it was charged for and lost: a second histogram release would break the promise.
            guard done == 0 else { throw Failure(.budget, "the first release was lost in a crash; its charge stays, and this training cannot be finished") }
            return
        }
        try begin(with: Statistics.read(from: root, plan: plan))
        try autoencoder?.read(from: root, "autoencoder")
        if place(of: done).stage.rawValue > Plan.Stage.autoencoder.rawValue || isFinished { try finishAutoencoder() }
        if root.has("diffusion") { try diffusion?.read(from: root, "diffusion") }
        if root.has("calibrated"), let vae = try encoderForDiffusion?.copy() {
            try vae.parameters.read(from: root.group("calibrated"))
            calibrated = vae
        }
        guard !isFinished || calibrated != nil else { throw Failure(.format, "checkpoint: finished, but without its result") }
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
