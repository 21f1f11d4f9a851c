// The fit of a pair model to rows, with conditionals that select rows of all groups alike. The loss is
//
//     −1/n Σ_i Σ_t log Q(x_it | the row's others)  +  λ Σ_t mean over questions of column t of weight · gap
//
// The first part is the pseudo-likelihood (Besag 1975, The Statistician 24), the second is in SelectionGap.swift. Both
// are taken on the same rows, which come from a table where groups are as they were released. Every column is a task,
// so nobody has to say which. The groups are no column of the model: rows that are drawn from it have none.
//
// The rows may lack something that is known of pairs of columns. With D_st the shares of cells that they lack, the loss
// has −2 Σ ⟨D_st, θ_st⟩ besides: its slope by a factor is that of rows whose table of the pair has D_st added, since
// the factor is in the conditionals of both columns.

import Basics
import Compute
import Glibc

package struct PairModelOptions: Sendable {
    /// λ: 0 for a model without alignment.
    package var weight = 0.0
    package var notion = FairnessNotion.parity
    /// Steps of Adam; rows of a step.
    package var steps = 300, batch = 2048
    package var learningRate = 0.02
    /// Steps before the gaps count, and over which their weight grows.
    package var start = 60, ramp = 60
    package var threads = 1
    package init() {}
}

/// Rows that a fit learns from: a function of a number, so that there are as many as are wanted.
package struct PairModelRows {
    /// ω of each group, by which its gaps count; 0: it takes no part.
    let groupWeights: [Double]
    /// Share of each group in the table.
    let shares: [Double]
    /// Parts of the admissible columns.
    let strata: Int
    /// Writes row k of group g to codes. - Returns: its stratum.
    let draw: (_ k: UInt64, _ group: Int, _ codes: UnsafeMutablePointer<UInt16>) -> Int

    package init(groupWeights: [Double], shares: [Double], strata: Int = 1,
                 draw: @escaping (_ k: UInt64, _ group: Int, _ codes: UnsafeMutablePointer<UInt16>) -> Int) {
        (self.groupWeights, self.shares, self.strata, self.draw) = (groupWeights, shares, strata, draw)
    }
}

