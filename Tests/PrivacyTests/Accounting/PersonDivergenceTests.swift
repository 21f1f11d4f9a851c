// The price of k rows of one person: never below the exact divergence of the mixture over how many of them were drawn,
// found by numerical integration in both directions; and not so far above that it would be of no use.

import Glibc
import XCTest
@testable import Privacy

final class PersonDivergenceTests: XCTestCase {
    /// D_α of Σ_j Bin(k, q)(j) N(j, σ²) against N(0, σ²), or the other way round.
    private func exact(_ q: Double, _ sigma: Double, _ k: Int, _ order: Int, reverse: Bool) -> Double {
        let a = Double(order), n = 60_000, low = -14 * sigma - a * Double(k), high = 14 * sigma + (a + 1) * Double(k),
            h = (high - low) / Double(n)
        var logs: [Double] = []
        for i in 0...n {
            let x = low + Double(i) * h
            var terms: [Double] = []
            for j in 0...k {
                let w = logBinomial(k, j) + Double(j) * log(q) + Double(k - j) * log1p(-q)
                terms.append(w - (x - Double(j)) * (x - Double(j)) / (2 * sigma * sigma))
            }
            let top = terms.max() ?? 0, mix = top + log(terms.reduce(0) { $0 + exp($1 - top) }),
                plain = -x * x / (2 * sigma * sigma)
            let (p, r) = reverse ? (plain, mix) : (mix, plain)
            logs.append(a * p + (1 - a) * r - 0.5 * log(2 * Double.pi * sigma * sigma)
                + (i == 0 || i == n ? log(0.5) : 0))
        }
        let top = logs.max() ?? 0
        return (top + log(logs.reduce(0) { $0 + exp($1 - top) } * h)) / (a - 1)
    }

    func testNeverBelowTheExactMixture() {
        for (q, sigma, k) in [(0.01, 2.0, 2), (0.05, 1.5, 3), (0.2, 4, 5), (0.5, 6, 4), (0.9, 8, 3), (0.02, 6, 10)] {
            for order in [2, 3, 6, 12] {
                let bound = rdpSubsampledGaussian(q: q, sigma: sigma, order: order, rows: k)
                let both = [false, true].map { exact(q, sigma, k, order, reverse: $0) }, worst = max(both[0], both[1])
                XCTAssertGreaterThanOrEqual(bound, worst * (1 - 1e-7), "\(q) \(sigma) \(k) \(order)")
                XCTAssertLessThan(bound, worst * (1 + 1e-7), "\(q) \(sigma) \(k) \(order): it is exact")
            }
        }
    }

    /// Where the other direction is the dearer one, and where rates are high, noise low and orders large.
    func testExactAtExtremes() {
        for (q, sigma, k, order) in [(0.5, 3.0, 2, 2), (0.9, 5, 4, 3), (0.97, 8, 6, 24), (0.3, 20, 10, 64),
            (0.99, 1, 3, 2), (1e-3, 1, 3, 2), (0.5, 0.8, 3, 5)] {
            let bound = rdpSubsampledGaussian(q: q, sigma: sigma, order: order, rows: k)
            let worst = max(exact(q, sigma, k, order, reverse: false), exact(q, sigma, k, order, reverse: true))
            XCTAssertGreaterThanOrEqual(bound, worst * (1 - 1e-7), "\(q) \(sigma) \(k) \(order)")
            XCTAssertLessThan(bound, worst * (1 + 1e-6), "\(q) \(sigma) \(k) \(order)")
        }
    }

    /// Aligned rows are the worst: rows at an angle, in the plane, never cost more, in either direction.
    func testRowsAtAnAngleCostLess() {
        let (q, c) = (0.4, 0.5)
        for order in [2, 3, 6] {
            let bound = rdpSubsampledGaussian(q: q, sigma: 1 / c, order: order, rows: 2)
            for angle in [0.5, 1.6, 3.1] {
                for reverse in [false, true] {
                    let a = Double(order), n = 500, h = 24.0 / Double(n)
                    var sum = 0.0
                    for i in 0...n {
                        for j in 0...n {
                            let x = -12 + Double(i) * h, y = -12 + Double(j) * h
                            func term(_ p: Double, _ sx: Double, _ sy: Double) -> Double {
                                p * exp(sx * x + sy * y - 0.5 * (sx * sx + sy * sy))
                            }
                            let r = (1 - q) * (1 - q) + term(q * (1 - q), c, 0)
                                + term(q * (1 - q), c * cos(angle), c * sin(angle))
                                + term(q * q, c + c * cos(angle), c * sin(angle))
                            sum += h * h / (2 * Double.pi) * exp((reverse ? 1 - a : a) * log(r) - 0.5 * (x * x + y * y))
                        }
                    }
                    XCTAssertLessThan(log(sum) / (a - 1), bound * (1 + 1e-9), "\(order) \(angle) \(reverse)")
                }
            }
        }
    }

