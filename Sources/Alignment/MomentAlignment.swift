// Independence of activations and the protected group for private rows, through released group moments.
// The terms are functions of the moments M_g = mean of u(μ) over group g, which are released with noise. A row's loss
// then knows constants and that row alone.
//
//     let features = try MomentFeatures(sites: [AlignmentSite(width: L)])
//     let alignment = try MomentAlignment(features, groups: G)
//     // each step, from what is released so far:
//     let terms = alignment.prepare(weights)                        // fixes ∂L/∂M_g
//     alignment.rowGradient(mu, group: g, into: dmu, scratch)    // for every row, clipped with the rest
//     // with the step's release, jointly with its gradient: Σ over rows of features.features(mu), in the row's
//     // group, R = 1, plus noise
//     alignment.update(sums: released, rates: q, counts: noisyCounts, standardDeviation: nu)
//
// Guarantee: everything in this file but `rowGradient` and its row is computed from released sums, released counts and
// public constants, so it is post-processing; `rowGradient` is a function of those and of one row. What is charged is
// the release of the sums (R = 1, one block of the joint release of that batch) and of the gradient. The moments of the
// very step whose gradients are computed are not in it unless they were released before.
// Read next: MomentFeatures.swift (the bound), MomentAlignment+Loss.swift (the formulas).

import Basics
import Compute
import Glibc

/// Public configuration of the moments' average and of the loss.
package struct MomentAlignmentOptions: Sendable {
    /// Share of the average that stays at each update, [0, 1).
    package var decay = 0.97
    package var pairing = GroupPairing.pairs
    /// A group takes part in a term once the noise of its moments, relative to what they measure, is below this: above
    /// 0.
    package var largestNoise = 0.5
    /// The least length of a covariance in units of √L scale²: above 0.
    package var floor = 0.05
    package init() {}
}

