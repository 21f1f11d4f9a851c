// Texts that mean missing: one meaning in every way in, per field, and with labels that make levels.

import CArrow
import XCTest
@testable import Basics
@testable import Tables

final class MissingCodesTests: XCTestCase {
    /// The column by CSV, by texts, by whole numbers, by doubles and by Arrow.
    private func ways(_ schema: Schema, _ cells: [Int64]) throws -> [[Int64?]] {
        let doubles = cells.map(Double.init), name = schema.fields[0].name
        func made(_ fill: (Table) throws -> Void) throws -> [Int64?] {
            let table = try Table(schema: schema, rows: cells.count)
            try fill(table)
            return try offsets(table)
        }
        func offsets(_ t: Table) throws -> [Int64?] {
            (0..<t.rows).map { t.columns[0].isMissing($0) ? nil : Int64(t.columns[0].double($0)) }
        }
        let wide = try TestData.schema([(name, "integer", "\"minimum\":-100,\"maximum\":100")])
        var stream = ArrowArrayStream()
        let plain = try Table(schema: wide, rows: cells.count)
        try plain.setInt64(name, cells)
        try exportArrow(plain, to: &stream)
        return [
            try offsets(TestData.read("\(name)\n" + cells.map { "\($0)\n" }.joined(), schema)),
            try made { try $0.setInt64(name, cells) },
            try made { try $0.setFloat64(name, doubles) },
            try offsets(importArrow(ArrowStream(taking: &stream), schema)),
        ]
    }

    func testNumbersMeanTheSameInEveryWayIn() throws {
        for (type, bounds) in [("integer", "\"minimum\":1,\"maximum\":9"), ("integer", "\"minimum\":-9,\"maximum\":9"),
                               ("number", "\"minimum\":-9,\"maximum\":9"),
                                   ("number", "\"minimum\":-9,\"maximum\":9,\"multipleOf\":1"),
                               ("integer", "\"enum\":[1,2,5]")] {
            let s = try TestData.schema([("a", type, bounds)], ",\"missingValues\":[\"\",\"-9\"]")
            let all = try ways(s, [1, -9, 5])
            for way in all { XCTAssertEqual(way,
                                            type == "integer" && bounds.contains("enum") ? [0, nil, 2].map { $0 } : [1,
                                                nil, 5], "\(type) \(bounds)") }
        }
    }

    /// A code at a bound moves the bound: no generated value is written as a missing one. One between the bounds is
    /// refused.
    func testACodeIsNoValue() throws {
        let s = try TestData.schema([("a", "integer", "\"minimum\":-9,\"maximum\":99")],
                                    ",\"missingValues\":[\"-9\",\"-8\",\"99\"]")
        XCTAssertEqual(s.fields[0].kind, .integer(minimum: -7, maximum: 98, step: 1))
        XCTAssertEqual(try Schema(json: s.json).fields[0].kind, s.fields[0].kind)
        for bounds in ["\"minimum\":0,\"maximum\":99", "\"minimum\":0,\"maximum\":99,\"multipleOf\":1"] {
            for type in ["integer", "number"] {
                let inside = try TestData.schema([("a", type, bounds)], ",\"missingValues\":[\"\",\"9\",\"10\"]")
                let made = try Table(schema: inside, rows: 100)
                try made.fill(0) { column in
                    for i in 0..<100 {
                        let isReal = column.storage == .float64
                        isReal ? column.put(i, number: Double(i)) : column.put(i, Int64(i))
                    }
                }
                let back = try TestData.read(TestData.write(made), inside)
                XCTAssertTrue(TestData.sameCells(made, back))
                XCTAssertTrue((0..<100).allSatisfy { !back.columns[0].isMissing($0) }, "\(type) \(bounds)")
            }
        }
        XCTAssertThrowsError(try TestData.schema([("a", "integer", "\"minimum\":1,\"maximum\":1")],
                                                 ",\"missingValues\":[\"1\"]"))
    }

