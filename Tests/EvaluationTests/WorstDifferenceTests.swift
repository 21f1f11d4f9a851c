// Intervals of the worst pair of groups: published examples, coverage, and conditional parity worked out by hand.

import XCTest
@testable import Basics
@testable import Evaluation

final class WorstDifferenceTests: XCTestCase {
    private func rate(_ group: Int, _ selected: Int, of rows: Int) -> WorstDifference.Rate {
        .init(group: group, rows: rows, selected: selected)
    }

    /// Newcombe 1998, table II, method 10, contrasts (a), (b) and (c).
    func testPublishedIntervals() throws {
        for (a, b, low, high) in [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090),
                                  ((6, 7), (2, 7), 0.0582, 0.8062)] {
            let d = try XCTUnwrap(WorstDifference.largest([[rate(0, a.0, of: a.1), rate(1, b.0, of: b.1)]]))
            XCTAssertEqual(d.low, low, accuracy: 5e-5)
            XCTAssertEqual(d.high, high, accuracy: 5e-5)
            XCTAssertEqual([d.least, d.most], [1, 0])
        }
    }

    func testOrderOfGroupsDoesNotMatterAndZeroIsIncluded() throws {
        let a = rate(0, 30, of: 90), b = rate(1, 50, of: 100), c = rate(2, 41, of: 80)
        let one = try XCTUnwrap(WorstDifference.largest([[a, b, c]]))
        let other = try XCTUnwrap(WorstDifference.largest([[c, b, a]]))
        XCTAssertEqual([one.value, one.low, one.high], [other.value, other.low, other.high])
        XCTAssertEqual([one.least, one.most], [0, 2])
        let same = try XCTUnwrap(WorstDifference.largest([[rate(0, 20, of: 40), rate(1, 20, of: 40)]]))
        XCTAssertEqual([same.value, same.low], [0, 0])
        XCTAssertNil(same.least)
        XCTAssertGreaterThan(same.high, 0.1)
        XCTAssertNil(WorstDifference.largest([[a]]))
        XCTAssertNil(WorstDifference.largest([]))
    }

    /// The true largest difference of three groups is inside in 95 % of samples or more: all pairs hold together.
    func testCoverage() throws {
        let truth = [0.2, 0.3, 0.32], rows = [150, 400, 60]
        var random = PublicRandom(seed: 11), held = 0
        for _ in 0..<2000 {
            let rates = zip(truth, rows).enumerated().map { g, x in
                rate(g, (0..<x.1).filter { _ in Double(random.below(1 << 20)) < x.0 * Double(1 << 20) }.count, of: x.1)
            }
            let d = try XCTUnwrap(WorstDifference.largest([rates]))
            XCTAssertLessThanOrEqual(d.low, d.value)
            XCTAssertGreaterThanOrEqual(d.high, d.value)
            held += d.low <= 0.12 && 0.12 <= d.high ? 1 : 0
        }
        XCTAssertGreaterThan(held, 1900)
        XCTAssertLessThan(held, 2000)
    }

    /// Selection follows the part alone: groups differ in shares selected, and not within the parts.
    func testConditionalParityByHand() throws {
        var margins: [Float] = [], labels: [UInt8] = [], members: [Int32] = [], parts: [Int32] = []
        func add(_ n: Int, group: Int32, part: Int32, selected: Int) {
            for k in 0..<n {
                margins.append(k < selected ? 1 : -1)
                labels.append(k < selected ? 1 : 0)
                members.append(group)
                parts.append(part)
            }
        }
        add(100, group: 0, part: 0, selected: 80)
        add(50, group: 1, part: 0, selected: 40)
        add(50, group: 0, part: 1, selected: 10)
        add(100, group: 1, part: 1, selected: 20)
        func measured() throws -> Disparity {
            try Disparity(margins: Made.buffer(margins), labels: Made.buffer(labels), members: Made.buffer(members),
                          groups: 2, parts: Made.buffer(parts))
        }
        let fair = try measured()
        XCTAssertEqual(fair.parity, 0.2, accuracy: 1e-12)
        XCTAssertEqual(try XCTUnwrap(fair.conditional).value, 0, accuracy: 1e-12)
        XCTAssertEqual(try XCTUnwrap(fair.worstParity).value, 0.2, accuracy: 1e-12)
        // A part with 60 rows and difference ½, beside 300 rows without; and a part with one group, which says nothing.
        add(30, group: 0, part: 2, selected: 30)
        add(30, group: 1, part: 2, selected: 15)
        add(40, group: 0, part: 3, selected: 40)
        add(29, group: 1, part: 3, selected: 0)
        XCTAssertEqual(try XCTUnwrap(measured().conditional).value, 0.5 * 60 / 360, accuracy: 1e-12)
        XCTAssertNil(try Disparity(margins: Made.buffer(margins), labels: Made.buffer(labels),
                                   members: Made.buffer(members), groups: 2).conditional)
    }
}
