// The gap between groups against its definition, and its slope against finite differences.

import XCTest
import Basics
import Compute
import Glibc
@testable import Projection

final class SelectionGapTests: XCTestCase {
    private static let n = 640, groups = 3

    private func rows(strata: Int = 1) -> GapRows {
        GapRows(group: (0..<Self.n).map { $0 % Self.groups }, weight: (0..<Self.n).map { 0.5 + Double($0 % 3) / 2 },
                half: (0..<Self.n).map { $0 / 16 % 2 }, stratum: (0..<Self.n).map { $0 / 5 % strata }, strata: strata)
    }

    /// Groups differ in their chances.
    private func chances(_ shift: Double = 0.25) -> [Double] {
        (0..<Self.n).map { i in
            var s = CounterStream(seed: 4, row: UInt64(i), purpose: 1)
            return 0.05 + 0.6 * Double(s.uniform()) + shift * Double(i % Self.groups) / 2
        }
    }
    private func answer(_ i: Int) -> Bool { i % 7 < 3 }

    /// The definition, with threshold and softness given.
    private func defined(_ p: [Double], _ rows: GapRows, _ weights: [Double], odds: Bool, threshold: Double,
                         h: Double) -> Double {
        let soft = p.map { 1 / (1 + exp(-(log($0 / (1 - $0)) - threshold) / h)) }
        let strata = rows.strata * (odds ? 2 : 1), total = rows.weight.reduce(0, +)
        func stratum(_ i: Int) -> Int { odds ? 2 * rows.stratum[i] + (answer(i) ? 1 : 0) : rows.stratum[i] }
        var sum = 0.0
        for s in 0..<strata {
            let d = (0..<2).map { half -> [Double] in
                let m = (0..<Self.groups).filter { weights[$0] > 0 }.map { g -> Double in
                    let own = p.indices.filter { stratum($0) == s && rows.half[$0] == half && rows.group[$0] == g }
                    return own.reduce(0) { $0 + soft[$1] } / Double(own.count)
                }
                return m.map { $0 - m.reduce(0, +) / Double(m.count) }
            }
            let share = p.indices.filter { stratum($0) == s }.reduce(0) { $0 + rows.weight[$1] } / total
            let w = weights.filter { $0 > 0 }
            for k in w.indices { sum += share * w[k] * d[0][k] * d[1][k] }
        }
        return sum
    }

    func testSlopeIsThatOfTheGap() throws {
        for (notion, strata, weights) in [(FairnessNotion.parity, 1, [1.0, 1, 1]), (.odds, 1, [1, 0.5, 1]),
                                          (.parity, 3, [1, 1, 0]), (.odds, 2, [0.3, 1, 1])] {
            let rows = rows(strata: strata), p = chances()
            let gap = try SelectionGap(weights: weights, rows: Self.n)
            for i in p.indices { gap.chance[i] = p[i] }
            let rank = try XCTUnwrap(gap.rank(rows, share: 0.4)), h = SelectionGap.sharpness * rank.deviation
            var slope = [Double](repeating: 0, count: Self.n)
            let found = gap.gap(rows, share: 0.4, notion: notion, answer: answer) { slope[$0] += $1 }
            func defined(_ p: [Double]) -> Double {
                self.defined(p, rows, weights, odds: notion == .odds, threshold: rank.threshold, h: h)
            }
            XCTAssertEqual(found, defined(p), accuracy: 1e-12)
            XCTAssertGreaterThan(found, 0.005)
            for i in stride(from: 0, to: Self.n, by: 37) {
                var up = p, down = p
                up[i] += 1e-5
                down[i] -= 1e-5
                XCTAssertEqual(slope[i], (defined(up) - defined(down)) / 2e-5, accuracy: 1e-8, "\(notion) row \(i)")
            }
        }
    }

    func testGroupsThatAreAlikeHaveNoGapOnAverage() throws {
        let gap = try SelectionGap(weights: [1, 1, 1], rows: Self.n), p = chances(0)
        for i in p.indices { gap.chance[i] = p[i] }
        // The square itself would be about the variance of a group's mean, 0.002.
        XCTAssertLessThan(abs(gap.gap(rows(), share: 0.4, notion: .parity, answer: answer) { _, _ in }), 0.002)
    }

    func testThresholdSelectsTheShare() throws {
        let rows = rows(), gap = try SelectionGap(weights: [1, 1, 1], rows: Self.n), p = chances()
        for share in [0.05, 0.4, 0.9] {
            for i in p.indices { gap.chance[i] = p[i] }
            let chosen = gap.selection(rows, share: share)
            let weight = p.indices.filter(chosen).reduce(0) { $0 + rows.weight[$1] } / rows.weight.reduce(0, +)
            XCTAssertEqual(weight, share, accuracy: 0.02)
        }
        // All alike: nothing to select by.
        for i in p.indices { gap.chance[i] = 0.3 }
        XCTAssertEqual(gap.gap(rows, share: 0.4, notion: .parity, answer: answer) { _, _ in XCTFail("a slope") }, 0)
    }

    func testArea() throws {
        let rows = rows(), gap = try SelectionGap(weights: [1, 1, 1], rows: Self.n), p = chances()
        for i in p.indices { gap.chance[i] = p[i] }
        _ = gap.selection(rows, share: 0.4)
        var sum = 0.0, pairs = 0.0
        for i in p.indices where answer(i) {
            for j in p.indices where !answer(j) {
                let w = rows.weight[i] * rows.weight[j]
                sum += p[i] > p[j] ? w : p[i] == p[j] ? w / 2 : 0
                pairs += w
            }
        }
        XCTAssertEqual(gap.area(rows, answer), sum / pairs, accuracy: 1e-9)
    }

    func testQuestions() {
        let none = GapQuestion.all(shares: [1], ordered: true)
        XCTAssertTrue(none.isEmpty)
        XCTAssertEqual(GapQuestion.all(shares: [0.3, 0.7], ordered: false).map(\.yes), [[false, true]])
        let many = GapQuestion.all(shares: [Double](repeating: 0.05, count: 20), ordered: true)
        XCTAssertEqual(many.count, 5)
        XCTAssertTrue(many.allSatisfy { $0.share > 0.02 && $0.share < 0.98 })
        XCTAssertEqual(GapQuestion.all(shares: [0.01, 0.5, 0.49], ordered: false).map(\.share), [0.5, 0.49])
        // The squares of the weights are the answers' variances over that of a coin.
        let even = GapQuestion.all(shares: [0.5, 0.5], ordered: false), rare = GapQuestion.all(shares: [0.95, 0.05],
                                                                                               ordered: false)
        XCTAssertEqual(even.map(\.weight), [1])
        XCTAssertEqual(rare[0].weight * rare[0].weight, 0.05 * 0.95 / 0.25, accuracy: 1e-12)
    }
}
