// How far a table is from demographic parity, whatever column somebody will want to predict.
// Each column's levels are predicted from all other columns, linearly and as well as possible. The measure is how far
// the mean of that prediction in a group lies from its mean in the whole. Only second moments of the table and the
// groups' own shares of levels are needed, so the measure of a relaxed table has an exact gradient.
//
// Notation: x the row as indicators of all levels [D]; C its covariance in the table; δ_g = E[x | g] - E[x] in the
// table as it was released; R = ridge diag(s (1 - s)) with the released shares s; Ω = (C + R)⁻¹; j a column, and as an
// index its block of levels. The coefficients that predict column j from the others are (C + R)₋ⱼ⁻¹ C₋ⱼⱼ; by the
// inverse of a partitioned matrix (Horn and Johnson, Matrix Analysis, 0.7.3)
//
//     t = Ω_jj⁻¹ (Ω δ_g)_j      a = Ω δ_g - Ω_:j t  = (C + R)₋ⱼ⁻¹ δ_g        d = C_j: a = δ_gj - t
//
// d [levels of j] is the difference of predicted shares between group and whole. Loss:
//
//     λ Σ_g ω_g Σ_j  ½ Σ_u d_u²                          of a column without order: yes-or-no counts as one question
//                    1/(K - 1) Σ_k (d_0 + … + d_k)²      of an ordered one: the mean over its K - 1 thresholds
//
// With c = ∂loss / ∂d the gradient by C, all its entries taken as free, is Σ_jg h aᵀ with h = Ω_:j Ω_jj⁻¹ c: c itself
// in block j, and minus what c is in terms of the other columns elsewhere.

import Basics
import Compute

final class Parity {
    let levels: [Int], first: [Int], width: Int, groups: Int
    private let ordered: [Bool], weights: [Double]
    /// δ [G][D]; R [D].
    private let shift: Buffer<Double>, ridge: [Double]
    /// Ω [D][D]; Ω_jj⁻¹ of all columns one after another; a and h, a row for each column and group, in lanes:
    /// [blocks][D][lanes].
    private let omega: Buffer<Double>, own: Buffer<Double>, ownStart: [Int]
    private let direction, slopes: Buffer<Float>
    private let losses: Buffer<Double>
    private let kernels: Kernels, blocks: Int

    /// - Parameters:
    ///   - shift: [G][D]; weights: of the groups, at least 0. shares: [D], of the released table.
    init(levels: [Int], ordered: [Bool], shift: Buffer<Double>, weights: [Double], shares: [Double], ridge: Double,
         kernels: Kernels) throws {
        let layout = LevelLayout(levels)
        (self.levels, first, width, groups) = (levels, layout.first, layout.total, weights.count)
        (self.ordered, self.weights, self.shift, self.kernels) = (ordered, weights, shift, kernels)
        self.ridge = shares.map { ridge * $0 * (1 - $0) + 1e-5 }
        omega = try Buffer(count: width * width, for: "parity of groups")
        var at = 0
        ownStart = levels.map { K in defer { at += K * K }; return at }
        own = try Buffer(count: at, for: "parity of groups")
        blocks = (levels.count * groups + kernels.lanes - 1) / kernels.lanes
        direction = try Buffer(count: blocks * width * kernels.lanes, for: "parity of groups")
        slopes = try Buffer(count: blocks * width * kernels.lanes, for: "parity of groups")
        losses = try Buffer(count: levels.count, for: "parity of groups")
    }

    /// Bytes of one.
    static func memory(levels: [Int], groups: Int) -> Int {
        let D = levels.reduce(0, +)
        return 8 * D * D + 8 * levels.reduce(0) { $0 + $1 * $1 } + 8 * (levels.count * groups + 16) * D + 8 * groups * D
    }

    private func place(_ j: Int, _ g: Int) -> Int {
        let i = j * groups + g
        return i / kernels.lanes * width * kernels.lanes + i % kernels.lanes
    }

