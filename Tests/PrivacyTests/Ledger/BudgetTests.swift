// The filter: over random noisy counts the total at α* never exceeds R*, and it nearly reaches it. A mutant that takes
// the first release's noise from true counts is caught.

import Basics
import Glibc
@testable import Privacy
import XCTest

final class BudgetTests: XCTestCase {
    func testCeilingInvertsTheConversion() throws {
        for e in [0.1, 1, 2, 10, 1000] {
            for d in [1e-12, 1e-5, 1e-2] {
                for order in Budget.orders {
                    guard let b = Budget(epsilon: e, delta: d, order: order) else {
                        let a = Double(order)
                        XCTAssertLessThanOrEqual(e - log1p(-1 / a) + (log(d) + log(a)) / (a - 1), 1e-12)
                        continue
                    }
                    XCTAssertLessThanOrEqual(b.epsilon(spent: b.ceiling), e)
                    XCTAssertGreaterThan(RenyiAccountant.epsilon(rdp: b.ceiling * (1 + 1e-9) + 1e-12, order: order,
                        delta: d), e * (1 - 1e-15))
                }
            }
        }
    }

    func testRefusesNonsense() {
        for (e, d, o) in [(0, 1e-5, 8), (-1, 1e-5, 8), (.nan, 1e-5, 8), (.infinity, 1e-5, 8), (1, 0, 8), (1, 1, 8),
            (1, .nan, 8), (1, 1e-5, 1), (1, 1e-5, 65)] as [(Double, Double, Int)] {
            XCTAssertNil(Budget(epsilon: e, delta: d, order: o))
        }
        XCTAssertNil(Budget(epsilon: 1, delta: 1e-5, order: 2))
    }

    func testCalibrationMeetsTheCeiling() throws {
        let b = try XCTUnwrap(Budget(epsilon: 2, delta: 1e-5, order: 12))
        let events = [Budget.Event(rate: 0.03, weight: 1, count: 400),
            Budget.Event(rate: 0.05, weight: 2.5, count: 300)]
        let spent = 0.1 * b.ceiling, s = try b.calibrate(events, spent: spent)
        let total = spent + 400 * rdpSubsampledGaussian(q: 0.03, sigma: s, order: 12)
            + 300 * rdpSubsampledGaussian(q: 0.05, sigma: 2.5 * s, order: 12)
        XCTAssertLessThanOrEqual(total, b.ceiling)
        XCTAssertEqual(total, b.ceiling, accuracy: 1e-9 * b.ceiling)
    }

    func testFirstNoise() throws {
        let b = try XCTUnwrap(Budget(epsilon: 2, delta: 1e-5, order: 12))
        let s = try b.firstNoise(share: 0.05)
        XCTAssertEqual(s, (12 / (2 * 0.05 * b.ceiling)).squareRoot(), accuracy: 1e-8)
        XCTAssertLessThanOrEqual(rdpSubsampledGaussian(q: 1, sigma: s, order: 12), 0.05 * b.ceiling)
        for share in [0, -1, 1.5, .nan] { XCTAssertThrowsError(try b.firstNoise(share: share)) }
    }

    func testImpossiblePlans() throws {
        let b = try XCTUnwrap(Budget(epsilon: 2, delta: 1e-5, order: 12))
        func refused(_ run: () throws -> Double) {
            XCTAssertThrowsError(try run()) { XCTAssertEqual(($0 as? Failure)?.code, .budget) }
        }
        refused { try b.calibrate([.init(rate: 0.1, count: 1)], spent: b.ceiling) }
        refused { try b.calibrate([.init(rate: 0.1, count: 1)], spent: 2 * b.ceiling) }
        refused { try b.calibrate([.init(rate: 1, count: 1 << 60)], spent: 0) }
        XCTAssertThrowsError(try b.calibrate([.init(rate: .nan, count: 1)], spent: 0))
        XCTAssertThrowsError(try b.calibrate([.init(rate: 0.1, weight: 0, count: 1)], spent: 0))
        XCTAssertThrowsError(try b.calibrate([]))
        XCTAssertEqual(try b.calibrate([.init(rate: 0, count: 5)], spent: 0), 1)
        XCTAssertNil(Budget.leastNoise(rate: 0.1, count: 10, order: 12, within: 0))
        XCTAssertNil(Budget.leastNoise(rate: 0.1, count: 10, order: 12, within: .nan))
    }

    /// An order fitted to q = .03 costs about 1 % more noise at larger rates.
    func testBestOrderNeedsLeastNoise() throws {
        let groups = [[Budget.Event(rate: 0.03, count: 400)]]
        let best = try XCTUnwrap(Budget.bestOrder(for: groups, epsilon: 2, delta: 1e-5))
        let s = try best.calibrate([(groups[0], 0)])
        for order in Budget.orders {
            if let b = Budget(epsilon: 2, delta: 1e-5, order: order), let other = try? b.calibrate([(groups[0], 0)]) {
                XCTAssertLessThanOrEqual(s, other)
            }
        }
        XCTAssertEqual(s, 1.6, accuracy: 0.1)
        for q in [0.05, 0.25, 1] {
            let own = try XCTUnwrap(Budget.bestOrder(for: [[.init(rate: q, count: 400)]], epsilon: 2, delta: 1e-5))
            let a = try best.calibrate([.init(rate: q, count: 400)], spent: 0),
                b = try own.calibrate([.init(rate: q, count: 400)], spent: 0)
            XCTAssertLessThanOrEqual(a, b * 1.02)
        }
        XCTAssertNil(Budget.bestOrder(for: groups, epsilon: 1e-9, delta: 1e-30))
    }

