// The fit of a relaxed table to released marginals by Adam.
// Loss: sum over marginals k and cells of w_k (share of the table - released share)^2. w_k is the inverse variance of
// the marginal's noise, relative to the least noisy marginal of the largest order. Every step has two passes. The first
// computes every marginal of the table as a product of two columns' probabilities over all components (one worker a
// marginal). The second computes the gradient component by component (one worker a span of components). A marginal of
// three columns takes the product of the last two once for each bin of the first.

import Basics
import Compute
import Glibc

final class RelaxedFit {
    private struct Target {
        let columns: [Int]
        /// Place of its first cell in `residual`, cells, weight.
        let start: Int, cells: Int
        let weight: Double
    }
    private let layout: LevelLayout, options: ProjectionOptions, kernels: Kernels
    private let blocks: Int
    private var N: Int { blocks * kernels.lanes }
    private let targets: [Target]
    /// Released shares, and the table's error times 2 w: [cells of all marginals].
    private let target, residual: Buffer<Float>
    private let errors: Buffer<Double>
    /// What the noise alone is expected to give as a loss.
    private let floor: Double
    /// Components in lanes: [blocks][levels][lanes].
    private let logits, probabilities, gradient: Buffer<Float>
    private let adam: Adam
    /// One worker's product of two columns: [largest column][lanes] for a span of blocks.
    private let products: [Buffer<Float>]
    private static let span = 8

    init(_ layout: LevelLayout, _ marginals: [NoisyMarginal], total: Double, shares: [[Double]]?,
         from table: RelaxedTable? = nil, _ options: ProjectionOptions) throws {
        try layout.check(marginals)
        let kernels = Kernels.current
        (self.layout, self.options, self.kernels) = (layout, options, kernels)
        blocks = max(1, (options.rows + 15) / 16 * 16 / kernels.lanes)
        // Noise of the least noisy marginal of the largest order is the unit: without any noise all weigh the same.
        let order = marginals.map(\.columns.count).max() ?? 1
        let unit =
            marginals.filter { $0.columns.count == order && $0.standardDeviation > 0 }.map(\.standardDeviation).min()
            ?? 0
        var at = 0, floor = 0.0
        targets = marginals.map { m in
            // One of three columns walks the fewest levels last.
            defer { at += m.values.count }
            let ratio = unit > 0 ? unit / max(m.standardDeviation, unit * 0.05) : 1
            floor += Double(m.values.count) * ratio * ratio * (m.standardDeviation / total)
                * (m.standardDeviation / total)
            return Target(columns: m.columns, start: at, cells: m.values.count, weight: ratio * ratio)
        }
        self.floor = floor
        target = try Buffer(count: at, for: "released marginals")
        residual = try Buffer(count: at, for: "released marginals")
        errors = try Buffer(count: marginals.count, for: "released marginals")
        for (t, m) in zip(targets, marginals) {
            for i in 0..<t.cells { target[t.start + i] = Float(m.values[i] / total) }
        }
        let size = blocks * layout.total * kernels.lanes
        logits = try Buffer(count: size, for: "a relaxed table")
        probabilities = try Buffer(count: size, for: "a relaxed table")
        gradient = try Buffer(count: size, for: "a relaxed table")
        adam = try Adam(count: size, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, correction: .ofExactRates,
                        kernels: kernels)
        let widest = layout.levels.max() ?? 1, lanes = kernels.lanes, all = blocks
        products = try (0..<options.threads).map { _ in
            try Buffer(count: all * widest * lanes, for: "a relaxed table")
        }
        if let table { try start(from: table) } else { start(shares) }
    }

    private func start(_ shares: [[Double]]?) {
        let W = kernels.lanes, D = layout.total
        var base = [Float](repeating: 0, count: D)
        if let shares {
            for (t, s) in shares.enumerated() {
                for (k, p) in s.enumerated() { base[layout.first[t] + k] = Float(log(max(p, 0) + 1e-4)) }
            }
        }
        for r in 0..<N {
            var stream = CounterStream(seed: options.seed, row: UInt64(r), purpose: 0x72656c61)
            var k = 0
            while k < D {
                let (a, b) = stream.normalPair()
                set(r, k, base[k] + Float(options.spread) * a)
                if k + 1 < D { set(r, k + 1, base[k + 1] + Float(options.spread) * b) }
                k += 2
            }
        }
        func set(_ r: Int, _ k: Int, _ x: Float) { logits[(r / W * D + k) * W + r % W] = x }
    }

