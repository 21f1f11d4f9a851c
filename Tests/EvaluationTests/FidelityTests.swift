// Total variation and associations by hand and against slow twins; quantiles and sorting.

import XCTest
@testable import Basics
@testable import Evaluation

final class FidelityTests: XCTestCase {
    func testByHand() throws {
        // x: real halves, synthetic 3/4 and 1/4: ½ (¼ + ¼) = ¼. y the same as x in the real table, independent of it in
        // the synthetic one.
        let real = Made.frame([Made.levels("x", 2, [0, 0, 1, 1]), Made.levels("y", 2, [0, 0, 1, 1])])
        let synthetic = Made.frame([Made.levels("x", 2, [0, 0, 1, 0]), Made.levels("y", 2, [0, 1, 0, 1])])
        let f = try Fidelity(real: real, synthetic: synthetic, threads: 1)
        XCTAssertEqual(f.columns, [0.25, 0])
        XCTAssertEqual(f.tvd1, 0.125)
        // (0,0) ½-¼, (0,1) 0-½, (1,0) 0-¼, (1,1) ½-0
        XCTAssertEqual(f.tvd2, 0.5 * (0.25 + 0.5 + 0.25 + 0.5), accuracy: 1e-15)
        // V is 1 in the real table; the synthetic one counts 1, 2, 1, 0: χ² / n = (1·0 - 2·1)² / (3·1·2·2) = 1 / 3.
        XCTAssertEqual(f.associationMean, 1 - (1.0 / 3).squareRoot(), accuracy: 1e-12)
    }

    func testAgainstASlowTwinAndWhateverTheThreads() throws {
        let real = Made.mixed(500, seed: 1), synthetic = Made.mixed(300, seed: 2)
        let one = try Fidelity(real: real, synthetic: synthetic, threads: 1)
        let three = try Fidelity(real: real, synthetic: synthetic, threads: 3)
        let slow = slowFidelity(real, synthetic)
        XCTAssertEqual(one.tvd1, slow.tvd1, accuracy: 1e-12)
        XCTAssertEqual(one.tvd2, slow.tvd2, accuracy: 1e-12)
        XCTAssertEqual(one.associationMean, slow.mean, accuracy: 1e-12)
        XCTAssertEqual(one.associationMax, slow.max, accuracy: 1e-12)
        XCTAssertEqual([one.tvd1, one.tvd2, one.associationMean, one.associationMax],
                       [three.tvd1, three.tvd2, three.associationMean, three.associationMax])
    }

    func testManyLevelsAreCountedBySorting() throws {
        var r = PublicRandom(seed: 5)
        let n = 400, levels = 2000
        func column(_ name: String) -> Frame.Series {
            Made.levels(name, levels, (0..<n).map { _ in r.below(levels) * r.below(2) })
        }
        let real = Made.frame([column("p"), column("q")]), synthetic = Made.frame([column("p"), column("q")])
        let f = try Fidelity(real: real, synthetic: synthetic, threads: 1), slow = slowFidelity(real, synthetic)
        XCTAssertEqual(f.tvd2, slow.tvd2, accuracy: 1e-12)
        XCTAssertEqual(f.associationMean, slow.mean, accuracy: 1e-12)
    }

    func testEqualTablesAndConstants() throws {
        let t = Made.mixed(200, seed: 3)
        let same = try Fidelity(real: t, synthetic: t, threads: 2)
        XCTAssertEqual([same.tvd1, same.tvd2, same.associationMean, same.associationMax], [0, 0, 0, 0])
        let flat = Made.frame([Made.numbers("n", [1, 1, 1]), Made.levels("l", 2, [0, 0, 0]),
            Made.numbers("m", [.nan, .nan, .nan])])
        let constant = try Fidelity(real: flat, synthetic: flat, threads: 2)
        XCTAssertEqual([constant.tvd1, constant.associationMax], [0, 0])
        let one = Made.frame([Made.numbers("n", [1, 2, 3])])
        XCTAssertTrue(try Fidelity(real: one, synthetic: one, threads: 2).tvd2.isNaN)
    }

    func testQuantilesAreNumpys() {
        // numpy.quantile([1, 2, 4, 8], [0, .3, .5, 1]) = 1, 1.9, 3, 8
        let x = Made.buffer([1.0, 2, 4, 8])
        XCTAssertEqual([0, 0.3, 0.5, 1].map { quantile(x, 4, $0) }, [1, 1.9, 3, 8])
    }

    func testSortedKeys() throws {
        var r = PublicRandom(seed: 9)
        let x = (0..<999).map { k in k % 3 == 0 ? UInt64(r.below(5)) : r.next() }
        let keys = Made.buffer(x)
        try sortKeys(keys, x.count)
        XCTAssertEqual(Array(keys), x.sorted())
        for v in [-Double.infinity, -2.5, -0.0, 0, 1e-300, 7] { XCTAssertEqual(fromAscending(ascending(v)), v) }
        XCTAssertLessThan(ascending(-1.0), ascending(-0.5))
        XCTAssertLessThan(ascending(Float(-1)), ascending(Float(0)))
    }