    func testEqualisedEndsAtTheSameEpsilon() throws {
        let b = try XCTUnwrap(Budget(epsilon: 2, delta: 1e-5, order: 8))
        let groups = [0.01, 0.05, 0.3].map { ([Budget.Event(rate: $0, count: 400)], 0.05 * b.ceiling) }
        let each = try b.calibrateEach(groups)
        XCTAssertEqual(each, each.sorted())
        XCTAssertEqual(try b.calibrate(groups), each[2])
        for (g, s) in zip(groups, each) {
            XCTAssertEqual(b.epsilon(spent: g.1 + 400 * rdpSubsampledGaussian(q: g.0[0].rate, sigma: s, order: 8)), 2,
                accuracy: 1e-6)
        }
    }

    // MARK: the filter as a whole

    /// A training with G groups: histograms with a noise, rates from noisy counts, calibration, then all steps charged.
    /// - Returns: the ledger, and whether a charge was refused.
    private func run(_ b: Budget, counts: [Double], random: SecureRandom,
        firstNoise: (_ trueCounts: [Double]) throws -> Double, planned: Double) throws -> (Ledger, Bool) {
        var ledger = try Ledger(epsilon: b.epsilon, delta: b.delta, order: b.order,
            groups: counts.indices.map { "g\($0)" })
        let sigma = try firstNoise(counts)
        func release(_ name: String, _ count: Int, _ rates: [Double], _ s: Double) -> Ledger.Release {
            .init(name: name, count: count,
                groups: zip(ledger.groups, rates).map { .init(group: $0, samplingRate: $1, noiseMultiplier: s) })
        }
        try ledger.charge(release("histograms", 1, counts.map { _ in 1 }, sigma))
        var z = [Double](repeating: 0, count: counts.count)
        try random.beginRelease()
        fillFourSample(random.stream(.noise, 0), &z, z.count)
        let noisy = zip(counts, z).map { max(1, $0 + $1 * sigma) }, share = 1024 / Double(counts.count)
        let rates = noisy.map { min(0.2, share / max($0, 1)) }
        // What is planned, not what was drawn: a correct plan knows the first price before any row.
        let s = try b.calibrate(rates.map { ([.init(rate: $0, count: 50), .init(rate: $0 / 2, weight: 1.7, count: 30)],
            planned) })
        do {
            for _ in 0..<50 { try ledger.charge(release("a", 1, rates, s)) }
            try ledger.charge(release("b", 30, rates.map { $0 / 2 }, s * 1.7))
        } catch let f as Failure where f.code == .budget { return (ledger, true) }
        return (ledger, false)
    }

    func testRandomNoisyCountsNeverExceedTheCeiling() throws {
        let random = SecureRandom(testSeed: 7), dice = random.stream(.direct, 1)
        for trial in 0..<150 {
            let b = try XCTUnwrap(Budget(epsilon: [0.5, 2, 8][trial % 3], delta: 1e-5, order: [16, 32, 24][trial % 3])
                ?? Budget(epsilon: 8, delta: 1e-5, order: 24))
            let counts = (0..<1 + Int(dice.below(UInt64(5)))).map { _ in (pow(10, 5 * dice.uniform())).rounded() - 1 }
            let sigma = try b.firstNoise(share: 0.05)
            let (ledger, refused) = try run(b, counts: counts, random: random, firstNoise: { _ in sigma },
                planned: rdpSubsampledGaussian(q: 1, sigma: sigma, order: b.order))
            XCTAssertFalse(refused)
            for g in counts.indices { XCTAssertLessThanOrEqual(ledger.spent(group: g), b.ceiling) }
            XCTAssertLessThanOrEqual(ledger.epsilon, b.epsilon)
            XCTAssertEqual(ledger.epsilon, b.epsilon, accuracy: 1e-6 * b.epsilon)
        }
    }

    func testFirstNoiseFromTrueCountsIsCaught() throws {
        let random = SecureRandom(testSeed: 8)
        let b = try XCTUnwrap(Budget(epsilon: 2, delta: 1e-5, order: 16))
        let sigma = try b.firstNoise(share: 0.05), price = rdpSubsampledGaussian(q: 1, sigma: sigma, order: b.order)
        // "Large tables can do with less noise, small ones need more": the price of the first release then tells n.
        func mutant(_ n: [Double]) -> Double { sigma * (1000 / n.reduce(1, +)).squareRoot() }
        let (_, refused) = try run(b, counts: [5000], random: random, firstNoise: mutant, planned: price)
        XCTAssertTrue(refused)
        // And neighbours have different ledgers before anything was released.
        XCTAssertNotEqual(mutant([5000]), mutant([5001]))
    }
}
