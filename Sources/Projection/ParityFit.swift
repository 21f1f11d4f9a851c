// A relaxed table moved towards demographic parity, and otherwise kept as near as possible to the table it was.
// What any column's best linear prediction differs between groups is penalised (Parity.swift). With second moments M
// and shares s of the table, M⁰ and s⁰ of the table as it was, the loss is
//
//     ½ Σ (M - M⁰)² / (M⁰ + c)  +  10 T Σ (s - s⁰)² / (s⁰ + c)  +  λ parity
//
// where the first sum is over levels u, v of different columns. The first two terms are χ² distances with a floor c, so
// that a small cell moves as easily as a large one in proportion to its size. Adam moves the logits of the components.
// Their number and order stay: which component is of which group does not change, only its distribution of the columns.
//
// Wide tables are moved in coarser levels: neighbouring bins, and rare levels, share a cell, whose share moves while
// the proportions inside stay.

import Basics
import Compute
import Glibc

package struct ParityOptions: Sendable {
    /// λ, at least 0; steps of Adam; its learning rate at the start, which decays by a cosine to 0; steps between two
    /// inversions of the covariance.
    package var weight = 0.0, steps = 300, learningRate = 0.05, every = 5
    /// R over the variance of a level; c.
    package var ridge = 0.1, floor = 1e-3
    /// Coarse bins of all columns together, at most, as long as every column has two.
    package var width = 512
    package var threads = 1
    package init() {}
}

package struct ParityGroups {
    /// [G][components]: how much of a component is of a group, at least 0.
    package let membership: Buffer<Float>
    /// ω_g [G]: at least 0; those above are compared, relative to their sum.
    package let weights: [Double]
    package init(membership: Buffer<Float>, weights: [Double]) {
        (self.membership, self.weights) = (membership, weights)
    }
}

extension RelaxedTable {
    /// The table with the given columns moved towards parity of the groups. All other columns stay as they are.
    /// - Parameters:
    ///   - columns: at least 2, or nothing is to be done; ordered: of each whether its levels have an order.
    ///   - stop: asked before every step; true ends with `.cancelled`.
    /// - Throws: `.argument`, `.noMemory`, `.cancelled`. The same bits for any number of threads.
    package func movedToParity(columns: [Int], ordered: [Bool], groups: ParityGroups, options: ParityOptions,
                               stop: () -> Bool = { false }) throws -> RelaxedTable {
        guard ordered.count == columns.count, columns.allSatisfy(levels.indices.contains),
              Set(columns).count == columns.count, groups.membership.count == groups.weights.count * rows,
              options.weight >= 0, options.weight.isFinite, options.steps >= 0, options.every >= 1,
              options.learningRate > 0, options.ridge >= 0, options.floor > 0 else {
            throw Failure(.argument, "projection: an option of parity is out of range")
        }
        guard options.weight > 0, columns.count > 1, groups.weights.filter({ $0 > 0 }).count > 1 else { return self }
        let fit = try ParityFit(self, columns: columns, ordered: ordered, groups: groups, options)
        for step in 0..<options.steps {
            if stop() { throw Failure(.cancelled, "the projection was cancelled") }
            try fit.step(step)
        }
        return try fit.table(self)
    }

    /// Bytes that `movedToParity` has at once, beside the table.
    package static func parityMemory(levels: [Int], rows: Int, groups: Int, options: ParityOptions) -> Int {
        let K = CoarseLevels.counts(levels, width: options.width), D = K.reduce(0, +)
        return 4 * rows * (levels.reduce(0, +) + 6 * D) + 28 * D * D + Parity.memory(levels: K, groups: groups)
            + 8 * groups * D
    }
}

/// Which cell a level of a column is in, when there are more levels than can be moved one by one.
enum CoarseLevels {
    /// Cells of each column: as many as levels, or a maximum that is the same for all columns.
    static func counts(_ levels: [Int], width: Int) -> [Int] {
        var maxCells = levels.max() ?? 1
        while maxCells > 2, levels.reduce(0, { $0 + min($1, maxCells) }) > width { maxCells -= 1 }
        return levels.map { min($0, maxCells) }
    }

