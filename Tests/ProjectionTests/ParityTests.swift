// Parity of groups in a relaxed table: measure, gradient, and that a fit does what it says.
// The measure is compared with plain least squares, the gradient with finite differences of a slow twin in doubles.

import XCTest
import Basics
import Compute
@testable import Projection

final class ParityTests: XCTestCase {
    /// A table of N components over columns of 2 (the group), 3, 4 (ordered) and 2 levels, where the group shows in all
    /// others.
    private static func table(_ N: Int = 32, levels: [Int] = [2, 3, 4, 2], seed: UInt64 = 1, shift: Float = 1.5) throws
        -> RelaxedTable {
        let D = levels.reduce(0, +), b = try Buffer<Float>(count: N * D, for: "a test")
        for r in 0..<N {
            var s = CounterStream(seed: seed, row: UInt64(r), purpose: 9), at = r * D
            let side: Float = r % 3 == 0 ? 1 : -1
            for (t, K) in levels.enumerated() {
                let x = (0..<K).map { k in
                    exp(s.normalPair().0 * 0.7 + side * (t == 0 ? 2 : shift) * (k % 2 == 0 ? 1 : -1))
                }
                let sum = x.reduce(0, +)
                for k in 0..<K { b[at + k] = x[k] / sum }
                at += K
            }
        }
        return RelaxedTable(levels: levels, rows: N, probabilities: b, steps: 0, floorRatio: 0)
    }

    private static func groups(_ t: RelaxedTable, weights: [Double] = [1, 1]) throws -> ParityGroups {
        let m = try Buffer<Float>(count: 2 * t.rows, for: "a test")
        for g in 0..<2 { for r in 0..<t.rows { m[g * t.rows + r] = t.probabilities[r * t.width + g] } }
        return ParityGroups(membership: m, weights: weights)
    }

    private static func options(_ weight: Double, threads: Int = 1) -> ParityOptions {
        var o = ParityOptions()
        (o.weight, o.threads, o.steps, o.every) = (weight, threads, 200, 1)
        return o
    }

    // MARK: the slow twin

    /// Solution of A x = b by elimination with exchange of rows.
    private static func solve(_ A: [[Double]], _ b: [Double]) -> [Double] {
        var a = zip(A, b).map { $0 + [$1] }
        let n = b.count
        for k in 0..<n {
            let p = (k..<n).max { abs(a[$0][k]) < abs(a[$1][k]) }!
            a.swapAt(k, p)
            for i in 0..<n where i != k {
                let f = a[i][k] / a[k][k]
                for v in k...n { a[i][v] -= f * a[k][v] }
            }
        }
        return (0..<n).map { a[$0][n] / a[$0][$0] }
    }

    private struct Twin {
        let levels: [Int], ordered: [Bool], group: [[Double]], shares0: [Double], M0: [[Double]], shift: [[Double]]
        let weight: Double, ridge: Double, floor: Double
        var D: Int { levels.reduce(0, +) }
        func column(_ u: Int) -> Int { var at = 0; return levels.firstIndex { at += $0; return u < at }! }
        static func moments(_ p: [[Double]]) -> ([Double], [[Double]]) {
            let N = Double(p.count), D = p[0].count
            return ((0..<D).map { u in p.reduce(0) { $0 + $1[u] } / N },
                    (0..<D).map { u in (0..<D).map { v in p.reduce(0) { $0 + $1[u] * $1[v] } / N } })
        }
        init(_ p: [[Double]], levels: [Int], ordered: [Bool], group: [[Double]], weight: Double, ridge: Double,
             floor: Double) {
            (self.levels, self.ordered, self.group, self.weight, self.ridge, self.floor) =
                (levels, ordered, group, weight, ridge, floor)
            let (s, M) = Self.moments(p)
            (shares0, M0) = (s, M)
            shift = group.map { w in
                let mass = w.reduce(0, +)
                return s.indices.map { u in p.indices.reduce(0.0) { $0 + w[$1] * p[$1][u] } / mass - s[u] }
            }
        }
        func covariance(_ p: [[Double]]) -> [[Double]] {
            let (s, M) = Self.moments(p)
            return (0..<D).map { u in
                (0..<D).map { v in (column(u) == column(v) ? (u == v ? s[u] : 0) : M[u][v]) - s[u] * s[v] }
            }
        }
        /// The difference of group means of the ridge regression of each level of column j on all other columns'
        /// levels.
        func difference(_ j: Int, _ g: Int, _ C: [[Double]]) -> [Double] {
            let others = (0..<D).filter { column($0) != j }, own = (0..<D).filter { column($0) == j }
            let A = others.map { u in
                others.map { v in C[u][v] + (u == v ? ridge * shares0[u] * (1 - shares0[u]) + 1e-5 : 0) }
            }
            return own.map { u in
                let beta = ParityTests.solve(A, others.map { C[$0][u] })
                return zip(beta, others).reduce(0.0) { $0 + $1.0 * shift[g][$1.1] }
            }
        }
        func loss(_ p: [[Double]]) -> Double {
            let (s, M) = Self.moments(p), C = covariance(p)
            var sum = 0.0
            for u in 0..<D {
                sum += 10 * Double(levels.count) * (s[u] - shares0[u]) * (s[u] - shares0[u]) / (shares0[u] + floor)
                for v in 0..<u where column(u) != column(v) {
                    sum += (M[u][v] - M0[u][v]) * (M[u][v] - M0[u][v]) / (M0[u][v] + floor)
                }
            }
            for j in levels.indices {
                for g in group.indices {
                    let d = difference(j, g, C)
                    if ordered[j] {
                        for k in 0..<levels[j] - 1 {
                            sum += weight / Double(group.count) * pow(d[...k].reduce(0, +), 2) / Double(levels[j] - 1)
                        }
                    } else { sum += weight / Double(group.count) * d.reduce(0) { $0 + $1 * $1 } / 2 }
                }
            }
            return sum
        }
    }

