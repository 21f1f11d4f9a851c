// Figures of risk: closed forms, riskcal's figures, and never too small.

import Glibc
@testable import Privacy
import XCTest

final class RiskFiguresTests: XCTestCase {
    private func cdf(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
    private func quantile(_ p: Double) -> Double {
        var low = -40.0, high = 40.0
        for _ in 0..<100 { let mid = 0.5 * (low + high); if cdf(mid) < p { low = mid } else { high = mid } }
        return 0.5 * (low + high)
    }

    /// Gaussian releases: power Φ(Φ⁻¹(a) + μ) at false-positive rate a. Never below it, within 1e-6.
    func testClosedForm() throws {
        for m in [0.05, 0.5, 1.5, 5] {
            let r = try RiskFigures(ExactComposition([(.gaussian(rate: 1, noise: 1 / m), 1)]))
            func check(_ ours: Double, _ truth: Double) {
                XCTAssertGreaterThanOrEqual(ours, truth - 1e-15)
                XCTAssertEqual(ours, truth, accuracy: 1e-6)
            }
            check(r.advantage, 2 * cdf(m / 2) - 1)
            for (a, x) in zip(RiskFigures.falsePositiveRates, r.truePositives) { check(x, cdf(quantile(a) + m)) }
            for (k, x) in zip(RiskFigures.guesses, r.guessing) { check(x, cdf(quantile(1 / Double(k)) + m)) }
            for (d, e) in zip(RiskFigures.deltas, r.epsilons) {
                XCTAssertEqual(e, GaussianPrivacy(square: m * m).epsilon(delta: d), accuracy: 1e-9)
            }
        }
    }

    /// 200 random ledgers, homogeneous and not. Ours round up, and on few ledgers of thousands of sampled steps by more
    /// than 1e-4: never below
    /// riskcal by as much, at most 4e-4 above, and within 1e-4 on at least 95 %. Mutants: rounded down, one direction.
    func testAgainstRiskcal() throws {
        let lines = try fixtures("R")
        XCTAssertEqual(lines.count, 200)
        var worst = 0.0, oneDirection = 0.0, beyond = 0, seen = 0
        for l in _isDebugAssertConfiguration() ? Array(lines.prefix(25)) : lines {
            let n = Int(l[0])
            let c = try ExactComposition((0..<n).map { (.gaussian(rate: l[1 + 3 * $0], noise: l[2 + 3 * $0]),
                Int(l[3 + 3 * $0])) })
            let r = try RiskFigures(c), theirs = Array(l[(1 + 3 * n)...])
            let differences = zip([r.advantage] + r.truePositives + r.guessing, theirs).map { $0 - $1 }
            for d in differences {
                XCTAssertGreaterThan(d, -1e-4, "\(l)")
                XCTAssertLessThan(d, 4e-4, "\(l)")
                worst = max(worst, abs(d))
            }
            seen += 1
            if differences.contains(where: { abs($0) > 1e-4 }) { beyond += 1 }
            let half = try min(c.curve(removing: true).power(0.01), c.curve(removing: false).power(0.01))
            oneDirection = max(oneDirection, theirs[2] - half)
        }
        print("largest difference from riskcal: \(worst); \(beyond) of \(seen) ledgers beyond 1e-4")
        XCTAssertLessThanOrEqual(Double(beyond), 0.05 * Double(seen))
        XCTAssertGreaterThan(oneDirection, 1e-4, "a mutant that knows one direction is seen")
    }

    /// By a Rényi divergence alone: above the exact figures of what has that divergence; the whole range stays sound.
    func testFromARenyiFilter() throws {
        let m = 0.6, order = 12, rdp = 0.5 * m * m * Double(order), loose = RiskFigures(rdp: rdp, order: order)
        let exact = try RiskFigures(ExactComposition([(.gaussian(rate: 1, noise: 1 / m), 1)]))
        for (a, b) in zip([loose.advantage] + loose.truePositives + loose.guessing + loose.epsilons,
                          [exact.advantage] + exact.truePositives + exact.guessing + exact.epsilons) {
            XCTAssertGreaterThan(a, b)
        }
        XCTAssertLessThan(loose.truePositives[2], 0.2)
        for rdp in [Double.infinity, .nan, -1] {
            let r = RiskFigures(rdp: rdp, order: 8)
            XCTAssertEqual(r.advantage, 1)
            XCTAssertEqual(r.truePositives, [1, 1, 1])
            XCTAssertEqual(r.guessing, [1, 1, 1])
        }
        let nothing = RiskFigures(rdp: 0, order: 8)
        XCTAssertLessThan(nothing.advantage, 1e-6)
    }

    /// With selections everything is larger, by δ_sel at least; and the curve is one: from (0, …) up to 1, rising,
    /// below it never.
    func testCurve() throws {
        let plain: [(mechanism: Mechanism, count: Int)] = [(.gaussian(rate: 0.2, noise: 2), 10)]
        let t = try TradeOff(ExactComposition(plain)),
            s = try TradeOff(ExactComposition(plain + [(.selection(delta: 1e-3), 1)]))
        var last = 0.0
        for i in 0...200 {
            let a = Double(i) / 200, x = t.truePositives(a)
            XCTAssertGreaterThanOrEqual(x, max(a, last) - 1e-12)
            XCTAssertGreaterThanOrEqual(s.truePositives(a), min(1, x + 1e-3) - 1e-12)
            XCTAssertEqual(t.misses(a), 1 - x)
            last = x
        }
        XCTAssertEqual(last, 1)
        XCTAssertGreaterThanOrEqual(s.advantage, t.advantage + 1e-3)
        XCTAssertEqual(t.guessing(oneOf: 1), 1)
    }

    /// An attack on the real pair, by the likelihood ratio and by numbers drawn, stays below the figures; with the
    /// figures of more noise it does not.
    func testAnAttackStaysBelow() throws {
        let (q, sigma, count) = (0.5, 1.0, 4), random = SecureRandom(testSeed: 21).stream(.direct, 0), n = 20_000
        func losses(_ isIn: Bool) -> [Double] {
            var z = [Float](repeating: 0, count: n * count)
            random.fillNormal(&z, n * count)
            return (0..<n).map { i in
                (0..<count).reduce(0.0) { sum, t in
                    let x = Double(z[i * count + t]) * sigma + (isIn && random.uniform() <= q ? 1 : 0)
                    return sum + log1p(q * expm1((x - 0.5) / (sigma * sigma)))
                }
            }
        }
        let out = losses(false).sorted(), inside = losses(true)
        let r = try RiskFigures(ExactComposition([(.gaussian(rate: q, noise: sigma), count)]))
        let mutant = try RiskFigures(ExactComposition([(.gaussian(rate: q, noise: 1.5 * sigma), count)]))
        for (a, (bound, low)) in zip(RiskFigures.falsePositiveRates, zip(r.truePositives, mutant.truePositives)) {
            let threshold = out[n - Int(a * Double(n))],
                power = Double(inside.filter { $0 > threshold }.count) / Double(n)
            XCTAssertLessThan(power, bound + 5 * (0.25 / Double(n)).squareRoot() + 3 * (a / Double(n)).squareRoot() * 5)
            if a > 0.05 { XCTAssertGreaterThan(power, low) }
        }
    }
}
