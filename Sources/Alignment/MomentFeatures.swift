// What one private row adds to the moments of its group: a vector u(μ) of length at most 1.
// u is a function of that row's activations and of public constants alone. Nothing in this file sees two rows. Read
// next: MomentAlignment.swift.
//
// A row has activations at several sites (latent means, decoder activations, the logits of a head), μ = (μ¹, …, μˢ). At
// each site μ is held inside a ball, y = μ min(1, ρ / |μ|), and
//     u = κ (…, a y / ρ, c vec(y yᵀ) / ρ², f φ(y), …)
// with vec the upper triangle, off-diagonal numbers times √2, so that |vec(y yᵀ)| = |y|², and φ the random Fourier
// features of FourierFeatures.swift, |φ| = 1. Public weights a, c, f of each site; κ = (1 - 2⁻²⁰) (Σ over sites of a² +
// c² + f²)^(-1/2).
//
// Guarantee: |u(μ)| ≤ 1 for every μ, numbers that are not finite included (then u = 0). Proof: |y| ≤ ρ, so the blocks
// of a site are no longer than a, c and f, and the squares add up to κ² Σ (a² + c² + f²) = (1 - 2⁻²⁰)²; what is left
// holds the rounding to 32 bits (below 6e-8 of every number, sine and cosine 2e-7). Hence adding or removing one row
// moves the sum of u over any rows by at most R = 1. MomentFeaturesTests tries to falsify it.

import Basics
import Compute
import Glibc

/// Where a row's activations are aligned: public configuration.
package struct AlignmentSite: Sendable, Equatable {
    /// L: numbers of the activation vector, 1 ... 4096.
    package var width: Int
    /// Typical standard deviation of one number, public, above 0: 1 for a latent.
    package var scale: Float = 1
    /// ρ in units of √L scale; above 0.
    package var reach: Float = 1.5
    /// a, f, c: shares of the bound (their squares add up); 0 leaves a block out. Covariance needs the linear block.
    package var linear: Float = 1, fourier: Float = 1, covariance: Float = 1
    /// b of the kernels exp(-|x - y|² / (2 L b² scale²)), and frequencies for each.
    package var bandwidths: [Float] = [1, 2]
    package var frequencies = 32
    package var seed: UInt64 = 0

    package init(width: Int) { self.width = width }
}

