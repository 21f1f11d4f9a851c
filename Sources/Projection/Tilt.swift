// The exponential tilt of generated rows towards released marginals, of maximum entropy.
// weight(x) = exp(sum over marginals of theta[cell of x]), fitted on a pool of generated rows (the dual of iterative
// proportional fitting; Deming and Stephan 1940). It is applied by rejection: a generated row is accepted with
// probability min(1, weight / cap), so every accepted row is a fresh draw and none is repeated.

import Basics
import Compute
import Glibc

package struct TiltOptions: Sendable {
    /// Steps of the fit; its learning rate at the start, which decays linearly to 0; weight of the squared size of
    /// theta.
    package var steps = 60, learningRate = 0.03, ridge = 1e-4
    /// Least effective sample size (Kish 1965) as a share of the pool: a tilt that ends lower is shrunk until it holds.
    /// (0, 1].
    package var floor = 0.5
    /// Largest weight that is told from larger ones, over the mean: also the most generated rows for one accepted. At
    /// least 1.
    package var cap = 4.0
    package var threads = 1
    package init() {}
}

package final class Tilt: Sendable {
    /// Columns of each marginal.
    package let columns: [[Int]]
    /// theta of all marginals one after another, each row-major; log weights start from -log mean weight.
    package let theta: Buffer<Float>
    package let offset: Float
    /// Weight that is always accepted.
    package let cap: Float
    /// On the pool: effective sample size over rows; accepted over generated; weight above the cap that is lost;
    /// distinct rows among accepted.
    package let effectiveShare, acceptanceRate, truncated, distinctShare: Double
    private let starts: [Int], strides: [[Int]]

    /// A tilt that was fitted before. `levels`: of all columns of a row.
    /// - Throws: `.format` when theta does not fit the columns or a number is out of range.
    package init(levels: [Int], columns: [[Int]], theta: Buffer<Float>, offset: Float, cap: Float,
                 effectiveShare: Double, acceptanceRate: Double, truncated: Double, distinctShare: Double) throws {
        let sizes = columns.map { $0.reduce(1) { $0 * levels[$1] } }
        guard sizes.reduce(0, +) == theta.count, theta.allSatisfy(\.isFinite), offset.isFinite, cap > 0,
              cap.isFinite else {
            throw Failure(.format, "tilt: not of these columns")
        }
        (self.columns, self.theta, self.offset, self.cap) = (columns, theta, offset, cap)
        (self.effectiveShare, self.acceptanceRate, self.truncated, self.distinctShare) =
            (effectiveShare, acceptanceRate, truncated, distinctShare)
        var at = 0
        starts = sizes.map { n in defer { at += n }; return at }
        strides = columns.map { c in c.indices.map { i in c[(i + 1)...].reduce(1) { $0 * levels[$1] } } }
    }

    /// log(weight / mean weight of the pool) of one row. codes: [columns].
    package func logWeight(_ codes: UnsafePointer<UInt16>) -> Float {
        var sum = offset
        for (k, c) in columns.enumerated() {
            var cell = starts[k]
            for (i, j) in c.enumerated() { cell += Int(codes[j]) * strides[k][i] }
            sum += theta[cell]
        }
        return sum
    }

    /// Probability with which the row is accepted, in [0, 1].
    package func acceptance(_ codes: UnsafePointer<UInt16>) -> Float { min(1, exp(logWeight(codes)) / cap) }

    /// - Parameters:
    ///   - marginals: what the accepted rows are to meet; leave out those that must not come back.
    ///   - pool: generated rows, column by column: [columns][rows].
    ///   - stop: asked before every step; true ends with `.cancelled`.
    /// - Throws: `.argument`, `.noMemory`, `.cancelled`. The same bits for any number of threads.
    package static func fit(levels: [Int], marginals: [NoisyMarginal], total: Double, pool: Buffer<UInt16>, rows n: Int,
                            options: TiltOptions, stop: () -> Bool = { false }) throws -> Tilt {
        let fit = try TiltFit(levels, marginals, total: total, pool: pool, rows: n, options)
        while !fit.isDone {
            if stop() { throw Failure(.cancelled, "training was cancelled; it can be continued") }
            fit.advance()
        }
        return try fit.finish()
    }
}