    /// Cells of the levels of one column. Ordered: runs of about equal share; otherwise the most frequent levels alone,
    /// all others together.
    static func cells(shares: [Double], count K: Int, ordered: Bool) -> [Int] {
        guard K < shares.count else { return Array(shares.indices) }
        if ordered {
            let total = max(shares.reduce(0, +), 1e-300)
            var sum = 0.0, cell = 0, out: [Int] = []
            for (i, s) in shares.enumerated() {
                // The next cell begins when this one is full, or when what is left is only enough for one level each.
                if let last = out.last, sum >= Double(cell + 1) / Double(K) * total || shares.count - i == K - 1 - last,
                    cell < K - 1 {
                    cell += 1
                }
                out.append(cell)
                sum += s
            }
            return out
        }
        let order = shares.indices.sorted { shares[$0] > shares[$1] || shares[$0] == shares[$1] && $0 < $1 }
        var out = [Int](repeating: K - 1, count: shares.count)
        for (cell, u) in order.prefix(K - 1).enumerated() { out[u] = cell }
        return out
    }
}

final class ParityFit {
    private let columns: [Int], cells: [[Int]]
    private let layout: LevelLayout, options: ParityOptions, kernels: Kernels, rows: Int
    private let blocks: Int
    private let parity: Parity
    /// Components in lanes: [blocks][D][lanes]; starting and present probabilities, logits, gradient.
    private let start, now, logits, gradient: Buffer<Float>
    private let adam: Adam
    /// [D][D]: M, M⁰, what a component's probabilities are multiplied with on the way back; covariance.
    private let moment, moment0, back: Buffer<Float>, covariance: Buffer<Double>
    /// [D]: s⁰; gradient by s.
    private let shares0: [Double], slope: Buffer<Float>

    init(_ table: RelaxedTable, columns: [Int], ordered: [Bool], groups: ParityGroups,
         _ options: ParityOptions) throws {
        let N = table.rows, all = LevelLayout(table.levels), kernels = Kernels.current, W = kernels.lanes
        let p = table.probabilities
        (self.columns, self.options, self.kernels, rows) = (columns, options, kernels, N)
        blocks = (N + W - 1) / W
        let counts = CoarseLevels.counts(columns.map { table.levels[$0] }, width: options.width)
        cells = columns.enumerated().map { t, j in
            let shares = (0..<table.levels[j]).map { u in
                (0..<N).reduce(0.0) { $0 + Double(p[$1 * all.total + all.first[j] + u]) } / Double(N)
            }
            return CoarseLevels.cells(shares: shares, count: counts[t], ordered: ordered[t])
        }
        layout = LevelLayout(counts)
        let D = layout.total, size = blocks * D * W
        start = try Buffer(count: size, for: "a relaxed table")
        now = try Buffer(count: size, for: "a relaxed table")
        logits = try Buffer(count: size, for: "a relaxed table")
        gradient = try Buffer(count: size, for: "a relaxed table")
        adam = try Adam(count: size, beta1: 0.9, beta2: 0.999, epsilon: 1e-9, correction: .ofExactRates,
                        kernels: kernels)
        for r in 0..<N {
            let to = start.base + r / W * D * W + r % W
            for (t, j) in columns.enumerated() {
                for (u, c) in cells[t].enumerated() {
                    to[(layout.first[t] + c) * W] += p[r * all.total + all.first[j] + u]
                }
            }
        }
        for i in 0..<size {
            now[i] = start[i]
            logits[i] = log(max(start[i], 1e-12))
        }
        moment = try Buffer(count: D * D, for: "moments of a table")
        moment0 = try Buffer(count: D * D, for: "moments of a table")
        back = try Buffer(count: D * D, for: "moments of a table")
        covariance = try Buffer(count: D * D, for: "moments of a table")
        slope = try Buffer(count: D, for: "moments of a table")

        // Shares and the groups' differences from them.
        let taking = groups.weights.indices.filter { groups.weights[$0] > 0 }
        let total = taking.reduce(0.0) { $0 + groups.weights[$1] }
        var shares = [Double](repeating: 0, count: D)
        let shift = try Buffer<Double>(count: taking.count * D, for: "parity of groups")
        for r in 0..<N {
            let q = start.base + r / W * D * W + r % W
            for u in 0..<D { shares[u] += Double(q[u * W]) / Double(N) }
        }
        for (k, g) in taking.enumerated() {
            let own = groups.membership.base + g * N, mass = max((0..<N).reduce(0.0) { $0 + Double(own[$1]) }, 1e-300)
            let to = shift.base + k * D
            for r in 0..<N {
                let q = start.base + r / W * D * W + r % W, part = Double(own[r]) / mass
                for u in 0..<D { to[u] += part * Double(q[u * W]) }
            }
            for u in 0..<D { to[u] -= shares[u] }
        }
        shares0 = shares
        parity = try Parity(levels: counts, ordered: ordered, shift: shift,
                            weights: taking.map { groups.weights[$0] / total }, shares: shares, ridge: options.ridge,
                            kernels: kernels)
        take(moment0)
    }

