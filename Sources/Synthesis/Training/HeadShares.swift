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
    /// What the heads read; it does not depend on them. One sum a chunk, added in order afterwards: the same whatever
    /// the thread count.
    private let tokens: Buffer<Float>, sums: Buffer<Double>
    private let chunkTokens: Int
    /// Chunks whose tokens are there, and chunks of this round that are summed.
    private var made = 0, done = 0
    private var chunks: Int { (count + chunk - 1) / chunk }
    private var total: Int { levels.reduce(0, +) }

    /// Rows, at most `most`: what the heads of a wide table read takes no more than 64 MB.
    /// - Parameter tokens: numbers that the heads read of a row.
    static func rows(tokens: Int, atMost most: Int) -> Int {
        max(chunk, min(most, (16 << 20) / max(tokens, 1) / chunk * chunk))
    }

    /// - Parameters:
    ///   - autoencoder: that of the sampler, whose heads may change between rounds.
    ///   - seed: of the rows; atMost: how many.
    init(_ sampler: Sampler, _ autoencoder: VAE, seed: UInt64, atMost most: Int, threads: Int) throws {
        (self.sampler, self.autoencoder, self.seed) = (sampler, autoencoder, seed)
        count = Self.rows(tokens: autoencoder.shape.columns * autoencoder.shape.width, atMost: most)
        levels = sampler.statistics.modelledLevels
        let chunks = (count + chunk - 1) / chunk
        spaces = try (0..<max(1, min(threads, chunks))).map { _ in try sampler.rows.space() }
        chunkTokens = autoencoder.tokenCount(rows: chunk)
        tokens = try Buffer(count: chunks * chunkTokens, for: "decoded latents")
        sums = try Buffer(count: chunks * levels.reduce(0, +), for: "mean shares")
    }

    /// The next portion, two chunks a worker.
    /// - Returns: each column's mean shares, bins in order, when a round is over; nil before.
    func advance() -> [[Double]]? {
        let width = total, begins = made < chunks ? made : done
        let now = min(2 * spaces.count, chunks - begins), isSummed = made >= chunks
        Workers.run(threads: spaces.count, chunks: now) { k, worker in
            let w = self.spaces[worker], lo = (begins + k) * chunk, n = min(chunk, self.count - lo)
            guard let scratch = w.vae else { return }
            let own = self.tokens.base + (begins + k) * self.chunkTokens
            guard isSummed else {
                self.sampler.rows.drawLatents(RowPlace(seed: self.seed, first: Int64(lo)), count: n, w)
                return self.autoencoder.decodeTokens(w.latents.base, count: n, into: own, scratch)
            }
            let sum = self.sums.base + (begins + k) * width
            sum.update(repeating: 0, count: width)
            self.autoencoder.logits(ofTokens: own, count: n, into: w.logits.base, scratch)
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
    withUnsafeTemporaryAllocation(of: Double.self, capacity: levels.max() ?? 1) { w in
        var at = 0
        for K in levels {
            var most = -Float.infinity, total = 0.0
            for b in 0..<K { most = max(most, x[at + b]) }
            for b in 0..<K {
                w[b] = exp(Double(x[at + b] - most))
                total += w[b]
            }
            for b in 0..<K { sum[at + b] += w[b] / total }
            at += K
        }
    }
}
