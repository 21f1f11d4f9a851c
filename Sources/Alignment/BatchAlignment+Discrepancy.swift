// The squared maximum mean discrepancy with Gaussian kernels, averaged over B bandwidths b, unbiased (Gretton et al.
// 2012, JMLR 13:723-773, lemma 6, equation 3):
//     k(x, y) = mean over b of exp(-|x - y|² / (2 L b²)),
//     MMD²_ab = mean of k over i ≠ j in a + mean over i ≠ j in b - 2 mean over i in a, j in b.
// Summed over pairs with weights p_ab this is Σ_{i≠j} C(a_i, a_j) k(x_i, x_j), with C(a, a) = degree_a / (n_a (n_a -
// 1)) and C(a, b) = -p_ab / (n_a n_b): every pair of rows is visited once for the row whose gradient it is, rows in
// lanes.

import Glibc

extension BatchAlignment {
    /// Adds `factor` times the gradient to `slope`.
    func discrepancyTerm(_ factor: Double) -> Double {
        let L = latent, W = kernels.lanes, B = options.bandwidths.count, blocks = (n + W - 1) / W
        for i in 0 ..< blocks * W {
            let block = lanes.base + (i / W) * L * W + i % W
            for l in 0 ..< L {
                let v = i < n ? Float(x[i * L + l]) : 0
                block[l * W] = v
                if i < n { rows[i * L + l] = v }
            }
        }
        let rates = options.bandwidths.map { Float(1 / (2 * Double(L) * Double($0) * Double($0))) }
        let slopes = options.bandwidths.map { Float(1 / (Double($0) * Double($0))) }
        let c = sums.base, sum = c + W, weights = sum + W, moved = weights + W
        var value = 0.0
        for block in 0 ..< blocks {
            let inside = min(W, n - block * W)
            for i in 0 ..< (1 + L) * W { weights[i] = 0 }
            for b in 0 ..< A {
                for i in 0 ..< W {
                    sum[i] = 0
                    c[i] = i < inside ? Float(-2 * constant(groupOf(block * W + i), b) / (Double(L) * Double(B))) : 0
                }
                kernels.gaussianPairs(lanes.base + block * L * W, others: rows.base + range(b).lowerBound * L,
                                      count: range(b).count, factor: c, rates: rates, slopes: slopes, bandwidths: B,
                                      sum: sum, weight: weights, moved: moved, latent: L)
                for i in 0 ..< inside {
                    let a = groupOf(block * W + i)
                    // A row is not paired with itself: its distance is 0, its kernel B times 1.
                    value += constant(a, b) * (Double(sum[i]) - (a == b ? Double(B) : 0)) / Double(B)
                }
            }
            for i in 0 ..< inside {
                let at = (block * W + i) * L
                for l in 0 ..< L {
                    slope[at + l] += factor * (Double(weights[i]) * Double(rows[at + l]) - Double(moved[l * W + i]))
                }
            }
        }
        return value
    }

    private func constant(_ a: Int, _ b: Int) -> Double {
        let p = Double(range(a).count), q = Double(range(b).count)
        return a == b ? pair.degree(weight[a]) / (p * (p - 1)) : -pair.scale * weight[a] * weight[b] / (p * q)
    }

    /// The group of a row in the sorted order, by halving.
    private func groupOf(_ i: Int) -> Int {
        var low = 0, high = A
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int(first[middle]) <= i { low = middle } else { high = middle }
        }
        return low
    }
}