    /// Takes Ω and the directions a from the covariance of the table as it is.
    /// - Throws: `.argument` when a number has left what floating point can hold.
    func renew(covariance c: Buffer<Double>) throws {
        let D = width, W = kernels.lanes
        omega.base.update(from: c.base, count: D * D)
        for u in 0..<D { omega[u * D + u] += ridge[u] }
        guard invertPositive(omega.base, D) else { throw Self.lost }
        for (j, K) in levels.enumerated() {
            let at = first[j], inverse = own.base + ownStart[j]
            for u in 0..<K { for v in 0..<K { inverse[u * K + v] = omega[(at + u) * D + at + v] } }
            guard invertPositive(inverse, K) else { throw Self.lost }
        }
        for g in 0..<groups {
            let delta = shift.base + g * D
            let x = (0..<D).map { u in
                let row = omega.base + u * D
                return (0..<D).reduce(0.0) { $0 + row[$1] * delta[$1] }
            }
            for (j, K) in levels.enumerated() {
                let at = first[j], t = solved(j) { x[at + $0] }, to = direction.base + place(j, g)
                for u in 0..<D {
                    let row = omega.base + u * D + at
                    to[u * W] = u >= at && u < at + K ? 0 : Float((0..<K).reduce(x[u]) { $0 - row[$1] * t[$1] })
                }
            }
        }
    }

    private static var lost: Failure { Failure(.argument, "projection: the fit to parity does not converge") }

    /// Ω_jj⁻¹ v.
    private func solved(_ j: Int, _ v: (Int) -> Double) -> [Double] {
        let K = levels[j], inverse = own.base + ownStart[j]
        return (0..<K).map { u in (0..<K).reduce(0.0) { $0 + inverse[u * K + $1] * v($1) } }
    }

    /// d of column j and group g.
    func difference(_ j: Int, _ g: Int, covariance c: Buffer<Double>) -> [Double] {
        let D = width, W = kernels.lanes, a = direction.base + place(j, g)
        return (0..<levels[j]).map { u in
            let row = c.base + (first[j] + u) * D
            return (0..<D).reduce(0.0) { $0 + row[$1] * Double(a[$1 * W]) }
        }
    }

    /// Adds the gradient by the covariance to `into` [D][D]. - Returns: the loss. a and Ω are those of the last
    /// `renew`.
    func gradient(covariance c: Buffer<Double>, weight: Double, into: Buffer<Float>, threads: Int) -> Double {
        let D = width, W = kernels.lanes
        Workers.run(threads: threads, chunks: levels.count) { j, _ in
            let K = self.levels[j], at = self.first[j]
            self.losses[j] = 0
            for g in 0..<self.groups {
                let d = self.difference(j, g, covariance: c)
                let (loss, slope) = Self.loss(d, ordered: self.ordered[j])
                self.losses[j] += weight * self.weights[g] * loss
                let s = self.solved(j) { weight * self.weights[g] * slope[$0] }
                let to = self.slopes.base + self.place(j, g)
                for u in 0..<D {
                    let row = self.omega.base + u * D + at
                    to[u * W] = Float((0..<K).reduce(0.0) { $0 + row[$1] * s[$1] })
                }
            }
        }
        Workers.run(threads: threads, chunks: (D + Self.span - 1) / Self.span) { k, _ in
            let lo = k * Self.span, n = min(Self.span, D - lo)
            self.kernels.weightedGradient(LaneRows(self.slopes.base + lo * W, stride: D),
                                          LaneRows(self.direction.base, stride: D), to: into.base + lo * D,
                                          rows: self.blocks, inputs: n, outputs: D)
        }
        return losses.reduce(0, +)
    }

    static let span = 32

    /// Loss of the differences of one column, and its derivative by them.
    static func loss(_ d: [Double], ordered: Bool) -> (Double, [Double]) {
        guard ordered else { return (d.reduce(0) { $0 + $1 * $1 } / 2, d) }
        guard d.count > 1 else { return (0, [0]) }
        let n = Double(d.count - 1)
        var sum = 0.0, loss = 0.0, sums: [Double] = []
        for x in d.dropLast() {
            sum += x
            loss += sum * sum / n
            sums.append(2 * sum / n)
        }
        // A level is below every threshold from its own on.
        var slope = [Double](repeating: 0, count: d.count), above = 0.0
        for k in sums.indices.reversed() {
            above += sums[k]
            slope[k] = above
        }
        return (loss, slope)
    }
}
