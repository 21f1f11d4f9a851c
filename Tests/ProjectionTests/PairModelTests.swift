// The joint model of pairs: rows drawn from it hold the tables it was fitted to, its gaps have the slopes that they are
// said to have, and alignment takes away what it is asked to take.

import XCTest
import Basics
import Compute
@testable import Projection

final class PairModelTests: XCTestCase {
    private static let pairs = [[0, 1], [0, 2], [1, 2]]
    private static let table = Made.rows(8000)

    private static func shares(_ rows: [[Int]]) -> [[Double]] {
        Made.levels.enumerated().map { t, K in
            (0..<K).map { u in Double(rows.filter { $0[t] == u }.count) / Double(rows.count) }
        }
    }

    /// Rows of `table`; group 1 are those whose first column is 1, but for one in ten.
    private static func source(strata: Int = 1) -> PairModelRows {
        let groups = table.indices.map { i in i % 10 == 0 ? 1 - table[i][0] : table[i][0] }
        let of = (0..<2).map { g in table.indices.filter { groups[$0] == g } }
        return PairModelRows(groupWeights: [1, 1], shares: of.map { Double($0.count) / 8000 }, strata: strata) { k, g,
            codes in
            let row = table[of[g][Int(k * 2_654_435_761 % UInt64(of[g].count))]]
            for t in 0..<3 { codes[t] = UInt16(row[t]) }
            return strata > 1 ? row[0] : 0
        }
    }

    private static func fit(_ kernels: Kernels = .current, weight: Double = 0, strata: Int = 1,
                            _ change: (inout PairModelOptions) -> Void = { _ in }) throws -> PairModelFit {
        var o = PairModelOptions()
        (o.weight, o.batch, o.steps) = (weight, 1024, 200)
        change(&o)
        let f = try PairModelFit(shares: shares(table), ordered: [false, true, true], tasks: [strata == 1, true, true],
                                 pairs: pairs, rows: source(strata: strata), o, kernels: kernels)
        _ = try f.run()
        return f
    }

    private static func rows(_ f: PairModelFit, threads: Int = 1, _ k: Kernels = .current) throws -> [[Int]] {
        let n = 8192
        // Chains start from columns that have nothing to do with each other.
        let codes = try f.model.rows(n, sweeps: 12, shares: shares(table), seed: 3, threads: threads, kernels: k,
                                     start: { i, to in
            for t in 0..<3 { to[t] = UInt16(table[(Int(i) + 1301 * t) % 8000][t]) }
        })
        return (0..<n).map { i in (0..<3).map { Int(codes[$0 * n + i]) } }
    }

    private static func distance(_ rows: [[Int]], _ columns: [Int]) throws -> Double {
        let got = try Made.marginal(rows, columns), want = try Made.marginal(table, columns)
        let n = Double(rows.count)
        var sum = 0.0
        for i in 0..<got.values.count { sum += abs(got.values[i] / n - want.values[i] / 8000) }
        return sum / 2
    }

    func testRowsHoldTheTablesOfPairs() throws {
        let made = try Self.rows(Self.fit())
        for p in Self.pairs { XCTAssertLessThan(try Self.distance(made, p), 0.06, "\(p)") }
        for t in 0..<3 { XCTAssertLessThan(try Self.distance(made, [t]), 0.02) }
        // Without factors they are those of independent columns.
        let alone = try PairModel(shares: Self.shares(Self.table), pairs: [])
        let apart = try alone.rows(8192, sweeps: 2, shares: Self.shares(Self.table), seed: 3, threads: 1) { i, to in
            for t in 0..<3 { to[t] = UInt16(Self.table[Int(i) % 8000][t]) }
        }
        let n = 8192, drawn = (0..<n).map { i in (0..<3).map { Int(apart[$0 * n + i]) } }
        XCTAssertGreaterThan(try Self.distance(drawn, [0, 1]), 0.2)
    }

