// Exact prices of constant releases: closed forms, discrete noise, both directions, and the factor on the noise that
// they ask for.

import Glibc
@testable import Privacy
import XCTest

final class ExactCompositionTests: XCTestCase {
    private typealias Releases = [(mechanism: Mechanism, count: Int)]
    private func cdf(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
    /// δ of μ-Gaussian privacy, straight from the theorem.
    private func delta(_ m: Double, _ e: Double) -> Double { cdf(m / 2 - e / m) - exp(e) * cdf(-m / 2 - e / m) }

    // MARK: Gaussian releases

    func testClosedForm() throws {
        for m in [0.01, 0.3, 1, 4, 20] {
            let g = GaussianPrivacy(square: m * m)
            for d in [1e-2, 1e-5, 1e-9] {
                let e = g.epsilon(delta: d)
                XCTAssertLessThanOrEqual(delta(m, e), d * (1 + 1e-9))
                if e > 0 { XCTAssertGreaterThan(g.delta(epsilon: e * (1 - 1e-9)), d) }
                let room = try XCTUnwrap(GaussianPrivacy.largest(epsilon: max(e, 1e-3), delta: d))
                XCTAssertLessThanOrEqual(room.delta(epsilon: max(e, 1e-3)), d)
                if e > 1e-3 { XCTAssertEqual(room.mu, m, accuracy: 1e-9 * m) }
            }
        }
        var g = GaussianPrivacy()
        XCTAssertEqual(g.epsilon(delta: 1e-5), 0)
        for s in [3.0, 4] { g.compose(noise: s, rows: 2) }
        XCTAssertEqual(g.square, 4.0 / 9 + 4.0 / 16, accuracy: 1e-12)
        XCTAssertGreaterThanOrEqual(g.square, 4.0 / 9 + 4.0 / 16)
        for (e, d) in [(0.0, 0.1), (.nan, 0.1), (1, 0), (1, 1), (1, .nan), (.infinity, 0.1)] {
            XCTAssertNil(GaussianPrivacy.largest(epsilon: e, delta: d))
        }
        g.compose(noise: 0)
        XCTAssertEqual(g.epsilon(delta: 1e-5), .infinity)
        XCTAssertEqual(g.delta(epsilon: 5), 1)
    }

    /// Combined noise of two releases, over the least that the theorem allows: from 1 to 1 + 1e-6.
    func testNoiseOfTwoReleasesIsTheOptimum() throws {
        for e in [0.25, 0.5, 1, 2, 4] {
            for d in [1e-5, 1e-6] {
                let s = try ExactCalibration.leastFactor([(.gaussian(rate: 1, noise: 4), 1),
                    (.gaussian(rate: 1, noise: 1), 1)], epsilon: e, delta: d)
                var low = 1e-3, high = 100.0
                while high / low > 1 + 1e-13 {
                    let m = (low * high).squareRoot()
                    if delta(m, e) <= d { low = m } else { high = m }
                }
                let combined = s / (1.0 / 16 + 1).squareRoot()
                XCTAssertGreaterThanOrEqual(combined * low, 1 - 1e-12)
                XCTAssertLessThan(combined * low, 1 + 1e-6)
                // Histograms and marginals on a grid of 40 and of 22 steps: a few parts in ten thousand more, never
                // less.
                let discrete = try ExactCalibration.leastFactor([(.jointDiscreteGaussian(noise: 4, sensitivity: 4), 1),
                    (.jointDiscreteGaussian(noise: 1, sensitivity: 10), 1)],
                                                               epsilon: e, delta: d)
                XCTAssertGreaterThan(discrete, s)
                XCTAssertLessThan(discrete, 1.005 * s)
            }
        }
    }

    /// The adaptive filter: whatever noise later releases have, while the squares stay below the ceiling the total is
    /// within (ε, δ). One step more is not.
    func testGaussianFilter() throws {
        let room = try XCTUnwrap(GaussianPrivacy.largest(epsilon: 1, delta: 1e-6)),
            dice = SecureRandom(testSeed: 3).stream(.direct, 0)
        for _ in 0..<20 {
            var spent = GaussianPrivacy(), refused = 0
            for _ in 0..<200 {
                var next = spent
                next.compose(noise: 5 + 100 * dice.uniform())
                if next.square <= room.square { spent = next } else { refused += 1 }
            }
            XCTAssertGreaterThan(refused, 0)
            XCTAssertLessThanOrEqual(spent.epsilon(delta: 1e-6), 1)
        }
        var more = room
        more.compose(noise: 100)
        XCTAssertGreaterThan(more.epsilon(delta: 1e-6), 1)
    }

    // MARK: discrete noise

    /// The trade-off curve of Y and Y + w is above that of Gaussians of the priced distance at every corner: brute
    /// force, with the quantile found by bisection. Mutant: without the excess it is not.
    func testDiscreteExcessCoversEveryCorner() {
        func quantile(_ logTail: Double) -> Double {
            var low = -40.0, high = 40.0
            for _ in 0..<200 {
                let mid = 0.5 * (low + high), tail = mid > 0 ? logNormalTail(mid) : log1p(-normalTail(mid))
                if tail > logTail { low = mid } else { high = mid }
            }
            return 0.5 * (low + high)
        }
        for s in [0.7, 1.0, 2.3, 9, 40] {
            let excess = GaussianPrivacy.discreteExcess(standardDeviation: s)
            XCTAssertEqual(excess, 1 / (24 * s * s), accuracy: 0.5 / (24 * s * s * s * s) + 1e-10)
            let far = Int(15 * s) + 4
            let p = (-far...far).map { exp(-Double($0) * Double($0) / (2 * s * s)) }, total = p.reduce(0, +)
            var worst = 0.0
            for w in [1, 2, Int(s) + 1] {
                for z in (-far + 2)...(far - w - 2) {
                    // Accept all y ≥ z: α = P(Y ≥ z + w) without, power P(Y ≥ z) with the move.
                    func tail(_ from: Int) -> Double {
                        ((from + far)..<p.count).reversed().reduce(0) { $0 + p[$1] } / total
                    }
                    let alpha = tail(z + w), power = tail(z)
                    guard alpha > 1e-20, 1 - power > 1e-6 else { continue }
                    worst = max(worst, (quantile(log(alpha)) - quantile(log(power))) * s / Double(w))
                }
            }
            XCTAssertLessThanOrEqual(worst, 1 + excess + 1e-9, "\(s)")
            XCTAssertGreaterThan(worst, 1 + 0.8 * excess, "\(s)")
        }
        for s in [0, -1, 0.2, 1e9, .nan, .infinity] {
            XCTAssertEqual(GaussianPrivacy.discreteExcess(standardDeviation: s), .infinity)
        }
    }

    /// Never below the own distribution of the discrete noise, as dp_accounting has it, and close to it.
    func testDiscreteNoiseAgainstDPAccounting() throws {
        let lines = try fixtures("E")
        XCTAssertEqual(lines.count, 120)
        var differs = false
        for l in lines {
            let c = try ExactComposition([(.discreteGaussian(standardDeviation: l[1], shift: Int(l[0])), Int(l[2]))]),
                ours = try c.delta(epsilon: l[3])
            // Their discretisation is an upper bound too, within 2e-5.
            XCTAssertGreaterThanOrEqual(ours, l[4] * (1 - 2e-3) - 2e-5, "\(l)")
            XCTAssertLessThan(ours, l[4] * (1 + 2 / (l[1] * l[1])) + 1e-3 / l[1] + 1e-4, "\(l)")
            let mutant = GaussianPrivacy(square: l[2] * (l[0] / l[1]) * (l[0] / l[1])).delta(epsilon: l[3])
            differs = differs || mutant < l[4] - 1e-4
        }
        XCTAssertTrue(differs, "the continuous noise alone is no bound")
    }

    // MARK: everything together

    private let sampled: Releases = [(.gaussian(rate: 0.02, noise: 1), 200),
        (.jointDiscreteGaussian(noise: 8, sensitivity: 5), 1), (.zeroConcentrated(rho: 0.002), 1)]

    /// Never below the accountant that is given more noise, never above the one whose joint noise is known by ρ alone;
    /// both directions below the answer.
    func testSampledReleases() throws {
        let c = try ExactComposition(sampled), e = try c.epsilon(delta: 1e-5)
        var a = Accountant(.pld)
        for r in sampled { try a.compose(r.mechanism, count: r.count) }
        XCTAssertLessThanOrEqual(e, try a.epsilon(delta: 1e-5))
        for removing in [true, false] {
            XCTAssertLessThanOrEqual(try c.curve(removing: removing).points.first { $0.delta <= 1e-5 }?.epsilon ?? 0,
                e * (1 + 1e-3))
        }
        XCTAssertLessThanOrEqual(try c.delta(epsilon: e), 1e-5 * 1.02)
        // One direction alone is less than both where sampling is: a mutant that has but one is seen.
        let pair = GaussianPair(rate: 0.1, sigma: 0.6, rows: 1, removing: true),
            other = GaussianPair(rate: 0.1, sigma: 0.6, rows: 1, removing: false)
        let both = try [pair, other].map { try LossComposition(pairs: [($0, 3)]).epsilon(delta: 1e-3) }
        let all = try ExactComposition([(.gaussian(rate: 0.1, noise: 0.6), 3)]).epsilon(delta: 1e-3)
        XCTAssertEqual(all, max(both[0], both[1]), accuracy: 1e-9)
        XCTAssertLessThan(min(both[0], both[1]), 0.95 * all)
    }

    func testFactorIsLeast() throws {
        for (releases, rows) in [(sampled, 1), ([(.gaussian(rate: 0.05, noise: 1), 30)], 4)] as [(Releases, Int)] {
            let s = try ExactCalibration.leastFactor(releases, rows: rows, epsilon: 1.5, delta: 1e-6)
            func epsilon(_ s: Double) throws -> Double {
                try ExactComposition(releases.map { ($0.mechanism.scaled(s), $0.count) },
                    rows: rows).epsilon(delta: 1e-6)
            }
            XCTAssertLessThanOrEqual(try epsilon(s), 1.5)
            XCTAssertGreaterThan(try epsilon(s * 0.9999), 1.5)
            // Mutants: noise of another share than was solved for, and the factor rounded down.
            XCTAssertGreaterThan(try ExactComposition(releases.enumerated().map { ($1.mechanism.scaled($0 == 0
                ? 0.98 * s : s), $1.count) }, rows: rows).epsilon(delta: 1e-6), 1.5)
            XCTAssertGreaterThan(try epsilon((s * 1000).rounded(.down) / 1000 - 1e-3), 1.5)
        }
    }

    func testFailsClosed() throws {
        XCTAssertThrowsError(try ExactComposition([(.gaussian(rate: 1, noise: 0), 1)]))
        XCTAssertThrowsError(try ExactComposition([(.gaussian(rate: 2, noise: 1), 1)]))
        XCTAssertThrowsError(try ExactComposition([], rows: 0))
        XCTAssertEqual(try ExactComposition([]).epsilon(delta: 1e-5), 0)
        XCTAssertEqual(try ExactComposition([(.selection(delta: 1e-5), 1)]).epsilon(delta: 1e-5), .infinity)
        XCTAssertEqual(try ExactComposition([(.zeroConcentrated(rho: 60), 1)]).epsilon(delta: 1e-5), .infinity)
        let g = Mechanism.gaussian(rate: 1, noise: 1)
        for (e, d) in [(0.0, 1e-5), (-1, 1e-5), (.nan, 1e-5), (1, 0), (1, 1), (1, .nan)] {
            XCTAssertThrowsError(try ExactCalibration.leastFactor([(g, 1)], epsilon: e, delta: d))
        }
        XCTAssertThrowsError(try ExactCalibration.leastFactor([(.gaussian(rate: 1, noise: 0), 1)], epsilon: 1,
            delta: 1e-5))
        XCTAssertThrowsError(try ExactCalibration.leastFactor([(.zeroConcentrated(rho: 5), 1)], epsilon: 1,
            delta: 1e-5))
        XCTAssertEqual(try ExactCalibration.leastFactor([(.zeroConcentrated(rho: 1e-4), 1)], epsilon: 1, delta: 1e-5),
            1)
        // Coarse discrete noise is still priced, by its ρ.
        let coarse = try ExactComposition([(.jointDiscreteGaussian(noise: 0.5, sensitivity: 1), 1)])
        XCTAssertFalse(coarse.isGaussian)
        XCTAssertGreaterThan(try coarse.epsilon(delta: 1e-5), GaussianPrivacy(square: 4).epsilon(delta: 1e-5))
    }
}
