// What one step of each stage does. Private rows are touched by the door alone: a stage hands it a map of one micro-batch and
// gets a noisy sum back; from there on everything is post-processing.

import Basics
import Compute
import Glibc
import Networks
import Privacy

extension Trainer {
    static let microBatch = 64
    static let lost = Failure(.state, "an earlier release was refused or lost; its charge stays, and this training cannot be finished")

    func run(_ place: (stage: Plan.Stage, step: Int)) throws {
        switch place.stage {
        case .histograms: try releaseHistograms()
        case .selection: try selectPairs()
        case .marginals: try releaseMarginals()
        case .projection: _ = try projectedRows()
        case .autoencoder: try plan.isBest ? fitAutoencoder(place.step) : stepAutoencoder(place.step)
        case .finetuning: try tuneAutoencoder(place.step)
        case .diffusion: try plan.isBest ? fitDiffusion(place.step) : stepDiffusion(place.step)
        case .calibration: try calibrate()
        case .rake: try rake()
        }
    }

    private func releaseHistograms() throws {
        let (counts, groups) = try door.releaseHistograms(name: Plan.Stage.histograms.name, requests: plan.histograms, noiseMultiplier: plan.histogramNoise)
        try begin(with: Statistics(plan: plan, counts: counts, groupCounts: groups))
    }

    /// Everything that follows from the released statistics: noise of the later stages and starting weights.
    /// - Throws: `.budget` when δ is not below 1 over the released row count: judged after it was paid for, and no later stage begins.
    func begin(with statistics: Statistics) throws {
        self.statistics = statistics
        guard plan.delta < 1 / statistics.rows else { throw Failure(.budget, "delta: must be below 1 over the released row count") }
        sampled = try plan.batches(statistics.groupRows)
        let vae = try VAE(shape: plan.autoencoderShape(levels: statistics.modelledLevels), seed: plan.settings.seed)
        try vae.setHeadBiases(statistics.modelled.map { $0.binShare.map { Float(log(max($0, 1e-4))) } })
        autoencoder = try NetworkFit(vae)
        if plan.isAligned { alignment = try PrivateAlignment(plan: plan, statistics: statistics, network: vae, pools: plan.pools(statistics.groupRows)) }
    }

    private func stepAutoencoder(_ t: Int) throws {
        guard let fit = autoencoder else { throw Self.lost }
        let s = plan.settings.autoencoder
        try alignment?.prepare(step: t) { try fit.averaged() }
        try descend(fit, .autoencoder, alignment, rate: cosineRate(s.rate, step: t, of: s.steps))
    }

    /// Preset `best`: private steps from where the released rows led.
    private func tuneAutoencoder(_ t: Int) throws {
        let s = plan.settings.finetuning
        if tuned == nil {
            guard let fit = autoencoder else { throw Self.lost }
            tuned = try NetworkFit(fit.averaged())
        }
        guard let fit = tuned else { throw Self.lost }
        try descend(fit, .finetuning, nil, rate: cosineRate(s.rate, step: t, of: s.steps))
    }

    /// One DP-SGD step of the autoencoder; with `alignment` the groups' moments are a second block of the same release.
    private func descend(_ fit: NetworkFit<VAE>, _ stage: Plan.Stage, _ alignment: PrivateAlignment?, rate: Double) throws {
        guard let statistics, let b = sampled.first(where: { $0.stage == stage }) else { throw Self.lost }
        let s = plan.settings.autoencoder, vae = fit.network
        let spaces = try workspaces(statistics, vae, b)
        defer { spaces.forEach { $0.wipe() } }
        var blocks = [SumBlock(length: vae.parameters.trainable, clips: b.clips, noise: b.noise)]
        if let alignment { blocks.append(SumBlock(length: alignment.length, clips: b.momentClips, noise: b.momentNoise)) }
        let sums = try door.releaseSums(name: stage.name, blocks: blocks, rates: b.rates, microBatch: Self.microBatch, threads: threads) { rows, worker, out in
            let w = spaces[worker]
            w.encode(rows)
            rows.random.fillNormal(w.normals.base, rows.count * vae.latentCount)
            w.gradient(vae, alignment, rows, beta: Float(s.beta))
            out.add(w.sum.base)
            if let a = w.alignment { out.add(a.sum.base, block: 1) }
        }
        fit.update(sum: sums[0], divisor: b.divisor, rate: rate, average: s.average)
        if let alignment { alignment.update(sums[1], b) }
    }

    /// The averaged autoencoder is what the diffusion learns on: made when it is first needed, so that a lost last step loses only itself.
    func finishedAutoencoder() throws -> VAE {
        if let made = encoderForDiffusion { return made }
        guard let fit = tuned ?? autoencoder else { throw Self.lost }
        let averaged = try fit.averaged()
        cachedWorkspaces = nil
        alignment = nil
        batch = nil
        independence = nil
        if plan.settings.diffusion.enabled { diffusion = try NetworkFit(plan.makeDenoiser(latent: averaged.latentCount)) }
        encoderForDiffusion = averaged
        return averaged
    }

