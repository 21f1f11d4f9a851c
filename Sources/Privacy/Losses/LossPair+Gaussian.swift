// The dominating pair of a Poisson-sampled Gaussian sum, for one row or for k rows of one person.

import Glibc

/// P = Σ_j w_j N(j, σ²) against Q = N(0, σ²), or the other way round; w_j = C(k, j) q^j (1−q)^{k−j}.
///
/// j of the k rows are drawn and move the sum by at most j norms. That this pair of numbers dominates the vectors is
/// Zhu, Dong and Wang 2022, arXiv 2106.08567, theorem 11, for k = 1, and Ganesh 2024, arXiv 2401.10294, theorem 3.1 and
/// corollary 4.7, for all k.
struct GaussianPair: LossPair {
    let rate: Double, sigma: Double, rows: Int
    /// P is the table with the rows.
    let removing: Bool
    /// log w_j − j²/(2σ²) and w_j of the j whose weight a double can hold.
    private let moves: [Double], weights: [Double], heights: [Double]
    /// Relative error of a weight.
    private let weightError: Double

    /// - Parameters: q in (0, 1]; σ above 0, finite; k in 1 … 1024.
    init(rate: Double, sigma: Double, rows: Int, removing: Bool) {
        (self.rate, self.sigma, self.rows, self.removing) = (rate, sigma, rows, removing)
        var moves: [Double] = [], weights: [Double] = [], heights: [Double] = []
        for j in 0...rows {
            let hit = j == 0 ? 0 : Double(j) * log(rate), miss = j == rows ? 0 : Double(rows - j) * log1p(-rate)
            let l = logBinomial(rows, j) + hit + miss
            guard l > -690 else { continue }
            moves.append(Double(j))
            weights.append(rows == 1 ? (j == 0 ? 1 - rate : rate) : exp(l))
            heights.append((rows == 1 ? log(j == 0 ? 1 - rate : rate)
                : l) - Double(j) * Double(j) / (2 * sigma * sigma))
        }
        (self.moves, self.weights, self.heights) = (moves, weights, heights)
        weightError = rows == 1 ? 4 * unitRoundoff : 64 * unitRoundoff * Double(rows) * (16 + abs(log(rate)))
    }

    /// log P/Q at x, removing; its derivative where asked for.
    private func loss(_ x: Double) -> Double {
        if rows == 1 {
            let l = (x - 0.5) / (sigma * sigma)
            if rate == 1 { return l }
            return l > 600 ? l + log(rate) : log1p(rate * expm1(l))
        }
        return lossAndSlope(x).loss
    }

    private func lossAndSlope(_ x: Double) -> (loss: Double, slope: Double) {
        let t = x / (sigma * sigma)
        var top = -Double.infinity
        for i in moves.indices { top = max(top, heights[i] + moves[i] * t) }
        var sum = 0.0, moved = 0.0
        for i in moves.indices {
            let e = heights[i] + moves[i] * t - top
            if e > -45 { let w = exp(e); sum += w; moved += w * moves[i] }
        }
        return (top + log(sum), moved / sum / (sigma * sigma))
    }

    /// Where the loss is v; −∞ below all losses. `near`: a place at or right of it, for k > 1.
    private func place(_ v: Double, near: Double) -> Double {
        let s2 = sigma * sigma
        if rate == 1 { return Double(rows) / 2 + s2 * v / Double(rows) }
        if rows == 1 {
            if v > 30 { return 0.5 + s2 * (v + log1p(-(1 - rate) * exp(-v)) - log(rate)) }
            let t = expm1(v) + rate
            return t > 0 ? 0.5 + s2 * log(t / rate) : -.infinity
        }
        if v <= heights[0], moves[0] == 0 { return -.infinity }
        // The loss is convex in x: Newton from the right never passes the solution.
        var x = near
        for step in 0..<200 {
            let (l, slope) = lossAndSlope(x)
            guard slope > 0 else { return -.infinity }
            let next = x - (l - v) / slope
            // The first step alone may go right: from left of the solution.
            if abs(x - next) < 1e-14 * (abs(x) + sigma) || (step > 0 && next > x) { return next }
            x = next
            if x < -60 * sigma { return -.infinity }
        }
        return x
    }

    private func ends(_ reach: Double) -> (low: Double, high: Double) {
        removing ? (-reach * sigma, moves[moves.count - 1] + reach * sigma) : (-reach * sigma, reach * sigma)
    }

    func nodes(reach: Double) -> LossNodes {
        let (low, high) = ends(reach), count = Int(min(4_000, (12 * (high - low) / sigma).rounded(.up))),
            d = (high - low) / Double(count)
        var n = LossNodes()
        let unit = d / (sigma * (2 * Double.pi).squareRoot())
        for i in 0..<count {
            let x = low + d * (Double(i) + 0.5), l = loss(x), base = -0.5 * (x / sigma) * (x / sigma)
            n.add(removing ? l : -l, unit * exp(removing ? base + l : base))
        }
        return n
    }

