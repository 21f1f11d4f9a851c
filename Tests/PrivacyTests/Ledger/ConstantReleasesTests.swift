// A ledger that admits a list of constants by its exact price: what is on the list and no more, and what the file of it
// says.

import Basics
import Glibc
@testable import Privacy
import XCTest

final class ConstantReleasesTests: XCTestCase {
    private let groups = ["a", "b"], delta = 1e-5

    private func gaussian(_ name: String, _ noise: Double, rate: Double = 1, count: Int = 1, sensitivity: Double? = nil)
        -> Ledger.Release {
        .init(name: name, count: count,
            groups: groups.map { .init(group: $0, samplingRate: rate, noiseMultiplier: noise) },
                sensitivity: sensitivity)
    }

    /// Two releases on a grid, as large as ε allows; cheaper than the Rényi filter admits.
    private func plan(_ epsilon: Double = 2, rows: Int = 1) throws -> [Ledger.Release] {
        let s = try ExactCalibration.leastFactor([(.jointDiscreteGaussian(noise: 4, sensitivity: 4), 1),
            (.jointDiscreteGaussian(noise: 1, sensitivity: 12), 1)],
                                                 rows: rows, epsilon: epsilon, delta: delta) * (1 + 1e-9)
        return [gaussian("histograms", 4 * s, sensitivity: 4), gaussian("marginals", s, sensitivity: 12)]
    }

    private func ledger(_ list: [Ledger.Release], epsilon: Double = 2, rows: Int = 0) throws -> Ledger {
        var l = try Ledger(budget: XCTUnwrap(Budget(epsilon: epsilon, delta: delta, order: 12, rowsPerPerson: rows)),
            groups: groups)
        try l.admit(by: ConstantReleases(list, groups: groups, rows: max(rows, 1), epsilon: epsilon, delta: delta))
        return l
    }

    func testTheListAndNoMore() throws {
        let list = try plan()
        // Either order, once each.
        for order in [list, list.reversed()] {
            var l = try ledger(list)
            for r in order { try l.charge(r) }
            XCTAssertEqual(l.releases, order)
            let before = l
            for r in list { XCTAssertThrowsError(try l.charge(r)) { XCTAssertEqual(($0 as? Failure)?.code, .budget) } }
            XCTAssertEqual(l, before)
            XCTAssertGreaterThan(l.maxSpent, l.budget.ceiling, "the filter would have refused it: that is the point")
        }
        XCTAssertThrowsError(try ledger(list, epsilon: 1.999))
        // The filter is still there for everything else.
        var plain = try Ledger(budget: XCTUnwrap(Budget(epsilon: 2, delta: delta, order: 12)), groups: groups)
        try plain.charge(list[0])
        XCTAssertThrowsError(try plain.charge(list[1]))
        XCTAssertThrowsError(try plain.admit(by: ConstantReleases([list[1]], groups: groups, rows: 1, epsilon: 2,
            delta: delta))) {
            XCTAssertEqual(($0 as? Failure)?.code, .state)
        }
    }

    /// Mutants: less noise than planned, noise of another release, another name, a coarser grid, a rate or a count that
    /// grew with a noisy count.
    func testAConstantThatWasNotOneIsRefused() throws {
        let steps = gaussian("steps", 3, rate: 0.01, count: 50), list = try plan(1.5) + [steps]
        let (h, m) = (list[0], list[1])
        func refused(_ r: Ledger.Release) throws {
            var l = try ledger(list)
            XCTAssertThrowsError(try l.charge(r), r.name) { XCTAssertEqual(($0 as? Failure)?.code, .budget) }
        }
        for noise in [0.999, 1.001] {
            try refused(gaussian("marginals", noise * m.groups[0].noiseMultiplier, sensitivity: 12))
        }
        try refused(gaussian("marginals", h.groups[0].noiseMultiplier, sensitivity: 12))
        try refused(gaussian("others", m.groups[0].noiseMultiplier, sensitivity: 12))
        try refused(gaussian("marginals", m.groups[0].noiseMultiplier, sensitivity: 6))
        try refused(gaussian("marginals", m.groups[0].noiseMultiplier))
        try refused(gaussian("steps", 3, rate: 0.011))
        try refused(gaussian("steps", 3, rate: 0.01, count: 51))
        try refused(.init(name: "pairs", rho: 1e-9))
        // A finer grid is no worse; steps come one by one.
        var l = try ledger(list)
        try l.charge(gaussian("marginals", m.groups[0].noiseMultiplier, sensitivity: 20))
        for _ in 0..<50 { try l.charge(gaussian("steps", 3, rate: 0.01)) }
        XCTAssertThrowsError(try l.charge(gaussian("steps", 3, rate: 0.01)))
        // A list that admits whatever is charged, as a plan that solved its noise from noisy counts would have it,
        // overspends.
        var mutant: [Ledger.Release] = []
        for noise in [2.5, 2.0, 1.5] { mutant.append(gaussian("marginals", noise, sensitivity: 12)) }
        XCTAssertThrowsError(try ConstantReleases(mutant, groups: groups, rows: 1, epsilon: 2, delta: delta)) {
            XCTAssertEqual(($0 as? Failure)?.code, .budget)
        }
    }