    private static let moved = [1, 2, 3], ordered = [false, true, false]

    private static func both(_ table: RelaxedTable, weight: Double) throws -> (ParityFit, Twin, [[Double]]) {
        let groups = try groups(table), o = options(weight), own = moved.map { table.levels[$0] }
        let fit = try ParityFit(table, columns: moved, ordered: ordered, groups: groups, o)
        let p = (0..<table.rows).map { r in
            (table.levels[0]..<table.width).map { Double(table.probabilities[r * table.width + $0]) }
        }
        let twin =
            Twin(p, levels: own, ordered: ordered,
            group: (0..<2).map { g in (0..<table.rows).map { Double(groups.membership[g * table.rows + $0]) } },
            weight: weight, ridge: o.ridge, floor: o.floor)
        return (fit, twin, p)
    }

    func testDifferencesAreThoseOfLeastSquares() throws {
        let (fit, twin, p) = try Self.both(Self.table(), weight: 20), C = twin.covariance(p)
        for (j, of) in try fit.differences().enumerated() {
            for (g, d) in of.enumerated() {
                for (x, y) in zip(d, twin.difference(j, g, C)) {
                    XCTAssertEqual(x, y, accuracy: 2e-4, "column \(j), group \(g)")
                }
            }
        }
        // there is something to compare
        XCTAssertGreaterThan(try fit.differences()[0][0].map(abs).max()!, 0.05)
    }

    func testGradientIsTheSlopeOfTheTwinsLoss() throws {
        let table = try Self.table(20), (fit, twin, start) = try Self.both(table, weight: 20)
        // Away from the start, where the distance to it has a slope as well.
        var logits = start.map { $0.map { log($0) } }
        for r in logits.indices { for u in logits[r].indices { logits[r][u] += 0.3 * sin(Double(7 * r + 3 * u)) } }
        func probabilities(_ x: [[Double]]) -> [[Double]] {
            x.map { row in
                var at = 0
                return twin.levels.flatMap { K in
                    defer { at += K }
                    let e = row[at..<at + K].map { exp($0) }, sum = e.reduce(0, +)
                    return e.map { $0 / sum }
                }
            }
        }
        for r in logits.indices {
            var u = 0
            for (t, K) in twin.levels.enumerated() {
                for k in 0..<K { fit.state[fit.place(r, t, k)] = Float(logits[r][u]); u += 1 }
            }
        }
        let (loss, gradient) = try fit.lossAndGradient()
        XCTAssertEqual(loss, twin.loss(probabilities(logits)), accuracy: 1e-3 * loss)
        let size = gradient.map { abs(Double($0)) }.max()!
        XCTAssertGreaterThan(size, 0)
        for r in stride(from: 0, to: logits.count, by: 3) {
            var u = 0
            for (t, K) in twin.levels.enumerated() {
                for k in 0..<K {
                    let x = logits[r][u], h = 1e-4
                    logits[r][u] = x + h
                    let up = twin.loss(probabilities(logits))
                    logits[r][u] = x - h
                    let down = twin.loss(probabilities(logits))
                    logits[r][u] = x
                    XCTAssertEqual(Double(gradient[fit.place(r, t, k)]), Double(table.rows) * (up - down) / (2 * h),
                                   accuracy: 0.004 * size, "component \(r), column \(t), level \(k)")
                    u += 1
                }
            }
        }
    }

