// P1, P2, P3 for composed privacy-loss distributions, and the accountant over them.

import Glibc
@testable import Privacy
import XCTest

final class LossCompositionTests: XCTestCase {
    private func pld(_ entries: [(Mechanism, Int)], rows: Int = 1) throws -> Accountant {
        var a = Accountant(.pld, rows: rows)
        for (m, n) in entries { try a.compose(m, count: n) }
        return a
    }

    func testTransformIsTheSlowSum() throws {
        let f = try FourierTransform(bits: 6), n = 64
        var re = (0..<n).map { sin(Double($0 * $0)) }, im = (0..<n).map { cos(Double(3 * $0 + 1)) }
        let (x, y) = (re, im)
        f.transform(&re, &im)
        for k in 0..<n {
            var a = 0.0, b = 0.0
            for i in 0..<n {
                let t = -2 * Double.pi * Double(k * i % n) / Double(n)
                a += x[i] * cos(t) - y[i] * sin(t)
                b += x[i] * sin(t) + y[i] * cos(t)
            }
            XCTAssertEqual(re[k], a, accuracy: 1e-12)
            XCTAssertEqual(im[k], b, accuracy: 1e-12)
        }
        f.transform(&re, &im, inverse: true)
        for i in 0..<n { XCTAssertEqual(re[i] / 64, x[i], accuracy: f.error(sum: 64)) }
    }

