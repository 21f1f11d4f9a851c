// Random Fourier features of a Gaussian kernel: φ(x) = F^(-1/2) (cos ωx, sin ωx) with F random frequencies ω.
// With ω ~ N(0, I / (L b² s²)), E φ(x)·φ(y) = exp(-|x - y|² / (2 L b² s²)), and |φ(x)| = 1 exactly (Rahimi and Recht
// 2007, "Random features for large-scale kernel machines", algorithm 1, in the form with sine and cosine). The form
// √(2/F) cos(ωx + phase) is bounded by √2 only, and has the larger variance (arXiv 1506.02785v1, section 3).

import Basics
import Glibc

/// Public frequencies for several bandwidths b, drawn from a public seed.
package final class FourierFeatures: @unchecked Sendable {
    /// L numbers of x; D frequencies in all, `perBandwidth` for each bandwidth, in order.
    package let width: Int, count: Int, perBandwidth: Int
    package let bandwidths: [Float]
    /// [L][D]: angle[d] = Σ_l x[l] frequency[l][d].
    let byInput: Buffer<Float>
    /// [D][L], the same transposed, for the way back.
    let byFeature: Buffer<Float>
    /// The longest frequency's length.
    let longest: Double

    /// - bandwidths: each above 0, in units of √L `scale`; scale: the typical standard deviation of one number of x,
    ///   above 0.
    /// - Throws: `.argument`, `.noMemory`.
    package init(width L: Int, bandwidths: [Float], perBandwidth F: Int, scale: Float = 1, seed: UInt64) throws {
        guard (1 ... 1 << 20).contains(L), bandwidths.count <= 64, (1 ... 4096).contains(F) else {
            throw Failure(.argument, "random features need 1 to 4096 frequencies for at most 64 bandwidths")
        }
        guard bandwidths.allSatisfy({ (1e-3 ... 1e3).contains($0) }), (1e-6 ... 1e6).contains(scale) else {
            throw Failure(.argument, "bandwidths of random features must be 0.001 to 1000")
        }
        width = L
        perBandwidth = F
        self.bandwidths = bandwidths
        count = bandwidths.count * F
        byInput = try Buffer(count: L * count, for: "frequencies")
        byFeature = try Buffer(count: L * count, for: "frequencies")
        var normals = PublicNormals(seed: seed), longest = 0.0
        for (k, b) in bandwidths.enumerated() {
            let spread = 1 / (Double(L).squareRoot() * Double(b) * Double(scale))
            for f in k * F ..< (k + 1) * F {
                var square = 0.0
                for l in 0 ..< L {
                    let w = Float(normals.next() * spread)
                    byFeature[f * L + l] = w
                    byInput[l * count + f] = w
                    square += Double(w) * Double(w)
                }
                longest = max(longest, square.squareRoot())
            }
        }
        self.longest = longest
    }

    /// angle[d] = ω_d x for one row x [L].
    func angles(_ x: UnsafePointer<Float>, _ angle: UnsafeMutablePointer<Float>) {
        for d in 0 ..< count { angle[d] = 0 }
        for l in 0 ..< width {
            let v = x[l], w = byInput.base + l * count
            for d in 0 ..< count { angle[d] += v * w[d] }
        }
    }

    /// dx[l] += Σ_d ω_d[l] dangle[d].
    func backward(_ dangle: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>) {
        for d in 0 ..< count {
            let v = dangle[d], w = byFeature.base + d * width
            for l in 0 ..< width { dx[l] += v * w[l] }
        }
    }
}

/// Standard normal numbers from a public seed: SplitMix64 (Steele, Lea and Flood 2014) and Box and Muller 1958. For
/// public constants and starting weights only; noise comes from the secret generator.
struct PublicNormals {
    private var counter: UInt64
    private var spare: Double?

    init(seed: UInt64) { counter = PublicNormals.mix(seed &+ 0x2545_f491_4f6c_dd1d) }

    mutating func next() -> Double {
        if let s = spare {
            spare = nil
            return s
        }
        let radius = (-2 * log(uniform())).squareRoot(), angle = 2 * Double.pi * uniform()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }

    /// In (0, 1].
    mutating func uniform() -> Double {
        counter &+= 0x9e37_79b9_7f4a_7c15
        return (Double(PublicNormals.mix(counter) >> 11) + 1) * 0x1p-53
    }

    private static func mix(_ x: UInt64) -> UInt64 {
        var z = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
