// The door from outside: what a release returns, refuses and records.

import Basics
@testable import Privacy
import XCTest

final class DoorTests: XCTestCase {
    func testHistogramsAreNearTheTruth() throws {
        let d = try door(cells: [[0, 1, 1, 2], [300, 5, 5, 299]], cellCounts: [3, 301])
        let (counts, groups) = try d.releaseHistograms(name: "h", requests: [.init(column: 0, body: 3), .init(column: 1, divisor: 10, body: 300)], noiseMultiplier: 1e-3)
        XCTAssertEqual(counts[0], [1, 2, 1])
        XCTAssertEqual(counts[1].count, 31)
        XCTAssertEqual([counts[1][0], counts[1][29], counts[1][30]], [2, 1, 1])
        XCTAssertEqual(groups, [4])
        XCTAssertEqual(d.ledger.releases.count, 1)
    }

    func testSumIsNearTheTruth() throws {
        let d = try door(cells: [(0..<1000).map { $0 % 5 }], cellCounts: [5])
        let sum = try d.releaseSum(name: "s", length: 5, rates: [1], clips: [1], noise: 1e-3, microBatch: 7, threads: 3) { rows, _, out in
            var v = [Float](repeating: 0, count: 5)
            for i in 0..<rows.count { v[Int(rows.columns[0][i])] += 1 }
            out.add(v)
        }
        for i in 0..<5 { XCTAssertEqual(Double(sum[i]), 200, accuracy: 0.02) }
    }
}

/// A door over small rows with a budget that refuses nothing.
func door(cells: [[Int]], cellCounts: [Int], groups: [String] = ["all"], groupOf: [Int] = [], epsilon: Double = 1e13, random: SecureRandom? = nil) throws -> Door {
    let t = try PrivateTable(rows: cells.first?.count ?? groupOf.count, cellCounts: cellCounts, groups: groups)
    for (j, c) in cells.enumerated() { try t.fill(column: j) { p in for (i, v) in c.enumerated() { p[i] = UInt16(v) } } }
    if groups.count > 1 { try t.fillGroups { p in for (i, v) in groupOf.enumerated() { p[i] = Int32(v) } } }
    let ledger = try Ledger(epsilon: epsilon, delta: 1e-5, order: 2, groups: groups)
    return try Door(table: t, budget: ledger.budget, ledger: ledger, random: random ?? SecureRandom())
}
