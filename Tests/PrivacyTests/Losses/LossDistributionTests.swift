// P1 for one release: discretised losses dominate the exact pair, in either direction, and are not far above it.

import Glibc
@testable import Privacy
import XCTest

final class LossDistributionTests: XCTestCase {
    private func phi(_ x: Double, _ m: Double, _ s: Double) -> Double {
        exp(-(x - m) * (x - m) / (2 * s * s)) / (s * (2 * Double.pi).squareRoot())
    }

    /// ∫ (P − e^ε Q)⁺ for P = Σ w_j N(j, σ²), Q = N(0, σ²) and the other way round.
    private func exact(_ q: Double, _ s: Double, rows k: Int, _ eps: Double) -> (removing: Double, adding: Double) {
        let n = 60_000, lo = -14 * s, hi = 14 * s + Double(k), h = (hi - lo) / Double(n)
        let w = (0...k).map { (j: Int) -> Double in
            let drawn = Double(j), left = Double(k - j),
                ways: Double = lgamma(Double(k + 1)) - lgamma(drawn + 1) - lgamma(left + 1)
            return exp(ways) * pow(q, drawn) * pow(1 - q, left)
        }
        var a = 0.0, b = 0.0
        for i in 0...n {
            let x = lo + h * Double(i), base = phi(x, 0, s),
                mix = w.indices.reduce(0.0) { (sum: Double, j: Int) -> Double in
                sum + w[j] * phi(x, Double(j), s)
            }
            a += max(mix - exp(eps) * base, 0) * h
            b += max(base - exp(eps) * mix, 0) * h
        }
        return (a, b)
    }

    func testSampledGaussianDominatesTheExactPair() throws {
        for (q, s, k) in [(0.03, 2.0, 1), (0.3, 0.7, 1), (1, 1, 1), (0.01, 5, 1), (0.1, 1, 3), (1, 4, 2)] {
            for removing in [true, false] {
                let pair = GaussianPair(rate: q, sigma: s, rows: k, removing: removing)
                for step in [0.05, 0.002] {
                    let d = try pair.distribution(step: step, reach: 9)
                    var mass = d.infinity
                    for i in 0..<d.masses.count { mass += d.masses[i] }
                    XCTAssertGreaterThanOrEqual(mass, 1)
                    XCTAssertEqual(mass, 1, accuracy: 1e-9)
                    XCTAssertLessThan(d.drift, 1e-11)
                    for eps in [0, 0.02, 0.3, 1, 2.5] {
                        let both = exact(q, s, rows: k, eps), truth = removing ? both.removing : both.adding
                        XCTAssertGreaterThanOrEqual(d.delta(epsilon: eps), truth * (1 - 1e-6) - 1e-13,
                            "\(q) \(s) \(k) \(removing) \(step) \(eps)")
                        if truth > 1e-8, step < 0.01 {
                            XCTAssertLessThan(d.delta(epsilon: eps), truth * 1.01 + 1e-9,
                                "\(q) \(s) \(k) \(removing) \(eps)")
                        }
                    }
                }
            }
        }
    }

    /// Mutants that a wrong discretisation would be: losses rounded down, mass above the grid dropped, the directions
    /// exchanged.
    func testMutantsAreSeen() throws {
        let q = 0.3, s = 0.7, eps = 1.0, step = 0.05
        let truth = exact(q, s, rows: 1, eps).removing,
            d = try GaussianPair(rate: q, sigma: s, rows: 1, removing: true).distribution(step: step, reach: 9)
        var down = 0.0
        for i in 1..<d.masses.count where d.loss(d.lowest + i - 1) > eps {
            down -= d.masses[i] * expm1(eps - d.loss(d.lowest + i - 1))
        }
        XCTAssertLessThan(down, truth)
        let short = try GaussianPair(rate: q, sigma: s, rows: 1, removing: true).distribution(step: step, reach: 1.5)
        XCTAssertLessThan(short.delta(epsilon: eps) - short.infinity, truth)
        XCTAssertGreaterThanOrEqual(short.delta(epsilon: eps), truth)
        XCTAssertLessThan(try GaussianPair(rate: q, sigma: s, rows: 1, removing: false).distribution(step: step,
            reach: 9).delta(epsilon: eps), truth)
    }

