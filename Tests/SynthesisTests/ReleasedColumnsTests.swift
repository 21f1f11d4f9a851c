// Single columns from histograms and tables together: the error is the one that is claimed, and less than either's.

import Basics
import Compute
import Tables
import XCTest
@testable import Synthesis

final class ReleasedColumnsTests: XCTestCase {
    private static let sizes = [3, 2, 4], rows = 90_000.0

    private func plan(share: Double = 0.05) throws -> Plan {
        let fields = Self.sizes.enumerated().map { j, n in
            let levels = (0..<n).map { "\"l\($0)\"" }.joined(separator: ", ")
            return "{\"name\": \"c\(j)\", \"type\": \"string\", \"constraints\": {\"enum\": [\(levels)], "
                + "\"required\": true}}"
        }
        return try Plan(schema: Schema(json: "{\"fields\": [\(fields.joined(separator: ", "))]}"), protected: [],
                        epsilon: 1, delta: 1e-5, preset: "best", config: JSON.parse("""
                            {"rows": {"declared": 90000}, "encoder": {"share": \(share)}}
                            """))
    }

    /// True counts of a table over some columns.
    private func counts(_ columns: [Int]) -> [Double] {
        var out = [Double](repeating: 0, count: columns.reduce(1) { $0 * Self.sizes[$1] })
        for a in 0..<3 {
            for b in 0..<2 {
                for c in 0..<4 {
                    let at = columns.reduce(0) { $0 * Self.sizes[$1] + [a, b, c][$1] }
                    out[at] += Self.rows / 24 * (1 + 0.5 * Double(a - 1) * Double(2 * b - 1) + 0.2 * (Double(c) - 1.5))
                }
            }
        }
        return out
    }

    func testTheErrorIsTheOneClaimedAndLessThanEither() throws {
        try check(share: 0.05, atMost: 0.98)       // histograms that say little
        try check(share: 0.5, atMost: 0.7)         // histograms that say as much as the tables
    }

    /// - Parameter atMost: what is left of the lesser error.
    private func check(share: Double, atMost: Double) throws {
        let plan = try plan(share: share), rounds = 1000
        var error = [0.0, 0, 0], alone = error, tables = error, claimed = error
        for r in 0..<rounds {
            var stream = CounterStream(seed: 5, row: UInt64(r), purpose: 78)
            func noisy(_ columns: [Int], _ deviation: Double) throws -> Buffer<Double> {
                let truth = counts(columns), b = try Buffer<Double>(count: truth.count)
                for i in truth.indices { b[i] = truth[i] + deviation * Double(stream.normalPair().0) }
                return b
            }
            let histograms = try plan.histograms.map { try noisy([$0.column], plan.countStandardDeviation) }
            let statistics = try Statistics(plan: plan, counts: histograms, groupCounts: [Self.rows])
            let pairs = plan.allPairs, deviation = plan.marginalNoise * Double(pairs.count).squareRoot()
            let released = try ReleasedMarginals(columns: pairs, values: pairs.map { try noisy($0, deviation) },
                                                 levels: Self.sizes)
            let found = try released.columnCounts(plan: plan, statistics: statistics)
            let single = PairTables(released, plan: plan, levels: Self.sizes)
            for (j, m) in found.enumerated() {
                XCTAssertEqual(m.columns, [j])
                XCTAssertEqual(m.values.reduce(0, +), Self.rows, accuracy: 1e-6)
                XCTAssert(m.values.allSatisfy { $0 >= 0 })
                claimed[j] = m.standardDeviation * m.standardDeviation
                let sums = try XCTUnwrap(single.single(j)).counts
                for (b, x) in counts([j]).enumerated() {
                    func square(_ y: Double) -> Double { (y - x) * (y - x) / Double(rounds * m.values.count) }
                    error[j] += square(m.values[b])
                    alone[j] += square(histograms[j][b])
                    tables[j] += square(sums[b])
                }
            }
        }
        for j in 0..<3 {
            // Of K errors that sum to 0, one is no error of its own.
            let left = Double(Self.sizes[j] - 1) / Double(Self.sizes[j])
            XCTAssertEqual(error[j] / (claimed[j] * left), 1, accuracy: 0.15, "column \(j)")
            XCTAssertLessThan(error[j], atMost * left * min(alone[j], tables[j]), "column \(j)")
        }
    }

    func testWithoutTablesItIsTheHistogram() throws {
        let plan = try plan()
        let histograms = try plan.histograms.map { h in
            let b = try Buffer<Double>(count: Self.sizes[h.column])
            for (i, x) in counts([h.column]).enumerated() { b[i] = x }
            return b
        }
        let statistics = try Statistics(plan: plan, counts: histograms, groupCounts: [Self.rows])
        let none = try ReleasedMarginals(columns: [], values: [], levels: Self.sizes)
        for (j, m) in try none.columnCounts(plan: plan, statistics: statistics).enumerated() {
            XCTAssertEqual(m.standardDeviation, plan.countStandardDeviation, accuracy: 1e-9)
            for (x, y) in zip(m.values, counts([j])) { XCTAssertEqual(x, y, accuracy: 1e-6) }
        }
    }
}