/// `prepare` and `update` are not for two threads at once; `rowGradient` is.
package final class MomentAlignment: @unchecked Sendable {
    package let features: MomentFeatures
    package let groups: Int
    package let options: MomentAlignmentOptions

    /// The state, all that a checkpoint stores: averaged sums over expected counts [G][count], not yet divided by the
    /// mass of the average [G]; their noise's variance [G], a number each; expected rows of a batch [G]; noisy counts
    /// [G].
    package let moments: Buffer<Double>, mass: Buffer<Double>, energy: Buffer<Double>, expected: Buffer<Double>,
        counts: Buffer<Double>
    /// ∂L/∂M_g in natural units, times the row's share: [G][constantCount].
    let constants: Buffer<Float>
    /// Room for one site: means [G + 1][size], matrices [G][L][L], w and lengths [G], groups that take part [G].
    let natural: Buffer<Double>, matrices: Buffer<Double>, weight: Buffer<Double>, length: Buffer<Double>,
        who: Buffer<Int32>

    /// - groups G: 1 ... 65536. - Throws: `.argument`, `.noMemory`.
    package init(_ features: MomentFeatures, groups G: Int, options: MomentAlignmentOptions = .init()) throws {
        guard (1 ... 65536).contains(G) else { throw Failure(.argument, "alignment needs 1 to 65536 groups") }
        guard (0 ..< 1).contains(options.decay), options.largestNoise > 0, options.floor > 0 else {
            throw Failure(.argument, "alignment: the decay must be in [0, 1), the largest noise and the floor above 0")
        }
        self.features = features
        groups = G
        self.options = options
        moments = try Buffer(count: G * features.count, for: "group moments")
        mass = try Buffer(count: G, for: "group moments")
        energy = try Buffer(count: G, for: "group moments")
        expected = try Buffer(count: G, for: "group moments")
        counts = try Buffer(count: G, for: "group moments")
        constants = try Buffer(count: G * features.constantCount, for: "group moments")
        let widest = features.layouts.map { max($0.L, 2 * $0.D) }.max() ?? 1
        let largest = features.layouts.map { $0.covariance >= 0 ? $0.L * $0.L : 0 }.max() ?? 0
        natural = try Buffer(count: (G + 1) * widest, for: "group moments")
        matrices = try Buffer(count: (G + 2) * largest, for: "group moments")
        weight = try Buffer(count: G, for: "group moments")
        length = try Buffer(count: G, for: "group moments")
        who = try Buffer(count: G, for: "group moments")
    }

    /// Takes one release into the average.
    /// - sums: [G][count], noisy sums of R_g u over the batch's rows of each group. standardDeviation: of the noise of
    ///   each number.
    /// - rates q_g in (0, 1], counts ñ_g: [G]; the divisor is q_g max(ñ_g, 1), never the number of rows drawn.
    /// - bounds R_g: [G], above 0, by which u was multiplied before it was summed where groups differ in their bound;
    ///   nil: all 1.
    package func update<Number: BinaryFloatingPoint>(sums: UnsafePointer<Number>, rates: UnsafePointer<Double>,
                                                     counts noisy: UnsafePointer<Double>, standardDeviation: Double,
                                                     bounds: UnsafePointer<Double>? = nil) {
        let D = features.count, decay = options.decay, new = 1 - decay
        for g in 0 ..< groups {
            let n = noisy[g] > 1 ? noisy[g] : 1, rows = rates[g] * n, divisor = rows * (bounds?[g] ?? 1)
            guard rows > 0, rows.isFinite, divisor > 0, divisor.isFinite else { continue }
            counts[g] = n
            expected[g] = rows
            mass[g] = decay * mass[g] + new
            energy[g] = decay * decay * energy[g] + new * new * (standardDeviation / divisor)
                * (standardDeviation / divisor)
            let M = moments.base + g * D
            for d in 0 ..< D {
                let v = Double(sums[g * D + d])
                M[d] = decay * M[d] + (v.isFinite ? new * v / divisor : 0)
            }
        }
    }

    /// Checks a state that came from a file. - Throws: `.format`.
    package func checkState() throws {
        func all(_ b: Buffer<Double>, _ ok: (Double) -> Bool) -> Bool { b.allSatisfy { $0.isFinite && ok($0) } }
        guard all(moments, { _ in true }), all(mass, { $0 >= 0 && $0 <= 1 }), all(energy, { $0 >= 0 }),
              all(expected, { $0 >= 0 }), all(counts, { $0 >= 0 }) else {
            throw Failure(.format, "group moments are not what was saved")
        }
    }

    /// Adds this row's share of the gradient to `into`: J_u(μ)ᵀ ∂L/∂M_g Σ_h E_h / E_g with E_g the group's expected
    /// rows in a batch, so that the sum over the batch's rows divided by Σ_h E_h is, on average, the gradient of the
    /// loss.
    /// - mu, into: [width]. A row with a number that is not finite, and a row without a group, adds nothing.
    package func rowGradient(_ mu: UnsafePointer<Float>, group g: Int, into: UnsafeMutablePointer<Float>,
                             _ scratch: MomentScratch) {
        guard features.finite(mu, features.width) else { return }
        for (i, s) in features.layouts.enumerated() {
            rowGradient(site: i, mu + s.mu, group: g, into: into + s.mu, scratch)
        }
    }

    /// Adds this row's share of the gradient at one site. - mu, into: [L] of the site.
    package func rowGradient(site: Int, _ mu: UnsafePointer<Float>, group g: Int, into: UnsafeMutablePointer<Float>,
                             _ scratch: MomentScratch) {
        let s = features.layouts[site], L = s.L, y = scratch.y.base, dy = scratch.dy.base
        guard (0 ..< groups).contains(g), let length = features.hold(mu, s, y) else { return }
        var c = UnsafePointer(constants.base + g * features.constantCount + s.constants)
        for l in 0 ..< L { dy[l] = 0 }
        if s.linear >= 0 {
            for l in 0 ..< L { dy[l] = c[l] }
            c += L
        }
        if s.covariance >= 0 {
            for k in 0 ..< L {
                let v = 2 * y[k], row = c + k * L
                for l in 0 ..< L { dy[l] += v * row[l] }
            }
            c += L * L
        }
        if let waves = s.waves {
            let D = waves.count, cosine = scratch.waves.base, sine = cosine + D, slope = scratch.angles.base
            waves.angles(y, cosine)
            features.kernels.waves(cosine, cosine, sine, D)
            for d in 0 ..< D { slope[d] = cosine[d] * c[D + d] - sine[d] * c[d] }
            waves.backward(slope, dy)
        }
        // Outside the ball only the direction of μ counts: dμ = ρ / |μ| (dy - e (e·dy)), e = μ / |μ|.
        var along = 0.0, factor = 1.0
        if length > s.radius {
            factor = s.radius / length
            for l in 0 ..< L { along += Double(dy[l]) * Double(mu[l]) / length }
        }
        for l in 0 ..< L {
            let d = Float(factor * (Double(dy[l]) - (along == 0 ? 0 : along * Double(mu[l]) / length)))
            if d.isFinite { into[l] += d }
        }
    }
}
