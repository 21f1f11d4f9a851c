// Rows drawn from a pair model by Gibbs sampling (Geman and Geman 1984): each column in turn is drawn given the others.
// The rows start from those of the table that the model was fitted to, so that few sweeps are enough. Between sweeps
// the biases move until the columns' shares are those that were released: what makes conditionals fair moves shares.

import Basics
import Compute
import Glibc

extension PairModel {
    private static let purpose: UInt32 = 0x67696262
    private static let chunk = 1024

    /// - Parameters:
    ///   - shares: of each column's levels, to be met.
    ///   - rows: how many, rounded up to whole chunks.
    ///   - sweeps: at least 1.
    ///   - start: writes the row that a chain starts from.
    ///   - stop: asked before every sweep; true ends with `.cancelled`.
    /// - Returns: codes, [columns][rows].
    package func rows(_ rows: Int, sweeps: Int, shares: [[Double]], seed: UInt64, threads: Int,
                      kernels: Kernels = .current, start: (UInt64, UnsafeMutablePointer<UInt16>) -> Void,
                      stop: () -> Bool = { false }) throws -> Buffer<UInt16> {
        let W = kernels.lanes, T = levels.count, chunks = (max(rows, 1) + Self.chunk - 1) / Self.chunk
        let n = chunks * Self.chunk, blocks = Self.chunk / W, most = levels.max() ?? 1
        let labels = try Buffer<Int32>(count: n * T, for: "rows"),
            spaces = try (0..<max(1, threads)).map { _ in
                (memory: try RowPickMemory(self, kernels), x: try Buffer<Float>(count: most * W, for: "rows"),
                 uniforms: try Buffer<Float>(count: W, for: "rows"), codes: try Buffer<UInt16>(count: T, for: "rows"))
            }
        let counts = try Buffer<Int32>(count: chunks * most, for: "rows")
        Workers.run(threads: threads, chunks: chunks) { c, worker in
            let codes = spaces[worker].codes.base
            for i in c * Self.chunk..<(c + 1) * Self.chunk {
                start(UInt64(i), codes)
                for t in 0..<T { labels[i / W * T * W + t * W + i % W] = Int32(codes[t]) }
            }
        }
        for sweep in 0..<sweeps {
            if stop() { throw Failure(.cancelled, "training was cancelled; it can be continued") }
            for t in 0..<T where levels[t] > 1 {
                let K = levels[t]
                Workers.run(threads: threads, chunks: chunks) { c, worker in
                    let s = spaces[worker], own = counts.base + c * most
                    for u in 0..<K { own[u] = 0 }
                    for b in c * blocks..<(c + 1) * blocks {
                        let at = labels.base + b * T * W
                        self.logits(of: t, at, into: s.x.base, s.memory)
                        for l in 0..<W {
                            var stream = CounterStream(seed: seed &+ UInt64(sweep), row: UInt64(b * W + l),
                                                       purpose: Self.purpose &+ UInt32(t))
                            s.uniforms[l] = stream.uniform()
                        }
                        kernels.drawLevel(s.x.base, s.uniforms.base, at + t * W, K)
                        for l in 0..<W { own[Int(at[t * W + l])] += 1 }
                    }
                }
                for u in 0..<K {
                    let found = (0..<chunks).reduce(0.0) { $0 + Double(counts[$1 * most + u]) }
                    let wanted = Double(n) * max(shares[t][u], 0)
                    bias[bins.first[t] + u] += Float(log((wanted + 4) / (found + 4)))
                }
            }
        }
        let out = try Buffer<UInt16>(count: n * T, for: "rows")
        for i in 0..<n {
            for t in 0..<T { out[t * n + i] = UInt16(truncatingIfNeeded: labels[i / W * T * W + t * W + i % W]) }
        }
        return out
    }
}
