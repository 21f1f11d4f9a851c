// Column repair: moves a column's bin at random, so that its distribution is the same in every group.
// A bin moves as little as possible. The repair is built from released or generated histograms and applied to released
// or generated rows.
//
//     let repair = try ColumnRepair(histograms: h, groups: G, levels: K, ordered: true, strength: 1)
//     let code = repair.apply(code, group: g, uniform: u)            // u in [0, 1): one number of the row's own stream
//
// Let p_g be the column's distribution in group g and p̄ the pooled one, the mean over groups (or weighed by shares).
// - Ordered columns go through the quantile map F̄⁻¹(F_g), ties inside a level spread at random: the transport of least
//   cost between the two (Feldman et al. 2015, arXiv 1412.3756v3, with p̄ in place of the median distribution).
// - Unordered columns keep a code x with probability min(1, p̄(x) / p_g(x)); what has to move goes where p̄ exceeds
//   p_g, in proportion to the excess. The expected share of rows that move is the total variation between p_g and p̄,
//   the least possible.
// With `strength` r a row is repaired with probability r (partial repair, ibid.): p_g becomes (1 - r) p_g + r p̄.

import Basics
import Glibc

package final class ColumnRepair: @unchecked Sendable {
    package let groups: Int, levels: Int, ordered: Bool
    package let strength: Double
    /// p_g [G][K] and the sums of levels before each [G][K + 1]; p̄ [K], its sums [K + 1]. A group without mass is left
    /// as it is.
    private let own: Buffer<Double>, below: Buffer<Double>, pooledBelow: Buffer<Double>
    let pooled: Buffer<Double>
    private let known: Buffer<Bool>
    /// Unordered: sums of max(p̄ - p_g, 0) [G][K + 1].
    private let excesses: Buffer<Double>

    /// - histograms: [G][K] counts or shares, of any scale; what is below 0 or not a number counts as 0.
    /// - shares: [G] weights of the groups in p̄, at least 0; nil: all the same.
    /// - strength: 0 ... 1. - Throws: `.argument`, `.noMemory`.
    package init(histograms: UnsafePointer<Double>, groups G: Int, levels K: Int, ordered: Bool, strength: Double,
                 shares: UnsafePointer<Double>? = nil) throws {
        guard G > 0, K > 0, G <= 1 << 20, K <= 1 << 20 else {
            throw Failure(.argument, "column repair needs groups and levels")
        }
        guard (0 ... 1).contains(strength) else {
            throw Failure(.argument, "the strength of column repair must be 0 to 1")
        }
        groups = G
        levels = K
        self.ordered = ordered
        self.strength = strength
        own = try Buffer(count: G * K, for: "column repair")
        below = try Buffer(count: G * (K + 1), for: "column repair")
        pooled = try Buffer(count: K, for: "column repair")
        pooledBelow = try Buffer(count: K + 1, for: "column repair")
        known = try Buffer(count: G, for: "column repair")
        excesses = try Buffer(count: ordered ? 0 : G * (K + 1), for: "column repair")
        var total = 0.0
        for g in 0 ..< G {
            let from = histograms + g * K, p = own.base + g * K
            var mass = 0.0
            for k in 0 ..< K {
                p[k] = from[k] > 0 && from[k].isFinite ? from[k] : 0
                mass += p[k]
            }
            known[g] = mass > 0 && mass.isFinite
            guard known[g] else { continue }
            let share = shares.map { $0[g] > 0 && $0[g].isFinite ? $0[g] : 0 } ?? 1
            total += share
            for k in 0 ..< K {
                p[k] /= mass
                pooled[k] += share * p[k]
            }
        }
        for k in 0 ..< K { pooled[k] = total > 0 ? pooled[k] / total : 0 }
        if !(total > 0) { for g in 0 ..< G { known[g] = false } }
        for k in 0 ..< K { pooledBelow[k + 1] = pooledBelow[k] + pooled[k] }
        for g in 0 ..< G where known[g] {
            let sum = below.base + g * (K + 1), p = own.base + g * K
            for k in 0 ..< K { sum[k + 1] = sum[k] + p[k] }
            guard !ordered else { continue }
            let excess = excesses.base + g * (K + 1)
            for k in 0 ..< K { excess[k + 1] = excess[k] + max(pooled[k] - p[k], 0) }
        }
    }

    /// The repaired code. A code or group that is not of this column is returned as it came.
    /// - uniform: in [0, 1), drawn for this row and column alone.
    package func apply(_ code: Int32, group: Int32, uniform u: Double) -> Int32 {
        let x = Int(code), g = Int(group)
        guard (0 ..< groups).contains(g), known[g], (0 ..< levels).contains(x), u >= 0, u < strength else {
            return code
        }
        let p = own[g * levels + x], v = u / strength
        if ordered {
            // The place of the row in its group, its level's mass spread evenly.
            return Int32(level(pooledBelow.base, below[g * (levels + 1) + x] + v * p))
        }
        let leaving = max(p - pooled[x], 0), excess = excesses.base + g * (levels + 1)
        guard leaving > 0, v * p < leaving, excess[levels] > 0 else { return code }
        return Int32(level(excess, v * p / leaving * excess[levels]))
    }

    /// The level k with sum[k] <= t < sum[k + 1], by halving; never one without mass.
    private func level(_ sum: UnsafePointer<Double>, _ t: Double) -> Int {
        var low = 0, high = levels
        while high - low > 1 {
            let middle = (low + high) / 2
            if sum[middle] <= t { low = middle } else { high = middle }
        }
        // t at or past the end by rounding
        while low > 0, sum[low + 1] <= sum[low] { low -= 1 }
        return low
    }
}
