// A model as a file or as bytes: the same content. Loading checks everything against the plan before anything is used.

import Basics
import Networks
import Privacy
import Projection
import Storage

extension Model {
    /// The saved file as bytes; the same model always gives the same bytes.
    package func bytes() throws -> Buffer<UInt8> { try ModelFile.bytes(.model, write) }

    /// Writes the file in one move: the old one or the new one, never half of it.
    /// - Throws: `.io` naming path and cause.
    package func save(_ path: String) throws { try ModelFile.write(.model, to: path, write) }

    private func write(to root: GroupWriter) throws {
        try plan.write(to: root)
        try ledger.write(to: root)
        try statistics.write(to: root, plan: plan)
        try root.group("weights") { w in
            try w.group("autoencoder") { try autoencoder.parameters.write(to: $0) }
            if let denoiser { try w.group("diffusion") { try denoiser.parameters.write(to: $0) } }
            if let latents {
                try w.tensor("latent_mean", shape: [latents.mean.count], latents.mean)
                try w.tensor("latent_deviation", shape: [latents.mean.count], latents.deviation)
            }
        }
        if let marginals {
            try plan.write(pairs: pairs, to: root)
            try marginals.write(to: root)
        }
        if let tilt { try root.group("tilt") { try tilt.write(to: $0) } }
    }

    /// - Throws: `.io`, `.format`, `.version` for files that cannot be trusted, `.noMemory`.
    package static func load(_ path: String) throws -> Model { try ModelFile.read(.model, path, read) }
    package static func load(_ bytes: UnsafeRawBufferPointer) throws -> Model { try ModelFile.read(.model, bytes: bytes, read) }

    private static func read(_ root: GroupReader) throws -> Model {
        let plan = try Plan.read(from: root)
        let ledger = try Ledger.read(from: root, plan: plan)
        let statistics = try Statistics.read(from: root, plan: plan)
        try plan.check(ledger, statistics: statistics, done: plan.totalSteps)
        let weights = try root.group("weights")
        let autoencoder = try VAE(shape: plan.autoencoderShape(levels: statistics.modelledLevels), seed: 0)
        try autoencoder.parameters.read(from: weights.group("autoencoder"))
        var denoiser: Denoiser?
        if plan.settings.diffusion.enabled {
            denoiser = try plan.makeDenoiser(latent: autoencoder.latentCount)
            try denoiser?.parameters.read(from: weights.group("diffusion"))
        }
        guard plan.isBest else { return Model(plan: plan, ledger: ledger, statistics: statistics, autoencoder: autoencoder, denoiser: denoiser) }
        let pairs = try plan.readPairs(root), requests = plan.marginalRequests(pairs: pairs)
        let marginals = try ReleasedMarginals.read(from: root, requests: requests, levels: statistics.levels)
        var scale: LatentScale?
        if denoiser != nil {
            let L = autoencoder.latentCount
            scale = LatentScale(mean: Array(try weights.tensor("latent_mean", shape: [L], as: Float.self)), deviation: Array(try weights.tensor("latent_deviation", shape: [L], as: Float.self)))
            guard let scale, scale.mean.allSatisfy(\.isFinite), scale.deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else { throw Failure(.format, "latent scale: out of range") }
        }
        let tilt = plan.settings.rake.enabled ? try Tilt.read(from: root.group("tilt"), levels: statistics.levels, columns: plan.tiltColumns(requests)) : nil
        return Model(plan: plan, ledger: ledger, statistics: statistics, marginals: marginals, pairs: plan.selects ? pairs : nil, autoencoder: autoencoder, denoiser: denoiser, latents: scale, tilt: tilt)
    }
}
