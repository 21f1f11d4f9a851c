// P1, P2, P3 for composition and conversion.

import Glibc
@testable import Privacy
import XCTest

final class RenyiAccountantTests: XCTestCase {
    func testEpsilonAndDeltaAgainstDPAccounting() throws {
        for l in try fixtures("P") {
            var a = RenyiAccountant()
            a.compose(noiseMultiplier: l[1], samplingRate: l[0], count: Int(l[2]))
            XCTAssertEqual(a.epsilon(delta: l[3]), l[8], accuracy: 1e-6 * l[8] + l[2] * 1e-11, "\(l)")
            XCTAssertGreaterThanOrEqual(a.epsilon(delta: l[3]), l[8] * (1 - 1e-6) - l[2] * 1e-11)
            let d = a.delta(epsilon: l[9])
            XCTAssertGreaterThanOrEqual(d, 0)
            if l[10] > 1e-250 {
                XCTAssertEqual(log(d), log(l[10]), accuracy: 1e-6 * abs(log(l[10])) + 1e-6 * l[9] * 64 + l[2] * 1e-8,
                    "\(l)")
            }
        }
    }

    func testHeterogeneousCompositions() throws {
        let lines = try fixtures("H")
        XCTAssertGreaterThanOrEqual(lines.count, 100)
        for l in lines {
            var a = RenyiAccountant()
            let n = Int(l[1])
            for k in 0..<n {
                a.compose(noiseMultiplier: l[3 + 3 * k], samplingRate: l[2 + 3 * k], count: Int(l[4 + 3 * k]))
            }
            let r = Array(l[(2 + 3 * n)...])
            for (order, theirs) in [(5, r[0]), (64, r[1])] {
                let at = RenyiAccountant.orders.firstIndex(of: order) ?? 0
                XCTAssertEqual(a.curve[at], theirs, accuracy: 1e-6 * theirs)
            }
            XCTAssertEqual(a.epsilon(delta: l[0]), r[2], accuracy: 1e-6 * r[2])
        }
    }

    func testEpsilonOfDeltaOfEpsilon() {
        for order in [2, 8, 64, 1024] {
            for r in [1e-3, 0.1, 1, 30] {
                for delta in [1e-12, 1e-5, 0.1] {
                    let e = RenyiAccountant.epsilon(rdp: r, order: order, delta: delta)
                    guard e > 0 else { continue }
                    let d = RenyiAccountant.delta(rdp: r, order: order, epsilon: e)
                    XCTAssertLessThanOrEqual(d, delta * (1 + 1e-9))
                    XCTAssertEqual(log(min(d, 1)), log(min(delta, (-expm1(-r)).squareRoot())), accuracy: 1e-6)
                    // Never less than the plain formula.
                    let a = Double(order)
                    XCTAssertGreaterThanOrEqual(e, r + log((a - 1) / a) - (log(delta) + log(a)) / (a - 1) - 1e-13 * r)
                }
            }
        }
    }

    func testFailsClosed() {
        for r in [-1e-300, -1, .nan, .infinity] {
            XCTAssertEqual(RenyiAccountant.epsilon(rdp: r, order: 8, delta: 1e-5), .infinity)
        }
        for d in [0, -1e-9, 1, 1.5, .nan, .infinity] {
            XCTAssertEqual(RenyiAccountant.epsilon(rdp: 1, order: 8, delta: d), .infinity)
        }
        XCTAssertEqual(RenyiAccountant.epsilon(rdp: 1, order: 1, delta: 1e-5), .infinity)
        for r in [-1, .nan, .infinity] { XCTAssertEqual(RenyiAccountant.delta(rdp: r, order: 8, epsilon: 1), 1) }
        for e in [-1, .nan] { XCTAssertEqual(RenyiAccountant.delta(rdp: 1, order: 8, epsilon: e), 1) }
        var a = RenyiAccountant()
        XCTAssertEqual(a.epsilon(delta: 1e-5), 0)
        a.compose(noiseMultiplier: 1, samplingRate: 0.1, count: -1)
        XCTAssertEqual(a.epsilon(delta: 1e-5), .infinity)
        XCTAssertEqual(a.delta(epsilon: 1), 1)
        var b = RenyiAccountant()
        b.compose(noiseMultiplier: 0, samplingRate: 0.1)
        XCTAssertEqual(b.epsilon(delta: 1e-5), .infinity)
    }

    func testZeroOnlyWhereTotalVariationAllowsIt() {
        XCTAssertEqual(RenyiAccountant.epsilon(rdp: 1e-12, order: 8, delta: 1e-5), 0)
        XCTAssertGreaterThan(RenyiAccountant.epsilon(rdp: 1e-3, order: 1024, delta: 1e-5), 0)
        XCTAssertEqual(RenyiAccountant.epsilon(rdp: 0, order: 2, delta: 1e-5), 0)
    }

    func testMoreIsNeverLess() {
        var a = RenyiAccountant(), last = 0.0
        for _ in 0..<50 {
            a.compose(noiseMultiplier: 1.1, samplingRate: 0.02, count: 20)
            let e = a.epsilon(delta: 1e-5)
            XCTAssertGreaterThanOrEqual(e, last)
            last = e
            XCTAssertGreaterThanOrEqual(a.epsilon(delta: 1e-6), e)
        }
    }

    /// A thousand equal steps are one multiplication, not a thousand prices.
    func testCountIsAMultiplication() {
        var one = RenyiAccountant(), many = RenyiAccountant()
        one.compose(noiseMultiplier: 1.3, samplingRate: 0.01)
        many.compose(noiseMultiplier: 1.3, samplingRate: 0.01, count: 10_000)
        for (a, b) in zip(one.curve, many.curve) { XCTAssertEqual(10_000 * a, b, accuracy: 1e-12 * b) }
    }
}
