// Means and quantiles of an evaluation: against a slow twin, and a table that only they see to be wrong.

import XCTest
@testable import Basics
@testable import Evaluation
@testable import Tables

final class LocationTests: XCTestCase {
    func testByHand() throws {
        let real = Made.frame([Made.numbers("x", [1, 2, 3, 4, 5, .nan]), Made.levels("l", 2, [0, 1, 0, 1, 0, 1])])
        let synthetic = Made.frame([Made.numbers("x", [3, 4, 5, 6, 7]), Made.levels("l", 2, [0, 1, 0, 1, 0])])
        let found = try Location.all(real: real, synthetic: synthetic)
        XCTAssertEqual(found.map(\.column), [0])
        XCTAssertEqual(found[0].means.real, 3, accuracy: 1e-15)
        // the variance of 1 … 5 is 2
        XCTAssertEqual(found[0].meanShift, 2 / 2.0.squareRoot(), accuracy: 1e-15)
        XCTAssertEqual(found[0].quantiles.map(\.real), [1.2, 2, 3, 4, 4.8])
        for shift in found[0].quantileShifts { XCTAssertEqual(shift, 1, accuracy: 1e-15) }   // quartiles 2 and 4
    }

    func testAgainstASlowTwin() throws {
        let real = Made.mixed(500, seed: 1), synthetic = Made.mixed(300, seed: 2)
        let found = try XCTUnwrap(Location.all(real: real, synthetic: synthetic).first)
        func values(_ frame: Frame) -> [Double] { frame.columns[0].values!.filter { !$0.isNaN }.sorted() }
        func at(_ v: [Double], _ share: Double) -> Double {
            let place = share * Double(v.count - 1), low = Int(place)
            return v[low] + (place - Double(low)) * (v[min(low + 1, v.count - 1)] - v[low])
        }
        let x = values(real), y = values(synthetic), mean = x.reduce(0, +) / Double(x.count)
        let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)).squareRoot()
        XCTAssertEqual(found.meanShift, (y.reduce(0, +) / Double(y.count) - mean) / deviation, accuracy: 1e-12)
        for (shift, share) in zip(found.quantileShifts, [0.05, 0.25, 0.5, 0.75, 0.95]) {
            XCTAssertEqual(shift, (at(y, share) - at(x, share)) / (at(x, 0.75) - at(x, 0.25)), accuracy: 1e-12)
        }
        XCTAssertNil(found.note("a"))
    }

    func testConstantAndEmptyColumns() throws {
        func location(_ x: [Double], _ y: [Double]) throws -> Location? {
            try Location(column: 0, real: Made.buffer(x), synthetic: Made.buffer(y))
        }
        XCTAssertNil(try location([.nan, .nan], [1, 2]))
        XCTAssertNil(try location([1, 2], [.nan]))
        let same = try XCTUnwrap(location([5, 5, 5], [5, 5])), twice = try XCTUnwrap(location([5, 5, 5], [10, 10]))
        XCTAssertEqual([same.meanShift, same.largestQuantileShift], [0, 0])
        XCTAssertEqual([twice.meanShift, twice.largestQuantileShift], [1, 1])
        XCTAssertEqual(try XCTUnwrap(location([0, 0], [2, 2])).meanShift, 2)
    }

    private let schema = try! Schema(json: """
        {"fields": [{"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 99}},
                    {"name": "amount", "type": "integer", "constraints": {"minimum": 0, "maximum": 1000000}},
                    {"name": "town", "type": "string", "constraints": {"enum": ["a", "b"]}}]}
        """)

    /// Small amounts; every 50th of `far` rows has one far above them.
    private func table(_ rows: Int, seed: UInt64, far: Bool = false) throws -> Table {
        var r = PublicRandom(seed: seed)
        let t = try Table(schema: schema, rows: rows)
        for place in t.columns.indices { try t.fill(place) { _ in } }
        for row in 0..<rows {
            t.columns[0].put(row, Int64(20 + r.below(60)))
            let amount = r.below(100) + r.below(100) + 1
            t.columns[1].put(row, far && row % 50 == 0 ? 10_000 : Int64(amount))
            t.columns[2].put(row, Int64(r.below(2)))
        }
        return t
    }

    private func report(_ synthetic: Table) throws -> Report {
        try Report(real: table(1000, seed: 1), synthetic: synthetic, holdout: nil,
                   options: ReportOptions(["classifiers": "none"]))
    }

    /// Two per cent of a column far away double its mean and more, and move no total variation that anybody would look
    /// at.
    func testAWrongMeanIsSeen() throws {
        let right = try report(table(1000, seed: 2)), wrong = try report(table(1000, seed: 2, far: true))
        let means = try XCTUnwrap(wrong.locations.last).means
        XCTAssertGreaterThan(means.synthetic, 2 * means.real)
        XCTAssertEqual(wrong.fidelity.tvd1, right.fidelity.tvd1, accuracy: 0.02)

        XCTAssertLessThan(try XCTUnwrap(right.json["summary"]!["mean_shift_max"]!.asDouble), 0.2)
        XCTAssertGreaterThan(try XCTUnwrap(wrong.json["summary"]!["mean_shift_max"]!.asDouble), 1)
        func notes(_ r: Report) -> [String] { r.notes.filter { $0.contains("lies elsewhere") } }
        XCTAssertEqual(notes(right), [])
        XCTAssertEqual(notes(wrong).count, 1)
        XCTAssertTrue(notes(wrong)[0].contains("\"amount\""), "\(notes(wrong))")
        XCTAssertTrue(wrong.text.contains("mean_shift_max"))
        XCTAssertTrue(wrong.text.contains("note: \"amount\" lies elsewhere"))
    }

    func testColumnsSayWhereTheyLie() throws {
        let columns = try XCTUnwrap(report(table(500, seed: 3)).json["columns"]!.asArray)
        XCTAssertEqual(columns[2]["mean"], .null)
        XCTAssertEqual(columns[2]["quantiles"], .null)
        XCTAssertNotNil(columns[2]["tvd"]!.asDouble)
        XCTAssertEqual(columns[0]["quantiles"]!.asArray!.compactMap { $0["share"]?.asDouble },
                       [0.05, 0.25, 0.5, 0.75, 0.95])
        for member in ["real", "synthetic", "shift"] { XCTAssertNotNil(columns[1]["mean"]![member]!.asDouble, member) }
    }
}