    // MARK: the fit

    /// The largest difference before a fit and after it, by the groups as they were, and the table that it leaves.
    private static func fitted(_ t: RelaxedTable, _ o: ParityOptions) throws
        -> (before: Double, after: Double, table: RelaxedTable) {
        let fit = try ParityFit(t, columns: moved, ordered: ordered, groups: groups(t), o)
        func largest() throws -> Double { try fit.differences().flatMap { $0.flatMap { $0 } }.map(abs).max()! }
        let before = try largest()
        for k in 0..<o.steps { try fit.step(k) }
        return (before, try largest(), try fit.table(t))
    }

    private static func shares(_ t: RelaxedTable, _ u: Int) -> Double {
        (0..<t.rows).reduce(0.0) { $0 + Double(t.probabilities[$1 * t.width + u]) } / Double(t.rows)
    }

    func testMoreWeightLeavesLessDifferenceAndSharesStay() throws {
        let t = try Self.table(64)
        var last = Double.infinity, first = 0.0
        for weight in [1.0, 10, 100] {
            let (before, now, m) = try Self.fitted(t, Self.options(weight))
            XCTAssertLessThan(now, min(before, last), "weight \(weight)")
            (first, last) = (before, now)
            for u in 0..<t.width { XCTAssertEqual(Self.shares(m, u), Self.shares(t, u), accuracy: 0.03) }
            // The group's own column and its place in the components are as they were.
            for r in 0..<t.rows {
                for u in 0..<2 { XCTAssertEqual(m.probabilities[r * t.width + u], t.probabilities[r * t.width + u]) }
            }
            for r in 0..<t.rows {
                var at = 2
                for K in t.levels.dropFirst() {
                    XCTAssertEqual((at..<at + K).reduce(Float(0)) { $0 + m.probabilities[r * t.width + $1] }, 1,
                                   accuracy: 1e-4)
                    at += K
                }
            }
        }
        XCTAssertLessThan(last, 0.25 * first)
    }

    func testWhereNoColumnTellsTheGroupNothingMoves() throws {
        // Components of both groups alike: every column says nothing of them.
        let t = try Self.table(40, shift: 0)
        for r in 0..<t.rows { (t.probabilities[r * t.width], t.probabilities[r * t.width + 1]) = (0.5, 0.5) }
        let m = try t.movedToParity(columns: Self.moved, ordered: Self.ordered, groups: Self.groups(t),
                                    options: Self.options(100))
        for i in t.probabilities.indices { XCTAssertEqual(m.probabilities[i], t.probabilities[i], accuracy: 0.03) }
    }

    func testTheSameBitsForAnyNumberOfThreads() throws {
        let t = try Self.table(64, levels: [2, 30, 25, 2]), g = try Self.groups(t)
        let a = try t.movedToParity(columns: Self.moved, ordered: Self.ordered, groups: g, options: Self.options(30))
        let b = try t.movedToParity(columns: Self.moved, ordered: Self.ordered, groups: g,
                                    options: Self.options(30, threads: 3))
        XCTAssertEqual(Array(a.probabilities), Array(b.probabilities))
        XCTAssertNotEqual(Array(a.probabilities), Array(t.probabilities))
    }

    func testWideTablesKeepProportionsInsideACell() throws {
        let t = try Self.table(48, levels: [2, 40, 30, 2])
        var o = Self.options(50)
        o.width = 12
        let (before, after, m) = try Self.fitted(t, o)
        XCTAssertLessThan(after, 0.5 * before)
        // All but four levels of a column without order are one cell.
        let shares = (0..<40).map { Self.shares(t, 2 + $0) }
        let cells = CoarseLevels.cells(shares: shares, count: 5, ordered: false)
        let rest = cells.indices.filter { cells[$0] == 4 }
        XCTAssertEqual(rest.count, 36)
        for r in 0..<t.rows {
            let x = rest.map { m.probabilities[r * t.width + 2 + $0] / t.probabilities[r * t.width + 2 + $0] }
            XCTAssertEqual(x.max()!, x.min()!, accuracy: 1e-3 * x.max()!)
        }
    }