    /// Mutants: k rows priced as one that is drawn with the probability of any; as k releases of one row; as a rate k
    /// times as large.
    func testMutantsAreBelowIt() {
        let (q, sigma, k, order) = (0.2, 3.0, 4, 8), d = exact(q, sigma, k, order, reverse: false)
        let any = 1 - pow(1 - q, Double(k))
        XCTAssertLessThan(rdpSubsampledGaussian(q: any, sigma: sigma, order: order), d)
        XCTAssertLessThan(Double(k) * rdpSubsampledGaussian(q: q, sigma: sigma, order: order), d)
        XCTAssertLessThan(rdpSubsampledGaussian(q: min(1, q * Double(k)), sigma: sigma, order: order), d)
        XCTAssertGreaterThanOrEqual(rdpSubsampledGaussian(q: q, sigma: sigma, order: order, rows: k), d)
    }

    func testEnds() {
        XCTAssertEqual(rdpSubsampledGaussian(q: 0.1, sigma: 2, order: 8, rows: 1),
            rdpSubsampledGaussian(q: 0.1, sigma: 2, order: 8))
        XCTAssertEqual(rdpSubsampledGaussian(q: 1, sigma: 6, order: 8, rows: 3), 8 * 9 / (2 * 36.0), accuracy: 1e-12)
        XCTAssertEqual(rdpSubsampledGaussian(q: 0, sigma: 2, order: 8, rows: 3), 0)
        XCTAssertEqual(rdpZeroConcentrated(rho: 0.01, order: 8, rows: 3), 0.72, accuracy: 1e-12)
        for (q, s, a, k) in [(-0.1, 1.0, 8, 2), (1.1, 1, 8, 2), (.nan, 1, 8, 2), (0.1, 0, 8, 2), (0.1, .infinity, 8, 2),
            (0.1, 1, 1, 2), (0.1, 1, 1025, 2), (0.1, 1, 8, 0), (0.1, 1, 8, 1025)] {
            XCTAssertEqual(rdpSubsampledGaussian(q: q, sigma: s, order: a, rows: k), .infinity)
        }
        for q in [1e-4, 0.01, 0.03, 0.5, 0.999] {
            var last = 0.0
            for k in [1, 2, 3, 8, 40] {
                let d = rdpSubsampledGaussian(q: q, sigma: 50, order: 16, rows: k)
                XCTAssertGreaterThan(d, last)
                last = d
            }
        }
        XCTAssertTrue(rdpSubsampledGaussian(q: 0.03, sigma: 0.01, order: 1024, rows: 1024).isFinite
            || rdpSubsampledGaussian(q: 0.03, sigma: 0.01, order: 1024, rows: 1024) == .infinity)
    }

    /// Rows of one person in several groups: the highest rate and the least noise count for all.
    func testRowsOfAPersonMayBeOfAnyGroup() throws {
        let b = try XCTUnwrap(Budget(epsilon: 4, delta: 1e-5, order: 8, rowsPerPerson: 3))
        var l = try Ledger(budget: b, groups: ["a", "b"])
        try l.charge(.init(name: "r", groups: [.init(group: "a", samplingRate: 0.01, noiseMultiplier: 30),
            .init(group: "b", samplingRate: 0.1, noiseMultiplier: 40)]))
        for g in 0..<2 {
            XCTAssertEqual(l.spent(group: g), rdpSubsampledGaussian(q: 0.1, sigma: 30, order: 8, rows: 3),
                accuracy: 1e-12)
        }
        XCTAssertEqual(try Ledger(json: l.json), l)
        XCTAssertTrue(l.json.text.contains("add/remove one person of at most 3 rows"))
        let s = try b.calibrateEach([([.init(rate: 0.01, count: 20)], 0), ([.init(rate: 0.1, count: 20)], 0)])
        XCTAssertEqual(s[0], s[1])
        XCTAssertLessThanOrEqual(20 * rdpSubsampledGaussian(q: 0.1, sigma: s[0], order: 8, rows: 3), b.ceiling)
        XCTAssertEqual(b.cost(rho: try b.rho(share: 0.5)), 0.5 * b.ceiling, accuracy: 1e-9)
        XCTAssertEqual(b.cost(rate: 1, noise: try b.firstNoise(share: 0.5)), 0.5 * b.ceiling, accuracy: 1e-9)
    }
}
