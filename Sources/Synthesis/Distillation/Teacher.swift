// The networks that learned from private rows, as teachers. They were released under the guarantee, so that everything
// made from them is free. Their rows are in TaughtRows.swift.

import Basics
import Networks
import Storage

struct Teacher: Sendable {
    static let group = "teacher"
    let autoencoder: VAE
    let denoiser: Denoiser?

    func write(to root: GroupWriter) throws {
        try root.group(Self.group) { g in
            try g.group("autoencoder") { try autoencoder.parameters.write(to: $0) }
            if let denoiser { try g.group("diffusion") { try denoiser.parameters.write(to: $0) } }
        }
    }

    /// - Parameter statistics: of any view.
    /// - Throws: `.format` for weights that are not those of the plan's networks.
    static func read(from root: GroupReader, plan: Plan, _ statistics: Statistics) throws -> Teacher {
        let own = plan.teacher, g = try root.group(group)
        let vae = try VAE(shape: own.autoencoderShape(levels: statistics.seen(by: own).modelledLevels), seed: 0)
        try vae.parameters.read(from: g.group("autoencoder"))
        guard own.settings.diffusion.enabled else { return Teacher(autoencoder: vae, denoiser: nil) }
        let denoiser = try own.makeDenoiser(latent: vae.latentCount)
        try denoiser.parameters.read(from: g.group("diffusion"))
        return Teacher(autoencoder: vae, denoiser: denoiser)
    }
}
