// P1, P2 at fractional orders: never below quadrature, near it, closed for what cannot be priced.

import Glibc
@testable import Privacy
import XCTest

final class FractionalOrderTests: XCTestCase {
    func testNeverBelowQuadrature() throws {
        let lines = try fixtures("F")
        XCTAssertGreaterThanOrEqual(lines.count, 50)
        for l in lines {
            let own = rdpSubsampledGaussian(q: l[0], sigma: l[1], order: l[2])
            XCTAssertGreaterThanOrEqual(own, l[3] * (1 - 1e-9), "\(l)")
            XCTAssertLessThanOrEqual(own, l[3] * 1.002 + 1e-12, "\(l)")
        }
    }

    func testWholeOrdersAreTheSum() {
        for a in [2, 3, 64, 1024] {
            XCTAssertEqual(rdpSubsampledGaussian(q: 0.03, sigma: 1.5, order: Double(a)),
                rdpSubsampledGaussian(q: 0.03, sigma: 1.5, order: a))
        }
    }

    func testExtremesFailClosed() {
        for q in [1e-9, 0.001, 0.5, 1] {
            for s in [0.01, 0.3, 1, 1e6] {
                var last = 0.0
                for a in [1.01, 1.5, 2, 2.5, 63.5, 1023.5, 1024, 5000.5, 1e4] {
                    let r = rdpSubsampledGaussian(q: q, sigma: s, order: a)
                    XCTAssertGreaterThan(r, 0, "\(q) \(s) \(a)")
                    XCTAssertGreaterThanOrEqual(r, last * (1 - 1e-6),
                        "Rényi divergences grow with the order: \(q) \(s) \(a)")
                    last = r
                }
            }
        }
        XCTAssertEqual(rdpSubsampledGaussian(q: 0, sigma: 1, order: 1.5), 0)
        for (q, s, a) in [(0.1, 0, 2.5), (0.1, -1, 2.5), (0.1, .nan, 2.5), (.nan, 1, 2.5), (1.1, 1, 2.5),
            (-0.1, 1, 2.5), (0.1, 1, 1), (0.1, 1, 0.5), (0.1, 1, .nan),
                (0.1, 1, 1e4 + 1)] as [(Double, Double, Double)] {
            XCTAssertEqual(rdpSubsampledGaussian(q: q, sigma: s, order: a), .infinity, "\(q) \(s) \(a)")
        }
        for a in [1, .nan, 1e5] {
            XCTAssertEqual(rdpLaplace(scale: 1, order: a), .infinity)
            XCTAssertEqual(rdpPure(epsilon: 1, order: a), .infinity)
        }
        for b in [0, -1, .nan, .infinity, 1e-320] { XCTAssertEqual(rdpLaplace(scale: b, order: 2), .infinity) }
        for b in [1e-3, 1, 1e9] {
            XCTAssertGreaterThan(rdpLaplace(scale: b, order: 2.5), 0)
            XCTAssertGreaterThan(rdpPure(epsilon: 1 / b, order: 2.5), 0)
        }
    }

    /// Randomised response by its two outcomes; Laplace is below it.
    func testPureIsRandomisedResponse() {
        for e in [1e-3, 0.3, 2] {
            for a in [1.5, 2, 8, 300] {
                let p = 1 / (1 + exp(-e)), exact = log(p * exp((a - 1) * e) + (1 - p) * exp((1 - a) * e)) / (a - 1)
                XCTAssertEqual(rdpPure(epsilon: e, order: a), exact, accuracy: 1e-10 * exact + 1e-12 / (a - 1))
                XCTAssertLessThanOrEqual(rdpLaplace(scale: 1 / e, order: a), rdpPure(epsilon: e, order: a) * (1 + 1e-9))
            }
        }
    }
}