package final class MomentFeatures: @unchecked Sendable {
    package let sites: [AlignmentSite]
    /// Numbers of a row's activations, all sites one after the other, and of u.
    package let width: Int, count: Int
    let layouts: [Layout]
    let kernels: Kernels

    /// Offsets into μ and u; L² numbers and 2 D of constants in natural units have offsets of their own.
    struct Layout {
        let L: Int, mu: Int, radius: Double, scale: Double
        /// Blocks of u, -1 when absent: [L], [L (L + 1) / 2], [2 D]; u's number for 1 in natural units.
        let linear: Int, covariance: Int, fourier: Int
        let linearUnit: Double, covarianceUnit: Double, fourierUnit: Double
        let waves: FourierFeatures?
        let start: Int, size: Int
        /// Where the site's constants start: [L] + [L][L] + [2 D], absent ones left out.
        let constants: Int
        var D: Int { waves?.count ?? 0 }
    }

    /// Numbers of a group's constants.
    let constantCount: Int

    /// - Throws: `.argument`, `.noMemory`.
    package init(sites: [AlignmentSite], kernels: Kernels = .current) throws {
        func need(_ ok: Bool, _ rule: String) throws { if !ok { throw Failure(.argument, "alignment: " + rule) } }
        try need(!sites.isEmpty && sites.count <= 4096, "1 to 4096 sites")
        var squares = 0.0
        for s in sites {
            try need((1 ... 4096).contains(s.width), "a site must have 1 to 4096 numbers")
            try need((1e-6 ... 1e6).contains(s.scale) && (1e-3 ... 1e3).contains(s.reach),
                     "scale and reach of a site are out of range")
            let parts = [s.linear, s.fourier, s.covariance]
            try need(parts.allSatisfy { $0 == 0 || (1e-3 ... 1e3).contains($0) },
                     "shares of a site must be 0 or 0.001 to 1000")
            try need(s.linear > 0 || s.fourier > 0, "a site needs a linear or a Fourier block")
            try need(s.linear > 0 || s.covariance == 0, "covariances need the linear block")
            try need(s.fourier == 0 || !s.bandwidths.isEmpty, "random features need a bandwidth")
            for p in parts { squares += Double(p) * Double(p) }
        }
        let kappa = (1 - 0x1p-20) / squares.squareRoot()
        var at = 0, mu = 0, constants = 0
        layouts = try sites.map { s in
            let L = s.width, radius = Double(s.reach) * Double(L).squareRoot() * Double(s.scale), start = at
            let waves = s.fourier > 0 ? try FourierFeatures(width: L, bandwidths: s.bandwidths,
                perBandwidth: s.frequencies, scale: s.scale, seed: s.seed) : nil
            // angles must stay where sine and cosine are exact
            try need((waves?.longest ?? 0) * radius < 9e3, "bandwidths are too small for the reach")
            func take(_ present: Bool, _ n: Int) -> Int {
                guard present else { return -1 }
                at += n
                return at - n
            }
            let D = waves?.count ?? 0
            let linear = take(s.linear > 0, L), covariance = take(s.covariance > 0, L * (L + 1) / 2)
            let fourier = take(s.fourier > 0, 2 * D)
            defer {
                mu += L
                constants += (s.linear > 0 ? L : 0) + (s.covariance > 0 ? L * L : 0) + 2 * D
            }
            return Layout(L: L, mu: mu, radius: radius, scale: Double(s.scale), linear: linear, covariance: covariance,
                          fourier: fourier, linearUnit: kappa * Double(s.linear) / radius,
                          covarianceUnit: kappa * Double(s.covariance) / (radius * radius),
                          fourierUnit: kappa * Double(s.fourier), waves: waves, start: start, size: at - start,
                          constants: constants)
        }
        self.sites = sites
        self.kernels = kernels
        width = mu
        count = at
        constantCount = constants
    }

    /// u(μ) of one row. - mu: [width]; u: [count], overwritten. A row with a number that is not finite has u = 0, at
    /// every site.
    package func features(_ mu: UnsafePointer<Float>, into u: UnsafeMutablePointer<Float>, _ scratch: MomentScratch) {
        guard finite(mu, width) else {
            for d in 0 ..< count { u[d] = 0 }
            return
        }
        for site in layouts.indices {
            features(site: site, mu + layouts[site].mu, into: u + layouts[site].start, scratch)
        }
    }

    /// The blocks of one site. - mu: [L] of the site; u: its part of a row's u, [size(site)], overwritten.
    package func features(site: Int, _ mu: UnsafePointer<Float>, into u: UnsafeMutablePointer<Float>,
                          _ scratch: MomentScratch) {
        let s = layouts[site], L = s.L, y = scratch.y.base
        guard hold(mu, s, y) != nil else {
            for d in 0 ..< s.size { u[d] = 0 }
            return
        }
        if s.linear >= 0 {
            let out = u + (s.linear - s.start)
            for l in 0 ..< L { out[l] = Float(Double(y[l]) * s.linearUnit) }
        }
        if s.covariance >= 0 {
            var out = u + (s.covariance - s.start)
            for k in 0 ..< L {
                let v = Double(y[k]) * s.covarianceUnit
                out[0] = Float(v * Double(y[k]))
                for l in k + 1 ..< max(L, k + 1) { out[l - k] = Float(v * Double(y[l]) * 2.0.squareRoot()) }
                out += L - k
            }
        }
        if let waves = s.waves {
            let D = waves.count, out = u + (s.fourier - s.start), unit = Float(s.fourierUnit / Double(D).squareRoot())
            waves.angles(y, out)
            kernels.waves(out, out, out + D, D)
            for d in 0 ..< 2 * D { out[d] *= unit }
        }
    }

    /// Numbers of u that belong to a site.
    package func size(site: Int) -> Int { layouts[site].size }

    /// y = μ min(1, ρ / |μ|); returns |μ|, or nil when a number is not finite.
    func hold(_ mu: UnsafePointer<Float>, _ s: Layout, _ y: UnsafeMutablePointer<Float>) -> Double? {
        guard finite(mu, s.L) else { return nil }
        var square = 0.0
        for l in 0 ..< s.L { square += Double(mu[l]) * Double(mu[l]) }
        let length = square.squareRoot(), factor = length > s.radius ? s.radius / length : 1
        for l in 0 ..< s.L { y[l] = Float(Double(mu[l]) * factor) }
        return length
    }

    func finite(_ x: UnsafePointer<Float>, _ n: Int) -> Bool {
        for i in 0 ..< n where !x[i].isFinite { return false }
        return true
    }
}

/// One worker's memory. Two threads must not share one.
package final class MomentScratch {
    /// A site's activations inside the ball and their gradient [L]; waves [2 D]; slopes of angles [D].
    let y: Buffer<Float>, dy: Buffer<Float>, waves: Buffer<Float>, angles: Buffer<Float>

    /// - Throws: `.noMemory`.
    package init(_ f: MomentFeatures) throws {
        let L = f.layouts.map(\.L).max() ?? 1, D = f.layouts.map(\.D).max() ?? 0
        y = try Buffer(count: L, for: "a row's moments")
        dy = try Buffer(count: L, for: "a row's moments")
        waves = try Buffer(count: 2 * D, for: "a row's moments")
        angles = try Buffer(count: D, for: "a row's moments")
    }
}
