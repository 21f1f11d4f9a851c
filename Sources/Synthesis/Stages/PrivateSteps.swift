// What stages with DP-SGD steps share: memory of the workers, one step of the autoencoder, and an update. Private rows
// are touched by the door alone: a stage hands it a map of one micro-batch and gets a noisy sum back; from there on
// everything is post-processing.

import Basics
import Compute
import Glibc
import Networks
import Privacy

/// The workers' memory of one stage; lasts as long as the stage.
final class PrivateSteps {
    static let microBatch = Plan.microBatch
    let workers: [PrivateWorkspace]

    init(_ run: StageRun, _ batches: Batches, network: VAE, aligned: PrivateAlignment? = nil, denoiser: Denoiser? = nil,
         levels: Int = 0) throws {
        workers = try (0..<run.threads).map { _ in
            try PrivateWorkspace(run, batches, network: network, aligned: aligned, denoiser: denoiser, levels: levels)
        }
    }

    /// Encoded rows, latents and raw sums do not outlive their release.
    func wipe() { workers.forEach { $0.wipe() } }

    /// One DP-SGD step of an autoencoder; with `aligned` the groups' moments are a second block of the release.
    static func step(_ fit: NetworkFit<VAE>, _ stage: StageID, aligned: PrivateAlignment?, learningRate: Double,
                     _ run: StageRun) throws {
        let b = try run.batches(of: stage), s = run.plan.settings.autoencoder, vae = fit.network
        let memory = try run.memory(of: stage) { try PrivateSteps(run, b, network: vae, aligned: aligned) }
        defer { memory.wipe() }
        var blocks = [SumBlock(length: vae.parameters.trainable, clips: b.clips, noise: b.noise)]
        if let aligned { blocks.append(SumBlock(length: aligned.length, clips: b.momentClips, noise: b.momentNoise)) }
        let sums = try run.door.releaseSums(name: stage.name, blocks: blocks, rates: b.rates, expectedRows: b.divisor,
                                            microBatch: microBatch,
                                            threads: run.threads) { rows, worker, out in
            let w = memory.workers[worker]
            w.encode(rows)
            rows.random.fillNormal(w.normals.base, rows.count * vae.latentCount)
            w.gradient(vae, aligned, rows, beta: Float(s.beta))
            out.add(w.sum.base)
            if let a = w.alignment { out.add(a.sum.base, block: 1) }
        }
        fit.update(sum: sums[0], divisor: b.divisor, learningRate: learningRate, decay: s.average)
        aligned?.update(sums[1], b)
    }
}

/// Memory of one worker for one micro-batch, made once a stage.
final class PrivateWorkspace {
    let codes: Buffer<UInt16>
    let normals, latents, logVariances, clips, weights, sum: Buffer<Float>
    let vae: VAEScratch
    let denoiser: DenoiserScratch?
    let alignment: AlignmentSpace?
    /// For each column that networks see its place in the table and the bins of its cells.
    private let tables: [(column: Int, bins: Buffer<UInt16>)]
    private let batches: Batches
    private let rows: Int

    init(_ run: StageRun, _ batches: Batches, network: VAE, aligned: PrivateAlignment? = nil, denoiser: Denoiser? = nil,
         levels: Int = 0) throws {
        let L = network.latentCount, rows = PrivateSteps.microBatch, plan = run.plan
        (self.rows, self.batches) = (rows, batches)
        codes = try Buffer(count: rows * plan.modelled.count, for: "codes")
        normals = try Buffer(count: rows * (L + levels * (L + 1)), for: "noise of the rows")
        latents = try Buffer(count: rows * L, for: "latents")
        logVariances = try Buffer(count: rows * L, for: "latents")
        clips = try Buffer(count: rows, for: "clipping norms")
        weights = try Buffer(count: rows, for: "clipping norms")
        sum = try Buffer(count: max(network.parameters.trainable, denoiser?.parameters.trainable ?? 0),
                         for: "gradient sums")
        vae = try VAEScratch(network)
        self.denoiser = try denoiser.map { try DenoiserScratch($0) }
        alignment = try aligned.map { try AlignmentSpace($0, network, rows: rows) }
        tables = zip(plan.modelled, try run.statistics().modelled).map { ($0, $1.binOfCell) }
    }

    /// The clipped gradient sum of encoded rows and, with alignment, the sum of what they add to the moments of their
    /// groups.
    func gradient(_ vae: VAE, _ aligned: PrivateAlignment?, _ batch: MicroBatch, beta: Float) {
        let own = rows(batch.count)
        let weights = self.weights
        guard let aligned, let space = alignment else {
            return vae.clippedGradientSum(own, noise: normals.base, clips: clips.base, beta: beta, into: sum.base,
                                          options: .init(weights: weights.base), self.vae)
        }
        space.begin(aligned, own, self.vae)
        vae.clippedGradientSum(own, noise: normals.base, clips: clips.base, beta: beta, into: sum.base,
                               options: .init(weights: weights.base, hooks: space.hooks), self.vae) { first, n in
            space.add(aligned, first: first, count: n, groups: batch.groups, bounds: batches.momentClips,
                      weights: weights.base)
        }
    }

    /// Encoded rows, latents and raw sums do not outlive their release.
    func wipe() {
        alignment?.wipe()
        for i in codes.indices { codes.base[i] = 0 }
        for b in [normals, latents, logVariances, clips, weights, sum] { for i in b.indices { b.base[i] = 0 } }
    }

    func rows(_ count: Int) -> CodeRows { CodeRows(bins: codes.base, stride: rows, count: count) }

    /// Cells to bins, column by column, and the group's norm and weight: each row by a map of that row alone.
    func encode(_ batch: MicroBatch) {
        for (t, table) in tables.enumerated() {
            let cells = batch.columns[table.column], out = codes.base + t * rows
            for i in 0..<batch.count { out[i] = table.bins.base[Int(cells[i])] }
        }
        for i in 0..<batch.count {
            let g = Int(batch.groups[i])
            (clips.base[i], weights.base[i]) = (Float(batches.clips[g]), Float(batches.weights[g]))
        }
    }
}
