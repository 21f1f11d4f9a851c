// Independence of latent and group while the autoencoder learns from released rows: exact terms on each batch, an
// adversary, and an anchor. Nothing here is private. The terms may couple rows (BatchAlignment), and a classifier may
// learn the group (GroupAdversary). Every group has the same number of rows in a batch, whatever its size; the weight
// of a row undoes that. Free.

import Alignment
import Basics
import Glibc
import Networks
import Projection
import Storage

/// One kind of activations of all rows of a batch, and the terms' gradient by them.
private final class ReleasedSite {
    /// Numbers of a row, where they start among all logits, and how many those are; nil: the decoder's activations, or
    /// the latent.
    let width: Int, logits: Int?, stride: Int
    let weights: AlignmentWeights
    /// [n][width]. The gradient is of a loss that is summed over rows, divided by the row's weight, which will multiply
    /// it.
    let activations, termGradient: Buffer<Float>
    private let terms: BatchAlignment

    /// - number: sites that share the factors `w`.
    init(_ plan: Plan, groups: Int, width: Int, logits: Int? = nil, of stride: Int = 0, _ w: AlignmentFactors,
         over number: Int = 1) throws {
        let n = plan.settings.autoencoder.batch
        (self.width, self.logits, self.stride, weights) = (width, logits, stride, w.terms.scaled(1 / Float(number)))
        terms = try BatchAlignment(groups: groups, latent: width, capacity: n, options: plan.options(w))
        activations = try Buffer(count: n * width, for: "a batch's activations")
        termGradient = try Buffer(count: n * width, for: "a batch's activations")
    }

    /// Fills `termGradient`. - Returns: the terms' weighted sum, before `scale`.
    func computeGradient(groups: UnsafePointer<Int32>, count n: Int, scale: Float) throws -> Double {
        for i in termGradient.indices { termGradient.base[i] = 0 }
        guard scale > 0 else { return 0 }
        return try terms.gradient(activations.base, groups: groups, count: n, weights: weights.scaled(scale),
                                  into: termGradient.base).weighted(weights)
    }

    /// Calls `body` with a row's part of `own` [n][width] and of the hooks, for rows at ..< at + n of the batch.
    func exchange(_ own: Buffer<Float>, _ at: Int, _ n: Int, _ decoded: Buffer<Float>, _ all: Buffer<Float>,
                  _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void) {
        for i in 0..<n {
            body(own.base + (at + i) * width, logits.map { all.base + i * stride + $0 } ?? decoded.base + i * width)
        }
    }

    func divide(by weight: Buffer<Float>) {
        for i in weight.indices {
            let w = weight[i] > 0 ? 1 / weight[i] : 0
            for k in i * width..<(i + 1) * width { termGradient.base[k] *= w }
        }
    }
}

extension AlignmentFactors {
    fileprivate var terms: AlignmentWeights {
        AlignmentWeights(mean: Float(mean), discrepancy: Float(discrepancy), fourier: Float(fourier),
                         covariance: Float(covariance))
    }
}

extension Plan {
    fileprivate func options(_ w: AlignmentFactors) -> BatchAlignmentOptions {
        var o = BatchAlignmentOptions()
        (o.seed, o.fourier, o.covariance) = (settings.seed, w.fourier > 0, w.covariance > 0)
        return o
    }