/// The fit of a tilt, step by step, for hosts that want to be heard in between; `Tilt.fit` is all of it.
package final class TiltFit {
    private let levels: [Int], marginals: [NoisyMarginal], options: TiltOptions
    private let n: Int, pool: Buffer<UInt16>
    private let theta, gradient, log: Buffer<Float>
    private let adam: Adam
    private let target: Buffer<Double>, weight, sums: Buffer<Double>
    private let starts: [Int], sizes: [Int]
    /// Residuals well below the noise move theta little: Adam's epsilon is the noise of a share.
    private let slow: [Double]
    /// One worker's cells of a span of rows.
    private let workerCells: [Buffer<Int32>]
    private static let span = 4096

    /// - Throws: `.argument`, `.noMemory`. Parameters are those of `Tilt.fit`.
    package init(_ levels: [Int], _ marginals: [NoisyMarginal], total: Double, pool: Buffer<UInt16>, rows n: Int,
                 _ options: TiltOptions) throws {
        try LevelLayout(levels).check(marginals)
        guard n >= 1, pool.count == n * levels.count, total > 0, options.floor > 0, options.floor <= 1,
              options.cap >= 1, options.learningRate > 0, options.ridge >= 0 else {
            throw Failure(.argument, "tilt: an option is out of range")
        }
        (self.levels, self.marginals, self.options, self.n, self.pool) = (levels, marginals, options, n, pool)
        var at = 0
        sizes = marginals.map(\.values.count)
        starts = marginals.map { m in defer { at += m.values.count }; return at }
        theta = try Buffer(count: at, for: "a tilt")
        gradient = try Buffer(count: at, for: "a tilt")
        adam = try Adam(count: at, beta1: 0.9, beta2: 0.99, correction: .ofExactRates)
        target = try Buffer(count: at, for: "a tilt")
        for (k, m) in marginals.enumerated() {
            for i in 0..<m.values.count { target[starts[k] + i] = m.values[i] / total }
        }
        slow = marginals.map { max($0.standardDeviation / total, 2e-4) }
        workerCells = try (0..<options.threads).map { _ in try Buffer(count: Self.span, for: "generated rows") }
        log = try Buffer(count: n, for: "generated rows")
        weight = try Buffer(count: n, for: "generated rows")
        sums = try Buffer(count: (n + Self.span - 1) / Self.span, for: "generated rows")
    }

    /// log weights of the pool under `scale` theta, weights that sum to 1; returns log of their mean before.
    @discardableResult
    private func weigh(_ scale: Float = 1, fresh: Bool = true) -> Float {
        let log = log.base, weight = weight.base
        Workers.run(threads: options.threads, chunks: sums.count) { c, worker in
            let lo = c * Self.span, hi = min(lo + Self.span, self.n), cell = self.workerCells[worker].base
            if fresh {
                for i in lo..<hi { log[i] = 0 }
                for k in self.marginals.indices {
                    self.cells(k, lo, hi, cell)
                    let theta = self.theta.base + self.starts[k]
                    for i in lo..<hi { log[i] += theta[Int(cell[i - lo])] }
                }
            }
            var sum = 0.0
            for i in lo..<hi {
                weight[i] = exp(Double(scale * log[i]))
                sum += weight[i]
            }
            self.sums[c] = sum
        }
        let total = max(sums.reduce(0, +), 1e-300)
        for i in 0..<n { weight[i] /= total }
        return Float(Glibc.log(total / Double(n)))
    }

    /// Cells of rows lo ..< hi in marginal k, from 0: into[0 ..< hi - lo].
    private func cells(_ k: Int, _ lo: Int, _ hi: Int, _ into: UnsafeMutablePointer<Int32>) {
        let c = marginals[k].columns, x = pool.base, n = n, count = hi - lo
        let a = x + c[0] * n + lo
        switch c.count {
        case 1: for i in 0..<count { into[i] = Int32(a[i]) }
        case 2:
            let K = Int32(levels[c[1]]), b = x + c[1] * n + lo
            for i in 0..<count { into[i] = Int32(a[i]) &* K &+ Int32(b[i]) }
        default:
            let K1 = Int32(levels[c[1]]), K2 = Int32(levels[c[2]]), b = x + c[1] * n + lo, d = x + c[2] * n + lo
            for i in 0..<count { into[i] = (Int32(a[i]) &* K1 &+ Int32(b[i])) &* K2 &+ Int32(d[i]) }
        }
    }

    private var stepsDone = 0
    package var isDone: Bool { stepsDone >= options.steps }

    /// One step of the fit.
    package func advance() {
        let t = stepsDone
        stepsDone += 1
        weigh()
        adam.begin(learningRate: options.learningRate * (1 - Double(t) / Double(options.steps)))
        let weight = weight.base, n = n, ridge = options.ridge
        Workers.run(threads: options.threads, chunks: marginals.count) { k, worker in
            let at = self.starts[k], size = self.sizes[k], cell = self.workerCells[worker].base, slow = self.slow[k]
            let gradient = self.gradient.base + at
            for i in 0..<size { gradient[i] = 0 }
            for lo in stride(from: 0, to: n, by: Self.span) {
                let hi = min(lo + Self.span, n)
                self.cells(k, lo, hi, cell)
                for i in lo..<hi { gradient[Int(cell[i - lo])] += Float(weight[i]) }
            }
            self.adam.moveInDouble(self.theta.base, at..<at + size, epsilon: slow) { i in
                Double(self.gradient[i]) - self.target[i] + ridge * Double(self.theta[i])
            }
        }
    }

    private var effective: Double { 1 / max(weight.reduce(0) { $0 + $1 * $1 }, 1e-300) / Double(n) }

    /// The tilt after the last step, shrunk to the least effective sample size.
    package func finish() throws -> Tilt {
        var mean = weigh()
        if effective < options.floor {
            // Less of the same tilt: the effective size falls with its scale.
            var lo: Float = 0, hi: Float = 1
            for _ in 0..<30 {
                let mid = (lo + hi) / 2
                weigh(mid, fresh: false)
                if effective >= options.floor { lo = mid } else { hi = mid }
            }
            for i in 0..<theta.count { theta[i] *= lo }
            mean = weigh()
        }
        let w = weight.base, count = Double(n), maxWeight = weight.reduce(0, max) * count
        let cap = max(1, min(maxWeight, options.cap))
        var accepted = 0.0, lost = 0.0
        for i in 0..<n {
            accepted += min(1, w[i] * count / cap)
            lost += max(0, w[i] - cap / count)
        }
        // Distinct rows among those that one pass over the pool accepts.
        var seen = Set<UInt64>(), kept = 0
        for i in 0..<n {
            var stream = CounterStream(seed: 0x74696c74, row: UInt64(i), purpose: 1)
            guard stream.uniformDouble() < w[i] * count / cap else { continue }
            kept += 1
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for t in levels.indices {
                hash = (hash ^ UInt64(pool[t * n + i])) &* 0x9E37_79B9_7F4A_7C15; hash ^= hash >> 29
            }
            seen.insert(hash)
        }
        return try Tilt(levels: levels, columns: marginals.map(\.columns), theta: theta, offset: -mean, cap: Float(cap),
                        effectiveShare: effective, acceptanceRate: accepted / count, truncated: lost,
                        distinctShare: Double(seen.count) / Double(max(kept, 1)))
    }
}
