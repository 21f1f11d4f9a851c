// Intervals against textbook formulas and against simulated noise.

import Basics
import Compute
import XCTest
@testable import Synthesis

final class IntervalTests: XCTestCase {
    func testTheLimitOfANormalVariable() {
        XCTAssertEqual(normalLimit(0.95), 1.959963984540054, accuracy: 1e-9)
        XCTAssertEqual(normalLimit(0.5), 0.6744897501960817, accuracy: 1e-9)
    }

    func testAShareWithoutNoiseIsWilsons() {
        // 15 of 50 at z = 1.96: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n).
        let z = normalLimit(0.95), n = 50.0, p = 0.3
        let e = RatioSums(numerator: 15, denominator: n, noise: (0, 0, 0), sampling: .share)
            .estimate(limit: z, range: 0...1)
        let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        let reach = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot() / (1 + z * z / n)
        XCTAssertEqual(e.low, centre - reach, accuracy: 1e-12)
        XCTAssertEqual(e.high, centre + reach, accuracy: 1e-12)
        XCTAssertEqual(e.value, p)
    }

    func testARatioIsFiellers() {
        // Every μ with (N − μ D)² = z² (v + μ² w): by insertion.
        let z = 1.96, e = RatioSums(numerator: 120, denominator: 40, noise: (25, 3, 9), sampling: .mean(variance: 0))
            .estimate(limit: z, range: -100...100)
        for μ in [e.low, e.high] {
            let left = (120 - μ * 40) * (120 - μ * 40), right = z * z * (25 - 2 * μ * 3 + μ * μ * 9)
            XCTAssertEqual(left, right, accuracy: 1e-8)
        }
        XCTAssertLessThan(e.low, 3)
        XCTAssertGreaterThan(e.high, 3)
    }

    func testADenominatorInTheNoiseSaysNothing() {
        let e = RatioSums(numerator: 3, denominator: 5, noise: (16, 0, 16), sampling: .share)
            .estimate(limit: 1.96, range: 0...1)
        XCTAssertTrue(e.isLost)
        let none = RatioSums(numerator: 3, denominator: -5, noise: (1, 0, 1), sampling: .share)
            .estimate(limit: 1.96, range: 0...1)
        XCTAssertTrue(none.isLost && none.value.isNaN)
    }

    func testADifferenceOfSymmetricIntervalsIsThatOfTheirErrors() {
        func estimate(_ x: Double, _ reach: Double, shared: [Double] = []) -> Estimate {
            Estimate(value: x, low: x - reach, high: x + reach, sampling: 0, noise: reach / 2, shared: shared,
                     range: -100...100)
        }
        let d = estimate(7, 3).minus(estimate(2, 4), limit: 2)
        XCTAssertEqual([d.value, d.low, d.high], [5, 0, 10])
        // All of the noise in common: nothing is left of it.
        let same = estimate(7, 3, shared: [1.5]).minus(estimate(2, 3, shared: [1.5]), limit: 2)
        XCTAssertEqual(same.low, 5, accuracy: 1e-9)
        XCTAssertEqual(same.noise, 0, accuracy: 1e-9)
    }

    func testALimitThatWasCutStillHoldsTheNoise() {
        // Both groups' limits end at 0; the noise they share is larger than what is left below the values.
        func estimate(_ x: Double, high: Double) -> Estimate {
            Estimate(value: x, low: 0, high: high, sampling: 9, noise: 280, shared: [270], range: 0...4500)
        }
        let d = estimate(54, high: 600).minus(estimate(103, high: 650), limit: 2)
        XCTAssertEqual(d.value, -49)
        XCTAssertLessThanOrEqual(d.low, -49 - 2 * d.error)
        XCTAssertGreaterThanOrEqual(d.high, -49 + 2 * d.error)
        XCTAssertGreaterThan(d.error, 12)
    }

    func testARatioOfNarrowIntervalsIsThatOfTheDeltaMethod() {
        func estimate(_ x: Double, _ reach: Double) -> Estimate {
            Estimate(value: x, low: x - reach, high: x + reach, sampling: reach / 2, noise: 0, range: 0...1)
        }
        let r = estimate(0.3, 0.003).over(estimate(0.6, 0.003)), error = 0.5 * (1e-4 + 2.5e-5).squareRoot()
        XCTAssertEqual(r.value, 0.5, accuracy: 1e-12)
        XCTAssertEqual(r.low, 0.5 - error, accuracy: 1e-4)
        XCTAssertEqual(r.high, 0.5 + error, accuracy: 1e-4)
        XCTAssertTrue(estimate(0.3, 0.003).over(estimate(0.002, 0.003)).high.isInfinite)
    }

    func testCountsMeetAKnownTotalByTheirVariances() {
        let exact = NoisyCounts([10, 20, 40], variances: [1, 1, 2], total: (74, 0))
        XCTAssertEqual(exact.counts, [11, 21, 42])
        XCTAssertEqual(exact.noise([1, 1, 1]), 0, accuracy: 1e-12)
        let free = NoisyCounts([10, 20, 40], variances: [1, 1, 2], total: nil)
        XCTAssertEqual(free.counts, [10, 20, 40])
        XCTAssertEqual(free.noise([1, 0, 1]), 3)
    }

    /// The variance that is claimed is that of sums over simulated noise.
    func testTheNoiseOfASumIsWhatSimulationsShow() {
        let truth = [100.0, 50, 30, 20], variances = [4.0, 9, 1, 4], weights = [1.0, -2, 0.5, 3]
        var draws = NormalDraws(seed: 1, replicate: 0), square = 0.0, claimed = 0.0
        let n = 4000
        for _ in 0..<n {
            let y = zip(truth, variances).map { $0 + $1.squareRoot() * draws.next() }
            let counts = NoisyCounts(y, variances: variances, total: (200 + 3 * draws.next(), 9))
            let d = counts.sum(weights) - zip(truth, weights).reduce(0) { $0 + $1.0 * $1.1 }
            square += d * d
            claimed = counts.noise(weights)
        }
        XCTAssertEqual(square / Double(n) / claimed, 1, accuracy: 0.1)
    }
}
