// The ledger as text: every figure of it, for every group, in words that need no other page.

import Basics
import Foundation
@testable import Privacy
@testable import Synthesis
import XCTest

final class LedgerReportTests: XCTestCase {
    private func ledger(groups: [String] = ["sex=f", "sex=m", "sex=x"]) throws -> Ledger {
        var l = try Ledger(epsilon: 3, delta: 1e-6, order: 10, groups: groups,
                           assumptions: ["the schema is public: column names, types, levels, bounds and steps"])
        func shares(_ q: [Double], _ s: [Double]) -> [Ledger.Share] {
            groups.enumerated().map {
                .init(group: $1, samplingRate: q[$0 % q.count], noiseMultiplier: s[$0 % s.count])
            }
        }
        try l.charge(.init(name: "histograms", groups: shares([1], [12])))
        try l.charge(.init(name: "selection", rho: 0.004))
        try l.charge(.init(name: "autoencoder", count: 200, groups: shares([0.01, 0.02, 0.04], [2])))
        return l
    }

    private func text(_ l: Ledger) -> String { Ledger.Report(ledger: l, stages: Best().stages).text }

    func testEveryGroupAndReleaseWithItsFigures() throws {
        let l = try ledger(), said = text(l)
        for g in l.groups { XCTAssertTrue(said.contains("\(pad(g, 5))   \(pad(short(l.epsilon(g), 4), 13))   "), g) }
        for r in l.releases { XCTAssertTrue(said.contains(" \(r.name)   (ε "), r.name) }
        for part in ["ε 3 at δ 1e-06", "α = 10", "rho 0.004", "200 times",
                     "200 times; noise 2 times as large as what one row can add; for each group:",
                     "sex=x: a row takes part with probability 0.04\n",
                     "Parts are those of the group with the largest ε, sex=x",
                     "- the schema is public", "recompute_epsilon.py", "key was never stored",
                         "other trainings on the same rows"] + l.notes {
            XCTAssertTrue(said.contains(part), part)
        }
        XCTAssertFalse(said.contains("NOT PRIVATE"))
        XCTAssertFalse(said.hasSuffix("\n"))
        for line in said.split(separator: "\n") { XCTAssertLessThan(line.count, 170, "\(line)") }
    }

    /// What was spent where, and what was not, is all of the budget.
    func testPartsAddUp() throws {
        for l in [try ledger(), try ledger(groups: ["all"])] {
            let said = text(l), start = try XCTUnwrap(said.range(of: "Where it was spent"))
            let parts = said[start.upperBound...].split(separator: "\n").prefix { !$0.hasPrefix("When") }
                .compactMap { line -> Double? in
                let words = line.split(separator: " ")
                return words.count > 2 && words[1] == "%" ? Double(words[0]) : nil
            }
            XCTAssertEqual(parts.count, l.releases.count + 1)
            XCTAssertEqual(parts.reduce(0, +), 100, accuracy: 0.5)
        }
    }

    func testSeededNoiseIsShown() throws {
        var l = try ledger()
        l.assume(Ledger.notPrivate)
        XCTAssertTrue(text(l).hasPrefix("NOT PRIVATE\n"))
        XCTAssertTrue(text(l).contains("Noise: from a test seed. NOT PRIVATE."))
        let model = try Fixture.train(Fixture.plan(), Fixture.table(rows: 200))
        XCTAssertTrue(try model.ledgerReport().hasPrefix("NOT PRIVATE\n"))
        XCTAssertTrue(model.ledger.json.text.contains(Ledger.notPrivate))
    }

    func testPersonsAndThresholds() throws {
        var l = try Ledger(budget: XCTUnwrap(Budget(epsilon: 3, delta: 1e-6, order: 10, selection: 1e-7,
                                                    rowsPerPerson: 4)))
        try l.charge(.init(name: "levels", groups: [.init(group: "all", samplingRate: 1, noiseMultiplier: 60)]))
        try l.charge(.init(name: "thresholds", selection: 3e-8))
        let said = text(l)
        for part in ["for every person with all of up to 4 rows", "apart from a probability of 3e-08",
                     "The promise is for persons already", "one person with all of up to 4 rows added or removed"]
                         + l.notes {
            XCTAssertTrue(said.contains(part), part)
        }
        XCTAssertFalse(said.contains("Somebody with k rows has, for all"))
    }

    func testNothingReleasedYet() throws {
        let l = try Ledger(epsilon: 1, delta: 1e-6, order: 20)
        XCTAssertTrue(text(l).contains("Nothing was released yet"))
    }

    func testSeveralRows() {
        XCTAssertEqual(Ledger.Report.severalRows(1, epsilon: 2, delta: 1e-6).delta, 1e-6, accuracy: 1e-18)
        XCTAssertEqual(Ledger.Report.severalRows(2, epsilon: 2, delta: 1e-6).delta, 1e-6 * (1 + exp(2)),
                       accuracy: 1e-15)
        XCTAssertEqual(Ledger.Report.severalRows(3, epsilon: 2, delta: 1e-6).epsilon, 6)
        XCTAssertEqual(Ledger.Report.severalRows(50, epsilon: 2, delta: 1e-6).delta, 1)
        // One row changed inside a group is two neighbours one after the other.
        XCTAssertEqual(Ledger.Report.severalRows(2, epsilon: 1, delta: 1e-6).delta, 1e-6 * (1 + exp(1.0)),
                       accuracy: 1e-15)
    }
}
