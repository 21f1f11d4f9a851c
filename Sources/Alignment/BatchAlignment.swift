// Independence of a latent and a group, measured exactly on one batch of released or generated rows.
// The terms couple the rows of the batch, so they must never meet a private row; MomentAlignment.swift has the form for
// private rows.
//
//     let alignment = try BatchAlignment(groups: G, latent: L, capacity: 1024)
//     let terms = try alignment.gradient(z, groups: s, count: n, weights: w, into: dz)  // dz [n][L] += d loss / d z
//
// All terms are of x = (z - mean) / sd, sd the batch's mean standard deviation over the L numbers, so shrinking the
// latent does not pay; the gradient goes through sd. Groups with fewer than two rows in the batch, rows with a number
// that is not finite and rows without a group take no part: neither in sd nor in any sum, and their gradient is zero.
// The formulas: BatchAlignment+Means.swift, BatchAlignment+Discrepancy.swift, BatchAlignment+Covariance.swift.

import Basics
import Compute
import Glibc

/// Public configuration of a batch's terms.
package struct BatchAlignmentOptions: Sendable {
    package var pairing = GroupPairing.pairs
    /// Shares of the groups, for `.shares`; empty: those of the batch.
    package var shares: [Double] = []
    /// b of the kernels exp(-|x - y|² / (2 L b²)), averaged; of the discrepancy and the Fourier features alike.
    package var bandwidths: [Float] = [0.5, 1, 2]
    /// Random frequencies for each bandwidth.
    package var frequencies = 64
    package var seed: UInt64 = 0
    /// Terms that may be asked for; what one alone needs of memory is not taken otherwise.
    package var fourier = true, covariance = true
    package init() {}
}

