// Boosted trees against a slow twin, and on tables where the answer is known.

import XCTest
@testable import Basics
@testable import Evaluation

final class BoostedTreesTests: XCTestCase {
    private func fit(_ t: Frame, _ y: [UInt8], leaveOut: Set<Int> = []) throws -> [Float] {
        let binning = try Binning(t), x = try binning.apply(t), trees = try BoostedTrees(columns: t.columns.count)
        trees.fit(x, Made.buffer(y), rows: 0..<t.rows, binning: binning, leaveOut: leaveOut,
                  try TreeScratch(rows: t.rows, binning: binning))
        let out = try Buffer<Float>(count: t.rows)
        trees.predict(x, rows: 0..<t.rows, out)
        return Array(out)
    }

    /// One column, one level apart: every tree is one split into two leaves, and the leaf values follow by hand.
    func testTwoLeavesByHand() throws {
        let codes = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
        let y: [UInt8] = codes.enumerated().map { i, c in (c == 1) != (i % 6 == 0) ? 1 : 0 }
        let got = try fit(Made.frame([Made.levels("x", 2, codes)]), y)
        let share = Double(y.reduce(0) { $0 + Int($1) }) / 14
        var margins = [log(share / (1 - share)), log(share / (1 - share))], on = true
        for _ in 0..<80 where on {
            var step = [0.0, 0.0], h = [0.0, 0.0], g = [0.0, 0.0]
            for (c, label) in zip(codes, y) {
                let p = 1 / (1 + exp(-margins[c]))
                g[c] += p - Double(label)
                h[c] += p * (1 - p)
            }
            // No further split once a side holds less curvature than 1: the rest of the trees are single leaves.
            if h.min()! >= 1 {
                for c in 0...1 { step[c] = -0.2 * g[c] / (h[c] + 1) }
            } else {
                for c in 0...1 { step[c] = -0.2 * (g[0] + g[1]) / (h[0] + h[1] + 1) }
            }
            for c in 0...1 { margins[c] += step[c] }
            on = true
        }
        for (i, c) in codes.enumerated() { XCTAssertEqual(Double(got[i]), margins[c], accuracy: 2e-5) }
    }

    /// A twin that rebuilds every histogram from the rows, splits by filtering lists and keeps all in double precision.
    func testAgainstASlowTwin() throws {
        let t = Made.mixed(400, seed: 7), y = t.columns[3].codes!.map { UInt8($0) }
        let fast = try fit(t, y, leaveOut: [3]), slow = try slowTrees(t, y, used: [0, 1, 2])
        for i in 0..<t.rows { XCTAssertEqual(Double(fast[i]), slow[i], accuracy: 2e-3) }
    }

    private func slowTrees(_ t: Frame, _ y: [UInt8], used: [Int]) throws -> [Double] {
        let binning = try Binning(t), x = try binning.apply(t), m = t.columns.count, n = t.rows
        func bin(_ i: Int, _ c: Int) -> Int { Int(x[i * m + c]) }
        let share = Double(y.reduce(0) { $0 + Int($1) }) / Double(n)
        var margins = [Double](repeating: log(share / (1 - share)), count: n)
        for _ in 0..<80 {
            let p = margins.map { 1 / (1 + exp(-$0)) }
            func sums(_ rows: [Int]) -> (g: Double, h: Double) {
                rows.reduce((0, 0)) { ($0.0 + p[$1] - Double(y[$1]), $0.1 + p[$1] * (1 - p[$1])) }
            }
            func score(_ rows: [Int]) -> Double { let s = sums(rows); return s.g * s.g / (s.h + 1) }
            func grow(_ rows: [Int], _ depth: Int) {
                var best = 1e-6, found: ([Int], [Int])?
                if depth < 4 {
                    for c in used { for k in 0..<binning.columns[c].bins {
                        let left = rows.filter { binning.columns[c].isLevels ? bin($0, c) == k : bin($0, c) <= k }
                        if left.isEmpty || left.count == rows.count { continue }
                        let right = rows.filter { binning.columns[c].isLevels ? bin($0, c) != k : bin($0, c) > k }
                        guard sums(left).h >= 1, sums(right).h >= 1 else { continue }
                        let gain = score(left) + score(right) - score(rows)
                        if gain > best + 1e-9 { (best, found) = (gain, (left, right)) }
                    } }
                }
                if let (left, right) = found {
                    grow(left, depth + 1)
                    grow(right, depth + 1)
                } else {
                    let s = sums(rows)
                    for r in rows { margins[r] -= 0.2 * s.g / (s.h + 1) }
                }
            }
            grow(Array(0..<n), 0)
        }
        return margins
    }

    func testItLearnsAndLeavesOut() throws {
        let t = Made.mixed(2000, seed: 11), labels = t.columns[3].codes!.map { UInt8($0) }, y = Made.buffer(labels)
        let seen = try fit(t, labels), without = try fit(t, labels, leaveOut: [3])
        let blind = try fit(t, labels, leaveOut: [0, 1, 2, 3])
        func auc(_ s: [Float]) throws -> Double { try areaUnderROC(Made.buffer(s), y)! }
        XCTAssertEqual(try auc(seen), 1)
        XCTAssertGreaterThan(try auc(without), 0.9)
        XCTAssertLessThan(try auc(without), 0.999)
        XCTAssertEqual(try auc(blind), 0.5)
    }

    func testOneClassIsAConstant() throws {
        let t = Made.mixed(50, seed: 2)
        XCTAssertEqual(Set(try fit(t, [UInt8](repeating: 1, count: 50))).count, 1)
    }

    func testBins() throws {
        let x = (0..<1000).map { Double($0 % 500) } + [.nan]
        let few = Made.frame([Made.numbers("x", [3, 1, 2, 1, .nan])]), many = Made.frame([Made.numbers("x", x)])
        let long = Made.frame([Made.levels("l", 70, [0, 5, 69, 70])])
        XCTAssertEqual(Array(try Binning(few).apply(few)), [3, 1, 2, 1, 0])
        let b = try Binning(many)
        XCTAssertLessThanOrEqual(b.columns[0].bins, 256)
        XCTAssertGreaterThan(b.columns[0].bins, 250)
        let bins = try b.apply(many)
        for i in 0..<999 where x[i] < x[i + 1] { XCTAssertLessThanOrEqual(bins[i], bins[i + 1]) }
        XCTAssertEqual(bins[1000], 0)
        XCTAssertFalse(try Binning(long).columns[0].isLevels)
        let other = Made.frame([Made.numbers("x", [-5, 99, 1.5])])
        XCTAssertEqual(Array(try Binning(few).apply(other)), [1, 3, 1])          // below all, above all, between
    }
}
