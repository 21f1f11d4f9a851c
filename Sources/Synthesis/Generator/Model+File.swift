// A model as a file or as bytes: the same content. Loading checks everything against the plan before anything is used.

import Basics
import Privacy
import Storage

extension Model {
    /// The saved file as bytes; the same model always gives the same bytes.
    package func bytes() throws -> Buffer<UInt8> { try ModelFile.bytes(.model, write) }

    /// Writes the file in one move: the old one or the new one, never half of it.
    /// - Throws: `.io` naming path and cause.
    package func save(_ path: String) throws { try ModelFile.write(.model, to: path, write) }

    private func write(to root: GroupWriter) throws {
        try plan.write(to: root)
        try ledger.write(to: root, risk: true)
        try statistics.write(to: root, plan: plan)
        let stages = try activeStages(plan)
        if generator.autoencoder != nil {
            try root.group("weights") { w in for stage in stages { try stage.write(generator, weights: w) } }
        }
        for stage in stages { try stage.write(generator, of: plan, to: root) }
    }

    /// - Throws: `.io`, `.format`, `.version` for files that cannot be trusted, `.noMemory`.
    package static func load(_ path: String) throws -> Model { try ModelFile.read(.model, path, read) }
    package static func load(_ bytes: UnsafeRawBufferPointer) throws -> Model {
        try ModelFile.read(.model, bytes: bytes, read)
    }

    private static func read(_ root: GroupReader) throws -> Model {
        let plan = try Plan.read(from: root)
        let ledger = try Ledger.read(from: root, plan: plan)
        let statistics = try Statistics.read(from: root, plan: plan)
        try plan.check(ledger, statistics: statistics, done: plan.totalSteps)
        let weights = root.has("weights") ? try root.group("weights") : nil
        var generator = Generator(statistics: statistics)
        for stage in try activeStages(plan) { try stage.read(&generator, of: plan, from: root, weights: weights) }
        try generator.barHeads(plan)
        return Model(plan: plan, ledger: ledger, generator: generator)
    }
}

/// The stages that a plan carries out.
private func activeStages(_ plan: Plan) throws -> [any Stage] {
    zip(try plan.recipe(), plan.stages).filter { $1.steps > 0 }.map { $0.0 }
}