    /// M of the table as it is. Components beyond the table's rows are zeros.
    private func take(_ into: Buffer<Float>) {
        let D = layout.total, W = kernels.lanes, scale = 1 / Float(rows)
        Workers.run(threads: options.threads, chunks: (D + Parity.span - 1) / Parity.span) { k, _ in
            let lo = k * Parity.span, n = min(Parity.span, D - lo), to = into.base + lo * D
            for i in 0..<n * D { to[i] = 0 }
            self.kernels.weightedGradient(LaneRows(self.now.base + lo * W, stride: D),
                                          LaneRows(self.now.base, stride: D), to: to, rows: self.blocks, inputs: n,
                                          outputs: D)
            for i in 0..<n * D { to[i] *= scale }
        }
    }

    private func shares() -> [Double] {
        let D = layout.total, W = kernels.lanes
        var s = [Double](repeating: 0, count: D)
        for b in 0..<blocks { for u in 0..<D { for l in 0..<W { s[u] += Double(now[(b * D + u) * W + l]) } } }
        return s.map { $0 / Double(rows) }
    }

    /// The loss, and its gradient by the probabilities as `back` and `slope`, times the number of components.
    private func measure(renew: Bool) throws -> Double {
        let D = layout.total, c = options.floor, T = 10 * Double(columns.count)
        take(moment)
        let s = shares()
        for (t, K) in layout.levels.enumerated() {
            let own = layout.first[t]..<layout.first[t] + K
            for u in own {
                for v in 0..<D {
                    covariance[u * D + v] = (own.contains(v) ? (u == v ? s[u] : 0) : Double(moment[u * D + v]))
                        - s[u] * s[v]
                }
            }
        }
        if renew { try parity.renew(covariance: covariance) }
        for i in back.indices { back.base[i] = 0 }
        var loss = parity.gradient(covariance: covariance, weight: options.weight, into: back, threads: options.threads)
        // By the shares, of which the covariance takes the product away: all of it is still the gradient by the
        // covariance.
        for u in 0..<D {
            let d = s[u] - shares0[u]
            var x = Double(back[u * D + u]) + 2 * T * d / (shares0[u] + c)
            for v in 0..<D { x -= (Double(back[u * D + v]) + Double(back[v * D + u])) * s[v] }
            loss += T * d * d / (shares0[u] + c)
            slope[u] = Float(x)
        }
        for (t, K) in layout.levels.enumerated() {
            for u in layout.first[t]..<layout.first[t] + K {
                for v in layout.first[t]..<layout.first[t] + K { back[u * D + v] = 0 }
                for v in layout.first[t] + K..<max(D, layout.first[t] + K) {
                    let d = Double(moment[u * D + v]) - Double(moment0[u * D + v])
                    let w = 1 / (Double(moment0[u * D + v]) + c)
                    loss += d * d * w
                    let x = Float(2 * d * w) + back[u * D + v] + back[v * D + u]
                    (back[u * D + v], back[v * D + u]) = (x, x)
                }
            }
        }
        return loss
    }

