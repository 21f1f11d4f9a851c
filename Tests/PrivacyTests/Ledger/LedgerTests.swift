// P4, P5: append-only, priced from its entries, refuses what would exceed R* and stays as it was.

import Basics
@testable import Privacy
import XCTest

final class LedgerTests: XCTestCase {
    func ledger(_ groups: [String] = ["all"], epsilon: Double = 2, order: Int = 12) throws -> Ledger {
        try Ledger(epsilon: epsilon, delta: 1e-5, order: order, groups: groups, assumptions: ["the schema is public"])
    }
    func release(_ name: String, _ count: Int = 1, _ shares: [(String, Double, Double)] = [("all", 0.03, 1.7)])
        -> Ledger.Release {
        .init(name: name, count: count,
            groups: shares.map { .init(group: $0.0, samplingRate: $0.1, noiseMultiplier: $0.2) })
    }

    func testEqualReleasesInARowAreOneEntry() throws {
        var l = try ledger()
        for _ in 0..<10 { try l.charge(release("a")) }
        try l.charge(release("b"))
        try l.charge(release("a", 5))
        try l.charge(release("a", 1, [("all", 0.03, 1.8)]))
        XCTAssertEqual(l.releases.map(\.count), [10, 1, 5, 1])
        var once = try ledger()
        try once.charge(release("a", 10))
        try once.charge(release("b"))
        try once.charge(release("a", 5))
        try once.charge(release("a", 1, [("all", 0.03, 1.8)]))
        XCTAssertEqual(once, l)
        var blocks = try ledger()
        for n in [3, 4, 5] { try blocks.charge(release("a", n)) }
        XCTAssertEqual(blocks.releases.map(\.count), [12])
    }

    func testFiguresFollowFromEntries() throws {
        var l = try ledger(["x", "y"], epsilon: 8)
        try l.charge(release("h", 1, [("x", 1, 20), ("y", 1, 20)]))
        try l.charge(release("s", 40, [("x", 0.02, 2.5), ("y", 0.1, 2.5)]))
        for (g, q) in [("x", 0.02), ("y", 0.1)] {
            let r = rdpSubsampledGaussian(q: 1, sigma: 20, order: 12)
                + 40 * rdpSubsampledGaussian(q: q, sigma: 2.5, order: 12)
            XCTAssertEqual(l.rdp(g, at: 12), r, accuracy: 1e-12 * r)
            XCTAssertEqual(l.epsilon(g), RenyiAccountant.epsilon(rdp: r, order: 12, delta: 1e-5), accuracy: 1e-9)
        }
        XCTAssertEqual(l.epsilon, max(l.epsilon("x"), l.epsilon("y")))
        XCTAssertEqual(l.epsilon("nobody"), .infinity)
        XCTAssertEqual(l.rdp("nobody", at: 12), .infinity)
        let change = l.changingOneRow(from: "x", to: "y")
        XCTAssertEqual(change.epsilon, l.epsilon("x") + l.epsilon("y"))
        XCTAssertGreaterThan(change.delta, 2e-5)
    }

    func testOverspendingIsRefusedAndChangesNothing() throws {
        var l = try ledger(["x", "y"])
        try l.charge(release("h", 1, [("x", 1, 20), ("y", 1, 20)]))
        let before = l
        // y alone would be over.
        XCTAssertThrowsError(try l.charge(release("s", 400, [("x", 0.001, 1.7), ("y", 0.5, 1.7)]))) {
            XCTAssertEqual(($0 as? Failure)?.code, .budget)
        }
        XCTAssertEqual(l, before)
        var n = 0
        while (try? l.charge(release("s", 1, [("x", 0.01, 2), ("y", 0.05, 2)]))) != nil { n += 1 }
        XCTAssertGreaterThan(n, 10)
        XCTAssertLessThanOrEqual(l.spent(group: 1), l.budget.ceiling)
        XCTAssertLessThanOrEqual(l.epsilon, 2)
    }

    func testBadReleasesAreRefused() throws {
        var l = try ledger()
        let before = l
        for r in [release("a", 0), release("a", -1), release("a", 1, []), release("a", 1, [("x", 0.1, 1)]),
            release("a", 1, [("all", 0.1, 0)]), release("a", 1, [("all", 0.1, .nan)]),
                  release("a", 1, [("all", 0.1, .infinity)]), release("a", 1, [("all", -0.1, 1)]),
                      release("a", 1, [("all", 1.1, 1)]), release("a", 1, [("all", .nan, 1)]),
                  release("a", .max, [("all", 0, 1)])] {
            XCTAssertThrowsError(try l.charge(r))
        }
        XCTAssertEqual(l, before)
        try l.charge(release("a", 1 << 53, [("all", 0, 1)]))
        XCTAssertThrowsError(try l.charge(release("a", 1, [("all", 0, 1)])))
    }

