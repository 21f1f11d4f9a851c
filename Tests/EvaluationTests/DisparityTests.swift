// Disparities, groups and task tables against figures worked out by hand.

import XCTest
@testable import Basics
@testable import Evaluation

final class DisparityTests: XCTestCase {
    func testAreaUnderROC() throws {
        func auc(_ s: [Float], _ y: [UInt8]) throws -> Double? { try areaUnderROC(Made.buffer(s), Made.buffer(y)) }
        XCTAssertEqual(try auc([1, 2, 3, 4], [0, 0, 1, 1]), 1)
        XCTAssertEqual(try auc([1, 2, 2, 3], [0, 1, 0, 1]), 0.875)                // pairs: 1<2 1, 1<3 1, 2=2 ½, 2<3 1
        XCTAssertEqual(try auc([-0.0, 0], [1, 0]), 0.5)
        XCTAssertNil(try auc([1, 2], [1, 1]))
        var r = PublicRandom(seed: 3)
        let s = (0..<300).map { _ in Float(r.below(40)) - 20 }, y = s.map { UInt8(Int($0) + r.below(30) > 10 ? 1 : 0) }
        var wins = 0.0, pairs = 0.0
        for i in s.indices where y[i] == 1 { for j in s.indices where y[j] == 0 {
            pairs += 1
            wins += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0
        } }
        XCTAssertEqual(try auc(s, y)!, wins / pairs, accuracy: 1e-12)
    }

    func testSelection() throws {
        let scores = Made.buffer([Float](arrayLiteral: 1, 5, 3, 3, 3, 0))
        for count in 0...6 {
            let s = try select(scores, count: count)
            XCTAssertEqual(s.reduce(0) { $0 + Int($1) }, count)
            if count >= 1 { XCTAssertEqual(s[1], 1) }
            if count >= 4 { XCTAssertEqual(Array(s[2...4]), [1, 1, 1]) }
            if count < 6 { XCTAssertEqual(s[5], 0) }
        }
    }

    /// Two groups of 40: selected 30 and 10, so parity ½; labels such that the rates follow by hand.
    func testByHand() throws {
        var margins: [Float] = [], labels: [UInt8] = [], members: [Int32] = []
        for i in 0..<80 {
            let g = i / 40, k = i % 40
            members.append(Int32(g))
            margins.append(k < (g == 0 ? 30 : 10) ? 2 : -2)
            labels.append(g == 0 ? (k < 20 ? 1 : 0) : (k < 20 ? 1 : 0))           // 40 of 80: as many are selected
        }
        let d = try Disparity(margins: Made.buffer(margins), labels: Made.buffer(labels), members: Made.buffer(members),
                              groups: 3)
        XCTAssertEqual(d.groups.map(\.selected), [0.75, 0.25])
        XCTAssertEqual(d.parity, 0.5)
        XCTAssertEqual(d.groups.map(\.truePositive), [1, 0.5])
        XCTAssertEqual(d.groups.map(\.falsePositive), [0.5, 0])
        XCTAssertEqual(d.odds, 0.5)
        let p = 1 / (1 + exp(-2.0))
        let first = (30 * abs(p - 20.0 / 30) + 10 * (1 - p)) / 40
        let second = (10 * (1 - p) + 30 * abs(1 - p - 10.0 / 30)) / 40
        XCTAssertEqual(d.groups[0].calibration, first, accuracy: 1e-6)
        XCTAssertEqual(d.groups[1].calibration, second, accuracy: 1e-6)
        XCTAssertEqual(d.calibrationSpread, abs(first - second), accuracy: 1e-6)
        XCTAssertEqual(d.calibrationWorst, max(first, second), accuracy: 1e-6)
    }

    func testSmallGroupsAreLeftOut() throws {
        let n = 29
        let d = try Disparity(margins: Made.buffer([Float](repeating: 0, count: n)),
                              labels: Made.buffer([UInt8](repeating: 1, count: n)),
                              members: Made.buffer([Int32](repeating: 0, count: n)), groups: 1)
        XCTAssertTrue(d.groups.isEmpty)
        XCTAssertEqual([d.parity, d.odds, d.calibrationSpread], [0, 0, 0])
    }

    func testJointGroups() throws {
        let t = Made.frame([Made.levels("s", 2, [0, 1, 1, 2]), Made.numbers("age", [10, 30, 50, .nan])])
        let g = try Groups([t], columns: [0, 1], edges: ["age": [20, 40]])
        XCTAssertEqual(g.names, ["l0, age < 20.0", "l1, 20.0 <= age < 40.0", "l1, age >= 40.0",
            "s missing, age missing"])
        XCTAssertEqual(Array(g.members[0]), [0, 1, 2, 3])
        XCTAssertEqual(try Groups([t], columns: [1], edges: [:]).counts(0), [1, 2, 1])         // the median, 30
        XCTAssertEqual(try Groups([t], columns: [], edges: [:]).names, ["all"])
    }

    func testTasks() throws {
        let t = Made.frame([Made.levels("s", 3, [2, 0, 0, 1, 3]), Made.numbers("x", [1, 2, 3, 4, .nan])])
        XCTAssertEqual(Array(try Task(t, column: 0, isTarget: false).labels(t)), [0, 1, 1, 0, 0])
        XCTAssertEqual(Array(try Task(t, column: 0, isTarget: true).labels(t)), [1, 0, 0, 0, 0])
        XCTAssertEqual(Array(try Task(t, column: 0, isTarget: true, positive: "l1").labels(t)), [0, 0, 0, 1, 0])
        XCTAssertEqual(Array(try Task(t, column: 1, isTarget: true).labels(t)), [0, 0, 1, 1, 0])
        XCTAssertThrowsError(try Task(t, column: 0, isTarget: true, positive: "none"))
    }

    /// The whole table and the probes do not depend on the number of threads; a column that is the group is found out.
    func testTableAndProbes() throws {
        let real = Made.mixed(600, seed: 1), test = Made.mixed(500, seed: 2), synthetic = Made.mixed(700, seed: 3)
        let groups = try Groups([real, test, synthetic], columns: [2], edges: [:])
        func run(_ threads: Int) throws -> ([Double?], [Double?]) {
            let runs = try ModelRuns(synthetic: synthetic, test: test, threads: threads)
            let table = try taskTable(real: real, test: test, synthetic: synthetic, runs: runs, protected: [2],
                                      target: 3, positive: nil, groups: groups, testTable: 1)
            let found = try probes(synthetic: synthetic, test: test, runs: runs, protected: [2], groups: groups,
                                   syntheticTable: 2, testTable: 1)
            XCTAssertEqual(table.map(\.task.column), [3, 0, 1])
            XCTAssertTrue(table[0].isTarget)
            return (table.flatMap { [$0.auc, $0.disparity.parity, $0.disparity.odds] },
                    found.flatMap { [$0.synthetic, $0.real] })
        }
        let one = try run(1), two = try run(2)
        XCTAssertEqual(one.0, two.0)
        XCTAssertEqual(one.1, two.1)
        XCTAssertGreaterThan(one.0[0]!, 0.85)
        XCTAssertEqual(one.1.count, 6)
        XCTAssertTrue([one.1[0]!, one.1[1]!, one.1[4]!, one.1[5]!].allSatisfy { $0 > 0.55 && $0 < 0.9 }, "\(one.1)")
    }
}
