// The discrete Fourier transform of a power-of-two length, for convolutions of distributions.
// Plain radix 2: its rounding error has a short proof, and an accountant has no need of more speed.

import Basics
import Glibc

/// Transforms of one length, with their roots of unity.
///
/// Every stage combines two numbers as a ± w b; with u the unit roundoff one such step is wrong by at most 5u(|a| +
/// |b|) (products √5 u, roots and sums u each). Along the tree these add to 5u log₂n Σ|x| for every output; `error`
/// allows 8u.
struct FourierTransform {
    let count: Int, bits: Int
    private let cosines: Buffer<Double>, sines: Buffer<Double>

    /// - Parameter bits: log₂ of the length, 1 … 24.
    init(bits: Int) throws {
        (count, self.bits) = (1 << bits, bits)
        let half = count / 2
        cosines = try Buffer(count: half, for: "a transform")
        sines = try Buffer(count: half, for: "a transform")
        for k in 0..<half {
            let t = 2 * Double.pi * Double(k) / Double(count)
            (cosines.base[k], sines.base[k]) = (cos(t), sin(t))
        }
    }

    /// Bound on |computed − exact| of every output, for inputs whose absolute values sum to `sum`.
    func error(sum: Double) -> Double { 8 * unitRoundoff * Double(bits) * sum }

    /// In place: X_f = Σ_i x_i e^{−2πi f i / n}, with `inverse` the conjugate roots (not divided by n). re, im:
    /// [count].
    func transform(_ re: UnsafeMutablePointer<Double>, _ im: UnsafeMutablePointer<Double>, inverse: Bool = false) {
        let n = count
        var j = 0
        for i in 1..<n {
            var bit = n >> 1
            while j & bit != 0 { j ^= bit; bit >>= 1 }
            j |= bit
            if i < j { swap(&re[i], &re[j]); swap(&im[i], &im[j]) }
        }
        let c = cosines.base, s = sines.base, sign = inverse ? 1.0 : -1.0
        var half = 1, stride = n / 2
        while half < n {
            var start = 0
            while start < n {
                var k = 0
                for a in start..<start + half {
                    let b = a &+ half, wr = c[k], wi = sign * s[k]
                    let tr = wr * re[b] - wi * im[b], ti = wr * im[b] + wi * re[b]
                    (re[b], im[b]) = (re[a] - tr, im[a] - ti)
                    re[a] += tr
                    im[a] += ti
                    k &+= stride
                }
                start += 2 * half
            }
            half *= 2
            stride /= 2
        }
    }
}
