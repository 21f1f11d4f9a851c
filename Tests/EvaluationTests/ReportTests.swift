// Whole reports: every figure is there, what cannot be measured is null, wrong requests are refused.

import XCTest
@testable import Basics
@testable import Evaluation
@testable import Tables

final class ReportTests: XCTestCase {
    private let schema = try! Schema(json: """
        {"fields": [{"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": true}},
                    {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 99}},
                    {"name": "rich", "type": "boolean"},
                    {"name": "town", "type": "string", "constraints": {"enum": ["a", "b", "c"]}}]}
        """)

    private func table(_ rows: Int, seed: UInt64, _ schema: Schema? = nil) throws -> Table {
        var r = PublicRandom(seed: seed)
        let t = try Table(schema: schema ?? self.schema, rows: rows)
        for place in t.columns.indices { try t.fill(place) { _ in } }
        for row in 0..<rows {
            let sex = r.below(2), age = 20 + r.below(40) + 10 * sex
            t.columns[0].put(row, Int64(sex))
            t.columns[1].put(row, r.below(30) == 0 ? -1 : Int64(age))
            t.columns[2].put(row, age + r.below(20) > 55 ? 1 : 0)
            t.columns[3].put(row, Int64(r.below(4)) - 1)
        }
        return t
    }

    private func options(_ text: String) throws -> ReportOptions { try ReportOptions(JSON.parse(text)) }

    func testEveryFigureIsThereAndSaysWhatItIsNot() throws {
        let o = try options(#"{"protected": ["sex"], "target": "rich", "admissible": ["town"], "threads": 2}"#)
        let report = try Report(real: table(500, seed: 1), synthetic: table(400, seed: 2), holdout: table(300, seed: 3),
                                options: o)
        let json = report.json
        XCTAssertTrue(json["not_private"]!.asString!.hasPrefix("NOT PRIVATE"))
        for member in json["summary"]!.asObject!.members { XCTAssertNotNil(member.value.asDouble, member.key) }
        XCTAssertEqual(json["tasks"]!.asArray!.compactMap { $0["column"]?.asString }, ["rich", "age", "town"])
        XCTAssertEqual(json["tasks"]!.asArray![0]["yes"], "true")
        XCTAssertEqual(json["groups"]!.asArray!.count, 2)
        let first = json["tasks"]!.asArray![0]
        for key in ["dpd", "eod", "cdpd"] {
            let value = try XCTUnwrap(first[key]?.asDouble, key), worst = try XCTUnwrap(first["worst"]?[key])
            XCTAssertLessThanOrEqual(try XCTUnwrap(worst["low"]?.asDouble), value, key)
            XCTAssertGreaterThanOrEqual(try XCTUnwrap(worst["high"]?.asDouble), value, key)
        }
        XCTAssertEqual(json["tasks"]!.asArray![2]["cdpd"], .null)                 // town explains itself
        XCTAssertEqual(json["notes"], .array([]))
        XCTAssertTrue(report.text.hasPrefix("NOT PRIVATE"))
        XCTAssertTrue(report.text.contains("membership_auc"))
        XCTAssertEqual(try JSON.parse(json.text), json)
        var one = o
        one.threads = 1
        XCTAssertEqual(try Report(real: table(500, seed: 1), synthetic: table(400, seed: 2),
                                  holdout: table(300, seed: 3), options: one).json, json)
    }

    func testWithoutAHoldoutNearnessSaysNothing() throws {
        let report = try Report(real: table(300, seed: 1), synthetic: table(300, seed: 2), holdout: nil,
                                options: options(#"{"protected": ["sex"], "target": "rich"}"#))
        XCTAssertEqual(report.json["summary"]!["dcr_share"], .null)
        XCTAssertEqual(report.json["summary"]!["membership_auc"], .null)
        XCTAssertEqual(report.json["rows"]!["holdout"], 100)
        XCTAssertNotNil(report.json["summary"]!["target_auc"]!.asDouble)
        XCTAssertTrue(report.text.contains("no hold-out was given"))
    }

    func testWithoutProtectedColumnsOrClassifiers() throws {
        let plain = try Report(real: table(300, seed: 1), synthetic: table(300, seed: 2), holdout: nil,
                               options: options("{}")).json
        XCTAssertEqual(plain["summary"]!["tasks_dpd"], .null)
        XCTAssertEqual(plain["tasks"]!.asArray!.count, 4)
        let none = try Report(real: table(300, seed: 1), synthetic: table(300, seed: 2), holdout: nil,
                              options: options(#"{"protected": ["sex"], "classifiers": "none"}"#)).json
        XCTAssertEqual(none["tasks"], .array([]))
        XCTAssertNotNil(none["summary"]!["cka"]!.asDouble)
    }

    func testNumericalProtectedColumns() throws {
        let request = #"{"protected": ["age", "sex"], "edges": {"age": [40, 50]}, "classifiers": "none"}"#
        let report = try Report(real: table(300, seed: 1), synthetic: table(300, seed: 2), holdout: table(300, seed: 3),
                                options: options(request))
        XCTAssertEqual(report.groupNames.first, "age < 40.0, f")
        XCTAssertEqual(report.groupNames.count, 8)                               // three cells and missing, times two
    }

    func testRefused() throws {
        let real = try table(50, seed: 1)
        func refuses(_ text: String, _ code: FailureCode, _ part: String, synthetic: Table? = nil,
                     line: UInt = #line) throws {
            XCTAssertThrowsError(try Report(real: real, synthetic: synthetic ?? real, holdout: nil,
                                            options: options(text)), line: line) { error in
                XCTAssertEqual((error as? Failure)?.code, code, line: line)
                XCTAssertTrue("\(error)".contains(part), "\(error)", line: line)
            }
        }
        try refuses(#"{"protected": ["sexe"]}"#, .argument, "sexe")
        try refuses(#"{"protected": ["sex", "sex"]}"#, .argument, "twice")
        try refuses(#"{"protected": ["sex"], "target": "sex"}"#, .argument, "target")
        try refuses(#"{"target": "rich", "positive": "maybe"}"#, .argument, "positive")
        try refuses(#"{"positive": "true"}"#, .argument, "positive")
        try refuses(#"{"target": "rich", "positive": "maybe", "classifiers": "none"}"#, .argument, "positive")
        try refuses(#"{"protected": ["age"], "edges": {"age": [2, 1]}}"#, .argument, "edges")
        try refuses(#"{"edges": {"age": [2]}}"#, .argument, "edges")
        try refuses(#"{"admissible": ["town"]}"#, .argument, "admissible")
        try refuses(#"{"protected": ["sex"], "admissible": ["town", "town"]}"#, .argument, "twice")
        try refuses(#"{"protected": ["sex"], "admissible": ["sex"]}"#, .argument, "admissible")
        try refuses(#"{"protected": ["sex"], "target": "rich", "admissible": ["rich"]}"#, .argument, "admissible")
        try refuses(#"{"protected": ["sex"], "admissible": ["tow"]}"#, .argument, "tow")
        try refuses(#"{"taget": "rich"}"#, .argument, "did you mean")
        try refuses(#"{"threads": 2000}"#, .argument, "threads")
        try refuses("{}", .argument, "10 rows", synthetic: table(9, seed: 2))
        let other = try Schema(json: schema.json.replacing("99", with: "98"))
        try refuses("{}", .schema, "synthetic", synthetic: table(50, seed: 2, other))
        let half = try Table(schema: schema, rows: 50)
        try refuses("{}", .state, "never set", synthetic: half)
    }
}