    func testLaplaceAndPure() throws {
        for b in [0.3, 1, 4.0] {
            let d = try LaplacePair(scale: b).distribution(step: 0.01, reach: 9), e = 1 / b
            // δ(ε) = 1 − e^{(ε − 1/b)/2} in closed form (Dong, Roth and Su 2019, arXiv 1905.02383).
            for eps in [0, 0.1 * e, 0.5 * e, 0.95 * e] {
                let truth = -expm1((eps - e) / 2)
                XCTAssertGreaterThanOrEqual(d.delta(epsilon: eps), truth * (1 - 1e-12))
                XCTAssertLessThan(d.delta(epsilon: eps), truth + 1e-4)
            }
            XCTAssertLessThan(d.delta(epsilon: e + 0.01), 1e-12)
            let pure = try PurePair(epsilon: e).distribution(step: 0.01, reach: 9)
            let truth = (exp(e) - exp(0.5 * e)) / (1 + exp(e))
            XCTAssertGreaterThanOrEqual(pure.delta(epsilon: 0.5 * e), truth * (1 - 1e-12))
            XCTAssertLessThan(pure.delta(epsilon: 0.5 * e), truth + 1e-3)
        }
    }

    func testDiscreteGaussian() throws {
        for (s, shift) in [(0.8, 1), (3, 1), (10, 4)] as [(Double, Int)] {
            let d = try DiscreteGaussianPair(standardDeviation: s, shift: shift).distribution(step: 1e-3, reach: 9)
            let w = (-200...200).map { exp(-Double($0 * $0) / (2 * s * s)) }, total = w.reduce(0, +)
            for eps in [0, 0.1, 0.7] {
                var truth = 0.0
                for i in shift..<w.count { truth += max(0, w[i - shift] - exp(eps) * w[i]) / total }
                XCTAssertGreaterThanOrEqual(d.delta(epsilon: eps), truth * (1 - 1e-12))
                XCTAssertEqual(d.delta(epsilon: eps), truth, accuracy: 1e-4)
            }
        }
    }

    /// What is ρ-zCDP: the Gaussian, Laplace and randomised response of that ρ, all below the one curve; a Gaussian is
    /// not above all of them.
    func testZeroConcentratedCurveCoversThem() throws {
        for rho in [0.002, 0.05, 0.7, 5] {
            let d = try ConcentratedPair(rho: rho).distribution(step: rho.squareRoot() / 200, reach: 9),
                e = (2 * rho).squareRoot()
            let others: [any LossPair] = [GaussianPair(rate: 1, sigma: 1 / e, rows: 1, removing: true),
                LaplacePair(scale: 1 / e), PurePair(epsilon: e)]
            var mass = d.infinity
            for i in 0..<d.masses.count { mass += d.masses[i] }
            XCTAssertEqual(mass, 1, accuracy: 1e-8)
            for other in others {
                let o = try other.distribution(step: rho.squareRoot() / 2000, reach: 9)
                for x in [0, 0.2, 0.5, 1, 2, 4] {
                    XCTAssertGreaterThanOrEqual(d.delta(epsilon: x * e), o.delta(epsilon: x * e) - 1e-9, "\(rho) \(x)")
                }
            }
            // Not vacuous.
            let gauss = try others[0].distribution(step: rho.squareRoot() / 2000, reach: 9)
            XCTAssertLessThan(d.delta(epsilon: 3 * e), 40 * gauss.delta(epsilon: 3 * e) + 1e-9)
        }
        // The Gaussian of ρ does not stand for randomised response, which is ρ-zCDP as well.
        let e = 1.0,
            gauss = try GaussianPair(rate: 1, sigma: 1 / e, rows: 1, removing: true).distribution(step: 1e-3, reach: 9)
        XCTAssertGreaterThan(try PurePair(epsilon: e).distribution(step: 1e-3, reach: 9).delta(epsilon: 0),
            gauss.delta(epsilon: 0))
    }
}