    /// Bytes of the alignment on released rows, and of the groups of the relaxed table.
    func independenceMemory(threads: Int) -> Int {
        let s = settings.independence, a = settings.autoencoder, n = a.batch, T = modelled.count, bins = modelled.map {
            maxBins[$0]
        }
        let L = a.latentKind == "pooled" ? a.latent : T * a.width
        func site(_ width: Int, _ w: AlignmentFactors) -> Int {
            BatchAlignment.memory(groups: groups.count, latent: width, capacity: n, options: options(w)) + 8 * n * width
        }
        var bytes = site(L, s.sites.latent) + n * (8 + 12 * L)
        if s.sites.decoder.isWanted { bytes += site(T * a.width, s.sites.decoder) }
        if s.sites.heads.isWanted { bytes += bins.reduce(0) { $0 + site($1, s.sites.heads) } }
        if alignsBehindTheLatent { bytes += threads * 64 * 3 * (2 * L + T * a.width + bins.reduce(0, +)) }
        if s.adversary > 0 { bytes += GroupAdversary.memory(groups: groups.count, latent: L, capacity: n) }
        let repair = s.repair > 0 ? 40 * groups.count * bins.reduce(0) { $0 + $1 + 1 } : 0
        let parity = self.parity > 0 ? RelaxedTable.parityMemory(levels: bins, rows: settings.projection.rows,
            groups: groups.count, options: parityOptions) + 4 * groups.count * settings.projection.rows : 0
        return bytes + 4 * groups.count * settings.projection.rows + max(repair, parity)
    }

    /// Whether groups are aligned at the decoder or the heads on released rows.
    var alignsBehindTheLatent: Bool {
        settings.independence.sites.decoder.isWanted || settings.independence.sites.heads.isWanted
    }
}

final class ReleasedAlignment {
    private let options: IndependenceSettings, strength: Double
    private let groups: GroupShares
    private let posterior: ReleasedSite, behind: [ReleasedSite]
    let adversary: GroupAdversary?
    /// The encoder as phase 1 left it; nil before, or without an anchor.
    var anchor: VAE?
    private let latent: Int, batch: Int
    private let balanced: Bool

    /// Of one batch: groups [n], weights of the rows [n], posteriors [n][L], posterior means that phase 1 had [n][L].
    let group: Buffer<Int32>
    let weight: Buffer<Float>
    private let mean, logVariance, mean0: Buffer<Float>
    /// d terms / d latent: [n][L], as `ReleasedSite.termGradient`.
    var termGradient: Buffer<Float> { posterior.termGradient }

    init(plan: Plan, groups: GroupShares, network: VAE) throws {
        let n = plan.settings.autoencoder.batch, L = network.latentCount, o = plan.settings.independence,
            shape = network.shape
        (options, strength, self.groups, latent, batch) = (o, plan.strength, groups, L, n)
        balanced = groups.present.count * Self.leastRows <= n
        posterior = try ReleasedSite(plan, groups: groups.count, width: L, o.sites.latent)
        var behind: [ReleasedSite] = [], first = 0
        if o.sites.decoder.isWanted {
            behind.append(try ReleasedSite(plan, groups: groups.count, width: shape.columns * shape.width,
                                           o.sites.decoder))
        }
        if o.sites.heads.isWanted {
            for K in shape.levels {
                behind.append(try ReleasedSite(plan, groups: groups.count, width: K, logits: first,
                                               of: shape.totalLevels, o.sites.heads, over: shape.columns))
                first += K
            }
        }
        self.behind = behind
        adversary = options.adversary > 0 && groups.count > 1 ? try GroupAdversary(groups: groups.count, latent: L,
            capacity: n, seed: plan.settings.seed) : nil
        group = try Buffer(count: n, for: "a batch's groups")
        weight = try Buffer(count: n, for: "a batch's groups")
        mean = try Buffer(count: n * L, for: "a batch's latents")
        logVariance = try Buffer(count: n * L, for: "a batch's latents")
        mean0 = try Buffer(count: options.anchor > 0 ? n * L : 0, for: "a batch's latents")
    }

    /// A worker's memory for activations; nil where the encoder's are enough.
    func hooks(_ vae: VAE) throws -> ActivationHooks? {
        behind.isEmpty ? nil : try ActivationHooks(vae, decoded: options.sites.decoder.isWanted,
                                           logits: options.sites.heads.isWanted)
    }

