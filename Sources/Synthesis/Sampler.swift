// From a trained model to rows. Row k of a seed has counter streams of its own, so it is the same whatever the chunk it is made
// in and however many threads make it. Everything here is post-processing of released values: any number of rows is free.
//
// A row is drawn again, from the streams of its next attempt, until it is accepted: by the tilt towards released marginals, and by the
// host's condition. Rows stay independent draws; none is ever repeated to fill a quota. How one attempt is made is in Sampler+Draw.swift.

import Basics
import Compute
import Glibc
import Networks
import Projection
import Tables

struct Sampler: Sendable {
    let plan: Plan
    let statistics: Statistics
    let autoencoder: VAE
    let denoiser: Denoiser?
    /// How the diffusion's latents are put back; nil: they are used as they are.
    let latents: LatentScale?
    let tilt: Tilt?
    /// Where rows come from. All but the first exist to be compared with it.
    var source = Source.generator

    enum Source: Sendable {
        /// Latents from the diffusion or the prior, decoded.
        case generator
        /// Rows drawn from the relaxed table.
        case projection(ProjectedRows)
        /// Such rows through encoder and decoder.
        case reconstruction(ProjectedRows)
    }

    static let chunk = 256

    /// Rows `first ..< first + count` of `seed` as a table of the plan's schema.
    /// - Throws: `.noMemory`; `.cancelled` when `progress` answers false; `.unsupported` when hardly any row can meet the condition.
    ///   Exactly `count` rows otherwise.
    func table(seed: UInt64, first: Int64, count: Int, condition: Condition? = nil, threads: Int, progress: (Int, Int) -> Bool) throws -> Table {
        // First: a count that memory can hold is one that can be counted with.
        let out = try Table(schema: plan.schema, rows: count)
        let test = try condition.map { try ConditionTest($0, self, out) }
        // Rare rows take many attempts each: smaller chunks keep the host's progress and cancel alive.
        let rows = try test.map { max(1, min(Self.chunk, Int(4096 * (try $0.share(self, threads: threads))))) } ?? Self.chunk
        let columns = plan.grids.count, chunks = (count + rows - 1) / rows
        let workers = max(1, min(threads, chunks))
        let spaces = try (0..<workers).map { _ in try DrawSpace(self) }
        // In portions, so that the host's callback runs on the calling thread.
        let portion = max(workers * (rows < Self.chunk ? 1 : 8), 1)
        var done = 0
        while done < chunks {
            let now = min(portion, chunks - done), start = done
            Workers.run(threads: workers, chunks: now) { k, worker in
                let w = spaces[worker]
                let lo = (start + k) * rows, n = min(rows, count - lo), row0 = first + Int64(lo)
                self.draw(seed: seed, first: row0, count: n, test, w)
                for i in 0..<n {
                    var stream = self.cellStream(seed, row0, i, w.attempts[i])
                    for t in 0..<columns {
                        let u = stream.uniformDouble(), v = stream.uniformDouble()
                        let grid = self.plan.grids[t], cell = self.statistics.encoders[t].cell(bin: Int(w.codes.base[t * Self.chunk + i]), u: u)
                        out.columns[t].set(row: lo + i, grid: grid, cell: cell, u: v)
                    }
                }
            }
            done += now
            guard progress(min(done * rows, count), count) else { throw Failure(.cancelled, "sampling was cancelled") }
        }
        for t in 0..<columns { try out.fill(t) { _ in } }   // every cell was written above
        return out
    }

    /// Bins of rows 0 ..< count of `seed`, column by column: [columns][count].
    func codes(seed: UInt64, count: Int, threads: Int, stop: () -> Bool) throws -> Buffer<UInt16> {
        let columns = plan.grids.count, chunks = (count + Self.chunk - 1) / Self.chunk, workers = max(1, min(threads, chunks))
        let out = try Buffer<UInt16>(count: columns * count, for: "generated rows")
        let spaces = try (0..<workers).map { _ in try DrawSpace(self) }
        var done = 0
        while done < chunks {
            if stop() { throw Failure(.cancelled, "training was cancelled; it can be continued") }
            let now = min(workers * 16, chunks - done), start = done
            Workers.run(threads: workers, chunks: now) { k, worker in
                let w = spaces[worker], lo = (start + k) * Self.chunk, n = min(Self.chunk, count - lo)
                self.draw(seed: seed, first: Int64(lo), count: n, nil, w)
                for t in 0..<columns { (out.base + t * count + lo).update(from: w.codes.base + t * Self.chunk, count: n) }
            }
            done += now
        }
        return out
    }

    /// Latents of rows 0 ..< count of `seed`: [count][latent].
    func latents(seed: UInt64, count: Int, threads: Int) throws -> Buffer<Float> {
        let L = autoencoder.latentCount, chunks = (count + Self.chunk - 1) / Self.chunk, workers = max(1, min(threads, chunks))
        let out = try Buffer<Float>(count: count * L, for: "latents"), spaces = try (0..<workers).map { _ in try DrawSpace(self) }
        Workers.run(threads: workers, chunks: chunks) { k, worker in
            let w = spaces[worker], lo = k * Self.chunk, n = min(Self.chunk, count - lo)
            self.draw(seed: seed, first: Int64(lo), count: n, nil, w, latentsOnly: true)
            (out.base + lo * L).update(from: w.latents.base, count: n * L)
        }
        return out
    }

    /// Mean of the heads' softmax over `count` latents, each column's bins in order.
    func meanShares(latents z: Buffer<Float>, count: Int, threads: Int) throws -> [[Double]] {
        let levels = statistics.modelledLevels, chunks = (count + Self.chunk - 1) / Self.chunk, L = autoencoder.latentCount
        let workers = max(1, min(threads, chunks))
        let spaces = try (0..<workers).map { _ in try DrawSpace(self) }
        let total = levels.reduce(0, +)
        // One sum a chunk, added in order afterwards: the same whatever the thread count.
        let sums = try Buffer<Double>(count: chunks * total, for: "mean shares")
        Workers.run(threads: workers, chunks: chunks) { k, worker in
            let w = spaces[worker], n = min(Self.chunk, count - k * Self.chunk)
            self.autoencoder.decodeLogits(z.base + k * Self.chunk * L, count: n, into: w.logits.base, w.vae)
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

extension Column {
    /// Writes the value that `cell` stands for; `u` chooses inside a cell of several values.
    func set(row: Int, grid: ColumnGrid, cell: Int, u: Double) {
        if cell == grid.missingCell { put(row, -1) }
        else if case .interval = grid.axis { put(row, number: grid.value(cell: cell, u: u)) }
        else { put(row, grid.offset(cell: cell, u: u)) }
    }
}