    /// Logits whose probabilities are those of a table of the same shape.
    private func start(from table: RelaxedTable) throws {
        guard table.levels == layout.levels, table.rows == N else {
            throw Failure(.argument, "projection: the table to start from has another shape")
        }
        let W = kernels.lanes, D = layout.total
        for r in 0..<N {
            for k in 0..<D {
                logits[(r / W * D + k) * W + r % W] = Float(log(Double(max(table.probabilities[r * D + k], 1e-12))))
            }
        }
    }

    func run(_ stop: () -> Bool) throws -> RelaxedTable {
        var done = 0, ratio = 0.0
        forward()
        while done < options.steps {
            if stop() { throw Failure(.cancelled, "the projection was cancelled") }
            let error = measure()
            ratio = floor > 0 ? error / floor : 0
            guard error.isFinite else { throw Failure(.argument, "projection: the fit does not converge") }
            if floor > 0, options.noiseFloor > 0, ratio <= options.noiseFloor { break }
            descend(step: done)
            forward()
            done += 1
        }
        let W = kernels.lanes, D = layout.total
        let out = try Buffer<Float>(count: N * D, for: "a relaxed table")
        for r in 0..<N { for k in 0..<D { out[r * D + k] = probabilities[(r / W * D + k) * W + r % W] } }
        return RelaxedTable(levels: layout.levels, rows: N, probabilities: out, steps: done, floorRatio: ratio)
    }

    private func column(_ t: Int, block b: Int = 0) -> UnsafeMutablePointer<Float> {
        probabilities.base + (b * layout.total + layout.first[t]) * kernels.lanes
    }

    /// Spans of blocks, in parallel: `body(first block, blocks, worker)`.
    private func spans(_ body: (Int, Int, Int) -> Void) {
        Workers.run(threads: options.threads, chunks: (blocks + Self.span - 1) / Self.span) { c, worker in
            let b = c * Self.span
            body(b, min(Self.span, self.blocks - b), worker)
        }
    }

    /// Logits -> probabilities.
    private func forward() {
        let W = kernels.lanes, D = layout.total
        spans { b, n, _ in
            self.probabilities.base.advanced(by: b * D * W).update(from: self.logits.base + b * D * W, count: n * D * W)
            for k in b..<b + n {
                for t in self.layout.levels.indices {
                    self.kernels.softmax(self.column(t, block: k), self.layout.levels[t])
                }
            }
        }
    }

    /// The table's marginals against the released ones: `residual` = 2 w (error), and the loss.
    func measure() -> Double {
        Workers.run(threads: options.threads, chunks: targets.count) { k, worker in
            self.measure(self.targets[k], k, self.products[worker])
        }
        return errors.reduce(0, +)
    }

    private func measure(_ t: Target, _ k: Int, _ product: Buffer<Float>) {
        let D = layout.total, W = kernels.lanes, c = t.columns, K = c.map { layout.levels[$0] }
        let out = residual.base + t.start, scale = 1 / Float(N)
        for i in 0..<t.cells { out[i] = 0 }
        switch c.count {
        case 1:
            let p = column(c[0])
            for b in 0..<blocks { for a in 0..<K[0] { for l in 0..<W { out[a] += p[(b * D + a) * W + l] } } }
        case 2:
            kernels.weightedGradient(LaneRows(column(c[0]), stride: D), LaneRows(column(c[1]), stride: D), to: out,
                                     rows: blocks, inputs: K[0], outputs: K[1])
        default:
            for v in 0..<K[0] {
                multiply(c[1], byLevel: v, of: c[0], blocks: 0..<blocks, to: product.base)
                kernels.weightedGradient(LaneRows(product.base, stride: K[1]), LaneRows(column(c[2]), stride: D),
                                         to: out + v * K[1] * K[2], rows: blocks, inputs: K[1], outputs: K[2])
            }
        }
        var error = 0.0
        for i in 0..<t.cells {
            let d = out[i] * scale - target[t.start + i]
            error += Double(d) * Double(d)
            out[i] = Float(2 * t.weight) * d
        }
        errors[k] = t.weight * error
    }

