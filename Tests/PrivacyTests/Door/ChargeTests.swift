// P4: the charge comes before the draw, is durable before the draw, and stays whatever goes wrong. P10: the trace of a
// release does not depend on the rows.

import Basics
import Glibc
@testable import Privacy
import XCTest

/// What the falsifier needs of a mechanism: the real door or a broken one.
private protocol Mechanism {
    var charged: Int { get }
    var hook: ((Int) throws -> Void)? { get set }
    mutating func draw(_ map: () throws -> Void) throws
}

private struct Real: Mechanism {
    let door: Door
    init() throws { door = try smallDoor() }
    var charged: Int { door.ledger.releases.reduce(0) { $0 + $1.count } }
    var hook: ((Int) throws -> Void)? {
        didSet { door.durable = hook.map { h in { l in try h(l.releases.reduce(0) { $0 + $1.count }) } } }
    }
    mutating func draw(_ map: () throws -> Void) throws {
        _ = try door.releaseSum(name: "s", length: 2, rates: [1], clips: [1], noise: 1, microBatch: 4, threads: 1) { _,
            _, _ in
            try map()
        }
    }
}
private func smallDoor() throws -> Door { try door(cells: [[0, 1, 0, 1]], cellCounts: [2]) }

/// Draws first, charges when all went well: what is wrong in it is only the order.
private struct ChargesAfter: Mechanism {
    var charged = 0
    var hook: ((Int) throws -> Void)?
    mutating func draw(_ map: () throws -> Void) throws {
        try map()
        charged += 1
        try hook?(charged)
    }
}

final class ChargeTests: XCTestCase {
    /// Draws that were not charged, or not durably, when a fault comes at each point.
    private func unpaidDraws(_ make: () throws -> any Mechanism) rethrows -> Int {
        var unpaid = 0
        var a = try make(), drawn = 0, durable = 0
        a.hook = { durable = $0 }
        for _ in 0..<3 { try? a.draw { drawn += 1; if durable < drawn { unpaid += 1 } } }
        // The map fails: paid for.
        var b = try make(), seen = 0
        try? b.draw { seen += 1; throw Failure(.noMemory, "fault") }
        if b.charged < seen { unpaid += 1 }
        // The disk fails: nothing is drawn.
        var c = try make(), touched = 0
        c.hook = { _ in throw Failure(.io, "fault") }
        try? c.draw { touched += 1 }
        unpaid += touched
        return unpaid
    }

    func testChargeBeforeDraw() throws {
        XCTAssertEqual(try unpaidDraws { try Real() }, 0)
        XCTAssertGreaterThan(unpaidDraws { ChargesAfter() }, 0)
    }

    func testFailuresStayCharged() throws {
        var d = try Real()
        XCTAssertThrowsError(try d.draw { throw Failure(.noMemory, "fault") }) {
            XCTAssertEqual(($0 as? Failure)?.code, .noMemory)
        }
        XCTAssertEqual(d.charged, 1)
        d.hook = { _ in throw Failure(.io, "fault") }
        XCTAssertThrowsError(try d.draw {}) { XCTAssertEqual(($0 as? Failure)?.code, .io) }
        XCTAssertEqual(d.charged, 2)
        d.hook = nil
        try d.draw {}
        XCTAssertEqual(d.charged, 3)
    }

    func testEntropyFailureDrawsNothingAndStaysCharged() throws {
        var calls = 0
        let r = try SecureRandom(source: { p, n in calls += 1; memset(p, 3, n); return calls == 1 ? 0 : -1 })
        let d = try door(cells: [[0]], cellCounts: [1], random: r)
        r.useUp()
        XCTAssertThrowsError(try d.releaseSum(name: "s", length: 1, rates: [1], clips: [1], noise: 1, microBatch: 1,
            threads: 1) { _, _, _ in XCTFail("drawn without a key") }) {
            XCTAssertEqual(($0 as? Failure)?.code, .entropy)
        }
        XCTAssertEqual(d.ledger.releases.count, 1)
    }

    func testOverBudgetDrawsNothing() throws {
        let d = try door(cells: [[0, 1]], cellCounts: [2], epsilon: 20)
        _ = try d.releaseHistograms(name: "h", requests: [.init(column: 0, body: 2)], noiseMultiplier: 1)
        let before = d.ledger
        var hooks = 0
        d.durable = { _ in hooks += 1 }
        for run in [{ _ = try d.releaseSum(name: "s", length: 1, rates: [1], clips: [1], noise: 0.3, microBatch: 1,
            threads: 1) { _, _, _ in XCTFail("drawn") } },
                    { _ = try d.releaseHistograms(name: "h", requests: [], noiseMultiplier: 0.3) }] as [() throws
                        -> Void] {
            XCTAssertThrowsError(try run()) { XCTAssertEqual(($0 as? Failure)?.code, .budget) }
        }
        XCTAssertEqual(d.ledger, before)
        XCTAssertEqual(hooks, 0)
    }

