// Whole private steps on made-up rows, timed: the ledger's charge, a Poisson batch out of 32 times as many rows, the
// rows' own randomness, clipped gradients, four-sample noise on the grid, Adam, weight average. The same door that
// trainings go through.

import Basics
import Compute
import Glibc
import Networks
import Privacy

/// Steps of `batch` expected rows until `seconds` are over.
func privateSteps(shape: VAEShape, batch: Int, threads: Int, seconds: Double, kernels: Kernels) throws
    -> (rowsPerSecond: Double, rowsPerProcessorSecond: Double, weights: Int, noiseShare: Double) {
    let vae = try VAE(shape: shape, seed: 1, kernels: kernels), P = vae.parameters.trainable, Z = vae.latentCount,
        T = shape.columns, chunk = 128
    let made = try PrivateTable(rows: 32 * batch, cellCounts: shape.levels, groups: ["all"])
    var state: UInt64 = 1
    for t in 0..<T {
        try made.fill(column: t) { cells in
            for i in 0..<32 * batch {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                cells[i] = UInt16((state >> 33) % UInt64(shape.levels[t]))
            }
        }
    }
    guard let budget = Budget(epsilon: 1000, delta: 1e-5, order: 2) else { throw Failure(.internal, "no budget") }
    let door = try Door(table: made, budget: budget, ledger: Ledger(epsilon: 1000, delta: 1e-5, order: 2),
                        random: SecureRandom())
    let scratch = try (0..<threads).map { _ in try VAEScratch(vae) }
    let sums = try (0..<threads).map { _ in try Buffer<Float>(count: P, for: "a sum") }
    let normals = try (0..<threads).map { _ in try Buffer<Float>(count: chunk * Z, for: "noise of the rows") }
    let codes = try (0..<threads).map { _ in try Buffer<UInt16>(count: chunk * T, for: "codes") }
    let clips = try Buffer<Float>(count: chunk, for: "clipping norms"), adam = try Adam(count: P),
        average = try Buffer<Float>(count: P, for: "an average")
    for i in 0..<chunk { clips[i] = 1 }
    func step() throws {
        let released = try door.releaseSum(name: "step", length: P, rates: [1.0 / 32], clips: [1], noise: 2,
                                           microBatch: chunk, threads: threads) { rows, w, out in
            for t in 0..<T { (codes[w].base + t * chunk).update(from: rows.columns[t], count: rows.count) }
            rows.random.fillNormal(normals[w].base, rows.count * Z)
            vae.clippedGradientSum(CodeRows(bins: codes[w].base, stride: chunk, count: rows.count),
                                   noise: normals[w].base, clips: clips.base, beta: 0.5,
                                   into: sums[w].base, scratch[w])
            out.add(sums[w].base)
        }
        for p in 0..<P { released.base[p] /= Float(batch) }
        adam.step(vae.parameters.base, gradient: released.base, learningRate: 1e-3)
        averageWeights(average.base, vae.parameters.base, count: P, decay: 0.98, step: adam.steps)
    }
    func processorSeconds() -> Double {
        var t = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t)
        return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
    }
    try step()
    var steps = 0
    let start = monotonicSeconds(), used = processorSeconds()
    while monotonicSeconds() - start < seconds {
        try step()
        steps += 1
    }
    let rows = Double(steps * batch), wall = monotonicSeconds() - start, processor = processorSeconds() - used
    // The same release of nobody: what is left is the charge, the draw of a batch and the noise. Its median over that
    // of a step, processor time.
    var alone: [Double] = []
    for _ in 0..<max(9, min(steps, 200)) {
        let before = processorSeconds()
        _ = try door.releaseSum(name: "noise", length: P, rates: [1e-12], clips: [1], noise: 2, microBatch: chunk,
                                threads: threads) { _, _, _ in }
        alone.append(processorSeconds() - before)
    }
    return (rows / wall, rows / processor, P, alone.sorted()[alone.count / 2] / (processor / Double(steps)))
}
