// From a trained model to rows. Row k of a seed has a counter stream of its own, so it is the same whatever the chunk it is made
// in and however many threads make it. Everything here is post-processing of released values: any number of rows is free.

import Basics
import Compute
import Glibc
import Networks
import Tables

struct Sampler {
    let plan: Plan
    let statistics: Statistics
    let autoencoder: VAE
    let denoiser: Denoiser?

    private static let chunk = 256
    private enum Purpose { static let latent: UInt32 = 1, heads: UInt32 = 2, cells: UInt32 = 3 }

    /// Memory of one worker: latents, uniforms and codes of one chunk.
    private final class Workspace {
        let latents, uniforms, logits: Buffer<Float>
        let codes: Buffer<UInt16>
        let vae: VAEScratch
        let denoiser: DenoiserScratch?
        init(_ s: Sampler) throws {
            let n = Sampler.chunk
            latents = try Buffer(count: n * s.autoencoder.latentCount, for: "latents")
            uniforms = try Buffer(count: n * s.plan.grids.count, for: "uniform numbers")
            codes = try Buffer(count: n * s.plan.grids.count, for: "codes")
            logits = try Buffer(count: n * s.autoencoder.shape.totalLevels, for: "logits")
            vae = try VAEScratch(s.autoencoder)
            denoiser = try s.denoiser.map { try DenoiserScratch($0) }
        }
    }

    /// Latents of rows `first ..< first + n`: from the diffusion, or from the prior when there is none.
    private func latents(seed: UInt64, first: Int64, count n: Int, _ w: Workspace) {
        let L = autoencoder.latentCount
        for i in 0..<n {
            var stream = CounterStream(seed: seed, row: UInt64(bitPattern: first) &+ UInt64(i), purpose: Purpose.latent)
            stream.fillNormal(w.latents.base + i * L, L)
        }
        if let denoiser, let scratch = w.denoiser {
            denoiser.sample(w.latents.base, count: n, steps: plan.settings.diffusion.samplerSteps, into: w.latents.base, scratch)
        }
    }

    /// Rows `first ..< first + count` of `seed` as a table of the plan's schema.
    /// - Throws: `.noMemory`; `.cancelled` when `progress` answers false. Exactly `count` rows otherwise.
    func table(seed: UInt64, first: Int64, count: Int, threads: Int, progress: (Int, Int) -> Bool) throws -> Table {
        // First: a count that memory can hold is one that can be counted with.
        let out = try Table(schema: plan.schema, rows: count)
        let columns = plan.grids.count, chunks = (count + Self.chunk - 1) / Self.chunk
        let workers = max(1, min(threads, chunks))
        let spaces = try (0..<workers).map { _ in try Workspace(self) }
        // In portions, so that the host's callback runs on the calling thread.
        let portion = max(workers * 8, 1)
        var done = 0
        while done < chunks {
            let now = min(portion, chunks - done), start = done
            Workers.run(threads: workers, chunks: now) { k, worker in
                let w = spaces[worker]
                let lo = (start + k) * Self.chunk, n = min(Self.chunk, count - lo), row0 = first + Int64(lo)
                self.latents(seed: seed, first: row0, count: n, w)
                for i in 0..<n {
                    var stream = CounterStream(seed: seed, row: UInt64(bitPattern: row0) &+ UInt64(i), purpose: Purpose.heads)
                    for t in 0..<columns { w.uniforms.base[i * columns + t] = stream.uniform() }
                }
                self.autoencoder.sample(w.latents.base, count: n, uniforms: w.uniforms.base, into: w.codes.base, stride: Self.chunk, w.vae)
                for i in 0..<n {
                    var stream = CounterStream(seed: seed, row: UInt64(bitPattern: row0) &+ UInt64(i), purpose: Purpose.cells)
                    for t in 0..<columns {
                        let u = stream.uniformDouble(), v = stream.uniformDouble()
                        let grid = self.plan.grids[t], cell = self.statistics.encoders[t].cell(bin: Int(w.codes.base[t * Self.chunk + i]), u: u)
                        out.columns[t].set(row: lo + i, grid: grid, cell: cell, u: v)
                    }
                }
            }
            done += now
            guard progress(min(done * Self.chunk, count), count) else { throw Failure(.cancelled, "sampling was cancelled") }
        }
        for t in 0..<columns { try out.fill(t) { _ in } }   // every cell was written above
        return out
    }

    /// Mean of the heads' softmax over `count` generated rows, each column's bins in order.
    func meanShares(seed: UInt64, count: Int, threads: Int) throws -> [[Double]] {
        let levels = statistics.levels, chunks = (count + Self.chunk - 1) / Self.chunk
        let workers = max(1, min(threads, chunks))
        let spaces = try (0..<workers).map { _ in try Workspace(self) }
        let total = levels.reduce(0, +)
        // One sum a chunk, added in order afterwards: the same whatever the thread count.
        let sums = try Buffer<Double>(count: chunks * total, for: "mean shares")
        Workers.run(threads: workers, chunks: chunks) { k, worker in
            let w = spaces[worker]
            let n = min(Self.chunk, count - k * Self.chunk)
            self.latents(seed: seed, first: Int64(k * Self.chunk), count: n, w)
            self.autoencoder.decodeLogits(w.latents.base, count: n, into: w.logits.base, w.vae)
            for i in 0..<n { addSoftmax(w.logits.base + i * total, levels, into: sums.base + k * total) }
        }
        var mean = levels.map { [Double](repeating: 0, count: $0) }
        for k in 0..<chunks {
            var at = k * total
            for t in 0..<levels.count { for b in 0..<levels[t] { mean[t][b] += sums.base[at] / Double(count); at += 1 } }
        }
        return mean
    }
}

/// Adds one row's head probabilities; x: logits of all columns, [Σ K_t].
private func addSoftmax(_ x: UnsafePointer<Float>, _ levels: [Int], into sum: UnsafeMutablePointer<Double>) {
    var at = 0
    for K in levels {
        var most = -Float.infinity, total = 0.0
        for b in at..<at + K { most = max(most, x[b]) }
        for b in at..<at + K { total += exp(Double(x[b] - most)) }
        for b in at..<at + K { sum[b] += exp(Double(x[b] - most)) / total }
        at += K
    }
}

private extension Column {
    /// Writes the value that `cell` stands for; `u` chooses inside a cell of several values.
    func set(row: Int, grid: ColumnGrid, cell: Int, u: Double) {
        if cell == grid.missingCell { put(row, -1) }
        else if case .interval = grid.axis { put(row, number: grid.value(cell: cell, u: u)) }
        else { put(row, grid.offset(cell: cell, u: u)) }
    }
}