package final class PairModelFit {
    package let model: PairModel
    private let options: PairModelOptions, kernels: Kernels
    /// Rows that are learned, and those that figures are taken on.
    private let rows, tried: PairModelRows
    private let questions: [[GapQuestion]]
    /// For each pair the shares of cells that the rows lack, row-major; empty: none.
    private let lacking: [[Double]]
    private let adam: Adam
    /// Numbers that Adam moves: the factors, each row-major, then the biases.
    private let parameters: Buffer<Float>, firstCell: [Int]
    /// Of the tables that are added to each column, and of the biases.
    private let slopes: Buffer<Float>, biasSlopes: Buffer<Float>
    private let spaces: [Space]
    private let labels: Buffer<Int32>, blocks: Int
    private var gapRows: GapRows
    private var stepsDone = 0, seedsTaken: UInt64 = 0
    /// Of each column in the last batch of `figures`; not a number: no two groups can be told.
    private let spread: Buffer<Double>, area: Buffer<Double>

    private static let questionsAStep = 2

    private struct Space {
        let memory: RowPickMemory, chances: Buffer<Float>, slope: Buffer<Float>, sums: Buffer<Float>
        let gap: SelectionGap
    }

    /// - Parameters:
    ///   - shares: of each column's levels.
    ///   - ordered: for each column whether its levels have an order.
    ///   - tasks: for each column whether its conditional is to treat groups alike.
    ///   - lacking: for some of `pairs`, first column below the second, what is to be added to the rows' shares of the
    ///     pair's cells, row-major.
    ///   - tried: rows that figures are taken on, for a model without alignment; nil: those that are learned.
    /// - Throws: `.argument`, `.noMemory`.
    package init(shares: [[Double]], ordered: [Bool], tasks: [Bool], pairs: [[Int]], rows: PairModelRows,
                 lacking: [[Int]: [Double]] = [:], tried: PairModelRows? = nil, _ options: PairModelOptions,
                 kernels: Kernels = .current) throws {
        let W = kernels.lanes
        guard ordered.count == shares.count, tasks.count == shares.count, options.batch >= 1, options.steps >= 0,
              options.learningRate > 0, options.weight >= 0, !rows.shares.isEmpty,
              rows.shares.count == rows.groupWeights.count, rows.strata >= 1,
              tried == nil || options.weight == 0 else {
            throw Failure(.argument, "pair model: an option is out of range")
        }
        let model = try PairModel(shares: shares, pairs: pairs)
        (self.model, self.options, self.kernels, self.rows) = (model, options, kernels, rows)
        self.tried = tried ?? rows
        self.lacking = try model.pairs.map { a, b in
            guard let cells = lacking[[a, b]] else { return [] }
            guard cells.count == model.levels[a] * model.levels[b], cells.allSatisfy(\.isFinite) else {
                throw Failure(.argument, "pair model: what rows lack is not of its pairs")
            }
            return cells
        }
        questions = zip(shares, ordered).enumerated().map { t, x in
            tasks[t] ? GapQuestion.all(shares: x.0, ordered: x.1) : []
        }
        var at = 0
        firstCell = model.pairs.map { p in defer { at += model.levels[p.a] * model.levels[p.b] }; return at }
        parameters = try Buffer(count: at + model.bins.total, for: "a model of pairs")
        parameters.base.advanced(by: at).update(from: model.bias.base, count: model.bins.total)
        adam = try Adam(count: parameters.count, beta1: 0.9, beta2: 0.99, correction: .ofExactRates)
        slopes = try Buffer(count: model.theta.count, for: "a model of pairs")
        biasSlopes = try Buffer(count: model.bins.total, for: "a model of pairs")
        blocks = (options.batch + 31) / 32 * 32 / W
        labels = try Buffer(count: blocks * model.levels.count * W, for: "rows")
        let n = blocks * W, K = model.levels.max() ?? 1
        spaces = try (0..<max(1, options.threads)).map { _ in
            Space(memory: try RowPickMemory(model, kernels),
                  chances: try Buffer(count: n * K, for: "rows"), slope: try Buffer(count: n * K, for: "rows"),
                  sums: try Buffer(count: 2 * W, for: "rows"),
                  gap: try SelectionGap(weights: (tried ?? rows).groupWeights, rows: n))
        }
        spread = try Buffer(count: model.levels.count, for: "rows")
        area = try Buffer(count: model.levels.count, for: "rows")
        gapRows = GapRows(rows, count: n)
    }

    /// - Parameter stop: asked before every step; true ends with `.cancelled`.
    package func run(stop: () -> Bool = { false }) throws -> PairModel {
        while stepsDone < options.steps {
            if stop() { throw Failure(.cancelled, "training was cancelled; it can be continued") }
            advance()
        }
        return model
    }

    /// One step. Every sum is over one column by one worker: the same bits for any number of threads.
    func advance() {
        let step = stepsDone, from = Double(options.start), ramp = Double(max(options.ramp, 1))
        stepsDone += 1
        takeRows(rows)
        let weight = options.weight * min(1, max(0, (Double(step) - from + 1) / ramp))
        Workers.run(threads: options.threads, chunks: model.levels.count) { t, worker in
            self.slope(of: t, weight: weight, step: step, self.spaces[worker])
        }
        adam.begin(learningRate: options.learningRate * (1 - Double(step) / Double(options.steps)))
        Workers.run(threads: options.threads, chunks: model.pairs.count) { k, _ in self.move(pair: k) }
        let first = parameters.count - model.bins.total
        adam.moveInDouble(parameters.base, first..<parameters.count, epsilon: 1e-5) {
            Double(self.biasSlopes[$0 - first])
        }
        model.bias.base.update(from: parameters.base + first, count: model.bins.total)
    }

    /// The next rows, equally many of each group.
    private func takeRows(_ rows: PairModelRows) {
        let W = kernels.lanes, T = model.levels.count, n = blocks * W
        var codes = [UInt16](repeating: 0, count: T)
        for i in 0..<n {
            gapRows.stratum[i] = codes.withUnsafeMutableBufferPointer {
                $0.baseAddress.map { rows.draw(seedsTaken + UInt64(i), gapRows.group[i], $0) } ?? 0
            }
            let to = labels.base + i / W * T * W + i % W
            for t in 0..<T { to[t * W] = Int32(codes[t]) }
        }
        seedsTaken += UInt64(n)
    }

    /// The conditional of column t on all rows, into `space.chances` [blocks][levels] vectors.
    private func chances(of t: Int, _ space: Space) {
        let W = kernels.lanes, T = model.levels.count, K = model.levels[t]
        for b in 0..<blocks {
            let x = space.chances.base + b * K * W
            model.logits(of: t, labels.base + b * T * W, into: x, space.memory)
            kernels.softmax(x, K)
        }
    }

    /// The chance of one of the levels `yes`, into `space.gap.chance`.
    private func chance(of yes: [Int], _ K: Int, _ s: Space) {
        let W = kernels.lanes, to = s.gap.chance.base
        for b in 0..<blocks {
            let p = s.chances.base + b * K * W
            for l in 0..<W { to[b * W + l] = 0 }
            for u in yes { for l in 0..<W { to[b * W + l] += Double(p[u * W + l]) } }
        }
    }

    /// The gradient by column t's conditional.
    private func slope(of t: Int, weight: Double, step: Int, _ s: Space) {
        let W = kernels.lanes, T = model.levels.count, K = model.levels[t], n = blocks * W
        chances(of: t, s)
        s.slope.base.update(repeating: 0, count: n * K)
        let own = questions[t], some = min(own.count, Self.questionsAStep)
        if weight > 0 {
            let each = weight / Double(max(some, 1))
            for i in 0..<some {
                let q = own[(step * some + i) % own.count], yes = (0..<K).filter { q.yes[$0] }
                chance(of: yes, K, s)
                _ = s.gap.gap(gapRows, share: q.share, notion: options.notion) { i in
                    q.yes[Int(self.labels[i / W * T * W + t * W + i % W])]
                } slope: { i, d in
                    let to = s.slope.base + i / W * K * W + i % W
                    for u in yes { to[u * W] += Float(each * q.weight * d) }
                }
            }
        }
        for p in model.partners[t] {
            (slopes.base + p.start).update(repeating: 0,
                                           count: model.levels[p.column] * Kernels.paddedRow(K))
        }
        let ownBias = biasSlopes.base + model.bins.first[t], share = 1 / Float(n)
        for u in 0..<K { ownBias[u] = 0 }
        for b in 0..<blocks {
            let p = s.chances.base + b * K * W, g = s.slope.base + b * K * W, x = labels.base + b * T * W
            let sum = s.sums.base, w = s.sums.base + W
            for l in 0..<W { (sum[l], w[l]) = (0, Float(gapRows.weight[b * W + l]) * share) }
            for u in 0..<K { for l in 0..<W { sum[l] += p[u * W + l] * g[u * W + l] } }
            for u in 0..<K {
                for l in 0..<W { g[u * W + l] = p[u * W + l] * (g[u * W + l] - sum[l] + w[l]) }
            }
            for l in 0..<W { g[Int(x[t * W + l]) * W + l] -= w[l] }
            for l in 0..<W { for u in 0..<K { ownBias[u] += g[u * W + l] } }
            let count = model.starts(of: t, x, into: s.memory.starts.base, lanes: W)
            kernels.addToRows(g, starts: s.memory.starts.base, count: count, of: slopes.base,
                              memory: s.memory.rows.base, levels: K, used: W)
        }
    }

    /// One step of one factor, by the gradients of both conditionals.
    private func move(pair k: Int) {
        let (a, b) = model.pairs[k], B = model.levels[b], (toB, toA) = model.places(k)
        let wide = Kernels.paddedRow(B), tall = Kernels.paddedRow(model.levels[a]), first = firstCell[k]
        let cells = model.levels[a] * B
        let lacking = lacking[k]
        adam.moveInDouble(parameters.base, first..<first + cells, epsilon: 1e-5) {
            let u = ($0 - first) / B, v = ($0 - first) % B
            return Double(self.slopes[toB + u * wide + v]) + Double(self.slopes[toA + v * tall + u])
                + Self.decay * Double(self.parameters[$0]) - (lacking.isEmpty ? 0 : 2 * lacking[$0 - first])
        }
        model.setFactor(k) { self.parameters[first + $0] }
    }

    private static let decay = 1e-5

    /// What a task of each column would see that the model predicts from the others: on `batches` further batches of
    /// rows, whose groups are as they were released. Once it was asked for, the fit is over.
    /// - Returns: nil: no two groups can be told.
    package func figures(batches: Int = 8) -> PairModelFigures? {
        var spreads: [Double] = [], areas: [Double] = [], tasks = 0
        gapRows = GapRows(tried, count: gapRows.group.count)
        for _ in 0..<batches {
            takeRows(tried)
            Workers.run(threads: options.threads, chunks: model.levels.count) { t, worker in
                let own = self.task(t, self.spaces[worker])
                (self.spread[t], self.area[t]) = (own?.spread ?? .nan, own?.area ?? .nan)
            }
            let told = spread.indices.filter { spread[$0].isFinite }
            guard !told.isEmpty else { return nil }
            tasks = told.count
            spreads.append(told.reduce(0) { $0 + spread[$1] } / Double(tasks))
            areas.append(told.reduce(0) { $0 + area[$1] } / Double(tasks))
        }
        func summary(_ x: [Double]) -> (Double, Double) {
            let mean = x.reduce(0, +) / Double(x.count), square = x.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) }
            return (mean, (square / Double(max(x.count - 1, 1)) / Double(x.count)).squareRoot())
        }
        let (disparity, deviation) = summary(spreads), (auc, aucDeviation) = summary(areas)
        return PairModelFigures(disparity: disparity, disparityDeviation: deviation, auc: auc,
                                aucDeviation: aucDeviation, tasks: tasks)
    }

    /// Of the most even question of column t.
    private func task(_ t: Int, _ s: Space) -> (spread: Double, area: Double)? {
        let W = kernels.lanes, T = model.levels.count, K = model.levels[t], odds = options.notion == .odds
        guard let q = questions[t].min(by: { abs($0.share - 0.5) < abs($1.share - 0.5) }) else { return nil }
        chances(of: t, s)
        chance(of: (0..<K).filter { q.yes[$0] }, K, s)
        let answer = { (i: Int) in q.yes[Int(self.labels[i / W * T * W + t * W + i % W])] }
        let chosen = s.gap.selection(gapRows, share: q.share)
        return s.gap.spread(gapRows, selected: chosen, stratum: { i in
            odds ? 2 * self.gapRows.stratum[i] + (answer(i) ? 1 : 0) : self.gapRows.stratum[i]
        }, strata: gapRows.strata * (odds ? 2 : 1)).map { ($0, s.gap.area(gapRows, answer)) }
    }
}

