// Repair by its exact effect: the law of the repaired bin against the definitions.
// The law is integrated over the uniform number.

import XCTest
@testable import Alignment
@testable import Basics

final class ColumnRepairTests: XCTestCase {
    /// P(code becomes y | code is x) by the lengths of the intervals of u: a fine grid finds every change, halving
    /// places it.
    private func transition(_ r: ColumnRepair, _ g: Int, _ x: Int) -> [Double] {
        var out = [Double](repeating: 0, count: r.levels)
        func at(_ u: Double) -> Int { Int(r.apply(Int32(x), group: Int32(g), uniform: u)) }
        func measure(_ low: Double, _ high: Double, _ depth: Int) {
            let a = at(low), b = at(high.nextDown)
            if depth >= 9 && a == b || depth > 40 { out[a] += high - low } else {
                measure(low, (low + high) / 2, depth + 1)
                measure((low + high) / 2, high, depth + 1)
            }
        }
        measure(0, 1, 0)
        return out
    }

    private func histograms(_ G: Int, _ K: Int, _ seed: UInt64) -> [Double] {
        var made = Made(seed)
        return (0 ..< G * K).map { _ in made.uniform() < 0.2 ? 0 : 500 * made.uniform() * made.uniform() }
    }

    func testEqualLawsAndLeastMoves() throws {
        for (G, K, seed) in [(2, 4, UInt64(1)), (3, 5, 2), (4, 2, 3), (2, 1, 4)] {
            var h = histograms(G, K, seed)
            for g in 0 ..< G { h[g * K] += 1 }
            let p = (0 ..< G).map { g in (0 ..< K).map { h[g * K + $0] / h[g * K ..< g * K + K].reduce(0, +) } }
            for shares: [Double]? in [nil, (0 ..< G).map { Double($0 + 1) }] {
                let w = shares ?? [Double](repeating: 1, count: G), total = w.reduce(0, +)
                let pooled = (0 ..< K).map { k in (0 ..< G).reduce(0) { $0 + w[$1] / total * p[$1][k] } }
                for ordered in [true, false] {
                    for strength in [1.0, 0.6, 0] {
                        let r = try ColumnRepair(histograms: h, groups: G, levels: K, ordered: ordered,
                            strength: strength, shares: shares)
                        for g in 0 ..< G {
                            let T = (0 ..< K).map { transition(r, g, $0) }
                            var moved = 0.0, cost = 0.0
                            for y in 0 ..< K {
                                let law = (0 ..< K).reduce(0) { $0 + p[g][$1] * T[$1][y] }
                                XCTAssertEqual(law, (1 - strength) * p[g][y] + strength * pooled[y], accuracy: 1e-9)
                                for x in 0 ..< K {
                                    moved += x == y ? 0 : p[g][x] * T[x][y]
                                    cost += p[g][x] * T[x][y] * Double(abs(x - y))
                                }
                            }
                            // total variation, and the distance between distribution functions
                            var variation = 0.0, transport = 0.0, gap = 0.0
                            for k in 0 ..< K {
                                variation += abs(p[g][k] - pooled[k]) / 2
                                gap += p[g][k] - pooled[k]
                                transport += abs(gap)
                            }
                            if ordered { XCTAssertEqual(cost, strength * transport, accuracy: 1e-9) } else {
                                XCTAssertEqual(moved, strength * variation, accuracy: 1e-9)
                            }
                        }
                        for k in 0 ..< K { XCTAssertEqual(r.pooled[k], pooled[k], accuracy: 1e-12) }
                    }
                }
            }
        }
    }

    /// Drawn rows: after repair the table of group and code passes Pearson's test, before it fails by far.
    func testDrawnRows() throws {
        var made = Made(5)
        let n = 6000, K = 4, s = made.labels(n, below: 2)
        let law = [[0.5, 0.2, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]]
        var codes = [Int32]()
        for i in 0 ..< n {
            var u = made.uniform(), k = 0
            while k < K - 1, u >= law[Int(s[i])][k] { u -= law[Int(s[i])][k]; k += 1 }
            codes.append(Int32(k))
        }
        func pearson(_ codes: [Int32]) -> Double {
            var table = [Double](repeating: 0, count: 2 * K)
            for i in 0 ..< n { table[Int(s[i]) * K + Int(codes[i])] += 1 }
            var chi = 0.0
            for g in 0 ..< 2 {
                for k in 0 ..< K {
                    let row = table[g * K ..< g * K + K].reduce(0, +), column = table[k] + table[K + k]
                    let e = row * column / Double(n)
                    chi += e > 0 ? (table[g * K + k] - e) * (table[g * K + k] - e) / e : 0
                }
            }
            return chi
        }
        for ordered in [true, false] {
            let r = try ColumnRepair(histograms: law.flatMap { $0 }, groups: 2, levels: K, ordered: ordered,
                                     strength: 1)
            XCTAssertGreaterThan(pearson(codes), 1000)
            let repaired = (0 ..< n).map { r.apply(codes[$0], group: s[$0], uniform: made.uniform()) }
            XCTAssertLessThan(pearson(repaired), 21.1)      // 3 degrees of freedom, 1e-4
        }
    }

    func testHostileInputs() throws {
        let h: [Double] = [3, .nan, -5, 1, 0, 0, 0, 0, 1, 1, 1, .infinity]
        for ordered in [true, false] {
            let r = try ColumnRepair(histograms: h, groups: 3, levels: 4, ordered: ordered, strength: 1)
            for u in [0, 0.3, 0.999999, 1, -1, Double.nan] {
                for x in -2 ..< 6 {
                    for g in -1 ..< 4 {
                        let y = r.apply(Int32(x), group: Int32(g), uniform: u)
                        XCTAssertTrue((0 ..< 4).contains(x) ? (0 ..< 4).contains(y) : y == x)
                        if g == 1 || g < 0 || g > 2 { XCTAssertEqual(y, Int32(x)) }
                    }
                }
            }
            // nothing known at all
            let none = try ColumnRepair(histograms: [0, 0, 0, 0], groups: 2, levels: 2, ordered: ordered, strength: 1)
            XCTAssertEqual(none.apply(1, group: 0, uniform: 0.2), 1)
        }
        XCTAssertThrowsError(try ColumnRepair(histograms: h, groups: 3, levels: 4, ordered: true, strength: 1.1))
        XCTAssertThrowsError(try ColumnRepair(histograms: h, groups: 3, levels: 4, ordered: true, strength: .nan))
        XCTAssertThrowsError(try ColumnRepair(histograms: h, groups: 0, levels: 4, ordered: true, strength: 1))
    }
}
