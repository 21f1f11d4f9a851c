// Independence of latent and group while the autoencoder learns from released rows: exact terms on each batch, an adversary, and an anchor.
// Nothing here is private, so the terms couple rows as they like (BatchAlignment), a classifier may look for the group (GroupAdversary), and
// every group has the same number of rows in a batch, whatever its size: rows weigh as much as their group is short or long of that. Free.

import Alignment
import Basics
import Glibc
import Networks
import Storage

final class ReleasedAlignment {
    private let options: Settings.Independence, strength: Double
    private let rows: ProjectedRows, groups: ProjectedGroups
    private let terms: BatchAlignment
    let adversary: GroupAdversary?
    /// The encoder as phase 1 left it; nil before, or without an anchor.
    var anchor: VAE?
    private let latent: Int, batch: Int
    private let balanced: Bool

    /// Of one batch: groups [n], weights of the rows [n], posteriors and a draw from each [n][L], posterior means that phase 1 had [n][L].
    let group: Buffer<Int32>
    let weight, mean, logVariance, z, mean0: Buffer<Float>
    /// d terms / d latent for a loss that is summed over rows: [n][L]. Divided by the row's weight, which will multiply it.
    let push: Buffer<Float>

    init(plan: Plan, rows: ProjectedRows, groups: ProjectedGroups, network: VAE) throws {
        let n = plan.settings.autoencoder.batch, L = network.latentCount
        (options, strength, self.rows, self.groups, latent, batch) = (plan.settings.independence, plan.strength, rows, groups, L, n)
        balanced = groups.present.count * Self.leastRows <= n
        var o = BatchAlignmentOptions()
        o.seed = plan.settings.seed
        terms = try BatchAlignment(groups: groups.count, latent: L, capacity: n, options: o)
        adversary = options.adversary > 0 && groups.count > 1 ? try GroupAdversary(groups: groups.count, latent: L, capacity: n, seed: plan.settings.seed) : nil
        group = try Buffer(count: n, for: "a batch's groups")
        weight = try Buffer(count: n, for: "a batch's groups")
        mean = try Buffer(count: n * L, for: "a batch's latents")
        logVariance = try Buffer(count: n * L, for: "a batch's latents")
        z = try Buffer(count: n * L, for: "a batch's latents")
        mean0 = try Buffer(count: options.anchor > 0 ? n * L : 0, for: "a batch's latents")
        push = try Buffer(count: n * L, for: "a batch's latents")
    }

    /// Below so many rows of each group in a batch groups are drawn as often as they are in the table.
    private static let leastRows = 16

    /// The group of row `i` of a batch; nil: drawn by its share.
    func wanted(_ i: Int) -> Int? { balanced ? groups.present[i % groups.present.count] : nil }

    /// Of a row of group g, so that weighted sums over a batch are those over the table.
    func weight(of g: Int) -> Float { balanced ? Float(groups.shares[g] * Double(groups.present.count)) : 1 }

    /// Part of the terms' weight that is in force.
    func ramp(_ t: Int) -> Double { t < options.start ? 0 : warmth(t - options.start, over: options.ramp) * strength }

    /// Freezes the anchor when phase 2 begins.
    func begin(step t: Int, _ vae: VAE) throws {
        if options.anchor > 0, t >= options.start, anchor == nil { anchor = try vae.copy() }
    }

    /// Fills `push` from `mean`, `logVariance` and the rows' own normals. - normals: [n][L].
    func pull(step t: Int, normals: UnsafePointer<Float>) throws {
        let n = batch, L = latent, ramp = ramp(t)
        for i in 0..<n * L {
            z[i] = mean[i] + exp(0.5 * logVariance[i]) * normals[i]
            push[i] = 0
        }
        guard ramp > 0 else { return }
        let scale = Float(ramp) * Float(n)
        let weights = AlignmentWeights(mean: Float(options.mean), discrepancy: Float(options.discrepancy), fourier: Float(options.fourier), covariance: Float(options.covariance))
        _ = try terms.gradient(z.base, groups: group.base, count: n, weights: weights.scaled(scale), into: push.base)
        if let adversary {
            _ = try adversary.train(z.base, groups: group.base, count: n, steps: options.adversarySteps)
            _ = try adversary.gradient(z.base, groups: group.base, count: n, weight: Float(options.adversary) * scale, into: push.base)
        }
        for i in 0..<n {
            let w = weight[i] > 0 ? 1 / weight[i] : 0
            for l in i * L..<(i + 1) * L { push[l] *= w }
        }
        // The anchor is a row's own and weighs as the row does. Of the squared Wasserstein-2 distance the part of the means.
        if anchor != nil {
            let a = Float(options.anchor * min(ramp, 1)) * 2
            for i in 0..<n * L { push[i] += a * (mean[i] - mean0[i]) }
        }
    }

    func write(to root: GroupWriter) throws {
        try root.group("independence") { g in
            if let anchor { try g.group("anchor") { try anchor.parameters.write(to: $0) } }
            guard let a = adversary else { return }
            for (name, b) in Self.parts(a) { try g.tensor(name, shape: [b.count], b) }
            try g.scalar("adversary_steps", Int64(a.steps))
        }
    }

    func read(from root: GroupReader, network: VAE) throws {
        guard root.has("independence") else { return }
        let g = try root.group("independence")
        if g.has("anchor") {
            let frozen = try network.copy()
            try frozen.parameters.read(from: g.group("anchor"))
            anchor = frozen
        }
        guard let a = adversary else { return }
        for (name, b) in Self.parts(a) {
            try g.tensor(name, shape: [b.count], into: b.base)
            for i in b.indices where !b.base[i].isFinite { throw Failure(.format, "independence: a value is not finite") }
        }
        let steps = try g.scalar("adversary_steps", as: Int64.self)
        guard (0...1 << 40).contains(steps) else { throw Failure(.format, "independence: steps out of range") }
        a.steps = Int(steps)
    }

    private static func parts(_ a: GroupAdversary) -> [(String, Buffer<Float>)] {
        [("adversary", a.weights), ("adversary_first", a.firstMoment), ("adversary_second", a.secondMoment)]
    }
}