    func testMissingValuesOfAField() throws {
        let s = try Schema(json: """
            {"fields":[{"name":"a","type":"integer","missingValues":["-9"],"constraints":{"minimum":0,"maximum":9}},
                       {"name":"b","type":"integer","constraints":{"minimum":-9,"maximum":9}}],"missingValues":["NA"]}
            """)
        let t = try TestData.read("a,b\n-9,-9\n1,NA\n", s)
        XCTAssertEqual(try TestData.doubles(t, "a"), [nil, 1])
        XCTAssertEqual(try TestData.doubles(t, "b"), [-9, nil])
        XCTAssertThrowsError(try TestData.read("a,b\nNA,1\n", s))
        XCTAssertEqual(try TestData.write(t), "a,b\n-9,-9\n1,NA\n")
        XCTAssertEqual(try Schema(json: s.json), s)
    }

    /// In a field without levels each labelled text is a state: read from text and from numbers, written back, and
    /// never a value.
    func testReasonsAreStatesBesideValues() throws {
        let s = try Schema(json: """
            {"fields":[{"name":"n","type":"integer","constraints":{"minimum":-9,"maximum":253,"required":true}},
                       {"name":"x","type":"number","constraints":{"minimum":-9,"maximum":9}},
                       {"name":"b","type":"boolean"},
                       {"name":"d","type":"date","constraints":{"minimum":"2000-01-01","maximum":"2001-01-01"}}],
             "missingValues":[{"value":""},{"value":"-9","label":"refused"},{"value":"REF","label":"not asked"}]}
            """)
        XCTAssertEqual(s.fields[0].kind, .integer(minimum: -8, maximum: 253, step: 1))    // -9 is no value
        let text = "n,x,b,d\n1,2.5,true,2000-05-01\n-9,-9,-9,-9\nREF,REF,REF,REF\n253,,,\n"
        let t = try TestData.read(text, s)
        XCTAssertEqual(try TestData.write(t), text)
        for (name, first) in [("n", 1.0), ("x", 2.5), ("b", 1)] {
            let column = try t.column(name)
            XCTAssertEqual((0..<4).map(column.reason), [nil, 0, 1, nil])
            XCTAssertEqual(column.double(0), first)
            XCTAssertTrue(column.isMissing(1) && column.double(1).isNaN && column.isMissing(2))
            XCTAssertEqual(MissingReason.of(column.double(2)), 1)
        }
        XCTAssertEqual(try t.column("n").storage, .uint16)      // 262 values, two reasons, missing
        XCTAssertEqual(try t.column("n").offset(2), MissingReason.offset(1))
        XCTAssertEqual(try t.slice(first: 1, count: 2).column("x").reason(1), 1)
        XCTAssertFalse(s.hasSameColumns(as: try Schema(json: s.json.replacingOccurrences(of: "REF", with: "REG"))))
        XCTAssertThrowsError(try TestData.read("n,x,b,d\n,1,true,2000-05-01\n", s))
    }

    /// Bounds that were released under a budget keep their codes as missing.
    func testEstimatedFieldsHaveNoReasons() throws {
        let s = try Schema(json: """
            {"fields":[{"name":"n","type":"integer","flip:bought":true,"constraints":{"minimum":0,"maximum":9}}],
             "missingValues":[{"value":"-9","label":"refused"}]}
            """)
        XCTAssertEqual(s.fields[0].reasons, [])
        XCTAssertEqual(try TestData.doubles(TestData.read("n\n-9\n1\n", s), "n"), [nil, 1])
    }

    func testReasonsAreLevels() throws {
        let s = try Schema(json: """
            {"fields":[{"name":"a","type":"string","constraints":{"enum":["yes","no"],"required":true}},
                       {"name":"b","type":"integer","categories":[{"value":1,"label":"low"},2],
                        "categoriesOrdered":true}],
             "missingValues":[{"value":"","label":"omitted"},{"value":"-9","label":"refused"},{"value":"x"}]}
            """)
        XCTAssertEqual(s.fields[0].levels, ["yes", "no", "-9"])
        XCTAssertEqual(s.fields[1].levels, ["1", "2", "-9"])
        let text = "a,b\n-9,1\nyes,-9\nno,\n"
        let t = try TestData.read(text, s)
        XCTAssertEqual(try TestData.offsets(t, "a"), [2, 0, 1])
        XCTAssertEqual(try TestData.offsets(t, "b"), [0, 2, nil])
        XCTAssertEqual(try TestData.write(t), text)
        let again = try Schema(json: s.json)
        XCTAssertEqual(again.fields.map(\.levels), s.fields.map(\.levels))
        XCTAssertEqual(again.json, s.json)
        XCTAssertThrowsError(try TestData.read("a,b\n,1\n", s))
    }
}