    /// Takes the activations of rows lo ..< lo + rows.count of the batch. - normals: [rows][L], those of their
    /// gradient.
    func collect(_ vae: VAE, _ rows: CodeRows, at lo: Int, normals: UnsafePointer<Float>, hooks: ActivationHooks?,
                 _ scratch: VAEScratch) {
        let L = latent
        anchor?.encode(rows, mean: mean0.base + lo * L, logVariance: nil, scratch)
        guard let hooks else {
            return vae.encode(rows, mean: mean.base + lo * L, logVariance: logVariance.base + lo * L, scratch)
        }
        vae.activations(rows, noise: normals, hooks: hooks, scratch) { first, n in
            let at = lo + first
            (self.mean.base + at * L).update(from: hooks.mean.base, count: n * L)
            (self.logVariance.base + at * L).update(from: hooks.logVariance.base, count: n * L)
            for site in self.behind {
                site.exchange(site.activations, at, n, hooks.decoded, hooks.logits) {
                    $0.update(from: $1, count: site.width)
                }
            }
        }
    }

    /// Adds the terms' gradients by what is behind the latent of rows at ..< at + n of the batch to those of `hooks`.
    func addTermGradients(to hooks: ActivationHooks, at: Int, count n: Int) {
        for site in behind {
            site.exchange(site.termGradient, at, n, hooks.dDecoded, hooks.dLogits) { own, hooked in
                for k in 0..<site.width { hooked[k] += own[k] }
            }
        }
    }

    /// Below so many rows of each group in a batch groups are drawn as often as they are in the table.
    private static let leastRows = 16

    /// The group of row `i` of a batch; nil: drawn by its share.
    func wanted(_ i: Int) -> Int? { balanced ? groups.present[i % groups.present.count] : nil }

    /// Of a row of group g, so that weighted sums over a batch are those over the table.
    func weight(of g: Int) -> Float { balanced ? Float(groups.shares[g] * Double(groups.present.count)) : 1 }

    /// Part of the terms' weight that is in force.
    func ramp(_ t: Int) -> Double {
        t < options.start ? 0 : warmUpFactor(t - options.start, over: options.ramp) * strength
    }

    /// Freezes the anchor when phase 2 begins.
    func begin(step t: Int, _ vae: VAE) throws {
        if options.anchor > 0, t >= options.start, anchor == nil { anchor = try vae.copy() }
    }

    /// Fills the gradients from what `collect` took and the rows' own normals [n][L].
    /// - Returns: the terms of all sites with their factors, without strength and ramp; 0 before phase 2.
    @discardableResult
    func computeTermGradients(step t: Int, normals: UnsafePointer<Float>) throws -> Double {
        let n = batch, L = latent, ramp = ramp(t), scale = Float(ramp) * Float(n), z = posterior.activations
        for i in 0..<n * L { z[i] = mean[i] + exp(0.5 * logVariance[i]) * normals[i] }
        let value = try ([posterior] + behind).reduce(0) {
            try $0 + $1.computeGradient(groups: group.base, count: n, scale: scale)
        }
        guard ramp > 0 else { return 0 }
        if let adversary {
            _ = try adversary.train(z.base, groups: group.base, count: n, steps: options.adversarySteps)
            _ = try adversary.gradient(z.base, groups: group.base, count: n, weight: Float(options.adversary) * scale,
                                       into: termGradient.base)
        }
        for site in [posterior] + behind { site.divide(by: weight) }
        // The anchor is a row's own and weighs as the row does. Of the squared Wasserstein-2 distance the part of the
        // means.
        if anchor != nil {
            let a = Float(options.anchor * min(ramp, 1)) * 2
            for i in 0..<n * L { termGradient[i] += a * (mean[i] - mean0[i]) }
        }
        return value
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
            for i in b.indices where !b.base[i].isFinite {
                throw Failure(.format, "independence: a value is not finite")
            }
        }
        let steps = try g.scalar("adversary_steps", as: Int64.self)
        guard (0...1 << 40).contains(steps) else { throw Failure(.format, "independence: steps out of range") }
        a.steps = Int(steps)
    }

    private static func parts(_ a: GroupAdversary) -> [(String, Buffer<Float>)] {
        [("adversary", a.weights), ("adversary_first", a.firstMoment), ("adversary_second", a.secondMoment)]
    }
}
