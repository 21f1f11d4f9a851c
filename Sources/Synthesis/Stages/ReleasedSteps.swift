// Memory for gradients over released rows, in micro-batches that are summed in order. No private row comes here.

import Basics
import Compute
import Networks

/// One batch in micro-batches, each with a gradient sum of its own: the total does not depend on who computed what.
final class ReleasedBatch {
    enum Scratch { case autoencoder(VAEScratch, ActivationHooks?), denoiser(DenoiserScratch) }
    static let microBatch = 64
    let codes, targets: Buffer<UInt16>
    let normals: Buffer<Float>
    private let rows: Int, weights: Int
    private let scratches: [Scratch]
    private let parts, total: Buffer<Float>

    /// - Parameters: normals: standard normals (or latents) of a row. weights: numbers of a gradient.
    init(rows: Int, columns: Int, normals: Int, weights: Int, scratches: [Scratch]) throws {
        (self.rows, self.weights, self.scratches) = (rows, weights, scratches)
        codes = try Buffer(count: rows * columns, for: "a batch of released rows")
        targets = try Buffer(count: rows * columns, for: "a batch of released rows")
        self.normals = try Buffer(count: rows * normals, for: "a batch of released rows")
        let chunks = (rows + Self.microBatch - 1) / Self.microBatch
        parts = try Buffer(count: chunks * weights, for: "gradients of released rows")
        total = try Buffer(count: weights, for: "gradients of released rows")
    }

    private var chunks: Int { (rows + Self.microBatch - 1) / Self.microBatch }

    func part(_ chunk: Int) -> UnsafeMutablePointer<Float> { parts.base + chunk * weights }

    /// Calls `body(chunk, first row, rows, scratch)` for every micro-batch.
    func run(threads: Int, _ body: (Int, Int, Int, Scratch) -> Void) {
        Workers.run(threads: threads, chunks: chunks) { c, worker in
            let lo = c * Self.microBatch
            body(c, lo, min(Self.microBatch, self.rows - lo), self.scratches[worker])
        }
    }

    /// The micro-batches' sums added in order.
    func sum(threads: Int) -> Buffer<Float> {
        let span = 8192
        Workers.run(threads: threads, chunks: (weights + span - 1) / span) { c, _ in
            let lo = c * span, hi = min(lo + span, self.weights)
            for i in lo..<hi { self.total.base[i] = self.parts.base[i] }
            for k in 1..<max(self.chunks, 1) {
                let x = self.part(k)
                for i in lo..<hi { self.total.base[i] += x[i] }
            }
        }
        return total
    }
}
