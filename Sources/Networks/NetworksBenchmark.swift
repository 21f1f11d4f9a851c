// A training step without privacy on made-up rows, timed for flip-bench.
// flip-bench prints it beside the private one (PrivateSteps.swift).

import Basics
import Compute
import Glibc

package enum NetworksBenchmark {
    /// Fifteen columns with the level counts of a census table.
    package static let levels = [20, 9, 20, 16, 16, 7, 15, 6, 5, 2, 6, 6, 16, 20, 2]

    /// The published shape: a latent per token, three transformers of two blocks, 128 hidden units.
    static func published(width: Int, heads: Int) -> VAEShape {
        var s = VAEShape(levels: levels)
        s.width = width
        s.heads = heads
        s.feedForward = 128
        s.encoderBlocks = 2
        s.decoderBlocks = 2
        s.activation = .relu
        s.latent = .perToken
        s.logVariance = .network
        s.trainsEmbeddings = true
        s.trainsLogVariance = true
        return s
    }
    package static let narrow = published(width: 4, heads: 1)
    package static let wide = published(width: 32, heads: 4)
    package static let standard = VAEShape(levels: levels)

    /// Steps of `batch` rows until `seconds` are over: gradients on all threads, Adam, weight average.
    package static func train(shape: VAEShape, batch: Int, threads: Int, seconds: Double,
                              kernels: Kernels = .current) throws
        -> (rowsPerSecond: Double, rowsPerProcessorSecond: Double, weights: Int) {
        let vae = try VAE(shape: shape, seed: 1, kernels: kernels), P = vae.parameters.trainable, Z = vae.latentCount
        let chunk = 128
        let chunks = (batch + chunk - 1) / chunk
        let scratch = try (0 ..< threads).map { _ in try VAEScratch(vae) }
        let sums = try (0 ..< threads).map { _ in try Buffer<Float>(count: P, for: "a sum") }
        let totals = try (0 ..< threads).map { _ in try Buffer<Double>(count: P, for: "a total") }
        let bins = try Buffer<UInt16>(count: batch * shape.columns, for: "rows")
        let noise = try Buffer<Float>(count: batch * Z, for: "noise")
        let mean = try Buffer<Float>(count: P, for: "a mean")
        let average = try Buffer<Float>(count: P, for: "an average"), adam = try Adam(count: P)
        var random = NormalStream(seed: 2, stream: 0)
        for i in 0 ..< batch * Z { noise[i] = random.next() }
        for t in 0 ..< shape.columns {
            for i in 0 ..< batch {
                bins[t * batch + i] = UInt16(min(Int(random.uniform() * Double(shape.levels[t])), shape.levels[t] - 1))
            }
        }
        func now(_ clock: clockid_t = CLOCK_MONOTONIC) -> Double {
            var t = timespec()
            clock_gettime(clock, &t)
            return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
        }
        func step() {
            for t in totals { t.base.update(repeating: 0, count: P) }
            Workers.run(threads: threads, chunks: chunks) { c, worker in
                let first = c * chunk, n = min(chunk, batch - first)
                let rows = CodeRows(bins: bins.base + first, stride: batch, count: n)
                let e = noise.base + first * Z, sum = sums[worker].base, total = totals[worker].base
                vae.gradientSum(rows, noise: e, beta: 0.5, into: sum, scratch[worker])
                for p in 0 ..< P { total[p] += Double(sum[p]) }
            }
            for p in 0 ..< P {
                var s = 0.0
                for t in totals { s += t[p] }
                mean[p] = Float(s) / Float(batch)
            }
            adam.step(vae.parameters.base, gradient: mean.base, learningRate: 1e-3)
            averageWeights(average.base, vae.parameters.base, count: P, decay: 0.98, step: adam.steps)
        }
        step()
        var steps = 0
        let start = now(), used = now(CLOCK_PROCESS_CPUTIME_ID)
        while now() - start < seconds {
            step()
            steps += 1
        }
        let rows = Double(steps * batch)
        return (rows / (now() - start), rows / (now(CLOCK_PROCESS_CPUTIME_ID) - used), P)
    }
}
