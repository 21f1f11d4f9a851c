// The fit of a tilt of heads: θ moves until rows that are drawn with it meet the released marginals.
// A step draws the next rows of a pool of latents, with new random numbers, and sums for every table the tilted
// probabilities of its last column at the levels drawn for the earlier ones. The gradient of column t's log-likelihood,
// Σ P(x_t | ...)/n − y/ñ, is concave in its own θ given the earlier columns.
//
// θ of a table is a sum of parts at several scales: a number for each cell, for each block of 2 cells along each
// ordered column, of 4, and so on (TiltScales). What many cells have in common stands out of the noise where
// each of them does not.

import Basics
import Compute

package struct HeadTiltOptions: Sendable {
    /// Steps; rows that a step draws.
    package var steps = 150, batch = 8192
    /// Learning rate at the start, which decays linearly to 0.
    package var learningRate = 0.03
    /// Standard deviation of the prior of theta: how far the heads are taken to be off, as a logarithm. Above 0.
    package var spread = 1.0
    package var seed: UInt64 = 0
    package var threads = 1
    package init() {}
}

package final class HeadTiltFit {
    private let levels: [Int], columns: [[Int]], options: HeadTiltOptions
    private let layout: HeadTiltLayout, kernels: Kernels
    private let theta, target: Buffer<Float>
    /// θ = Σ of the parts' numbers, each at its scale.
    private let parts: Buffer<Float>
    private let scales: [TiltScales]
    private let adam: Adam
    /// Noise of a share of each table. Residuals well below it move theta little: it is Adam's epsilon.
    private let noise: [Double]
    /// Sums of a share of the batch each, added in order: the same bits for any number of threads.
    private let sums: Buffer<Float>
    private static let sumCount = 8
    private let memory: [RowPickMemory], scratch: [Scratch]
    /// Logits of the pool in lanes: [blocks][Σ levels] vectors.
    private let pool: Buffer<Float>, poolBlocks: Int
    private var stepsDone = 0
    /// Squared differences of the last step, in units of the noise: one sum a table.
    private let squares: Buffer<Double>
    private var distance: Double { (squares.reduce(0, +) / Double(max(cells, 1))).squareRoot() }
    /// Cells of the marginals, and numbers in theta for them.
    private let cells: Int, size: Int
    package var isDone: Bool { stepsDone >= options.steps }
    private let tableMemory: [TableMemory]
    /// Places in theta of the cells that no row can be in, of each table; tables behind `columns` have nothing else.
    private let barred: [[Int]]

    private struct Scratch { let logits, shares, uniforms: Buffer<Float>, labels: Buffer<Int32> }

    /// - Parameters:
    ///   - ordered: for each head whether its levels have an order.
    ///   - marginals: what rows are to meet, their columns heads in ascending order.
    ///   - total: rows that the marginals count.
    ///   - bars: cells that no row is drawn in.
    ///   - pool: logits of generated latents in lanes, [blocks][Σ levels] vectors; whole blocks.
    /// - Throws: `.argument`, `.noMemory`; `.format` when a bar does not fit the levels.
    package init(levels: [Int], ordered: [Bool], marginals: [NoisyMarginal], bars: [HeadTilt.Bar] = [],
                 total rows: Double, pool: Buffer<Float>, blocks: Int, _ options: HeadTiltOptions,
                 kernels: Kernels = .current) throws {
        try LevelLayout(levels).check(marginals)
        columns = marginals.map(\.columns)
        let fitted = try HeadTiltLayout(levels: levels, columns: columns), tables = columns.adding(bars)
        (cells, size) = (fitted.cells, fitted.size)
        layout = try HeadTiltLayout(levels: levels, columns: tables)
        barred = try layout.places(of: bars, tables)
        let total = layout.bins.total
        guard ordered.count == levels.count, blocks >= 1, pool.count == blocks * total * kernels.lanes, rows > 0,
              options.learningRate > 0, options.spread > 0, options.batch >= 1 else {
            throw Failure(.argument, "tilt: an option is out of range")
        }
        (self.levels, self.options, self.kernels, self.pool, poolBlocks) = (levels, options, kernels, pool, blocks)
        theta = try Buffer(count: layout.size, for: "a tilt")
        for places in barred { for i in places { theta[i] = HeadTilt.never } }
        target = try Buffer(count: layout.size, for: "a tilt")
        let values = try Buffer<Float>(count: layout.cells, for: "a tilt")
        var at = 0
        for m in marginals { for i in 0..<m.values.count { values[at] = Float(m.values[i] / rows); at += 1 } }
        layout.spread(values, into: target)
        for places in barred { for i in places { target[i] = 0 } }
        noise = marginals.map { max($0.standardDeviation / rows, 2e-4) }
        var first = 0
        scales = try marginals.map { m in
            let own = try TiltScales(levels: m.columns.map { levels[$0] }, ordered: m.columns.map { ordered[$0] },
                                     first: first)
            first += own.count
            return own
        }
        parts = try Buffer(count: first, for: "a tilt")
        let widest = layout.tables.map { $0.rows * $0.width }.max() ?? 1
        tableMemory = try (0..<options.threads).map { _ in try TableMemory(cells: widest) }
        adam = try Adam(count: first, beta1: 0.9, beta2: 0.99, correction: .ofExactRates)
        squares = try Buffer(count: marginals.count, for: "a tilt")
        sums = try Buffer(count: layout.size * Self.sumCount, for: "a tilt")
        let K = levels.max() ?? 1, W = kernels.lanes
        memory = try (0..<options.threads).map { _ in
            try RowPickMemory(levels: levels, columns: tables, kernels: kernels)
        }
        scratch = try (0..<options.threads).map { _ in
            Scratch(logits: try Buffer(count: total * W, for: "logits"),
                    shares: try Buffer(count: K * W, for: "logits"),
                    uniforms: try Buffer(count: levels.count * W, for: "uniform numbers"),
                    labels: try Buffer(count: levels.count * W, for: "codes"))
        }
    }

    /// One step of the fit.
    package func advance() {
        let W = kernels.lanes, step = stepsDone
        stepsDone += 1
        let each = max(1, options.batch / W / Self.sumCount), size = layout.size, count = each * Self.sumCount * W
        Workers.run(threads: options.threads, chunks: Self.sumCount) { c, worker in
            let sum = self.sums.base + c * size
            sum.update(repeating: 0, count: size)
            for b in 0..<each { self.collect(step * Self.sumCount * each + c * each + b, sum, worker) }
        }
        adam.begin(learningRate: options.learningRate * (1 - Double(step) / Double(options.steps)))
        let spread = options.spread
        Workers.run(threads: options.threads, chunks: columns.count) { k, worker in
            let t = self.layout.tables[k], width = Kernels.paddedRow(t.width), noise = self.noise[k]
            let own = self.scales[k], m = self.tableMemory[worker]
            var square = 0.0
            for r in 0..<t.rows {
                let at = t.start + r * width
                for b in 0..<t.width {
                    var sum: Float = 0
                    for c in 0..<Self.sumCount { sum += self.sums.base[c * size + at + b] }
                    let share = Double(sum) / Double(count), difference = share - Double(self.target[at + b])
                    square += difference * difference
                    (m.share[r * t.width + b], m.difference[r * t.width + b]) = (share, difference)
                }
            }
            self.squares[k] = square / (noise * noise)
            for scale in own.scales { self.move(scale, noise: noise, spread: spread, m) }
            for r in 0..<t.rows {
                let to = self.theta.base + t.start + r * width
                for b in 0..<t.width {
                    var sum: Float = 0
                    for scale in own.scales { sum += self.parts[scale.first + scale.block(r * t.width + b)] }
                    to[b] = sum
                }
            }
            for i in self.barred[k] { self.theta[i] = HeadTilt.never }
        }
    }

    /// One step of one table's numbers of one scale.
    private func move(_ scale: TiltScales.Scale, noise: Double, spread: Double, _ m: TableMemory) {
        for j in 0..<scale.count { (m.blockShare[j], m.blockDifference[j]) = (0, 0) }
        for i in 0..<scale.cells {
            let j = scale.block(i)
            m.blockShare[j] += m.share[i]
            m.blockDifference[j] += m.difference[i]
        }
        for j in 0..<scale.count {
            // Of a sum of counts with independent noise.
            let own = noise * scale.size(j).squareRoot(), i = scale.first + j
            // A number moves the share by the share: noise counts the more the smaller the share is.
            let prior = own * own / (spread * spread * max(m.blockShare[j], 0.1 * own))
            adam.moveInDouble(parts.base, i..<i + 1, epsilon: own) { _ in
                m.blockDifference[j] + prior * Double(parts[i])
            }
        }
    }

    /// Draws block `k` of the endless supply of rows and adds the tilted probabilities to the tables in `sum`.
    private func collect(_ k: Int, _ sum: UnsafeMutablePointer<Float>, _ worker: Int) {
        let W = kernels.lanes, total = layout.bins.total, s = scratch[worker], m = memory[worker]
        s.logits.base.update(from: pool.base + k % poolBlocks * total * W, count: total * W)
        for l in 0..<W {
            var stream = CounterStream(seed: options.seed, row: UInt64(k * W + l), purpose: 0x7469)
            for t in levels.indices { s.uniforms[t * W + l] = stream.uniform() }
        }
        for t in levels.indices {
            let x = s.logits.base + layout.bins.first[t] * W, K = levels[t]
            let count = layout.add(theta, of: t, s.labels.base, to: x, m)
            s.shares.base.update(from: x, count: K * W)
            kernels.drawLevel(x, s.uniforms.base + t * W, s.labels.base + t * W, K)
            kernels.softmax(s.shares.base, K)
            kernels.addToRows(s.shares.base, starts: m.starts.base, count: count, of: sum, memory: m.rows.base,
                              levels: K, used: W)
        }
    }

    /// - Throws: `.noMemory`.
    package func finish() throws -> HeadTilt {
        let own = try Buffer<Float>(count: size, for: "a tilt")
        own.base.update(from: theta.base, count: size)
        return HeadTilt(try HeadTiltLayout(levels: levels, columns: columns), columns: columns, padded: own,
                        distance: distance)
    }
}

/// One worker's memory for the step of one table: of its cells, and of its blocks at one scale.
private final class TableMemory {
    let share, difference, blockShare, blockDifference: Buffer<Double>

    init(cells: Int) throws {
        share = try Buffer(count: cells, for: "a tilt")
        difference = try Buffer(count: cells, for: "a tilt")
        blockShare = try Buffer(count: cells, for: "a tilt")
        blockDifference = try Buffer(count: cells, for: "a tilt")
    }
}
