import XCTest
@testable import Basics
@testable import Tables

final class CellParserTests: XCTestCase {
    private func read(_ text: String, _ type: String, _ constraints: String, missing: [String] = [""],
                      coerce: Bool = false) throws -> (Int64, Double) {
        let field = try TestData.schema([("x", type, constraints)]).fields[0]
        let parser = try CellParser(field, missingValues: missing, coerce: coerce)
        var value = 0.0
        let k = withText(text) { parser.parse($0, $1, &value) }
        return (k, value)
    }

    func testRules() throws {
        let int = "\"minimum\":0,\"maximum\":100,\"multipleOf\":5", real = "\"minimum\":-1,\"maximum\":1"
        let moment = "\"minimum\":\"2020-01-01T00:00:00Z\",\"maximum\":\"2020-12-31T00:00:00Z\",\"multipleOf\":3600"
        for (text, type, rules, want) in [
            ("15", "integer", int, 3), ("", "integer", int, -1), ("16", "integer", int, BadCell.offStep.rawValue),
                ("-5", "integer", int, BadCell.below.rawValue),
            ("1e1", "integer", int, BadCell.notInteger.rawValue), ("x", "integer", int, BadCell.notInteger.rawValue),
            ("0.5", "number", real, 0), ("nan", "number", real, BadCell.notNumber.rawValue),
                ("2", "number", real, BadCell.above.rawValue),
            ("1e999", "number", real, BadCell.notFinite.rawValue),
            ("2020-01-01T01:00:00+00:00", "datetime", moment, 1),
                ("2020-01-01T01:00:01", "datetime", moment, BadCell.offStep.rawValue),
            ("2019-12-31", "datetime", moment, BadCell.below.rawValue),
                ("noon", "datetime", moment, BadCell.notDatetime.rawValue),
        ] as [(String, String, String, Int64)] {
            XCTAssertEqual(try read(text, type, rules).0, want, text)
        }
        XCTAssertEqual(try read("0.25", "number", real).1, 0.25)
        XCTAssertTrue(try read("", "number", real).1.isNaN)
        XCTAssertEqual(try read("-0", "number", real).1.sign, .plus)
    }

    func testCoercedCellsAreAlwaysInTheDomain() throws {
        let pieces = ["", "1", "-7", "99", ".5", "e9", "nan", "NA", "2020-01-01", "2021-02-30", "T12:00:00", "Z", "red",
                      "x", " ", "true"]
        let schema = try Schema(json: TestData.everyType)
        var r = TestRandom(state: 6)
        for field in schema.fields {
            let parser = try CellParser(field, missingValues: schema.missingValues, coerce: true)
            let column = try Column(field, capacity: 1)
            for _ in 0..<2000 {
                let text = (0..<Int.random(in: 0...3, using: &r)).map { _ in pieces.randomElement(using: &r)! }.joined()
                var value = 0.0
                let k = withText(text) { parser.parse($0, $1, &value) }
                // A required cell without a value near it is refused, never made up.
                XCTAssertTrue(k >= 0 || (k == -1) != field.required, "\(field.name) \(text)")
                if k < -1 { continue }
                if let count = field.kind.count { XCTAssertLessThan(k, count) }
                column.put(0, k, value)
                XCTAssertEqual(column.isMissing(0), k == -1)
                if case .number(let low, let high, nil) = field.kind, k >= 0 {
                    XCTAssertTrue(value >= low && value <= high)
                }
            }
        }
    }
}
