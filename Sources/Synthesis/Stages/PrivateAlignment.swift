// Alignment of the groups under DP-SGD: which activations are looked at, what one row adds to the moments of its group,
// and how the moments released so far pull on the rows of this step. Formulas: docs/FAIRNESS.md, "On private rows"; the
// release is one with the gradient of its batch (PrivateSteps.swift). A row's part depends on that row and on released
// values alone: the moments of this very step are not among them.

import Alignment
import Basics
import Networks
import Privacy
import Storage

final class PrivateAlignment {
    /// One kind of activations at which groups are aligned.
    enum Site { case latent, decoder, head(Int) }

    let moments: MomentAlignment
    let pools: Pools
    let sites: [Site]
    let usesDecoder: Bool, usesHeads: Bool
    /// The autoencoder as phase 1 left it; nil before, or without an anchor.
    var anchor: VAE?
    /// Whether the terms pull in this step.
    private(set) var isActive = false
    private let options: AlignmentSettings, strength: Double
    private let weights: [AlignmentWeights]
    /// Where each site's activations and its part of a row's moments start.
    fileprivate let places: [(activations: Int, moments: Int, size: Int, width: Int)]
    /// Logits are looked at from the log of the released shares: what all rows have in common would fill the ball.
    fileprivate let centre: [Float]

    /// - Throws: `.argument`, `.noMemory`.
    init(plan: Plan, statistics: Statistics, network: VAE, pools: Pools) throws {
        let o = plan.settings.alignment, shape = network.shape
        (options, strength, self.pools) = (o, plan.strength, pools)
        var sites: [Site] = [], shapes: [AlignmentSite] = [], weights: [AlignmentWeights] = [], starts: [Int] = []
        func want(_ site: Site, _ width: Int, _ w: AlignmentFactors, at start: Int, over number: Int = 1) {
            guard w.isWanted else { return }
            var s = AlignmentSite(width: width)
            let part = 1 / Float(number).squareRoot()
            s.reach = Float(o.reach)
            (s.linear, s.fourier, s.covariance) = (w.mean > 0 || w.covariance > 0 ? part : 0, w.fourier > 0 ? part : 0,
                                                   w.covariance > 0 ? part : 0)
            s.seed = plan.settings.seed &+ UInt64(sites.count)
            sites.append(site)
            shapes.append(s)
            starts.append(start)
            weights.append(AlignmentWeights(mean: Float(w.mean) / Float(number),
                                            fourier: Float(w.fourier) / Float(number),
                                            covariance: Float(w.covariance) / Float(number)))
        }
        want(.latent, network.latentCount, o.sites.latent, at: 0)
        want(.decoder, shape.columns * shape.width, o.sites.decoder, at: 0)
        var first = 0
        for (t, K) in shape.levels.enumerated() {
            // As many numbers and sites as moments have room for; what is beyond is not aligned at its head.
            if K <= 4096, t < 4000 { want(.head(t), K, o.sites.heads, at: first, over: shape.columns) }
            first += K
        }
        let features = try MomentFeatures(sites: shapes)
        var options = MomentAlignmentOptions()
        options.decay = o.decay
        moments = try MomentAlignment(features, groups: pools.counts.count, options: options)
        var at = 0
        places = sites.indices.map { i in
            defer { at += features.size(site: i) }
            return (starts[i], at, features.size(site: i), shapes[i].width)
        }
        (self.sites, self.weights) = (sites, weights)
        (usesDecoder, usesHeads) = (o.sites.decoder.isWanted, o.sites.heads.isWanted)
        centre = statistics.modelled.flatMap { $0.binShare.map(Statistics.logShare) }
    }

    /// Numbers of a joint release beside the gradient: every pool's moments.
    var length: Int { pools.counts.count * moments.features.count }

    /// Fixes how the groups pull at step t, from what was released in the steps before. - averaged: the network so far.
    func prepare(step t: Int, averaged: () throws -> VAE) throws {
        isActive = t >= options.start
        guard isActive else { return }
        if options.anchor > 0, anchor == nil { anchor = try averaged() }
        let ramp = Float(strength * warmUpFactor(t - options.start, over: options.ramp))
        _ = moments.prepare(sites: weights.map { $0.scaled(ramp) })
    }

    /// Takes this step's released moments into the average.
    func update(_ released: Buffer<Float>, _ b: Batches) {
        let firsts = pools.counts.indices.map { p in pools.of.firstIndex(of: p) ?? 0 }
        moments.update(sums: released.base, rates: firsts.map { b.rates[$0] }, counts: pools.counts,
                       standardDeviation: b.momentNoise, bounds: firsts.map { b.momentClips[$0] })
    }

