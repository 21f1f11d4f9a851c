// The latents that a diffusion on released rows learns from, and the scale by which they are put back.

import Basics
import Compute
import Glibc
import Networks

/// Mean and standard deviation of the latents, number by number: [L] each.
struct LatentScale: Sendable {
    let mean: [Float], standardDeviation: [Float]

    /// z = z · deviation + mean for n latents of L numbers.
    func restore(_ z: UnsafeMutablePointer<Float>, count n: Int) {
        let L = mean.count
        for i in 0..<n { for l in 0..<L { z[i * L + l] = z[i * L + l] * standardDeviation[l] + mean[l] } }
    }
}

/// Latents of projected rows with one posterior draw each, brought to mean 0 and standard deviation 1.
final class LatentPool: Sendable {
    static let maxCount = 1 << 17
    /// Latents in the pool: no more than the diffusion will look at, rounded up to whole chunks.
    let count: Int
    let scale: LatentScale
    private let z: Buffer<Float>
    private let width: Int
    private enum Purpose { static let posterior: UInt32 = 0x706f6f6c }

    /// - Parameter wanted: latents that the diffusion will look at.
    init(_ rows: any FreeRows, _ vae: VAE, wanted: Int, seed: UInt64, threads: Int) throws {
        let L = vae.latentCount, T = vae.shape.columns, chunk = 256,
            n = (max(1024, min(wanted, Self.maxCount)) + chunk - 1) / chunk * chunk
        (width, count) = (L, n)
        let z = try Buffer<Float>(count: n * L, for: "latents")
        let spaces = try (0..<threads).map { _ in
            (codes: try Buffer<UInt16>(count: chunk * T, for: "codes"),
             variance: try Buffer<Float>(count: chunk * L, for: "latents"),
             normals: try Buffer<Float>(count: L, for: "latents"), scratch: try VAEScratch(vae))
        }
        let chunks = n / chunk
        let sums = try Buffer<Double>(count: chunks * 2 * L, for: "latents")
        Workers.run(threads: threads, chunks: chunks) { c, worker in
            let w = spaces[worker], to = z.base + c * chunk * L
            for i in 0..<chunk {
                rows.draw(seed: seed, row: UInt64(c * chunk + i), group: nil, codes: w.codes.base + i, targets: nil,
                          stride: chunk)
            }
            vae.encode(CodeRows(bins: w.codes.base, stride: chunk, count: chunk), mean: to,
                       logVariance: w.variance.base, w.scratch)
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
        var mean = [Float](repeating: 0, count: L), standardDeviation = mean
        for l in 0..<L {
            var s = 0.0, q = 0.0
            for c in 0..<chunks { s += sums.base[c * 2 * L + l]; q += sums.base[c * 2 * L + L + l] }
            s /= Double(n)
            mean[l] = Float(s)
            standardDeviation[l] = Float(max(q / Double(n) - s * s, 1e-8).squareRoot())
        }
        for i in 0..<n { for l in 0..<L { z.base[i * L + l] = (z.base[i * L + l] - mean[l]) / standardDeviation[l] } }
        (self.z, scale) = (z, LatentScale(mean: mean, standardDeviation: standardDeviation))
    }

    /// The latent at place u · count. u: uniform in [0, 1).
    func row(_ u: Double) -> UnsafePointer<Float> {
        UnsafePointer(z.base + min(Int(u * Double(count)), count - 1) * width)
    }
}
