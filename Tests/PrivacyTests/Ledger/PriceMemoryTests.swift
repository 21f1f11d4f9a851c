// A price that is remembered is the price of the very releases that are asked about: a file whose figures do not follow
// from its releases is refused, whatever was read before.

import Basics
@testable import Privacy
import XCTest

final class PriceMemoryTests: XCTestCase {
    private let groups = ["a", "b"], delta = 1e-5

    private func releases(_ noise: Double, count: Int = 3, rho: Double = 0.01) -> [Ledger.Release] {
        [.init(name: "histograms", groups: groups.map {
            .init(group: $0, samplingRate: 1, noiseMultiplier: noise)
        }, sensitivity: 8),
         .init(name: "steps", count: count, groups: groups.map {
             .init(group: $0, samplingRate: 0.05, noiseMultiplier: noise)
         }),
         .init(name: "choice", rho: rho)]
    }

    private func ledger(_ list: [Ledger.Release], rows: Int = 0) throws -> Ledger {
        var l = try Ledger(budget: XCTUnwrap(Budget(epsilon: 8, delta: delta, order: 8, rowsPerPerson: rows)),
                           groups: groups)
        try l.admit(by: ConstantReleases(list, groups: groups, rows: max(rows, 1), epsilon: 8, delta: delta))
        for r in list { try l.charge(r) }
        return l
    }

    func testAPriceIsThatOfItsReleases() throws {
        // All ways in which two lists can differ, each asked for twice and in between the others.
        let lists = [releases(2), releases(2.0000001), releases(2, count: 4), releases(2, rho: 0.011)]
        for _ in 0..<2 {
            for rows in [1, 2] {
                for list in lists {
                    for delta in [1e-5, 1e-6] {
                        let own = list.map { ($0.exactMechanism(group: 0, rows: rows), $0.count) }
                        XCTAssertEqual(try PriceMemory.epsilon(own, rows: rows, delta: delta),
                                       try ExactComposition(own, rows: rows).epsilon(delta: delta))
                    }
                }
            }
        }
        let own = lists.map { $0.map { ($0.exactMechanism(group: 0, rows: 1), $0.count) } }
        for mechanisms in own + own {
            XCTAssertEqual(try PriceMemory.risk(mechanisms, rows: 1), try RiskFigures(ExactComposition(mechanisms)))
        }
        for epsilon in [1.0, 2, 1] {
            XCTAssertEqual(try PriceMemory.leastFactor(own[0], rows: 1, epsilon: epsilon, delta: delta),
                           try ExactCalibration.leastFactor(own[0], rows: 1, epsilon: epsilon, delta: delta))
        }
        for (rdp, order, selection) in [(0.5, 8, 0.0), (0.5, 9, 0), (0.6, 8, 0), (0.5, 8, 1e-7), (0.5, 8, 0)] {
            XCTAssertEqual(PriceMemory.risk(rdp: rdp, order: order, selection: selection),
                           RiskFigures(rdp: rdp, order: order, selection: selection))
        }
    }

    func testWhatCannotBePricedIsRefusedEachTime() {
        for _ in 0..<2 {
            XCTAssertThrowsError(try PriceMemory.epsilon([(.gaussian(rate: 2, noise: 1), 1)], rows: 1, delta: delta))
            XCTAssertThrowsError(try PriceMemory.risk([(.gaussian(rate: 1, noise: 0), 1)], rows: 1))
        }
    }

    func testAFileThatContradictsItsReleasesIsRefusedAfterTheTrueOne() throws {
        for rows in [0, 2] {
            let text = try ledger(releases(3), rows: rows).jsonWithRisk().text
            for _ in 0..<2 { XCTAssertNoThrow(try Ledger(json: JSON.parse(text))) }
            for (from, to) in [("\"noise_multiplier\":3", "\"noise_multiplier\":2.99"),
                               ("\"count\":3", "\"count\":4"), ("\"rho\":0.01", "\"rho\":0.0101"),
                               ("\"sampling_rate\":0.05", "\"sampling_rate\":0.0501"),
                               ("\"delta\":1e-05", "\"delta\":1.01e-05")] {
                let changed = text.replacingOccurrences(of: from, with: to)
                XCTAssertNotEqual(changed, text, from)
                XCTAssertThrowsError(try Ledger(json: JSON.parse(changed)), from) {
                    XCTAssertEqual(($0 as? Failure)?.code, .format)
                }
            }
            XCTAssertNoThrow(try Ledger(json: JSON.parse(text)))
        }
    }
}