    fileprivate var anchorWeight: Float { isActive && anchor != nil ? Float(options.anchor) : 0 }
}

/// One worker's memory for it.
final class AlignmentSpace {
    let hooks: ActivationHooks
    /// Σ R_g u over a micro-batch: [pools][count].
    let sum: Buffer<Float>
    private let row, anchorMean, anchorVariance: Buffer<Float>
    private let scratch: MomentScratch

    init(_ a: PrivateAlignment, _ network: VAE, rows: Int) throws {
        hooks = try ActivationHooks(network, decoded: a.usesDecoder, logits: a.usesHeads)
        sum = try Buffer(count: a.length, for: "group moments")
        row = try Buffer(count: a.moments.features.count, for: "group moments")
        anchorMean = try Buffer(count: rows * network.latentCount, for: "latents")
        anchorVariance = try Buffer(count: rows * network.latentCount, for: "latents")
        scratch = try MomentScratch(a.moments.features)
    }

    func wipe() {
        hooks.wipe()
        for b in [sum, row, anchorMean, anchorVariance] { for i in b.indices { b.base[i] = 0 } }
    }

    /// Before the pass over a micro-batch.
    func begin(_ a: PrivateAlignment, _ rows: CodeRows, _ scratch: VAEScratch) {
        for i in sum.indices { sum.base[i] = 0 }
        if let anchor = a.anchor {
            anchor.encode(rows, mean: anchorMean.base, logVariance: anchorVariance.base, scratch)
        }
    }

    /// Rows first ..< first + n: each adds its vector, no longer than R_g, to its group's moments, and is pulled by
    /// those released before.
    /// - groups: of all rows of the micro-batch, as declared. bounds: R_g. weights: factors that the rows' gradients
    ///   will get.
    func add(_ a: PrivateAlignment, first: Int, count n: Int, groups: UnsafePointer<Int32>, bounds: [Double],
             weights: UnsafePointer<Float>) {
        let D = a.moments.features.count, Z = hooks.latentCount
        for i in 0..<n {
            let g = Int(groups[first + i]), pool = a.pools.of[g], bound = Float(bounds[g])
            if hooks.logitCount > 0 {
                for k in 0..<hooks.logitCount { hooks.logits.base[i * hooks.logitCount + k] -= a.centre[k] }
            }
            for (k, site) in a.sites.enumerated() {
                let place = a.places[k], activations: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>
                switch site {
                case .latent: (activations, gradient) = (hooks.mean.base + i * Z, hooks.dMean.base + i * Z)
                case .decoder: (activations, gradient) = (hooks.decoded.base + i * hooks.decodedCount,
                                                          hooks.dDecoded.base + i * hooks.decodedCount)
                case .head:
                    let at = i * hooks.logitCount + place.activations
                    (activations, gradient) = (hooks.logits.base + at, hooks.dLogits.base + at)
                }
                a.moments.features.features(site: k, activations, into: row.base + place.moments, scratch)
                guard a.isActive else { continue }
                a.moments.rowGradient(site: k, activations, group: pool, into: gradient, scratch)
                // The terms already weigh groups alike: what undoes the balance of the other losses must not reach
                // them.
                if weights[first + i] != 1, weights[first + i] > 0 {
                    for l in 0..<place.width { gradient[l] /= weights[first + i] }
                }
            }
            let to = sum.base + pool * D
            for d in 0..<D { to[d] += bound * row.base[d] }
            if a.anchorWeight > 0 {
                _ = Anchor.distance(mean: hooks.mean.base + i * Z, logVariance: hooks.logVariance.base + i * Z,
                                    from: anchorMean.base + (first + i) * Z,
                                    anchorVariance.base + (first + i) * Z, count: Z, weight: a.anchorWeight,
                                        dMean: hooks.dMean.base + i * Z,
                                    dLogVariance: hooks.dLogVariance.base + i * Z)
            }
        }
    }
}

extension PrivateAlignment {
    private var state: [(String, Buffer<Double>)] {
        [("moments", moments.moments), ("mass", moments.mass), ("energy", moments.energy),
         ("expected", moments.expected), ("counts", moments.counts)]
    }

    func write(to root: GroupWriter) throws {
        try root.group("alignment") { g in
            for (name, b) in state {
                try g.tensor(name, shape: [b.count], b, axes: name == "moments"
                    ? "pools of groups by numbers of a row's moments" : "pools of groups")
            }
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