    /// product[block][bin of t] = probability of that bin times that of bin v of column u.
    private func multiply(_ t: Int, byLevel v: Int, of u: Int, blocks: Range<Int>,
                          to product: UnsafeMutablePointer<Float>) {
        let W = kernels.lanes, K = layout.levels[t]
        for (m, b) in blocks.enumerated() {
            let p = column(t, block: b), q = column(u, block: b) + v * W, to = product + m * K * W
            for k in 0..<K { for l in 0..<W { to[k * W + l] = p[k * W + l] * q[l] } }
        }
    }

    /// d loss / d probabilities, times the number of components (Adam does not see the factor), then through the
    /// softmax, then one step.
    private func descend(step: Int) {
        let D = layout.total, W = kernels.lanes
        let rate = options.learningRate * (0.02 + 0.98 * 0.5 * (1
            + cos(.pi * Double(step) / Double(max(options.steps, 1)))))
        adam.begin(learningRate: rate)
        spans { b, n, worker in
            let at = b * D * W
            let g = self.gradient.base + at
            for i in 0..<n * D * W { g[i] = 0 }
            for t in self.targets { self.addGradient(t, b..<b + n, g, self.products[worker].base) }
            self.layout.throughSoftmax(self.column(0, block: b), g, blocks: n, lanes: W)
            self.adam.move(self.logits.base, gradient: self.gradient.base, at..<at + n * D * W)
        }
    }

    /// Adds one marginal's part of the gradient for some blocks to g, [blocks][levels][lanes].
    private func addGradient(_ t: Target, _ blocks: Range<Int>, _ g: UnsafeMutablePointer<Float>,
                             _ product: UnsafeMutablePointer<Float>) {
        let b = blocks.lowerBound, n = blocks.count, D = layout.total, W = kernels.lanes, c = t.columns
        let K = c.map { layout.levels[$0] }
        let r = residual.base + t.start
        func to(_ t: Int) -> UnsafeMutablePointer<Float> { g + layout.first[t] * W }
        switch c.count {
        case 1:
            for m in 0..<n { for a in 0..<K[0] { for l in 0..<W { to(c[0])[(m * D + a) * W + l] += r[a] } } }
        case 2:
            kernels.linear(LaneRows(column(c[1], block: b), stride: D), .backward(r, inputs: K[0], outputs: K[1]),
                           to: to(c[0]), stride: D, rows: n, start: .output)
            kernels.linear(LaneRows(column(c[0], block: b), stride: D), .forward(r, inputs: K[0], outputs: K[1]),
                           to: to(c[1]), stride: D, rows: n, start: .output)
        default:
            for v in 0..<K[0] {
                let rv = r + v * K[1] * K[2]
                multiply(c[1], byLevel: v, of: c[0], blocks: blocks, to: product)
                kernels.linear(LaneRows(product, stride: K[1]), .forward(rv, inputs: K[1], outputs: K[2]), to: to(c[2]),
                               stride: D, rows: n, start: .output)
                // product = p2 Rᵀ: what column 1 gets for each unit of the level's probability, and that level for each
                // of column 1.
                kernels.linear(LaneRows(column(c[2], block: b), stride: D), .backward(rv, inputs: K[1], outputs: K[2]),
                               to: product, stride: K[1], rows: n)
                for m in 0..<n {
                    let p = column(c[1], block: b + m), q = column(c[0], block: b + m) + v * W
                    let x = product + m * K[1] * W
                    let g1 = to(c[1]) + m * D * W, g0 = to(c[0]) + (m * D + v) * W
                    for k in 0..<K[1] {
                        for l in 0..<W {
                            g1[k * W + l] += x[k * W + l] * q[l]
                            g0[l] += x[k * W + l] * p[k * W + l]
                        }
                    }
                }
            }
        }
    }

    // MARK: for tests

    /// Logits in their own layout, and d loss / d logits times the number of components at the present ones.
    var state: Buffer<Float> { logits }
    func lossAndGradient() -> (loss: Double, gradient: Buffer<Float>) {
        forward()
        let loss = measure()
        let D = layout.total, W = kernels.lanes
        spans { b, n, worker in
            let g = self.gradient.base + b * D * W
            for i in 0..<n * D * W { g[i] = 0 }
            for t in self.targets { self.addGradient(t, b..<b + n, g, self.products[worker].base) }
            self.layout.throughSoftmax(self.column(0, block: b), g, blocks: n, lanes: W)
        }
        return (loss, gradient)
    }
}