    func distribution(step: Double, reach: Double) throws -> LossDistribution {
        let (low, high) = ends(reach), sign = removing ? 1.0 : -1.0
        let least = ((removing ? loss(low) : -loss(high)) / step).rounded(.down),
            most = ((removing ? loss(high) : -loss(low)) / step).rounded(.up)
        guard most - least < Double(LossDistribution.maxPoints), max(abs(least), abs(most)) < 0x1p51 else {
            throw tooManyPoints
        }
        let first = Int(least), last = max(Int(most), Int(least) + 1)
        var d = try LossDistribution(step: step, lowest: first, highest: last)
        var off = 0.0, near = high + sigma
        // Cells from the right to the left, so that Newton's start is right of the solution: losses fall when removing,
        // rise when adding.
        let order = removing ? stride(from: last, through: first, by: -1) : stride(from: first, through: last, by: 1)
        var before: [NormalEdge] = [], here: [NormalEdge] = []
        for point in order {
            let v = sign * d.loss(point), x = place(v, near: near)
            if x.isFinite {
                off = max(off, abs((rows == 1 ? loss(x) : lossAndSlope(x).loss) - v))
                near = x
            }
            here.removeAll(keepingCapacity: true)
            for m in moves { here.append(NormalEdge((x - m) / sigma)) }
            let base = moves[0] == 0 ? here[0] : NormalEdge(x / sigma)
            if before.isEmpty {
                // Right of the first edge: ∞ when removing, the least losses when adding.
                if removing {
                    for i in moves.indices {
                        d.infinity += weights[i] * (here[i].z > 0 ? here[i].tail : 1 - here[i].tail) * (1 + 1e-9)
                    }
                } else { d.addBelow(point: first, p: (base.z > 0 ? base.tail : 1 - base.tail) + base.error) }
            } else if here[0].z < before[0].z {
                add(&d, removing ? point : point - 1, here, base, before, moves[0] == 0 ? before[0]
                    : NormalEdge(before[0].z + moves[0] / sigma))
            }
            swap(&before, &here)
        }
        // Left of the last edge.
        func below(_ e: NormalEdge) -> Double { e.z > 0 ? 1 - e.tail : e.tail }
        if removing {
            d.addBelow(point: first, p: moves.indices.reduce(0) { $0
                + weights[$1] * (below(before[$1]) + before[$1].error) } * (1 + weightError))
        } else {
            d.infinity += below(moves[0] == 0 ? before[0] : NormalEdge(before[0].z + moves[0] / sigma)) * (1 + 1e-9)
        }
        // Weights below e^−690.
        if rows > 1 && removing { d.infinity += 1e-290 }
        let far = (max(abs(low), abs(high)) + Double(rows)) / (sigma * sigma)
        d.drift = off + unitRoundoff * 8 * (Double(rows) * far + abs(d.loss(first)) + abs(d.loss(last))) + weightError
        return d
    }

    /// The cell between two edges, a left of b; `point` is the grid point of its least loss.
    private func add(_ d: inout LossDistribution, _ point: Int, _ a: [NormalEdge], _ baseA: NormalEdge,
        _ b: [NormalEdge], _ baseB: NormalEdge) {
        let l = d.loss(point)
        var mixed = 0.0, mixedError = 0.0
        let t = removing ? 0 : l
        for i in weights.indices {
            let c = t == 0 ? normalCell(a[i], b[i]) : scaledNormalCell(a[i], b[i], log: t)
            mixed += weights[i] * c
            mixedError += weights[i] * (a[i].scaledError(log: t) + b[i].scaledError(log: t))
        }
        mixedError += mixed * (weightError + 8 * unitRoundoff * (1 + abs(t)))
        let s = removing ? l : 0, plain = s == 0 ? normalCell(baseA, baseB) : scaledNormalCell(baseA, baseB, log: s)
        let plainError = baseA.scaledError(log: s) + baseB.scaledError(log: s) + plain * 8 * unitRoundoff * (1 + abs(s))
        if removing {
            guard mixedError.isFinite else {
                return d.add(point: point, p: mixed, scaled: 0, errorP: mixed, errorScaled: 0)
            }
            d.add(point: point, p: mixed, scaled: plain.isFinite ? plain : 0, errorP: mixedError,
                errorScaled: plainError.isFinite ? plainError : mixed)
        } else {
            d.add(point: point, p: plain, scaled: mixed.isFinite ? mixed : 0, errorP: plainError,
                errorScaled: mixedError.isFinite ? mixedError : plain)
        }
    }
}