/// Not for two threads at once: it holds the memory of a batch.
package final class BatchAlignment {
    package let groups: Int, latent: Int, capacity: Int
    package let options: BatchAlignmentOptions
    let kernels: Kernels
    let features: FourierFeatures?

    /// Rows that take part, by group, n of them: place in the batch, x [n][L], gradient with respect to x [n][L].
    let order: Buffer<Int32>, x: Buffer<Double>, slope: Buffer<Double>
    /// The A groups that take part: first row, and one past the last at [A]; declared number; w of PairWeights.
    let first: Buffer<Int32>, name: Buffer<Int32>, weight: Buffer<Double>
    var n = 0, A = 0
    var pair = PairWeights.none
    private let tally: Buffer<Int32>, spread: Buffer<Double>
    /// Discrepancy: rows in lanes and in rows, each group's constant in lanes, sums in lanes.
    let lanes: Buffer<Float>, rows: Buffer<Float>, sums: Buffer<Float>
    /// Fourier features: cosines and sines [n][2 D], group means [A][2 D], coefficients of the way back [A][2 D], a
    /// row's angles.
    let waves: Buffer<Float>, waveMeans: Buffer<Double>, waveSlopes: Buffer<Float>, angles: Buffer<Float>
    /// Group means [A][L]; covariances [A][L][L]; their lengths; one matrix.
    let means: Buffer<Double>, covariances: Buffer<Double>, lengths: Buffer<Double>, matrix: Buffer<Double>

    /// - groups G: 1 ... 65536; latent L: 1 ... 4096; capacity: rows of the largest batch, 1 ... 65536. - Throws:
    ///   `.argument`, `.noMemory`.
    package init(groups G: Int, latent L: Int, capacity: Int, options: BatchAlignmentOptions = .init(),
                 kernels: Kernels = .current) throws {
        guard (1 ... 65536).contains(G), (1 ... 4096).contains(L), (1 ... 65536).contains(capacity) else {
            throw Failure(.argument, "alignment needs 1 to 65536 groups and rows, and a latent of 1 to 4096 numbers")
        }
        guard options.shares.isEmpty || options.shares.count == G,
              options.shares.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw Failure(.argument, "alignment needs one share for each group, at least 0")
        }
        guard !options.bandwidths.isEmpty else { throw Failure(.argument, "alignment needs a bandwidth") }
        groups = G
        latent = L
        self.capacity = capacity
        self.options = options
        self.kernels = kernels
        features = options.fourier ? try FourierFeatures(width: L, bandwidths: options.bandwidths,
            perBandwidth: options.frequencies, seed: options.seed) : nil
        // A group takes part with two rows or more.
        let A = min(G, capacity / 2), W = kernels.lanes, blocks = (capacity + W - 1) / W, D = features?.count ?? 0
        let LL = options.covariance ? L * L : 0
        order = try Buffer(count: capacity, for: "a batch's groups")
        x = try Buffer(count: capacity * L, for: "a batch's latents")
        slope = try Buffer(count: capacity * L, for: "a batch's gradients")
        first = try Buffer(count: A + 1, for: "a batch's groups")
        name = try Buffer(count: A, for: "a batch's groups")
        weight = try Buffer(count: A, for: "a batch's groups")
        tally = try Buffer(count: G, for: "a batch's groups")
        spread = try Buffer(count: 2 * L, for: "a batch's standard deviations")
        lanes = try Buffer(count: blocks * L * W, for: "a batch's latents")
        rows = try Buffer(count: capacity * L, for: "a batch's latents")
        sums = try Buffer(count: (3 + L) * W, for: "a batch's sums")
        waves = try Buffer(count: capacity * 2 * D, for: "random features")
        waveMeans = try Buffer(count: (A + 1) * 2 * D, for: "random features")
        waveSlopes = try Buffer(count: A * 2 * D, for: "random features")
        angles = try Buffer(count: D + L, for: "random features")
        means = try Buffer(count: (A + 1) * L, for: "group means")
        covariances = try Buffer(count: A * LL, for: "group covariances")
        lengths = try Buffer(count: A, for: "group covariances")
        matrix = try Buffer(count: 2 * LL, for: "group covariances")
    }

    /// Bytes that it takes.
    package static func memory(groups G: Int, latent L: Int, capacity n: Int, options: BatchAlignmentOptions) -> Int {
        let A = min(G, n / 2), D = options.fourier ? options.bandwidths.count * options.frequencies : 0
        let waves = 4 * (2 * L * D + 2 * n * D + 6 * (A + 1) * D + D + L)
        let lengths = options.covariance ? 8 * (A + 2) * L * L : 0
        return n * (24 * L + 16) + 8 * (A + 4) * L + 24 * A + 4 * G + waves + lengths
    }

    /// Adds the gradient of Σ weight × term to `into` and returns the terms.
    /// - z, into: [count][L]; groups: [count] of 0 ..< G, others have no group. - Throws: `.argument` when count is
    ///   above the capacity.
    package func gradient(_ z: UnsafePointer<Float>, groups s: UnsafePointer<Int32>, count: Int,
                          weights: AlignmentWeights, into: UnsafeMutablePointer<Float>) throws -> AlignmentTerms {
        guard (0 ... capacity).contains(count) else {
            throw Failure(.argument, "alignment: more rows than it has room for")
        }
        guard weights.fourier == 0 || options.fourier, weights.covariance == 0 || options.covariance else {
            throw Failure(.argument, "alignment: a term that it has no room for")
        }
        var terms = AlignmentTerms()
        sort(z, s, count)
        guard A > 1 else { return terms }
        terms.groups = A
        let sd = standardise(z)
        for i in 0 ..< n * latent { slope[i] = 0 }
        if weights.mean > 0 || weights.covariance > 0 { takeMeans() }
        if weights.mean > 0 { terms.mean = meanTerm(Double(weights.mean)) }
        if weights.discrepancy > 0 { terms.discrepancy = discrepancyTerm(Double(weights.discrepancy)) }
        if weights.fourier > 0, let features { terms.fourier = fourierTerm(weights.fourier, features) }
        if weights.covariance > 0 { terms.covariance = covarianceTerm(Double(weights.covariance)) }
        unstandardise(sd, into)
        return terms
    }

    /// Rows that take part, in the order of their groups.
    private func sort(_ z: UnsafePointer<Float>, _ s: UnsafePointer<Int32>, _ count: Int) {
        let L = latent
        func group(_ i: Int) -> Int? {
            let g = Int(s[i])
            guard (0 ..< groups).contains(g) else { return nil }
            for l in 0 ..< L where !z[i * L + l].isFinite { return nil }
            return g
        }
        for g in 0 ..< groups { tally[g] = 0 }
        for i in 0 ..< count { if let g = group(i) { tally[g] += 1 } }
        n = 0
        A = 0
        for g in 0 ..< groups {
            let size = Int(tally[g])
            tally[g] = -1
            guard size > 1 else { continue }
            tally[g] = Int32(n)
            first[A] = Int32(n)
            name[A] = Int32(g)
            n += size
            A += 1
        }
        first[A] = Int32(n)
        for i in 0 ..< count {
            guard let g = group(i), tally[g] >= 0 else { continue }
            order[Int(tally[g])] = Int32(i)
            tally[g] += 1
        }
        pair = PairWeights(options.pairing, A, weight.base) { a in
            options.shares.isEmpty ? Double(range(a).count) : options.shares[Int(name[a])]
        }
    }

    /// Rows of the a-th group that takes part.
    func range(_ a: Int) -> Range<Int> { Int(first[a]) ..< Int(first[a + 1]) }

    /// Fills x and returns sd, the mean over columns of the standard deviation plus 1e-6; leaves the mean and the
    /// standard deviation σ of each column.
    private func standardise(_ z: UnsafePointer<Float>) -> Double {
        let L = latent, mean = spread.base, sigma = spread.base + L
        for l in 0 ..< 2 * L { spread[l] = 0 }
        for i in 0 ..< n {
            let row = z + Int(order[i]) * L
            for l in 0 ..< L { mean[l] += Double(row[l]) }
        }
        for l in 0 ..< L { mean[l] /= Double(n) }
        for i in 0 ..< n {
            let row = z + Int(order[i]) * L
            for l in 0 ..< L {
                let d = Double(row[l]) - mean[l]
                x[i * L + l] = d
                sigma[l] += d * d
            }
        }
        var sd = 1e-6
        for l in 0 ..< L {
            sigma[l] = (sigma[l] / Double(n - 1)).squareRoot()
            sd += sigma[l] / Double(L)
        }
        for i in 0 ..< n * L { x[i] /= sd }
        return sd
    }

    /// From the gradient with respect to x to the one with respect to z. Every term is blind to shifts, so only sd is
    /// differentiated:
    /// dz = dx / sd - (Σ dx x / sd) dsd/dz with dsd/dz[i][l] = (z[i][l] - mean[l]) / ((n - 1) L sigma[l]).
    private func unstandardise(_ sd: Double, _ into: UnsafeMutablePointer<Float>) {
        let L = latent, factor = spread.base, sigma = spread.base + L
        var along = 0.0
        for i in 0 ..< n * L { along += slope[i] * x[i] }
        for l in 0 ..< L { factor[l] = sigma[l] > 0 ? along / (Double(n - 1) * Double(L) * sigma[l]) : 0 }
        for i in 0 ..< n {
            let to = into + Int(order[i]) * L
            for l in 0 ..< L {
                let d = slope[i * L + l] / sd - factor[l] * x[i * L + l]
                if d.isFinite { to[l] += Float(d) }
            }
        }
    }
}
