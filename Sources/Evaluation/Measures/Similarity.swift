// How alike the activations of protected groups are: covariance CKA and HSIC for pairs of groups.
// Functions of arrays: latents, a layer's activations or encoded rows.

import Basics
import Compute
import Glibc

package struct GroupPair {
    package let first, second: Int
    /// ⟨Σ_a, Σ_b⟩ / (‖Σ_a‖ ‖Σ_b‖) of the groups' covariances, in [0, 1]: 1 best; blind to a shift of means (Kornblith
    /// et al. 2019, arXiv:1905.00414, the transposed form of Hyrup et al. 2025). NaN when a group is constant.
    package let cka: Double
    /// The Hilbert-Schmidt independence criterion of activations and group, delta kernel on the group (Gretton et al.
    /// 2005, equation 9), both groups weighted equally so that their sizes do not move it: ⅛ of the squared distance of
    /// kernel means. 0 best. With a linear kernel, and with exp(-‖x - y‖² / 2h²).
    package let hsicLinear, hsicRBF: Double
}

package struct Similarity {
    package let pairs: [GroupPair]
    /// h of the second kernel.
    package let bandwidth: Double
    /// Means over the pairs; NaN without any.
    package var cka: Double { mean(\.cka) }
    package var hsicLinear: Double { mean(\.hsicLinear) }
    package var hsicRBF: Double { mean(\.hsicRBF) }

    private func mean(_ key: KeyPath<GroupPair, Double>) -> Double {
        pairs.isEmpty ? .nan : pairs.reduce(0) { $0 + $1[keyPath: key] } / Double(pairs.count)
    }

    /// Groups below 30 rows are left out, and all but the 32 largest. The kernel means of the second kernel look at
    /// most at 500 rows a group, and at 4000 in all.
    static let leastRows = 30, maxGroups = 32, sampleRows = 500, sampleTotal = 4000, bandwidthRows = 1000

    /// - Parameters:
    ///   - z: activations [rows][width], row-major, finite; width at least 1.
    ///   - groups: the group of each row, below `groupCount`.
    ///   - bandwidth: h; nil: the median distance between rows, of all groups that are compared.
    package init(_ z: Buffer<Float>, width: Int, groups: Buffer<Int32>, groupCount: Int, bandwidth: Double? = nil,
                 threads: Int) throws {
        let members = try Similarity.members(groups, groupCount), count = members.count
        let means = try Buffer<Double>(count: count * width, for: "an evaluation")
        let covariances = try Buffer<Double>(count: count * width * width, for: "an evaluation")
        Workers.run(threads: threads, chunks: count) { g, _ in
            moments(z, width, members[g].rows, means.base + g * width, covariances.base + g * width * width)
        }
        let sample = min(Similarity.sampleRows, Similarity.sampleTotal / max(count, 1))
        let samples = try members.map { try Similarity.sample($0.rows, sample) }
        let h = try bandwidth ?? Similarity.medianDistance(z, width, samples)
        self.bandwidth = h

        let kernels = try Buffer<Double>(count: count * count, for: "an evaluation")
        Workers.run(threads: threads, chunks: count * count) { k, _ in
            let a = k / count, b = k % count
            if a <= b { kernels.base[k] = meanKernel(z, width, samples[a], samples[b], h) }
        }
        var pairs: [GroupPair] = []
        for a in 0..<count {
            for b in a + 1 ..< max(count, a + 1) {
                var distance = 0.0
                for k in 0..<width {
                    let d = means.base[a * width + k] - means.base[b * width + k]
                    distance += d * d
                }
                let rbf = kernels.base[a * count + a] + kernels.base[b * count + b] - 2 * kernels.base[a * count + b]
                pairs.append(GroupPair(first: members[a].group, second: members[b].group,
                                       cka: alignment(covariances, a, b, width * width), hsicLinear: distance / 8,
                                       hsicRBF: max(0, rbf) / 8))
            }
        }
        self.pairs = pairs
    }

    /// The rows of each group that is compared, in ascending order of groups.
    private static func members(_ groups: Buffer<Int32>, _ groupCount: Int) throws
        -> [(group: Int, rows: Buffer<Int32>)] {
        var counts = [Int](repeating: 0, count: groupCount)
        for g in groups { counts[Int(g)] += 1 }
        let large = counts.indices.filter { counts[$0] >= leastRows }.sorted { (counts[$1], $0) < (counts[$0],
            $1) }.prefix(maxGroups).sorted()
        return try large.map { g in
            let rows = try Buffer<Int32>(count: counts[g], for: "an evaluation")
            var at = 0
            for i in 0..<groups.count where Int(groups.base[i]) == g {
                rows.base[at] = Int32(i)
                at += 1
            }
            return (g, rows)
        }
    }

    private static func sample(_ rows: Buffer<Int32>, _ maxRows: Int) throws -> Buffer<Int32> {
        guard rows.count > maxRows else { return rows }
        let order = try publicOrder(rows.count, seed: 0x6b65)
        let out = try Buffer<Int32>(count: maxRows, for: "an evaluation")
        for i in 0..<maxRows { out.base[i] = rows.base[Int(order.base[i])] }
        return out
    }

    /// The median over pairs of different rows; 1 where that is 0.
    private static func medianDistance(_ z: Buffer<Float>, _ width: Int, _ samples: [Buffer<Int32>]) throws -> Double {
        let share = max(1, bandwidthRows / max(samples.count, 1))
        var rows: [Int] = []                        // at most 1000
        for s in samples { rows += s.prefix(share).map(Int.init) }
        let distances = try Buffer<Double>(count: rows.count * max(rows.count - 1, 0) / 2, for: "an evaluation")
        var at = 0
        for i in rows.indices {
            for j in 0..<i {
                distances.base[at] = squaredDistance(z, width, rows[i], rows[j]).squareRoot()
                at += 1
            }
        }
        let (sorted, n) = try sortedValues(distances)
        let median = quantile(sorted, n, 0.5)
        return median > 0 ? median : 1
    }
}

