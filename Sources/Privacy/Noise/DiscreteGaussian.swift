// Exact samples of the discrete Gaussian, made from random bits with whole numbers only.
// For sums of whole numbers (histograms, counts), where no low bit may tell anything.

import Basics

/// N_Z(0, σ²): P(x) ∝ exp(−x² / 2σ²) on the whole numbers.
///
/// Canonne, Kamath and Steinke 2020, arXiv 2004.00010v4, algorithms 1 to 3. Between whole-step shifts its Rényi
/// divergence at integer orders is at most the continuous Gaussian's (there, and TightnessTests). Falsifier:
/// DiscreteGaussianTests (χ² against the exact probabilities).
struct DiscreteGaussian {
    /// σ² = numerator / denominator, never below what was asked for.
    let numerator: UInt128, denominator: UInt128
    /// ⌊σ⌋ + 1: scale of the discrete Laplace distribution that proposes.
    let scale: UInt64

    static let largestStandardDeviation = 1e6

    /// - Parameter variance: σ², above 0, at most 1e12; rounded up to a multiple of a power of two.
    /// - Throws: `.argument` when it is out of range.
    init(variance: Double) throws {
        guard variance > 0, variance <= Self.largestStandardDeviation * Self.largestStandardDeviation else {
            throw Failure(.argument, "discrete noise: its standard deviation must be above 0 and at most 1e6")
        }
        let sigma = variance.squareRoot()
        // As fine as 128 bits allow: 2 σ⁴ r² and |y| σ r have to fit.
        let r: Double = sigma < 0x1p4 ? 0x1p40 : sigma < 0x1p10 ? 0x1p30 : 0x1p16
        numerator = UInt128((variance.nextUp * r).rounded(.up))
        denominator = UInt128(r)
        scale = UInt64(sigma) + 1
    }

    func sample(_ random: RandomStream) -> Int64 {
        let t = UInt128(scale)
        // (|y| − σ²/t)² / 2σ² = (|y| t r − p)² / 2 p r t²
        let over = 2 * numerator * denominator * t * t
        while true {
            let (size, negative) = laplace(random)
            let (a, far) = UInt128(size).multipliedReportingOverflow(by: t * denominator)
            // |y| beyond 2⁶⁴ / (t r), hundreds of standard deviations: accepted with probability below e⁻¹⁰⁰⁰⁰.
            if far || a > UInt128(UInt64.max) { continue }
            let d = a > numerator ? a - numerator : numerator - a
            let (square, wide) = d.multipliedReportingOverflow(by: d)
            if wide { continue }
            if bernoulliExp(square, over, random) { return negative ? -Int64(size) : Int64(size) }
        }
    }

    /// |y| and sign of P(y) ∝ exp(−|y| / scale) (algorithm 2).
    private func laplace(_ random: RandomStream) -> (size: UInt64, negative: Bool) {
        while true {
            let u = random.below(scale)
            guard bernoulliExpProper(u, scale, random) else { continue }
            var v: UInt64 = 0
            while bernoulliExpProper(1 as UInt64, 1, random) { v += 1 }
            let (whole, overflow) = v.multipliedReportingOverflow(by: scale)
            let (size, over) = whole.addingReportingOverflow(u)
            if overflow || over || size > UInt64(Int64.max) { continue }
            let negative = random.next() & 1 == 1
            if negative && size == 0 { continue }
            return (size, negative)
        }
    }
}

/// True with probability exp(−a/b), exactly; a ≥ 0, b ≥ 1 (algorithm 1).
func bernoulliExp(_ a: UInt128, _ b: UInt128, _ random: RandomStream) -> Bool {
    if a <= b { return bernoulliExpProper(a, b, random) }
    // exp(−γ) = exp(−1)^⌊γ⌋ exp(−(γ − ⌊γ⌋)); most draws end at the first factors.
    var whole = a / b
    while whole > 0 {
        if !bernoulliExpProper(1 as UInt64, 1, random) { return false }
        whole -= 1
    }
    return bernoulliExpProper(a % b, b, random)
}

/// True with probability exp(−a/b) for a ≤ b: the number of successes of Bernoulli(γ/1), Bernoulli(γ/2), … before the
/// first failure is even with probability e^(−γ).
@inline(__always)
private func bernoulliExpProper<N: UniformBelow>(_ a: N, _ b: N, _ random: RandomStream) -> Bool {
    var k: N = 1
    while true {
        let (n, overflow) = b.multipliedReportingOverflow(by: k)
        if overflow || random.below(n) >= a { return k & 1 == 1 }
        k += 1
    }
}