extension GapRows {
    /// Equally many rows of each group, with weights that undo it.
    init(_ rows: PairModelRows, count n: Int) {
        let some = rows.shares.indices.filter { rows.shares[$0] > 0 }, present = some.isEmpty ? [0] : some
        let G = present.count, total = present.reduce(0.0) { $0 + rows.shares[$1] }
        let groups = (0..<n).map { present[$0 % G] }
        self.init(group: groups, weight: groups.map { total > 0 ? rows.shares[$0] * Double(G) / total : 1 },
                  half: (0..<n).map { $0 / 16 % 2 }, stratum: [Int](repeating: 0, count: n), strata: rows.strata)
    }
}

/// Estimated on rows of a released table, in the mean over columns.
package struct PairModelFigures: Sendable, Equatable {
    /// Largest difference between two groups of the share that is selected, and the standard deviation of that mean.
    package let disparity: Double, disparityDeviation: Double
    /// Area under the ROC curve.
    package let auc: Double, aucDeviation: Double
    /// Columns that the means are over.
    package let tasks: Int

    package init(disparity: Double, disparityDeviation: Double, auc: Double, aucDeviation: Double, tasks: Int) {
        (self.disparity, self.disparityDeviation) = (disparity, disparityDeviation)
        (self.auc, self.aucDeviation, self.tasks) = (auc, aucDeviation, tasks)
    }
}
