// The price of k rows of one person: never below the exact divergence of the mixture over how many of them were drawn, found by numerical
// integration in both directions; and not so far above that it would be of no use.

import Glibc
import XCTest
@testable import Privacy

final class PersonDivergenceTests: XCTestCase {
    /// D_α of Σ_j Bin(k, q)(j) N(j, σ²) against N(0, σ²), or the other way round.
    private func exact(_ q: Double, _ sigma: Double, _ k: Int, _ order: Int, reverse: Bool) -> Double {
        let a = Double(order), n = 60_000, low = -14 * sigma - a * Double(k), high = 14 * sigma + (a + 1) * Double(k), h = (high - low) / Double(n)
        var logs: [Double] = []
        for i in 0...n {
            let x = low + Double(i) * h
            var terms: [Double] = []
            for j in 0...k {
                let w = logBinomial(k, j) + Double(j) * log(q) + Double(k - j) * log1p(-q)
                terms.append(w - (x - Double(j)) * (x - Double(j)) / (2 * sigma * sigma))
            }
            let top = terms.max() ?? 0, mix = top + log(terms.reduce(0) { $0 + exp($1 - top) }), plain = -x * x / (2 * sigma * sigma)
            let (p, r) = reverse ? (plain, mix) : (mix, plain)
            logs.append(a * p + (1 - a) * r - 0.5 * log(2 * Double.pi * sigma * sigma) + (i == 0 || i == n ? log(0.5) : 0))
        }
        let top = logs.max() ?? 0
        return (top + log(logs.reduce(0) { $0 + exp($1 - top) } * h)) / (a - 1)
    }

    func testNeverBelowTheExactMixture() {
        for (q, sigma, k) in [(0.01, 2.0, 2), (0.05, 1.5, 3), (0.2, 4, 5), (0.5, 6, 4), (0.9, 8, 3), (0.02, 6, 10)] {
            for order in [2, 3, 6, 12] {
                let bound = rdpSubsampledGaussian(q: q, sigma: sigma, order: order, rows: k)
                for reverse in [false, true] {
                    let d = exact(q, sigma, k, order, reverse: reverse)
                    XCTAssertGreaterThanOrEqual(bound, d * (1 - 1e-7), "\(q) \(sigma) \(k) \(order) \(reverse)")
                }
                XCTAssertLessThan(bound, 2.6 * exact(q, sigma, k, order, reverse: false), "\(q) \(sigma) \(k) \(order)")
            }
        }
    }

    /// At rates and noise of a training it is close, also where the rows together are seldom drawn.
    func testItIsOfUse() {
        for (q, sigma, k) in [(0.03, 4.0, 3), (0.03, 3, 2), (0.01, 2, 2), (0.02, 8, 10)] {
            for order in [4, 8] { XCTAssertLessThan(rdpSubsampledGaussian(q: q, sigma: sigma, order: order, rows: k), 1.2 * exact(q, sigma, k, order, reverse: false)) }
        }
    }

    /// Mutants: k rows priced as one that is drawn with the probability of any; as k releases of one row; as a rate k times as large.
    func testMutantsAreBelowIt() {
        let (q, sigma, k, order) = (0.2, 3.0, 4, 8), d = exact(q, sigma, k, order, reverse: false)
        let any = 1 - pow(1 - q, Double(k))
        XCTAssertLessThan(rdpSubsampledGaussian(q: any, sigma: sigma, order: order), d)
        XCTAssertLessThan(Double(k) * rdpSubsampledGaussian(q: q, sigma: sigma, order: order), d)
        XCTAssertLessThan(rdpSubsampledGaussian(q: min(1, q * Double(k)), sigma: sigma, order: order), d)
        XCTAssertGreaterThanOrEqual(rdpSubsampledGaussian(q: q, sigma: sigma, order: order, rows: k), d)
    }

    func testEnds() {
        XCTAssertEqual(rdpSubsampledGaussian(q: 0.1, sigma: 2, order: 8, rows: 1), rdpSubsampledGaussian(q: 0.1, sigma: 2, order: 8))
        XCTAssertEqual(rdpSubsampledGaussian(q: 1, sigma: 6, order: 8, rows: 3), 8 * 9 / (2 * 36.0), accuracy: 1e-12)
        XCTAssertEqual(rdpSubsampledGaussian(q: 0, sigma: 2, order: 8, rows: 3), 0)
        XCTAssertEqual(rdpZeroConcentrated(rho: 0.01, order: 8, rows: 3), 0.72, accuracy: 1e-12)
        for (q, s, a, k) in [(-0.1, 1.0, 8, 2), (1.1, 1, 8, 2), (.nan, 1, 8, 2), (0.1, 0, 8, 2), (0.1, .infinity, 8, 2), (0.1, 1, 1, 2), (0.1, 1, 1025, 2), (0.1, 1, 8, 0), (0.1, 1, 8, 1025)] {
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
        XCTAssertTrue(rdpSubsampledGaussian(q: 0.03, sigma: 0.01, order: 1024, rows: 1024).isFinite || rdpSubsampledGaussian(q: 0.03, sigma: 0.01, order: 1024, rows: 1024) == .infinity)
    }

    /// Rows of one person in several groups: the highest rate and the least noise count for all.
    func testRowsOfAPersonMayBeOfAnyGroup() throws {
        let b = try XCTUnwrap(Budget(epsilon: 4, delta: 1e-5, order: 8, rowsPerPerson: 3))
        var l = try Ledger(budget: b, groups: ["a", "b"])
        try l.charge(.init(name: "r", groups: [.init(group: "a", samplingRate: 0.01, noiseMultiplier: 30), .init(group: "b", samplingRate: 0.1, noiseMultiplier: 40)]))
        for g in 0..<2 { XCTAssertEqual(l.spent(group: g), rdpSubsampledGaussian(q: 0.1, sigma: 30, order: 8, rows: 3), accuracy: 1e-12) }
        XCTAssertEqual(try Ledger(json: l.json), l)
        XCTAssertTrue(l.json.text.contains("add/remove one person of at most 3 rows"))
        let s = try b.calibrateEach([([.init(rate: 0.01, count: 20)], 0), ([.init(rate: 0.1, count: 20)], 0)])
        XCTAssertEqual(s[0], s[1])
        XCTAssertLessThanOrEqual(20 * rdpSubsampledGaussian(q: 0.1, sigma: s[0], order: 8, rows: 3), b.ceiling)
        XCTAssertEqual(b.cost(rho: try b.rho(share: 0.5)), 0.5 * b.ceiling, accuracy: 1e-9)
        XCTAssertEqual(b.cost(rate: 1, noise: try b.firstNoise(share: 0.5)), 0.5 * b.ceiling, accuracy: 1e-9)
    }
}
