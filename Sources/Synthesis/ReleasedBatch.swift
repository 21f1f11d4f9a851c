// Memory for gradients over released or generated rows, and the latents a diffusion is trained on. No private row comes here.

import Basics
import Compute
import Glibc
import Networks

/// One batch in micro-batches, each with a gradient sum of its own: the total does not depend on who computed what.
final class ReleasedBatch {
    enum Scratch { case autoencoder(VAEScratch, VAETaps?), denoiser(DenoiserScratch) }
    static let microBatch = 64
    let stage: Plan.Stage
    let codes, goals: Buffer<UInt16>
    let normals: Buffer<Float>
    private let rows: Int, weights: Int
    private let scratches: [Scratch]
    private let parts, total: Buffer<Float>

    /// - Parameters: normals: standard normals (or latents) of a row. weights: numbers of a gradient.
    init(stage: Plan.Stage, rows: Int, columns: Int, normals: Int, weights: Int, scratches: [Scratch]) throws {
        (self.stage, self.rows, self.weights, self.scratches) = (stage, rows, weights, scratches)
        codes = try Buffer(count: rows * columns, for: "a batch of released rows")
        goals = try Buffer(count: rows * columns, for: "a batch of released rows")
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

/// Mean and deviation of the latents, number by number: [L] each.
struct LatentScale: Sendable {
    let mean: [Float], deviation: [Float]

    /// z = z · deviation + mean for n latents of L numbers.
    func restore(_ z: UnsafeMutablePointer<Float>, count n: Int) {
        let L = mean.count
        for i in 0..<n { for l in 0..<L { z[i * L + l] = z[i * L + l] * deviation[l] + mean[l] } }
    }
}

/// Latents of projected rows with one posterior draw each, brought to mean 0 and deviation 1.
final class LatentPool: Sendable {
    static let most = 1 << 17
    /// Latents in the pool: no more than the diffusion will look at, rounded up to whole chunks.
    let count: Int
    let scale: LatentScale
    private let z: Buffer<Float>
    private let width: Int
    private enum Purpose { static let posterior: UInt32 = 0x706f6f6c }

    /// - Parameter wanted: latents that the diffusion will look at.
    init(_ rows: ProjectedRows, _ vae: VAE, wanted: Int, seed: UInt64, threads: Int) throws {
        let L = vae.latentCount, T = vae.shape.columns, chunk = 256, n = (max(1024, min(wanted, Self.most)) + chunk - 1) / chunk * chunk
        (width, count) = (L, n)
        let z = try Buffer<Float>(count: n * L, for: "latents")
        let spaces = try (0..<threads).map { _ in
            (codes: try Buffer<UInt16>(count: chunk * T, for: "codes"), variance: try Buffer<Float>(count: chunk * L, for: "latents"),
             normals: try Buffer<Float>(count: L, for: "latents"), scratch: try VAEScratch(vae))
        }
        let chunks = n / chunk
        let sums = try Buffer<Double>(count: chunks * 2 * L, for: "latents")
        Workers.run(threads: threads, chunks: chunks) { c, worker in
            let w = spaces[worker], to = z.base + c * chunk * L
            for i in 0..<chunk { rows.draw(seed: seed, row: UInt64(c * chunk + i), codes: w.codes.base + i, goals: nil, stride: chunk) }
            vae.encode(CodeRows(cells: w.codes.base, stride: chunk, count: chunk), mean: to, logVariance: w.variance.base, w.scratch)
            for i in 0..<chunk {
                var stream = CounterStream(seed: seed, row: UInt64(c * chunk + i), purpose: Purpose.posterior)
                stream.fillNormal(w.normals.base, L)
                for l in 0..<L {
                    let k = i * L + l
                    to[k] += exp(0.5 * w.variance.base[k]) * w.normals.base[l]
                    sums.base[c * 2 * L + l] += Double(to[k])
                    sums.base[c * 2 * L + L + l] += Double(to[k]) * Double(to[k])
                }
            }
        }
        var mean = [Float](repeating: 0, count: L), deviation = mean
        for l in 0..<L {
            var s = 0.0, q = 0.0
            for c in 0..<chunks { s += sums.base[c * 2 * L + l]; q += sums.base[c * 2 * L + L + l] }
            s /= Double(n)
            mean[l] = Float(s)
            deviation[l] = Float(max(q / Double(n) - s * s, 1e-8).squareRoot())
        }
        for i in 0..<n { for l in 0..<L { z.base[i * L + l] = (z.base[i * L + l] - mean[l]) / deviation[l] } }
        (self.z, scale) = (z, LatentScale(mean: mean, deviation: deviation))
    }

    /// The latent at place u · count. u: uniform in [0, 1).
    func row(_ u: Double) -> UnsafePointer<Float> { UnsafePointer(z.base + min(Int(u * Double(count)), count - 1) * width) }
}