    func testJSON() throws {
        for rows in [0, 3] {
            let list = try plan(1.9, rows: max(rows, 1))
            var l = try ledger(list, rows: rows)
            let empty = l.json.text
            XCTAssertTrue(empty.contains("\"accountant\":\"exact\"") && empty.contains("\"spent\":0"))
            for r in list { try l.charge(r) }
            let text = l.json.text, back = try Ledger(json: JSON.parse(text))
            XCTAssertEqual(back.json.text, text)
            XCTAssertEqual(back.releases, l.releases)
            XCTAssertTrue(text.contains("\"sensitivity\":4"))
            let e = try XCTUnwrap(l.json["spent"]?.asDouble)
            XCTAssertEqual(e, l.epsilon)
            // The Rényi figure stands beside it, and is no smaller.
            XCTAssertGreaterThan(try XCTUnwrap(l.json["renyi"]?["spent"]?.asDouble), e)
            XCTAssertLessThanOrEqual(e, 1.9)
            XCTAssertGreaterThan(e, 1.899)
            // Mutant: a figure that was rounded down; a coarser grid; noise of another share.
            let rounded = text.replacingFirst("\"spent\":\(JSON.number(e).text)", with: "\"spent\":1.8")
            XCTAssertNotEqual(rounded, text)
            for t in [rounded, text.replacingFirst("\"sensitivity\":4", with: "\"sensitivity\":1"),
                text.replacingFirst("\"sensitivity\":4", with: "\"sensitivity\":0")] {
                XCTAssertThrowsError(try Ledger(json: JSON.parse(t))) {
                    XCTAssertEqual(($0 as? Failure)?.code, .format)
                }
            }
            // What was read goes on under the plan's list, if it is on it.
            var resumed = try Ledger(json: JSON.parse(text))
            try resumed.admit(by: ConstantReleases(list + [gaussian("more", 300)], groups: groups, rows: max(rows, 1),
                epsilon: 2, delta: delta))
            try resumed.charge(gaussian("more", 300))
            XCTAssertThrowsError(try resumed.admit(by: ConstantReleases(list, groups: groups, rows: max(rows, 1),
                epsilon: 2, delta: delta)))
        }
        // Files without exact figures are as they were.
        let plain = try Ledger(epsilon: 2, delta: delta, order: 12)
        XCTAssertFalse(plain.json.text.contains("exact"))
    }

    func testRisk() throws {
        var l = try ledger(plan())
        for r in try plan() { try l.charge(r) }
        let exact = try l.risk().figures[1], text = exact.json.text
        XCTAssertTrue(text.contains("\"false_positive_rate\":0.01") && text.contains("\"values\":100"))
        var filtered = try Ledger(budget: XCTUnwrap(Budget(epsilon: 4, delta: delta, order: 12)), groups: groups)
        for r in try plan() { try filtered.charge(r) }
        XCTAssertGreaterThan(try filtered.risk().figures[1].advantage, exact.advantage)
        XCTAssertLessThan(exact.advantage, 0.25)
        // In the ledger's text, for each group and as the largest of all; a figure that was rounded down is refused.
        for ledger in [l, filtered] {
            let risk = try ledger.risk(), text = try ledger.jsonWithRisk().text
            for f in risk.figures { XCTAssertGreaterThanOrEqual(risk.whole.advantage, f.advantage) }
            XCTAssertEqual(try Ledger(json: JSON.parse(text)).jsonWithRisk().text, text)
            let whole = JSON.number(risk.whole.advantage).text
            let lower = text.replacingFirst("\"advantage\":\(whole)", with: "\"advantage\":0.01")
            XCTAssertNotEqual(lower, text)
            XCTAssertThrowsError(try Ledger(json: JSON.parse(lower)))
        }
    }
}

extension String {
    fileprivate func replacingFirst(_ old: String, with new: String) -> String {
        guard let r = ranges(of: old).first else { return self }
        return String(self[..<r.lowerBound]) + new + String(self[r.upperBound...])
    }
}
