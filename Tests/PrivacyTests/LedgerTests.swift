// P4, P5: append-only, priced from its entries, refuses what would exceed R* and stays as it was.

import Basics
@testable import Privacy
import XCTest

final class LedgerTests: XCTestCase {
    func ledger(_ groups: [String] = ["all"], epsilon: Double = 2, order: Int = 12) throws -> Ledger {
        try Ledger(epsilon: epsilon, delta: 1e-5, order: order, groups: groups, assumptions: ["the schema is public"])
    }
    func release(_ name: String, _ count: Int = 1, _ shares: [(String, Double, Double)] = [("all", 0.03, 1.7)]) -> Ledger.Release {
        .init(name: name, count: count, groups: shares.map { .init(group: $0.0, samplingRate: $0.1, noiseMultiplier: $0.2) })
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
            let r = rdpSubsampledGaussian(q: 1, sigma: 20, order: 12) + 40 * rdpSubsampledGaussian(q: q, sigma: 2.5, order: 12)
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
        XCTAssertThrowsError(try l.charge(release("s", 400, [("x", 0.001, 1.7), ("y", 0.5, 1.7)]))) { XCTAssertEqual(($0 as? Failure)?.code, .budget) }
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
        for r in [release("a", 0), release("a", -1), release("a", 1, []), release("a", 1, [("x", 0.1, 1)]), release("a", 1, [("all", 0.1, 0)]), release("a", 1, [("all", 0.1, .nan)]),
                  release("a", 1, [("all", 0.1, .infinity)]), release("a", 1, [("all", -0.1, 1)]), release("a", 1, [("all", 1.1, 1)]), release("a", 1, [("all", .nan, 1)]),
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

    func testTestModeIsRecorded() throws {
        var l = try ledger()
        XCTAssertTrue(l.isPrivate)
        l.assume(Ledger.notPrivate)
        l.assume(Ledger.notPrivate)
        XCTAssertFalse(l.isPrivate)
        XCTAssertEqual(l.assumptions.count, 2)
    }
}