    private func stepDiffusion(_ t: Int) throws {
        let vae = try finishedAutoencoder()
        guard let statistics, let fit = diffusion, let b = sampled.first(where: { $0.stage == .diffusion }) else { throw Self.lost }
        let s = plan.settings.diffusion, denoiser = fit.network, L = vae.latentCount, K = s.noiseLevels
        // A public bound on the latent: twice the norm that the prior expects.
        let bound = 2 * Float(L).squareRoot()
        let spaces = try workspaces(statistics, vae, b, denoiser: denoiser, levels: K)
        defer { spaces.forEach { $0.wipe() } }
        let sum = try door.releaseSum(name: Plan.Stage.diffusion.name, length: denoiser.parameters.trainable, rates: b.rates, clips: b.clips, noise: b.noise,
                                      microBatch: Self.microBatch, threads: threads) { rows, worker, out in
            guard let d = spaces[worker].denoiser else { return }
            let w = spaces[worker], n = rows.count
            w.encode(rows)
            rows.random.fillNormal(w.normals.base, n * (L + K * L + K))
            // One row's randomness: a posterior draw, K noises and K noise levels.
            let z = w.latents.base, eps = w.normals.base + n * L, levels = eps + n * K * L
            vae.encode(w.rows(n), mean: z, logVariance: w.logVariances.base, w.vae)
            for i in 0..<n {
                var square: Float = 0
                for k in i * L..<(i + 1) * L {
                    z[k] += exp(0.5 * w.logVariances.base[k]) * w.normals.base[k]
                    square += z[k] * z[k]
                }
                let f = bound / square.squareRoot()
                if f < 1 { for k in i * L..<(i + 1) * L { z[k] *= f } }
            }
            denoiser.clippedGradientSum(z, count: n, noise: eps, levels: levels, clips: w.clips.base, weights: w.weights.base, into: w.sum.base, d)
            out.add(w.sum.base)
        }
        fit.update(sum: sum, divisor: b.divisor, rate: cosineRate(s.rate, step: t, of: s.steps), average: s.average)
    }

    private func calibrate() throws {
        cachedWorkspaces = nil
        let vae = try finishedAutoencoder()
        guard let statistics else { throw Self.lost }
        calibrated = plan.settings.calibrateHeads
            ? try calibratedHeads(plan: plan, statistics: statistics, autoencoder: vae, denoiser: diffusion?.averaged(), latents: latentScale(), threads: threads, stop: takeCancel) : vae
    }

    private func workspaces(_ statistics: Statistics, _ vae: VAE, _ batches: Batches, denoiser: Denoiser? = nil, levels: Int = 0) throws -> [Workspace] {
        if let w = cachedWorkspaces, w.stage == place(of: done).stage { return w.spaces }
        let spaces = try (0..<threads).map { _ in try Workspace(plan, statistics, vae, batches, batches.stage == .autoencoder ? alignment : nil, denoiser: denoiser, levels: levels, rows: Self.microBatch) }
        cachedWorkspaces = (place(of: done).stage, spaces)
        return spaces
    }
}

/// Memory of one worker for one micro-batch, made once a stage.
final class Workspace {
    let codes: Buffer<UInt16>
    let normals, latents, logVariances, clips, weights, sum: Buffer<Float>
    let vae: VAEScratch
    let denoiser: DenoiserScratch?
    let alignment: AlignmentSpace?
    /// For each column that networks see its place in the table and the bins of its cells.
    private let tables: [(column: Int, bins: Buffer<UInt16>)]
    private let batches: Batches
    private let rows: Int

    init(_ plan: Plan, _ statistics: Statistics, _ network: VAE, _ batches: Batches, _ aligned: PrivateAlignment?, denoiser: Denoiser?, levels: Int, rows: Int) throws {
        let L = network.latentCount
        (self.rows, self.batches) = (rows, batches)
        codes = try Buffer(count: rows * plan.modelled.count, for: "codes")
        normals = try Buffer(count: rows * (L + levels * (L + 1)), for: "noise of the rows")
        latents = try Buffer(count: rows * L, for: "latents")
        logVariances = try Buffer(count: rows * L, for: "latents")
        clips = try Buffer(count: rows, for: "clipping norms")
        weights = try Buffer(count: rows, for: "clipping norms")
        sum = try Buffer(count: max(network.parameters.trainable, denoiser?.parameters.trainable ?? 0), for: "gradient sums")
        vae = try VAEScratch(network)
        self.denoiser = try denoiser.map { try DenoiserScratch($0) }
        alignment = try aligned.map { try AlignmentSpace($0, network, rows: rows) }
        tables = zip(plan.modelled, statistics.modelled).map { ($0, $1.binOfCell) }
    }

    /// The clipped gradient sum of encoded rows and, with alignment, the sum of what they add to the moments of their groups.
    func gradient(_ vae: VAE, _ aligned: PrivateAlignment?, _ loan: LoanedRows, beta: Float) {
        let own = rows(loan.count)
        guard let aligned, let space = alignment else {
            return vae.clippedGradientSum(own, noise: normals.base, clips: clips.base, weights: weights.base, beta: beta, into: sum.base, self.vae)
        }
        space.begin(aligned, own, self.vae)
        vae.clippedGradientSum(own, noise: normals.base, clips: clips.base, weights: weights.base, beta: beta, into: sum.base, taps: space.taps, self.vae) { first, n in
            space.add(aligned, first: first, count: n, groups: loan.groups, bounds: batches.momentClips, weights: weights.base)
        }
    }

    /// Encoded rows, latents and raw sums do not outlive their release.
    func wipe() {
        alignment?.wipe()
        for i in codes.indices { codes.base[i] = 0 }
        for b in [normals, latents, logVariances, clips, weights, sum] { for i in b.indices { b.base[i] = 0 } }
    }

    func rows(_ count: Int) -> CodeRows { CodeRows(cells: codes.base, stride: rows, count: count) }

    /// Cells to bins, column by column, and the group's norm and weight: each row by a map of that row alone.
    func encode(_ loan: LoanedRows) {
        for (t, table) in tables.enumerated() {
            let cells = loan.columns[table.column], out = codes.base + t * rows
            for i in 0..<loan.count { out[i] = table.bins.base[Int(cells[i])] }
        }
        for i in 0..<loan.count {
            let g = Int(loan.groups[i])
            (clips.base[i], weights.base[i]) = (Float(batches.clips[g]), Float(batches.weights[g]))
        }
    }
}
