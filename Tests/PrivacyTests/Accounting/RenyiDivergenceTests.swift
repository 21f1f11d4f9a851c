// P1, P2, P3 for one release: equal to dp_accounting and to a 60-digit sum, never below it, closed for what it cannot
// price.

import Glibc
@testable import Privacy
import XCTest

final class RenyiDivergenceTests: XCTestCase {
    func testAgainstSixtyDigits() throws {
        let lines = try fixtures("M")
        XCTAssertGreaterThanOrEqual(lines.count, 100)
        for l in lines {
            let own = rdpSubsampledGaussian(q: l[0], sigma: l[1], order: Int(l[2]))
            XCTAssertGreaterThanOrEqual(own, l[3], "\(l)")
            XCTAssertLessThanOrEqual(own, l[3] * (1 + 1e-9), "\(l)")
        }
    }

    func testAgainstDPAccounting() throws {
        let lines = try fixtures("P")
        XCTAssertGreaterThanOrEqual(lines.count, 500)
        for l in lines {
            for (order, theirs) in zip([2, 8, 64, 1024], l[4...7]) {
                let own = l[2] * rdpSubsampledGaussian(q: l[0], sigma: l[1], order: order)
                // Their plain sum loses what is below 1e-16 of it.
                XCTAssertEqual(own, theirs, accuracy: 1e-6 * theirs + l[2] * 1e-11, "\(l) \(order)")
            }
        }
    }

    /// A sum that forgets a term, or is off by one, is not within the tolerance of the two tests above.
    func testMutantsAreSeen() throws {
        func sum(_ q: Double, _ s: Double, _ a: Int, terms: ClosedRange<Int>, shift: Int = 0) -> Double {
            var total = 0.0
            for k in terms {
                let c = lgamma(Double(a + 1)) - lgamma(Double(k + 1)) - lgamma(Double(a - k + 1))
                let j = k + shift
                total += exp(c + Double(a - k) * log1p(-q)
                    + Double(k) * log(q)) * expm1(Double(j * (j - 1)) / (2 * s * s))
            }
            return log1p(total) / Double(a - 1)
        }
        var right = 0, dropped = 0, shifted = 0
        for l in try fixtures("M") where l[2] <= 16 && l[1] > 0.5 && l[0] < 1 {
            let own = rdpSubsampledGaussian(q: l[0], sigma: l[1], order: Int(l[2])), a = Int(l[2])
            func near(_ x: Double) -> Int { abs(x - own) <= 1e-6 * own ? 1 : 0 }
            right += near(sum(l[0], l[1], a, terms: 2...a))
            dropped += a > 2 ? near(sum(l[0], l[1], a, terms: 3...a)) : 0
            shifted += near(sum(l[0], l[1], a, terms: 2...a, shift: -1))
        }
        XCTAssertGreaterThan(right, 20)
        // Where σ is small the last term is nearly all.
        XCTAssertLessThan(dropped, right / 10)
        XCTAssertEqual(shifted, 0)
    }

    func testClosedForms() {
        for order in [2, 17, 1024] {
            XCTAssertEqual(rdpSubsampledGaussian(q: 1, sigma: 3, order: order), Double(order) / 18, accuracy: 1e-12)
            XCTAssertGreaterThanOrEqual(rdpSubsampledGaussian(q: 1, sigma: 3, order: order), Double(order) / 18)
            XCTAssertEqual(rdpSubsampledGaussian(q: 0, sigma: 3, order: order), 0)
        }
        // α = 2: A = 1 + q² (exp(1/σ²) − 1).
        for (q, s) in [(1e-9, 1.0), (1e-3, 0.7), (0.5, 2.0)] {
            let exact = log1p(q * q * expm1(1 / (s * s)))
            XCTAssertEqual(rdpSubsampledGaussian(q: q, sigma: s, order: 2) / exact, 1, accuracy: 1e-12)
        }
    }

    func testFailsClosed() {
        let bad: [(Double, Double, Int)] = [(0.1, 0, 2), (0.1, -1, 2), (0.1, .nan, 2), (0.1, .infinity, 2),
            (.nan, 1, 2), (-0.1, 1, 2), (1.1, 1, 2), (.infinity, 1, 2),
                                            (0.1, 1, 1), (0.1, 1, 0), (0.1, 1, -3), (0.1, 1, 1025), (0.1, 1e-300, 2),
                                                (1, 1e-200, 2), (0, 0, 2), (0, .nan, 2)]
        for (q, s, a) in bad {
            XCTAssertEqual(rdpSubsampledGaussian(q: q, sigma: s, order: a), .infinity, "\(q) \(s) \(a)")
        }
        for q in [1e-300, 1e-9, 0.5, 1.0.nextDown, 1] {
            for s in [0.01, 1, 1e6, 1e150] {
                for a in [2, 3, 64, 1024] {
                    let r = rdpSubsampledGaussian(q: q, sigma: s, order: a)
                    XCTAssertGreaterThan(r, 0, "never 0: \(q) \(s) \(a)")
                    XCTAssertFalse(r.isNaN)
                }
            }
        }
    }

    func testMonotone() {
        for a in [2, 5, 64, 256] {
            var last = 0.0
            for i in 0...200 {
                let r = rdpSubsampledGaussian(q: Double(i) / 200, sigma: 1.3, order: a)
                XCTAssertGreaterThanOrEqual(r, last * (1 - 1e-9))
                last = r
            }
            last = .infinity
            for i in 1...200 {
                let r = rdpSubsampledGaussian(q: 0.03, sigma: Double(i) / 10, order: a)
                XCTAssertLessThanOrEqual(r, last * (1 + 1e-9))
                last = r
            }
        }
    }
}