    func testCoarseCells() throws {
        XCTAssertEqual(CoarseLevels.counts([2, 40, 7], width: 512), [2, 40, 7])
        XCTAssertEqual(CoarseLevels.counts([2, 40, 7], width: 20), [2, 11, 7])
        XCTAssertEqual(CoarseLevels.counts([9, 9, 9], width: 1), [2, 2, 2])              // a column keeps two
        XCTAssertEqual(CoarseLevels.cells(shares: [0.25, 0.25, 0.25, 0.25], count: 2, ordered: true), [0, 0, 1, 1])
        XCTAssertEqual(CoarseLevels.cells(shares: [0.9, 0.05, 0.03, 0.02], count: 3, ordered: true), [0, 1, 2, 2])
        XCTAssertEqual(CoarseLevels.cells(shares: [0, 0, 0, 1], count: 3, ordered: true), [0, 0, 1, 2])
        XCTAssertEqual(CoarseLevels.cells(shares: [0.1, 0.6, 0.2, 0.1], count: 3, ordered: false), [2, 0, 1, 2])
        for K in 2...8 {
            for ordered in [true, false] {
                let c = CoarseLevels.cells(shares: [0.3, 0, 0, 0.1, 0.2, 0.1, 0, 0.3], count: K, ordered: ordered)
                XCTAssertEqual(Set(c), Set(0..<K), "\(K) cells")
                if ordered { XCTAssertEqual(c, c.sorted()) }
            }
        }
    }

    func testDegenerateTables() throws {
        // A level without mass, a column of one level, groups without mass or weight, one column.
        let t = try Self.table(24, levels: [2, 3, 1, 2])
        for r in 0..<t.rows {
            (t.probabilities[r * t.width + 2], t.probabilities[r * t.width + 3]) =
                (0, t.probabilities[r * t.width + 2] + t.probabilities[r * t.width + 3])
        }
        let m = try t.movedToParity(columns: Self.moved, ordered: Self.ordered, groups: Self.groups(t),
                                    options: Self.options(1e7))
        XCTAssert(m.probabilities.allSatisfy { $0.isFinite && $0 >= 0 })
        let same: [(ParityGroups, [Int], Double)] = [(try Self.groups(t, weights: [1, 0]), Self.moved, 30),
            (try Self.groups(t), [1], 30), (try Self.groups(t), Self.moved, 0)]
        for (g, columns, weight) in same {
            XCTAssert(try t.movedToParity(columns: columns, ordered: columns.map { _ in false }, groups: g,
                                          options: Self.options(weight)) === t)
        }
        let empty = try Self.groups(t)
        for r in 0..<t.rows { empty.membership[r] = 0 }
        XCTAssert(try t.movedToParity(columns: Self.moved, ordered: Self.ordered, groups: empty,
                                      options: Self.options(30)).probabilities.allSatisfy(\.isFinite))
        XCTAssertThrowsError(try t.movedToParity(columns: [1, 1], ordered: [false, false], groups: Self.groups(t),
            options: Self.options(30))) { XCTAssertEqual(($0 as? Failure)?.code, .argument) }
        XCTAssertThrowsError(try t.movedToParity(columns: Self.moved, ordered: Self.ordered, groups: Self.groups(t),
            options: Self.options(30), stop: { true })) { XCTAssertEqual(($0 as? Failure)?.code, .cancelled) }
    }

    func testInverse() {
        var s = CounterStream(seed: 3, row: 1, purpose: 2)
        let n = 17, x = (0..<n * n).map { _ in Double(s.normalPair().0) }
        let a = (0..<n * n).map { i in
            (0..<n).reduce(i / n == i % n ? 0.1 : 0.0) { $0 + x[i / n * n + $1] * x[i % n * n + $1] }
        }
        var b = a
        XCTAssert(b.withUnsafeMutableBufferPointer { invertPositive($0.baseAddress!, n) })
        for i in 0..<n {
            for j in 0..<n {
                XCTAssertEqual((0..<n).reduce(0.0) { $0 + a[i * n + $1] * b[$1 * n + j] }, i == j ? 1 : 0,
                               accuracy: 1e-8)
            }
        }
        var bad = [1.0, 2, 2, 1]
        XCTAssertFalse(bad.withUnsafeMutableBufferPointer { invertPositive($0.baseAddress!, 2) })
    }
}
