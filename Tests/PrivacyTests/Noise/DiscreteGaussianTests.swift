// The exact sampler against the exact probabilities, and its whole-number arithmetic at the ends of its range.

import Basics
import Glibc
@testable import Privacy
import XCTest

final class DiscreteGaussianTests: XCTestCase {
    private let random = SecureRandom(testSeed: 21)

    /// χ² deviate of `draws` samples against P(x) ∝ exp(−x²/2σ²).
    private func deviate(_ draws: Int, sigma: Double, of sample: () -> Int64) -> Double {
        let reach = Int(6 * sigma) + 6
        var seen = [Double](repeating: 0, count: 2 * reach + 1)
        for _ in 0..<draws { seen[min(max(Int(sample()) + reach, 0), 2 * reach)] += 1 }
        let weight = (-reach...reach).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }, total = weight.reduce(0, +)
        return chiSquareDeviate(seen, weight.map { Double(draws) * $0 / total })
    }

    func testAgainstExactProbabilities() throws {
        for (k, sigma) in [0.3, 0.5, 1, 1.7, 4.2, 30].enumerated() {
            let d = try DiscreteGaussian(variance: sigma * sigma), s = random.stream(.histogram, k)
            XCTAssertLessThan(deviate(60_000, sigma: sigma) { d.sample(s) }, 4, "\(sigma)")
        }
    }

    /// A rounded continuous Gaussian has other probabilities at small σ; a wrong σ and a doubled zero are seen as well.
    func testMutants() throws {
        let s = random.stream(.histogram, 50), d = try DiscreteGaussian(variance: 0.25)
        var z = [Double](repeating: 0, count: 60_000), i = -1
        fillFourSample(s, &z, z.count)
        XCTAssertGreaterThan(deviate(60_000, sigma: 0.5) { i += 1; return Int64((z[i] * 0.5).rounded()) }, 5)
        XCTAssertGreaterThan(deviate(60_000, sigma: 0.52) { d.sample(s) }, 5)
        XCTAssertGreaterThan(deviate(60_000, sigma: 0.5) { let v = d.sample(s); return v == 0 && s.next() & 15 == 0
            ? d.sample(s) : v }, 5)
    }

    func testLargeDeviations() throws {
        for sigma in [1e3, 1e5, 1e6] {
            let d = try DiscreteGaussian(variance: sigma * sigma), s = random.stream(.histogram, Int(sigma))
            let x = (0..<20_000).map { _ in Double(d.sample(s)) }
            XCTAssertLessThan(kolmogorov(x, standardDeviation: sigma), 1.95)
            XCTAssertLessThan(abs(correlationDeviate(Array(x.dropLast()), Array(x.dropFirst()))), 4)
        }
    }

    func testVarianceIsNeverBelowWhatIsAskedFor() throws {
        for v in [1e-12, 0.01, 1.0 / 3, 7, 255.9, 1e5, 1e6, 1.1e6, 1e12] {
            let d = try DiscreteGaussian(variance: v)
            XCTAssertGreaterThanOrEqual(Double(d.numerator) / Double(d.denominator), v)
            if v > 1e-3 { XCTAssertEqual(Double(d.numerator) / Double(d.denominator), v, accuracy: 1e-4 * v) }
            XCTAssertGreaterThan(Double(d.scale), v.squareRoot())
        }
        for v in [0, -1, .nan, .infinity, 1.1e12] { XCTAssertThrowsError(try DiscreteGaussian(variance: v)) }
    }

    func testBernoulliExp() {
        let s = random.stream(.histogram, 99)
        for (a, b) in [(0, 1), (1, 7), (1, 1), (3, 2), (9, 4)] as [(UInt128, UInt128)] {
            let p = exp(-Double(a) / Double(b)), n = 40_000.0
            var yes = 0.0
            for _ in 0..<40_000 where bernoulliExp(a, b, s) { yes += 1 }
            XCTAssertLessThanOrEqual(abs(yes - n * p), 4 * (n * p * (1 - p)).squareRoot())
        }
        XCTAssertFalse(bernoulliExp(.max, 1, s))
        // Large numbers: γ = 1/2 with 120 bits.
        var yes = 0.0
        for _ in 0..<10_000 where bernoulliExp(1 << 119, 1 << 120, s) { yes += 1 }
        XCTAssertEqual(yes, 10_000 * exp(-0.5), accuracy: 200)
    }
}