    // MARK: - slow twins

    private func slowCells(_ real: Frame, _ t: Frame, _ c: Int) -> [Int] {
        guard let x = real.columns[c].values else { return t.columns[c].codes!.map(Int.init) }
        let sorted = x.filter { !$0.isNaN }.sorted()
        let edges = Set((1..<20).map { k -> Double in
            let at = Double(k) / 20 * Double(sorted.count - 1), low = Int(at)
            return sorted[low] + (at - Double(low)) * (sorted[min(low + 1, sorted.count - 1)] - sorted[low])
        }).sorted()
        return t.columns[c].values!.map { v in v.isNaN ? 99 : edges.filter { $0 <= v }.count }
    }

    private func slowCramer(_ t: Frame, _ i: Int, _ j: Int) -> Double {
        let x = t.columns[i].codes!.map(Int.init), y = t.columns[j].codes!.map(Int.init), n = Double(x.count)
        let us = Set(x), vs = Set(y)
        guard min(us.count, vs.count) > 1 else { return 0 }
        var chi = 0.0
        for u in us { for v in vs {
            let expected = Double(x.filter { $0 == u }.count) * Double(y.filter { $0 == v }.count) / n
            let seen = Double(zip(x, y).filter { $0 == (u, v) }.count)
            chi += (seen - expected) * (seen - expected) / expected
        } }
        return (chi / n / Double(min(us.count, vs.count) - 1)).squareRoot()
    }

    private func slowRatio(_ codes: [Int], _ y: [Double]) -> Double {
        let rows = y.indices.filter { !y[$0].isNaN }, mean = rows.map { y[$0] }.reduce(0, +) / Double(rows.count)
        var between = 0.0, all = 0.0
        for k in Set(codes) {
            let mine = rows.filter { codes[$0] == k }.map { y[$0] }
            if mine.isEmpty { continue }
            between += Double(mine.count) * pow(mine.reduce(0, +) / Double(mine.count) - mean, 2)
        }
        for r in rows { all += pow(y[r] - mean, 2) }
        return all > 0 ? (between / all).squareRoot() : 0
    }

    private func slowAssociation(_ t: Frame, _ i: Int, _ j: Int) -> Double {
        let a = t.columns[i], b = t.columns[j]
        switch (a.codes, b.codes) {
        case (.some, .some): return slowCramer(t, i, j)
        case (.some(let c), nil): return slowRatio(c.map(Int.init), Array(b.values!))
        case (nil, .some(let c)): return slowRatio(c.map(Int.init), Array(a.values!))
        default:
            let rows = zip(a.values!, b.values!).filter { !$0.isNaN && !$1.isNaN }, n = Double(rows.count)
            let mx = rows.map(\.0).reduce(0, +) / n, my = rows.map(\.1).reduce(0, +) / n
            let xy = rows.map { ($0 - mx) * ($1 - my) }.reduce(0, +)
            return xy / (rows.map { pow($0.0 - mx, 2) }.reduce(0, +)
                         * rows.map { pow($0.1 - my, 2) }.reduce(0, +)).squareRoot()
        }
    }

    private func slowFidelity(_ real: Frame, _ synthetic: Frame)
        -> (tvd1: Double, tvd2: Double, mean: Double, max: Double) {
        func variation(_ a: [Int], _ b: [Int]) -> Double {
            var sum = 0.0
            for k in Set(a + b) {
                let p = Double(a.filter { $0 == k }.count) / Double(a.count)
                let q = Double(b.filter { $0 == k }.count) / Double(b.count)
                sum += abs(p - q)
            }
            return 0.5 * sum
        }
        let m = real.columns.count, a = (0..<m).map { slowCells(real, real, $0) }
        let b = (0..<m).map { slowCells(real, synthetic, $0) }
        var pairs: [Double] = [], differences: [Double] = []
        for i in 0..<m { for j in i + 1 ..< max(m, i + 1) {
            pairs.append(variation(zip(a[i], a[j]).map { $0 * 100_000 + $1 },
                                   zip(b[i], b[j]).map { $0 * 100_000 + $1 }))
            differences.append(abs(slowAssociation(real, i, j) - slowAssociation(synthetic, i, j)))
        } }
        let columns = (0..<m).map { variation(a[$0], b[$0]) }.reduce(0, +), n = Double(pairs.count)
        return (columns / Double(m), pairs.reduce(0, +) / n, differences.reduce(0, +) / n, differences.max() ?? 0)
    }
}