    /// Columns that have nothing to do with each other in the rows get the tables that the rows are said to lack.
    func testWhatRowsLackIsLearnt() throws {
        let apart = PairModelRows(groupWeights: [1], shares: [1]) { k, _, codes in
            for t in 0..<3 { codes[t] = UInt16(Self.table[Int((k * 2_654_435_761 + 1301 * UInt64(t)) % 8000)][t]) }
            return 0
        }
        let shares = Self.shares(Self.table)
        func fit(_ lacking: [[Int]: [Double]]) throws -> PairModelFit {
            var o = PairModelOptions()
            (o.batch, o.steps) = (1024, 200)
            let f = try PairModelFit(shares: shares, ordered: [false, true, true], tasks: [false, false, false],
                                     pairs: Self.pairs, rows: apart, lacking: lacking, o)
            _ = try f.run()
            return f
        }
        let counts = try Made.marginal(Self.table, [0, 1]).values, K = shares[1].count
        let cells = (0..<counts.count).map { counts[$0] / 8000 - shares[0][$0 / K] * shares[1][$0 % K] }
        let told = try Self.rows(fit([[0, 1]: cells])), untold = try Self.rows(fit([:]))
        XCTAssertGreaterThan(try Self.distance(untold, [0, 1]), 0.2)
        XCTAssertLessThan(try Self.distance(told, [0, 1]), 0.08)
        XCTAssertEqual(try Self.distance(told, [0, 2]), try Self.distance(untold, [0, 2]), accuracy: 0.05)
        XCTAssertThrowsError(try fit([[0, 1]: [1]]))
        XCTAssertThrowsError(try fit([[0, 1]: cells.map { _ in .nan }]))
    }

    func testAlignmentLowersTheDisparity() throws {
        let before = try XCTUnwrap(Self.fit().figures()), f = try Self.fit(weight: 8)
        let after = try XCTUnwrap(f.figures())
        XCTAssertGreaterThan(before.disparity, 0.3)
        XCTAssertLessThan(after.disparity, 0.6 * before.disparity)
        XCTAssertLessThan(after.auc, before.auc)
        XCTAssertGreaterThan(after.auc, 0.5)
        XCTAssertLessThan(after.disparityDeviation, 0.05)
        // The rows themselves: what the second column says of the first is less than it was. Shares stay.
        let made = try Self.rows(f)
        func told(_ rows: [[Int]]) -> Double {
            func share(_ a: Int) -> Double {
                let own = rows.filter { $0[0] == a }
                return Double(own.filter { $0[1] == 1 }.count) / Double(max(own.count, 1))
            }
            return share(1) - share(0)
        }
        XCTAssertLessThan(told(made), 0.7 * told(Self.table))
        for t in 0..<3 { XCTAssertLessThan(try Self.distance(made, [t]), 0.03) }
    }

    /// Within the parts of a column that explains the groups there is little to take away.
    func testAdmissibleColumnsKeepTheirDifference() throws {
        let free = try XCTUnwrap(Self.fit(strata: 2).figures()), all = try XCTUnwrap(Self.fit().figures())
        XCTAssertLessThan(free.disparity, 0.5 * all.disparity)
        let kept = try Self.rows(Self.fit(weight: 8, strata: 2)), lost = try Self.rows(Self.fit(weight: 8))
        XCTAssertLessThan(try Self.distance(kept, [0, 1]), try Self.distance(lost, [0, 1]))
    }

    func testThreadsAndInstructionSetsChangeNothing() throws {
        func made(_ k: Kernels = .current, threads: Int = 1) throws -> [[Int]] {
            try Self.rows(Self.fit(k, weight: 2) { ($0.steps, $0.start, $0.threads) = (20, 4, threads) },
                          threads: threads, k)
        }
        let one = try made()
        XCTAssertEqual(one, try made(threads: 3))
        for k in Kernels.available { XCTAssertEqual(one, try made(k), k.name) }
    }

    func testStopsWhenAsked() throws {
        var asked = 0
        var o = PairModelOptions()
        o.batch = 64
        let f = try PairModelFit(shares: Self.shares(Self.table), ordered: [false, true, true],
                                 tasks: [true, true, true], pairs: Self.pairs, rows: Self.source(), o)
        XCTAssertThrowsError(try f.run(stop: { asked += 1; return asked > 3 })) {
            XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
        }
        XCTAssertThrowsError(try PairModel(shares: [[1], [1]], pairs: [[0, 1], [1, 0]]))
        XCTAssertThrowsError(try PairModel(shares: [[1], [1]], pairs: [[0, 2]]))
    }
}
