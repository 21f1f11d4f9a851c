// The mean of the heads' probabilities over generated rows, round after round, in portions short enough that whoever
// trains is heard between them.

import Basics
import Compute
import Glibc
import Networks

private let chunk = DrawSpace.chunk

final class HeadShares {
    private let sampler: Sampler, autoencoder: VAE, seed: UInt64, count: Int
    private let spaces: [DrawSpace], levels: [Int]
    /// [count][latent]; they do not depend on the heads. One sum a chunk, added in order afterwards: the same whatever
    /// the thread count.
    private let latents: Buffer<Float>, sums: Buffer<Double>
    /// Chunks whose latents are there, and chunks of this round that are summed.
    private var made = 0, done = 0
    private var chunks: Int { (count + chunk - 1) / chunk }
    private var total: Int { levels.reduce(0, +) }

    /// - Parameters:
    ///   - autoencoder: that of the sampler, whose heads may change between rounds.
    ///   - seed: of the rows; count: how many.
    init(_ sampler: Sampler, _ autoencoder: VAE, seed: UInt64, count: Int, threads: Int) throws {
        (self.sampler, self.autoencoder, self.seed, self.count) = (sampler, autoencoder, seed, count)
        levels = sampler.statistics.modelledLevels
        let chunks = (count + chunk - 1) / chunk
        spaces = try (0..<max(1, min(threads, chunks))).map { _ in try sampler.rows.space() }
        latents = try Buffer(count: count * autoencoder.latentCount, for: "latents")
        sums = try Buffer(count: chunks * levels.reduce(0, +), for: "mean shares")
    }

    /// The next portion, two chunks a worker.
    /// - Returns: each column's mean shares, bins in order, when a round is over; nil before.
    func advance() -> [[Double]]? {
        let L = autoencoder.latentCount, width = total, begins = made < chunks ? made : done
        let now = min(2 * spaces.count, chunks - begins), isSummed = made >= chunks
        Workers.run(threads: spaces.count, chunks: now) { k, worker in
            let w = self.spaces[worker], lo = (begins + k) * chunk, n = min(chunk, self.count - lo)
            let own = self.latents.base + lo * L
            guard isSummed else {
                self.sampler.rows.drawLatents(RowPlace(seed: self.seed, first: Int64(lo)), count: n, w)
                return own.update(from: w.latents.base, count: n * L)
            }
            guard let scratch = w.vae else { return }
            let sum = self.sums.base + (begins + k) * width
            sum.update(repeating: 0, count: width)
            self.autoencoder.decodeLogits(own, count: n, into: w.logits.base, scratch)
            for i in 0..<n { addSoftmax(w.logits.base + i * width, self.levels, into: sum) }
        }
        guard isSummed else {
            made += now
            return nil
        }
        done += now
        guard done == chunks else { return nil }
        done = 0
        return mean()
    }

    private func mean() -> [[Double]] {
        var mean = levels.map { [Double](repeating: 0, count: $0) }
        for k in 0..<chunks {
            var at = k * total
            for t in 0..<levels.count {
                for b in 0..<levels[t] { mean[t][b] += sums.base[at] / Double(count); at += 1 }
            }
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
