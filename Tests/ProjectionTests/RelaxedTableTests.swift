// The fit of a relaxed table: gradient against differences, convergence, equal bits on any threads.

import XCTest
import Basics
import Compute
@testable import Projection

/// Rows of three related columns (2, 3 and 4 levels) and their exact marginals.
enum Made {
    static let levels = [2, 3, 4]

    static func rows(_ n: Int, seed: UInt64 = 1) -> [[Int]] {
        (0..<n).map { i in
            var s = CounterStream(seed: seed, row: UInt64(i), purpose: 5)
            let a = s.uniform() < 0.3 ? 1 : 0
            let b = s.uniform() < 0.7 ? a : 2
            return [a, b, s.uniform() < 0.6 ? a + b : Int(s.uniform() * 4)]
        }
    }

    static func marginal(_ rows: [[Int]], _ columns: [Int], noise: Double = 0, seed: UInt64 = 3) throws
        -> NoisyMarginal {
        let v = try Buffer<Double>(count: columns.reduce(1) { $0 * levels[$1] }, for: "a test")
        for r in rows { v[columns.reduce(0) { $0 * levels[$1] + r[$1] }] += 1 }
        var s = CounterStream(seed: seed, row: UInt64(columns.reduce(0) { $0 * 7 + $1 + 1 }), purpose: 6)
        if noise > 0 { for i in 0..<v.count { v[i] += noise * Double(s.normalPair().0) } }
        return NoisyMarginal(columns: columns, values: v, standardDeviation: noise)
    }

    static func options(_ rows: Int, _ steps: Int, threads: Int = 1) -> ProjectionOptions {
        var o = ProjectionOptions()
        (o.rows, o.steps, o.threads, o.seed) = (rows, steps, threads, 4)
        return o
    }

    /// Share of a cell in the relaxed table, by its definition.
    static func share(_ t: RelaxedTable, _ columns: [Int], _ cell: [Int]) -> Double {
        let first = [0, 2, 5]
        return (0..<t.rows).reduce(0.0) { sum, r in
            sum + zip(columns, cell).reduce(1.0) { $0 * Double(t.probabilities[r * 9 + first[$1.0] + $1.1]) }
        } / Double(t.rows)
    }
}

final class RelaxedTableTests: XCTestCase {
    func testGradientIsTheSlopeOfTheLoss() throws {
        let rows = Made.rows(400)
        let marginals = try [[0], [0, 1], [2, 1], [1, 0, 2]].enumerated().map {
            try Made.marginal(rows, $1, noise: 2 + Double($0))
        }
        let fit = try RelaxedFit(LevelLayout(Made.levels), marginals, total: 400, shares: nil, Made.options(48, 1))
        let (_, g) = fit.lossAndGradient(), got = (0..<g.count).map { Double(g[$0]) }, size = got.map(abs).max() ?? 0
        XCTAssertGreaterThan(size, 0)
        for p in stride(from: 0, to: fit.state.count, by: 7) {
            let w = fit.state[p], h: Float = 0.02
            fit.state[p] = w + h
            let up = fit.lossAndGradient().loss
            fit.state[p] = w - h
            let down = fit.lossAndGradient().loss
            fit.state[p] = w
            // The gradient is times the number of components.
            XCTAssertEqual(got[p], 48 * (up - down) / Double(2 * h), accuracy: 0.01 * size, "logit \(p)")
        }
    }

    /// A fit stops where noise begins and loses association; a second one loses it again unless it starts at the first.
    func testAFitThatStartsAtATableKeepsItsAssociation() throws {
        let n = 400, pairs = [[0, 1], [0, 2], [1, 2]], noise = 12.0
        let rows = Made.rows(n), options = Made.options(64, 300)
        func fit(_ m: [NoisyMarginal], from start: RelaxedTable? = nil) throws -> RelaxedTable {
            try RelaxedTable.fit(levels: Made.levels, marginals: m, total: Double(n), start: start, options: options)
        }
        /// How far columns 0 and 1 are from independent.
        func association(_ t: RelaxedTable) -> Double {
            (0..<2).reduce(0.0) { sum, a in
                (0..<3).reduce(sum) {
                    $0 + abs(Made.share(t, [0, 1], [a, $1]) - Made.share(t, [0], [a]) * Made.share(t, [1], [$1]))
                }
            }
        }
        var cold = 0.0, warm = 0.0, first = 0.0
        for seed in 1...6 as ClosedRange<UInt64> {
            let base = try fit(pairs.map { try Made.marginal(rows, $0, noise: noise, seed: seed) })
            let again = try pairs.map { columns in
                let v = try Buffer<Double>(count: columns.reduce(1) { $0 * Made.levels[$1] }, for: "a test")
                let b = Made.levels[columns[1]]
                var s = CounterStream(seed: 100 + seed, row: UInt64(columns[0] * 7 + columns[1]), purpose: 6)
                for i in 0..<v.count {
                    v[i] = Double(n) * Made.share(base, columns, [i / b, i % b]) + noise * Double(s.normalPair().0)
                }
                return NoisyMarginal(columns: columns, values: v, standardDeviation: noise)
            }
            let other = try fit(again, from: base)
            XCTAssertEqual(other.steps, base.steps)
            XCTAssertNotEqual(association(other), association(base))
            first += association(base)
            warm += association(other)
            cold += association(try fit(again))
        }
        XCTAssertLessThan(cold, 0.95 * first)
        XCTAssertLessThan(abs(warm - first), 0.6 * (first - cold))
        let other = try RelaxedTable.fit(levels: [2, 2], marginals: [], total: 1, options: Made.options(64, 1))
        XCTAssertThrowsError(try fit([], from: other))
    }