    /// d loss / d logits times the number of components.
    private func descend(_ update: (Int, Int) -> Void) {
        let D = layout.total, W = kernels.lanes, span = 8
        Workers.run(threads: options.threads, chunks: (blocks + span - 1) / span) { k, _ in
            let b = k * span, n = min(span, self.blocks - b), p = self.now.base + b * D * W
            let g = self.gradient.base + b * D * W
            self.kernels.linear(LaneRows(p, stride: D), .forward(self.back.base, inputs: D, outputs: D), to: g,
                                stride: D, rows: n, start: .bias(self.slope.base))
            self.layout.throughSoftmax(p, g, blocks: n, lanes: W)
            update(b, n)
        }
    }

    func step(_ t: Int) throws {
        guard try measure(renew: t % options.every == 0).isFinite else {
            throw Failure(.argument, "projection: the fit to parity does not converge")
        }
        let D = layout.total, W = kernels.lanes
        let rate = options.learningRate * 0.5 * (1 + cos(.pi * Double(t) / Double(options.steps)))
        adam.begin(learningRate: rate)
        descend { b, n in
            let at = b * D * W
            self.adam.move(self.logits.base, gradient: self.gradient.base, at..<at + n * D * W)
            self.forward(b, n)
        }
    }

    /// Logits -> probabilities; what is beyond the table's rows stays zero.
    private func forward(_ b: Int, _ n: Int) {
        let D = layout.total, W = kernels.lanes
        for m in b..<b + n {
            (now.base + m * D * W).update(from: logits.base + m * D * W, count: D * W)
            for (t, K) in layout.levels.enumerated() { kernels.softmax(now.base + (m * D + layout.first[t]) * W, K) }
            for l in 0..<W where m * W + l >= rows { for u in 0..<D { now[(m * D + u) * W + l] = 0 } }
        }
    }

    /// The table with its cells' shares moved and the proportions inside kept.
    func table(_ table: RelaxedTable) throws -> RelaxedTable {
        let W = kernels.lanes, D = layout.total, all = LevelLayout(table.levels)
        let out = try Buffer<Float>(count: table.probabilities.count, for: "a relaxed table")
        out.base.update(from: table.probabilities.base, count: out.count)
        for r in 0..<rows {
            let at = r / W * D * W + r % W
            for (t, j) in columns.enumerated() {
                for (u, c) in cells[t].enumerated() {
                    let i = at + (layout.first[t] + c) * W
                    if start[i] > 0 { out[r * all.total + all.first[j] + u] *= now[i] / start[i] }
                }
            }
        }
        return RelaxedTable(levels: table.levels, rows: rows, probabilities: out, steps: table.steps,
                            floorRatio: table.floorRatio)
    }

    // MARK: for tests

    var state: Buffer<Float> { logits }
    /// Place of a component's cell in the state.
    func place(_ r: Int, _ t: Int, _ cell: Int) -> Int {
        (r / kernels.lanes * layout.total + layout.first[t] + cell) * kernels.lanes + r % kernels.lanes
    }
    func lossAndGradient() throws -> (loss: Double, gradient: Buffer<Float>) {
        forward(0, blocks)
        let loss = try measure(renew: true)
        descend { _, _ in }
        return (loss, gradient)
    }
    /// d of every column and group, [column][group][cell].
    func differences() throws -> [[[Double]]] {
        _ = try measure(renew: true)
        return layout.levels.indices.map { j in
            (0..<parity.groups).map { parity.difference(j, $0, covariance: covariance) }
        }
    }
}