    /// One Gaussian of σ/√n in closed form (Balle and Wang 2018, arXiv 1805.06530, theorem 8): never below, within a
    /// thousandth.
    func testComposedGaussians() throws {
        for (s, n) in [(5.0, 10), (20, 100), (300, 100_000)] as [(Double, Int)] {
            let m = Double(n).squareRoot() / s
            func cdf(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
            func truth(_ e: Double) -> Double { cdf(m / 2 - e / m) - exp(e) * cdf(-m / 2 - e / m) }
            let a = try pld([(.gaussian(rate: 1, noise: s), n)])
            for delta in [1e-12, 1e-7, 1e-3] {
                let e = try a.epsilon(delta: delta)
                XCTAssertLessThanOrEqual(truth(e), delta)
                XCTAssertGreaterThan(truth(0.999 * e), delta, "\(s) \(n) \(delta) \(e)")
                let d = try a.delta(epsilon: e)
                XCTAssertGreaterThanOrEqual(d, truth(e))
                XCTAssertEqual(log(d), log(delta), accuracy: 0.02)
            }
        }
    }

    func testAgainstDPAccounting() throws {
        let lines = try fixtures("D")
        XCTAssertGreaterThanOrEqual(lines.count, 100)
        // A build without optimisation takes a few of each.
        let share = _isDebugAssertConfiguration() ? 10 : 1
        // dp_accounting's figure is an upper bound too, so ours may lie below it, but not by more than its grid costs.
        for l in lines.prefix(100 / share) {
            let e = try pld([(.gaussian(rate: l[0], noise: l[1]), Int(l[2]))]).epsilon(delta: l[3])
            XCTAssertGreaterThan(e, 0.999 * l[4], "\(l)")
            XCTAssertLessThan(e, 1.01 * l[4], "\(l)")
        }
        for l in try fixtures("G").prefix(40 / share) {
            let n = Int(l[1])
            let e = try pld((0..<n).map { (.gaussian(rate: l[2 + 3 * $0], noise: l[3 + 3 * $0]),
                Int(l[4 + 3 * $0])) }).epsilon(delta: l[0])
            XCTAssertEqual(e, l[2 + 3 * n], accuracy: 0.01 * l[2 + 3 * n], "\(l)")
        }
        for l in try fixtures("K").prefix(share == 1 ? 8 : 2) {
            let e = try pld([(.gaussian(rate: l[0], noise: l[1]), Int(l[3]))], rows: Int(l[2])).epsilon(delta: l[4])
            XCTAssertEqual(e, l[5], accuracy: 0.01 * l[5], "\(l)")
        }
    }

    func testOtherMechanismsAgainstDPAccounting() throws {
        for l in try fixtures("L") {
            let e = try pld([(.laplace(noise: l[0]), Int(l[1]))]).epsilon(delta: l[2])
            XCTAssertGreaterThan(e, 0.999 * l[6] - 1e-4, "\(l)")               // their grid is 1e-4 wide
            XCTAssertLessThan(e, 1.01 * l[6], "\(l)")
            for (order, theirs) in zip([2, 8, 64], l[3...5]) {
                XCTAssertEqual(l[1] * rdpLaplace(scale: l[0], order: Double(order)), theirs, accuracy: 1e-6 * theirs
                    + 1e-12, "\(l)")
            }
        }
        for l in try fixtures("Z") {
            let e = try pld([(.discreteGaussian(standardDeviation: l[0], shift: Int(l[1])),
                Int(l[2]))]).epsilon(delta: l[3])
            XCTAssertEqual(e, l[4], accuracy: 0.01 * l[4] + 2e-3, "\(l)")
        }
    }

    /// Randomised response in closed form, δ = Σ P(j) (1 − e^{ε − ℓ_j})⁺ over how often of n times it told the truth:
    /// its losses lie on the grid.
    func testPureReleases() throws {
        for (e0, n, delta) in [(0.1, 1, 1e-12), (3, 1, 1e-12), (10, 2, 1e-12), (0.5, 10, 1e-12), (3, 10, 1e-12),
            (0.05, 40, 1e-7), (1, 10, 1e-4)] as [(Double, Int, Double)] {
            let p = 1 / (1 + exp(-e0))
            func truth(_ e: Double) -> Double {
                var d = 0.0, choose = 1.0
                for j in 0...n {
                    let l = Double(2 * j - n) * e0
                    if l > e { d -= choose * pow(p, Double(j)) * pow(1 - p, Double(n - j)) * expm1(e - l) }
                    choose *= Double(n - j) / Double(j + 1)
                }
                return d
            }
            let e = try pld([(.pure(epsilon: e0), n)]).epsilon(delta: delta)
            // e itself is rounded: 1e-16 of 3 beside 1e-12
            XCTAssertLessThanOrEqual(truth(e), delta * (1 + 1e-3), "\(e0) \(n)")
            XCTAssertGreaterThan(truth(e - 1e-3 * Double(n) * e0), delta, "\(e0) \(n) \(e)")
        }
    }

    /// The typical training: at least 8 % below the Rényi figure, and above nothing that can be proved.
    func testBelowRenyiOnATypicalLedger() throws {
        let a = try pld([(.gaussian(rate: 0.03, noise: 2), 400)])
        var r = Accountant(.renyi)
        try r.compose(.gaussian(rate: 0.03, noise: 2), count: 400)
        let (e, renyi) = (try a.epsilon(delta: 1e-5), try r.epsilon(delta: 1e-5))
        XCTAssertLessThan(e, 0.92 * renyi)
        XCTAssertGreaterThan(e, 0.7 * renyi)
    }

    /// The larger direction is taken at the end: one alone is a mutant, and so is adding two ε's or leaving a release
    /// out.
    func testDirectionsAreComposedApart() throws {
        let m = Mechanism.gaussian(rate: 0.2, noise: 1)
        func side(_ removing: Bool) throws -> Double {
            try LossComposition(pairs: [(GaussianPair(rate: 0.2, sigma: 1, rows: 1, removing: removing),
                5)]).epsilon(delta: 1e-5)
        }
        let whole = try pld([(m, 5)]).epsilon(delta: 1e-5), sides = try (side(true), side(false))
        XCTAssertEqual(whole, max(sides.0, sides.1))
        XCTAssertNotEqual(sides.0, sides.1, accuracy: 0.01)
        XCTAssertLessThan(whole, 5 * (try pld([(m, 1)]).epsilon(delta: 1e-5 / 5)))
        XCTAssertLessThan(try pld([(m, 4)]).epsilon(delta: 1e-5), whole)
    }

    func testFailsClosed() throws {
        for kind in Accountant.Kind.allCases {
            var a = Accountant(kind)
            XCTAssertEqual(try a.epsilon(delta: 1e-5), 0)
            XCTAssertEqual(try a.delta(epsilon: 0), 0)
            let bad: [Mechanism] = [.gaussian(rate: -0.1, noise: 1), .gaussian(rate: .nan, noise: 1),
                .gaussian(rate: 1.1, noise: 1), .gaussian(rate: 0.1, noise: -1), .gaussian(rate: 0.1, noise: .nan),
                                    .gaussian(rate: 0.1, noise: .infinity), .laplace(noise: -1), .laplace(noise: .nan),
                                        .discreteGaussian(standardDeviation: 1, shift: 0), .pure(epsilon: .nan),
                                    .pure(epsilon: -1), .zeroConcentrated(rho: .infinity), .selection(delta: 1),
                                        .selection(delta: -0.1)]
            for m in bad { XCTAssertThrowsError(try a.compose(m), "\(m)") }
            XCTAssertThrowsError(try a.compose(.pure(epsilon: 1), count: -1))
            XCTAssertEqual(try a.epsilon(delta: 1e-5), 0)
            for d in [0.0, 1, -1, .nan] { XCTAssertEqual(try a.epsilon(delta: d), .infinity) }
            for e in [-1.0, .nan] { XCTAssertEqual(try a.delta(epsilon: e), 1) }
            for m in [Mechanism.gaussian(rate: 0.5, noise: 0), .laplace(noise: 0),
                .discreteGaussian(standardDeviation: 0, shift: 1)] {
                var b = a
                try b.compose(m)
                XCTAssertEqual(try b.epsilon(delta: 1e-5), .infinity)
                XCTAssertEqual(try b.delta(epsilon: 1), 1)
            }
            // Extremes: a bound, never 0, never not a number.
            for (q, s, n) in [(1e-9, 0.01, 1), (1e-9, 1e6, 1 << 40), (0.5, 0.01, 1 << 40), (0.5, 1, 1), (1, 1e6, 1),
                (1, 0.01, 1)] as [(Double, Double, Int)] {
                var b = a
                try b.compose(.gaussian(rate: q, noise: s), count: n)
                let e = try b.epsilon(delta: 1e-300), d = try b.delta(epsilon: 0.1)
                XCTAssertTrue(e > 0 && d >= 0 && d <= 1, "\(kind) \(q) \(s) \(n): \(e) \(d)")
            }
            try a.compose(.selection(delta: 1e-6))
            XCTAssertEqual(try a.epsilon(delta: 1e-6), .infinity)
            XCTAssertGreaterThan(try a.epsilon(delta: 1e-5), 0)
            XCTAssertGreaterThanOrEqual(try a.delta(epsilon: 1), 1e-6)
        }
    }

    func testMonotoneAndRoundedUp() throws {
        var last = 0.0
        for n in [1, 30, 60, 120] {
            let a = try pld([(.gaussian(rate: 0.05, noise: 1.2), n), (.laplace(noise: 10), 1)]),
                e = try a.epsilon(delta: 1e-6)
            XCTAssertGreaterThan(e, last)
            // The δ at the ε of a δ: that δ, from above within what the grid costs.
            XCTAssertEqual(log(try a.delta(epsilon: e)), log(1e-6), accuracy: 0.02)
            last = e
        }
        for (more, less) in [(Mechanism.gaussian(rate: 0.06, noise: 1.2), Mechanism.gaussian(rate: 0.05, noise: 1.2)),
            (.gaussian(rate: 0.05, noise: 1.1), .gaussian(rate: 0.05, noise: 1.2)),
                             (.laplace(noise: 2), .laplace(noise: 2.1)),
                                 (.discreteGaussian(standardDeviation: 5, shift: 2),
                                     .discreteGaussian(standardDeviation: 5, shift: 1)),
                                         (.pure(epsilon: 0.3), .pure(epsilon: 0.2)),
                             (.zeroConcentrated(rho: 0.02), .zeroConcentrated(rho: 0.01))] {
            XCTAssertGreaterThan(try pld([(more, 20)]).epsilon(delta: 1e-6), try pld([(less, 20)]).epsilon(delta: 1e-6))
        }
    }

    func testSeveralRows() throws {
        for m in [Mechanism.gaussian(rate: 0.02, noise: 2), .laplace(noise: 20),
            .discreteGaussian(standardDeviation: 30, shift: 1), .pure(epsilon: 0.05), .zeroConcentrated(rho: 0.001)] {
            for kind in Accountant.Kind.allCases {
                var last = 0.0
                for k in [1, 2, 4] {
                    var a = Accountant(kind, rows: k)
                    try a.compose(m, count: 30)
                    let e = try a.epsilon(delta: 1e-6)
                    XCTAssertGreaterThan(e, last)
                    last = e
                }
            }
        }
        // A whole row more is not a larger rate: sampled apart, two rows cost less than one of twice the length.
        var two = Accountant(.pld, rows: 2), long = Accountant(.pld)
        try two.compose(.gaussian(rate: 0.05, noise: 2), count: 50)
        try long.compose(.gaussian(rate: 1 - 0.95 * 0.95, noise: 1), count: 50)
        XCTAssertLessThan(try two.epsilon(delta: 1e-6), try long.epsilon(delta: 1e-6))
    }

    func testCalibration() throws {
        let events: [(mechanism: Mechanism, count: Int)] = [(.gaussian(rate: 0.03, noise: 1), 400),
            (.zeroConcentrated(rho: 0.005), 1)]
        let r = try Accountant.calibrate(.renyi, events, rows: 1, epsilon: 2, delta: 1e-5),
            p = try Accountant.calibrate(.pld, events, rows: 1, epsilon: 2, delta: 1e-5)
        XCTAssertLessThan(p, r)
        let e = try pld(events.map { ($0.mechanism.scaled(p), $0.count) }).epsilon(delta: 1e-5)
        XCTAssertLessThanOrEqual(e, 2)
        XCTAssertEqual(e, 2, accuracy: 1e-4)
        XCTAssertThrowsError(try Accountant.calibrate(.pld, [(.pure(epsilon: 3), 1), (.laplace(noise: 1), 1)], rows: 1,
            epsilon: 2, delta: 1e-5))
    }
}