    func testBadLedgers() {
        XCTAssertThrowsError(try ledger([]))
        XCTAssertThrowsError(try ledger(["a", "a"]))
        XCTAssertThrowsError(try ledger(epsilon: .nan))
        XCTAssertThrowsError(try ledger(epsilon: 0))
        XCTAssertThrowsError(try ledger(order: 2))
        XCTAssertThrowsError(try ledger(order: 100))
    }

    /// A copy can be charged ahead for a block of steps without moving the original.
    func testValueType() throws {
        let l = try ledger()
        var ahead = l
        try ahead.charge(release("s", 50))
        XCTAssertTrue(l.releases.isEmpty)
        XCTAssertEqual(ahead.releases[0].count, 50)
    }

    /// Choices that are ρ-zCDP: ρ α for every group, in the filter as in the figures.
    func testZeroConcentratedReleases() throws {
        var l = try ledger(["x", "y"])
        try l.charge(release("h", 1, [("x", 1, 20), ("y", 1, 20)]))
        for _ in 0..<3 { try l.charge(.init(name: "pairs", rho: 0.002)) }
        try l.charge(.init(name: "pairs", rho: 0.003))
        try l.charge(release("pairs", 1, [("x", 1, 30), ("y", 1, 30)]))
        XCTAssertEqual(l.releases.map(\.count), [1, 3, 1, 1])
        XCTAssertEqual(l.releases.map(\.rho), [nil, 0.002, 0.003, nil])
        for (g, name) in ["x", "y"].enumerated() {
            let r = 12 / 800.0 + 12 * 0.009 + 12 / 1800.0
            XCTAssertEqual(l.spent(group: g), r, accuracy: 1e-12)
            XCTAssertGreaterThanOrEqual(l.spent(group: g), r)
            XCTAssertEqual(l.rdp(name, at: 12), r, accuracy: 1e-12)
            XCTAssertEqual(l.rdp(name, at: 20), 20 / 800.0 + 20 * 0.009 + 20 / 1800.0, accuracy: 1e-12)
        }
        var renyi = RenyiAccountant()
        for r in l.releases { renyi.compose(r, group: 1, rows: 1) }
        XCTAssertEqual(renyi.curve[10], l.spent(group: 1), accuracy: 1e-12)
        // The same divergences as a Gaussian of noise (2ρ)^(-1/2).
        for order in [2, 12, 1024] {
            XCTAssertEqual(rdpZeroConcentrated(rho: 0.02, order: order),
                rdpSubsampledGaussian(q: 1, sigma: 5, order: order), accuracy: 1e-9)
        }

        let before = l
        for rho in [0, -1, .nan, .infinity] {
            XCTAssertThrowsError(try l.charge(.init(name: "bad", rho: rho))) {
                XCTAssertEqual(($0 as? Failure)?.code, .argument)
            }
        }
        XCTAssertThrowsError(try l.charge(.init(name: "bad", count: 0, rho: 1)))
        XCTAssertThrowsError(try l.charge(.init(name: "dear", rho: l.budget.ceiling / 12))) {
            XCTAssertEqual(($0 as? Failure)?.code, .budget)
        }
        XCTAssertEqual(l, before)
        for bad in [(0.0, 12), (-1, 12), (.nan, 12), (.infinity, 12), (1, 1), (1, 1025)] {
            XCTAssertEqual(rdpZeroConcentrated(rho: bad.0, order: bad.1), .infinity)
        }

        var whole = try ledger()
        try whole.charge(.init(name: "all", rho: whole.budget.rho(share: 1)))
        XCTAssertEqual(whole.spent(group: 0), whole.budget.ceiling, accuracy: 1e-8)
        for share in [0, -1, 1.1, .nan] { XCTAssertThrowsError(try whole.budget.rho(share: share)) }
    }

    func testTestModeIsRecorded() throws {
        var l = try ledger()
        XCTAssertTrue(l.isPrivate)
        l.assume(Ledger.notPrivate)
        l.assume(Ledger.notPrivate)
        XCTAssertFalse(l.isPrivate)
        XCTAssertEqual(l.assumptions.count, 2)
    }
}