    func testMeetsExactMarginals() throws {
        let rows = Made.rows(3000), wanted = try [[0, 1], [0, 2], [1, 2], [0, 1, 2]].map { try Made.marginal(rows, $0) }
        let t = try RelaxedTable.fit(levels: Made.levels, marginals: wanted, total: 3000,
                                     options: Made.options(200, 600))
        XCTAssertEqual(t.rows, 208)
        XCTAssertEqual(t.floorRatio, 0)
        for a in 0..<2 { for b in 0..<3 { for c in 0..<4 {
            let truth = wanted[3].values[(a * 3 + b) * 4 + c] / 3000
            XCTAssertEqual(Made.share(t, [0, 1, 2], [a, b, c]), truth, accuracy: 0.004)
        } } }
        for r in 0..<t.rows { for (first, K) in [(0, 2), (2, 3), (5, 4)] {
            XCTAssertEqual((first..<first + K).reduce(0) { $0 + t.probabilities[r * 9 + $1] }, 1, accuracy: 1e-4)
        } }
    }

    func testStopsAtTheNoiseFloor() throws {
        let rows = Made.rows(500), noise = 12.0
        let noisy = try [[0, 1], [0, 2], [1, 2]].map { try Made.marginal(rows, $0, noise: noise) }
        let stopped = try RelaxedTable.fit(levels: Made.levels, marginals: noisy, total: 500,
                                           options: Made.options(96, 400))
        XCTAssertLessThan(stopped.steps, 400)
        XCTAssertLessThanOrEqual(stopped.floorRatio, 1)
        var on = Made.options(96, 400)
        on.noiseFloor = 0
        let further = try RelaxedTable.fit(levels: Made.levels, marginals: noisy, total: 500, options: on)
        XCTAssertEqual(further.steps, 400)
        XCTAssertLessThan(further.floorRatio, stopped.floorRatio)
    }

    func testThreadsChangeNothing() throws {
        let rows = Made.rows(300)
        let noisy = try [[0], [0, 1], [1, 2], [0, 1, 2]].map { try Made.marginal(rows, $0, noise: 3) }
        let one = try RelaxedTable.fit(levels: Made.levels, marginals: noisy, total: 300,
                                       options: Made.options(300, 20))
        let three = try RelaxedTable.fit(levels: Made.levels, marginals: noisy, total: 300,
                                         options: Made.options(300, 20, threads: 3))
        XCTAssertEqual(Array(one.probabilities), Array(three.probabilities))
        var other = Made.options(300, 20)
        other.seed = 5
        XCTAssertNotEqual(Array(one.probabilities), Array(try RelaxedTable.fit(levels: Made.levels, marginals: noisy,
            total: 300, options: other).probabilities))
    }

    func testRefusals() throws {
        let m = try Made.marginal(Made.rows(10), [0, 1])
        func fit(_ levels: [Int], _ marginals: [NoisyMarginal], total: Double = 10,
                 _ change: (inout ProjectionOptions) -> Void = { _ in }) throws {
            var o = Made.options(16, 3)
            change(&o)
            _ = try RelaxedTable.fit(levels: levels, marginals: marginals, total: total, options: o)
        }
        XCTAssertThrowsError(try fit([2, 2, 4], [m]))
        XCTAssertThrowsError(try fit([2], [m]))
        XCTAssertThrowsError(try fit([], []))
        XCTAssertThrowsError(try fit([2, 3], [m], total: 0))
        XCTAssertThrowsError(try fit([2, 3], [m]) { $0.rows = 0 })
        XCTAssertThrowsError(try fit([2, 3], [NoisyMarginal(columns: [1, 1], values: m.values, standardDeviation: 1)]))
        XCTAssertThrowsError(try fit([2, 3], [NoisyMarginal(columns: [0, 1], values: m.values, standardDeviation: -1)]))
        XCTAssertThrowsError(try RelaxedTable.fit(levels: [2, 3], marginals: [m], total: 10,
            options: Made.options(16, 3)) { true }) {
            XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
        }
        XCTAssertNoThrow(try fit([2, 3], [m]))
        XCTAssertNoThrow(try fit([1, 1], []))
    }
}