    func testCancelling() throws {
        let d = try door(cells: [[Int](repeating: 0, count: 100)], cellCounts: [1])
        func release(_ map: @escaping (Int) -> Void) throws {
            let calls = Locked(0)
            _ = try d.releaseSum(name: "s", length: 1, rates: [1], clips: [1], noise: 1, microBatch: 10,
                threads: 1) { _, _, _ in
                map(calls.with { $0 += 1; return $0 })
            }
        }
        let most = Locked(0)
        XCTAssertThrowsError(try release { n in most.with { $0 = n }; if n == 3 { d.cancel() } }) {
            XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
        }
        XCTAssertEqual(most.with { $0 }, 3)
        XCTAssertEqual(d.ledger.releases[0].count, 1, "stays charged")
        try release { _ in }
        d.cancel()
        XCTAssertThrowsError(try release { _ in XCTFail("drawn") })
        XCTAssertEqual(d.ledger.releases[0].count, 2, "cancelled before the charge")
        try release { _ in }
        XCTAssertEqual(d.ledger.releases[0].count, 3)
    }

    func testStepsMergeIntoOneEntry() throws {
        let d = try door(cells: [[0, 1]], cellCounts: [2])
        for _ in 0..<20 {
            _ = try d.releaseSum(name: "s", length: 2, rates: [0.5], clips: [2], noise: 3, microBatch: 1, threads: 1,
                map: oneHot)
        }
        XCTAssertEqual(d.ledger.releases,
            [.init(name: "s", count: 20, groups: [.init(group: "all", samplingRate: 0.5, noiseMultiplier: 1.5)])])
    }

    // MARK: the trace

    /// Everything that is visible of two releases except the noisy numbers.
    private func trace(cells: [Int], groupOf: [Int], rate: Double, poison: Bool = false,
        skipsEmpty: Bool = false) throws -> [String] {
        let d = try door(cells: [cells], cellCounts: [5], groups: ["a", "b"], groupOf: groupOf,
            random: SecureRandom(testSeed: 3))
        var events: [String] = []
        d.durable = { events.append($0.json.text) }
        func run() {
            do {
                if skipsEmpty && cells.isEmpty { return }
                let sum = try d.releaseSum(name: "s", length: 5000, rates: [rate, rate], clips: [1, 1], noise: 1,
                    microBatch: 2, threads: 2) { rows, _, out in
                    var v = [Float](repeating: 0, count: 5000)
                    for i in 0..<rows.count { v[Int(rows.columns[0][i])] += poison ? .nan : 1 }
                    out.add(v)
                }
                let finite = (0..<5000).allSatisfy { sum[$0].isFinite }, grid = (0..<5000).allSatisfy {
                    (sum[$0] * 0x1p16).rounded() == sum[$0] * 0x1p16
                }
                let still = (0..<5000).filter { sum[$0] == 0 }.count
                events.append("sum of \(sum.count), finite \(finite), on the grid \(grid), mostly noise \(still < 10)")
            } catch { events.append("\(error)") }
        }
        run()
        run()
        let h = try d.releaseHistograms(name: "h", requests: [.init(column: 0, body: 5)], noiseMultiplier: 1)
        return events + ["\(h.counts.map(\.count)) \(h.groups.count)", d.ledger.json.text]
    }

    func testTraceDoesNotDependOnRows() throws {
        let plain = try trace(cells: [0, 1, 2, 3, 4, 0], groupOf: [0, 1, 0, 1, 0, 1], rate: 0.5)
        XCTAssertEqual(plain.count, 7)
        XCTAssertEqual(try trace(cells: [0, 1, 2, 3, 4], groupOf: [0, 1, 0, 1, 0], rate: 0.5), plain, "one row less")
        XCTAssertEqual(try trace(cells: [0], groupOf: [0], rate: 0.5), plain, "one row")
        XCTAssertEqual(try trace(cells: [0, 1, 2, 3, 4, 0], groupOf: [0, 0, 0, 0, 0, 0], rate: 0.5), plain,
            "an absent group")
        XCTAssertEqual(try trace(cells: [], groupOf: [], rate: 0.5), plain, "an empty batch")
        XCTAssertEqual(try trace(cells: [0, 1, 2, 3, 4, 0], groupOf: [0, 1, 0, 1, 0, 1], rate: 0.5, poison: true),
            plain, "rows that are not finite")
        XCTAssertNotEqual(try trace(cells: [], groupOf: [], rate: 0.5, skipsEmpty: true), plain,
            "a mutant that skips empty batches is seen")
    }
}