private func squaredDistance(_ z: Buffer<Float>, _ width: Int, _ i: Int, _ j: Int) -> Double {
    let x = z.base + i * width, y = z.base + j * width
    var sum: Float = 0
    for k in 0..<width {
        let d = x[k] - y[k]
        sum += d * d
    }
    return Double(sum)
}

/// The mean of z over rows, and the mean of (z - mean)(z - mean)ᵀ.
private func moments(_ z: Buffer<Float>, _ width: Int, _ rows: Buffer<Int32>, _ mean: UnsafeMutablePointer<Double>,
                     _ covariance: UnsafeMutablePointer<Double>) {
    let n = Double(rows.count)
    for r in rows { for k in 0..<width { mean[k] += Double(z.base[Int(r) * width + k]) } }
    for k in 0..<width { mean[k] /= n }
    for r in rows {
        let x = z.base + Int(r) * width
        for i in 0..<width {
            let d = (Double(x[i]) - mean[i]) / n
            let line = covariance + i * width
            for j in 0...i { line[j] += d * (Double(x[j]) - mean[j]) }
        }
    }
    for i in 0..<width { for j in 0..<i { covariance[j * width + i] = covariance[i * width + j] } }
}

/// The cosine of matrices a and b, of `size` numbers each, in one array.
private func alignment(_ matrices: Buffer<Double>, _ a: Int, _ b: Int, _ size: Int) -> Double {
    let x = matrices.base + a * size, y = matrices.base + b * size
    var xy = 0.0, xx = 0.0, yy = 0.0
    for k in 0..<size { (xy, xx, yy) = (xy + x[k] * y[k], xx + x[k] * x[k], yy + y[k] * y[k]) }
    let scale = xx.squareRoot() * yy.squareRoot()
    return scale > 0 ? min(1, max(0, xy / scale)) : .nan
}

/// The mean of the kernel over all pairs of a row of a and a row of b.
private func meanKernel(_ z: Buffer<Float>, _ width: Int, _ a: Buffer<Int32>, _ b: Buffer<Int32>, _ h: Double)
    -> Double {
    var sum = 0.0
    for i in a { for j in b { sum += exp(-squaredDistance(z, width, Int(i), Int(j)) / (2 * h * h)) } }
    return sum / Double(a.count) / Double(b.count)
}
