// The accountant against the exact (ε, δ) curve of one release, by integration: never below it, in either direction,
// and not far above.

import Glibc
@testable import Privacy
import XCTest

final class TightnessTests: XCTestCase {
    private func phi(_ x: Double) -> Double { exp(-x * x / 2) / (2 * Double.pi).squareRoot() }

    /// δ(ε) of one sampled Gaussian release: ∫ max(P − e^ε Q, 0) for P = (1−q) N(0, σ²) + q N(1, σ²), Q = N(0, σ²) and
    /// the other way round.
    private func exactDelta(_ q: Double, _ s: Double, _ eps: Double) -> (removing: Double, adding: Double) {
        let n = 40_000, lo = -12 * s, hi = 12 * s + 1, h = (hi - lo) / Double(n)
        var a = 0.0, b = 0.0
        for i in 0...n {
            let x = lo + h * Double(i), base = phi(x / s) / s, mix = (1 - q) * base + q * phi((x - 1) / s) / s
            a += max(mix - exp(eps) * base, 0) * h
            b += max(base - exp(eps) * mix, 0) * h
        }
        return (a, b)
    }

    func testNeverBelowTheExactCurve() {
        for q in [0.01, 0.1, 0.5, 1] {
            for s in [0.6, 1, 3] {
                var a = RenyiAccountant()
                a.compose(noiseMultiplier: s, samplingRate: q)
                for eps in [0.05, 0.3, 1, 3] {
                    let exact = exactDelta(q, s, eps), own = a.delta(epsilon: eps)
                    XCTAssertGreaterThanOrEqual(own, max(exact.removing, exact.adding) * (1 - 1e-6), "\(q) \(s) \(eps)")
                    // Removing a row is the worse direction of the two.
                    XCTAssertGreaterThanOrEqual(exact.removing, exact.adding * (1 - 1e-6))
                }
            }
        }
    }

    /// Composition of full-rate releases is one Gaussian of σ/√n: its exact curve is in closed form (Balle and Wang
    /// 2018, arXiv 1805.06530, theorem 8).
    func testComposedGaussians() {
        for (s, n) in [(5.0, 10), (20, 100), (60, 1000)] {
            var a = RenyiAccountant()
            a.compose(noiseMultiplier: s, samplingRate: 1, count: n)
            let m = Double(n).squareRoot() / s
            func cdf(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
            for delta in [1e-7, 1e-5, 1e-3] {
                let e = a.epsilon(delta: delta)
                XCTAssertLessThanOrEqual(cdf(m / 2 - e / m) - exp(e) * cdf(-m / 2 - e / m), delta)
                // Not vacuous: four fifths of the figure is already too little.
                XCTAssertGreaterThan(cdf(m / 2 - 0.8 * e / m) - exp(0.8 * e) * cdf(-m / 2 - 0.8 * e / m), delta)
            }
        }
    }

    /// Whole-step shifts of the discrete Gaussian, sampled or not, cost at most what the ledger charges at integer
    /// orders.
    func testDiscreteNoiseCostsAtMostTheContinuousPrice() {
        for s in [0.4, 0.7, 1, 2.5] {
            for q in [0.05, 0.5, 1] {
                for order in [2, 3, 8] {
                    let reach = 60
                    let w = (-reach...reach).map { exp(-Double($0 * $0) / (2 * s * s)) }, total = w.reduce(0, +)
                    var a = 0.0, b = 0.0
                    for i in 1...2 * reach {
                        let base = w[i] / total, mix = (1 - q) * base + q * w[i - 1] / total
                        if base > 1e-280 { a += base * pow(mix / base, Double(order)) }
                        if mix > 1e-280 { b += mix * pow(base / mix, Double(order)) }
                    }
                    let price = rdpSubsampledGaussian(q: q, sigma: s, order: order)
                    XCTAssertLessThanOrEqual(log(a) / Double(order - 1), price * (1 + 1e-9), "\(s) \(q) \(order)")
                    if q < 1 { XCTAssertLessThanOrEqual(log(b) / Double(order - 1), price * (1 + 1e-9)) }
                }
            }
        }
    }
}
