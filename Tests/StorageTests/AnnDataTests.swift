// What AnnData and h5py write (Tests/fixtures/make_hdf5_fixtures.py).

import Basics
import Tables
import XCTest
@testable import Storage

func fixture(_ name: String) -> String {
    String(#filePath.dropLast("StorageTests/AnnDataTests.swift".count)) + "fixtures/hdf5/" + name
}

/// A schema of one field.
func one(_ name: String, _ type: String, _ constraints: String = "") throws -> Schema {
    try Schema(json: "{\"fields\":[{\"name\":\"\(name)\",\"type\":\"\(type)\",\"constraints\":{\(constraints)}}]}")
}

final class AnnDataTests: XCTestCase {
    /// The cells of one column as doubles, -99 where missing.
    func cells(_ file: String, _ group: String, _ schema: Schema) throws -> [Double] {
        let column = try readTable(fixture(file), group: group, schema: schema).columns[0]
        return (0..<(try readTable(fixture(file), group: group, schema: schema)).rows).map { column.isMissing($0) ? -99
            : column.double($0) }
    }

    func testEveryElement() throws {
        for group in ["/data", "/packed"] {
            func check(_ name: String, _ type: String, _ constraints: String, _ expected: [Double],
                line: UInt = #line) throws {
                XCTAssertEqual(try cells("anndata.h5", group, one(name, type, constraints)), expected, line: line)
            }
            // another order, fewer levels
            try check("city", "string", "\"enum\":[\"Ulm\",\"Köln\"]", [0, -99, 1, 0])
            try check("grade", "integer", "\"minimum\":0,\"maximum\":9", [3, 1, -99, 3])
            try check("grade", "integer", "\"enum\":[3,2,1]", [0, 2, -99, 0])
            try check("grade", "string", "\"enum\":[\"1\",\"3\"]", [1, 0, -99, 1])
            try check("grade", "number", "\"minimum\":0,\"maximum\":9", [3, 1, -99, 3])
            try check("flag", "boolean", "", [1, 0, 1, -99])
            try check("flag", "string", "\"enum\":[\"False\",\"True\"]", [1, 0, 1, -99])
            try check("text", "string", "\"enum\":[\"a\",\"b\",\"c\"]", [0, 1, 2, 0])
            try check("null", "string", "\"enum\":[\"x\",\"y\"]", [0, -99, 1, 0])
            try check("yes", "boolean", "\"required\":true", [1, 0, 1, 1])
            try check("yes", "integer", "\"minimum\":0,\"maximum\":1", [1, 0, 1, 1])
            try check("yes", "string", "\"enum\":[\"true\",\"false\"]", [0, 1, 0, 0])
            try check("maybe", "boolean", "", [1, -99, 0, 1])
            try check("count", "integer", "\"minimum\":-3,\"maximum\":7", [5, -99, 7, -3])
            try check("count", "string", "\"enum\":[\"-3\",\"5\",\"7\"]", [1, -99, 2, 0])
            try check("small", "integer", "\"required\":true,\"minimum\":1,\"maximum\":4", [1, 2, 3, 4])
            try check("unsigned", "integer", "\"minimum\":1,\"maximum\":4", [1, 2, 3, 4])
            try check("unsigned", "number", "\"minimum\":1,\"maximum\":4,\"multipleOf\":0.5", [1, 2, 3, 4])
            try check("real", "number", "\"minimum\":-2,\"maximum\":3", [0.5, -99, -1.25, 3])
            try check("real", "string", "\"enum\":[\"0.5\",\"-1.25\",\"3\"]", [0, -99, 1, 2])
            try check("single", "number", "\"minimum\":0,\"maximum\":1,\"multipleOf\":0.1", [0.1, 0.2, 0.3, 0.4])
            try check("single", "number", "\"minimum\":0,\"maximum\":1", [0.1, 0.2, 0.3, 0.4].map { Double(Float($0)) })
            try check("day", "date", "\"minimum\":\"1970-01-01\",\"maximum\":\"2030-01-01\"", [0, 1, 18262, 19000])
            try check("day", "datetime", "\"minimum\":\"1970-01-01T00:00:00Z\",\"maximum\":\"2030-01-01T00:00:00Z\"",
                      [0, 1, 18262, 19000].map { $0 * 86_400e6 })
            try check("moment", "datetime", "\"minimum\":\"1970-01-01T00:00:00Z\",\"maximum\":\"2030-01-01T00:00:00Z\"",
                [0, 1.5e6, -99, 1e15])
            try check("iso", "date", "\"minimum\":\"1990-01-01\",\"maximum\":\"2030-01-01\"",
                [18262, 18992, 11016, 10592])
            try check("iso", "date", "\"enum\":[\"1999-01-01\",\"2000-02-29\",\"2020-01-01\",\"2021-12-31\"]",
                [2, 3, 1, 0])
        }
    }

    func testColumnsAreFoundByName() throws {
        let schema = try Schema(json: """
            {"fields":[{"name":"real","type":"number","constraints":{"minimum":-2,"maximum":3}},
                       {"name":"city","type":"string","constraints":{"enum":["Köln","Rom","Ulm"]}}]}
            """)
        let table = try readTable(fixture("anndata.h5"), schema: schema)
        XCTAssertEqual(table.rows, 4)
        XCTAssertEqual(table.columns[1].offset(0), 2)
        failure(.schema) { _ = try readTable(fixture("anndata.h5")) }         // no schema stored
        failure(.format) { _ =
            try readTable(fixture("anndata.h5"), schema: one("Real", "number", "\"minimum\":0,\"maximum\":1")) }
        failure(.format) { _ = try readTable(fixture("anndata.h5"), group: "/nowhere", schema: schema) }
        failure(.format) { _ = try readTable(fixture("anndata.h5"), group: "/data/real", schema: schema) }
    }

    func testErrorsNameColumnRowAndRuleButNoValue() throws {
        func message(_ name: String, _ type: String, _ constraints: String, line: UInt = #line) -> String {
            failure(.schema,
                line: line) { _ = try readTable(fixture("anndata.h5"), schema: one(name, type, constraints)) }.message
        }
        let path = fixture("anndata.h5")
        XCTAssertEqual(message("city", "string", "\"enum\":[\"Ulm\"]"),
            "\(path): column \"city\", row 3: not one of the levels in the schema's enum")
        XCTAssertEqual(message("city", "string", "\"required\":true,\"enum\":[\"Köln\",\"Rom\",\"Ulm\"]"),
                       "\(path): column \"city\", row 2: missing in a required column")
        XCTAssertEqual(message("count", "integer", "\"minimum\":0,\"maximum\":9"),
            "\(path): column \"count\", row 4: below the minimum 0")
        XCTAssertTrue(message("real", "integer", "\"minimum\":0,\"maximum\":9").hasSuffix("row 1: not a whole number"))
        XCTAssertTrue(message("text", "string",
            "\"enum\":[\"a\",\"b\"]").hasSuffix("row 3: not one of the levels in the schema's enum"))
        XCTAssertTrue(message("moment", "date",
            "\"minimum\":\"1970-01-01\",\"maximum\":\"2030-01-01\"").contains("row 2"))
        XCTAssertTrue(message("text", "integer", "\"minimum\":0,\"maximum\":9").hasSuffix("row 1: not a whole number"))
    }

    func testTimesNeedAUnit() {
        for name in ["small", "real"] {
            let message = failure(.format) {
                _ = try readTable(fixture("anndata.h5"),
                    schema: one(name, "date", "\"minimum\":\"1970-01-01\",\"maximum\":\"2030-01-01\""))
            }.message
            XCTAssertTrue(message.contains("units"), message)
        }
    }

    func testPlainDataSets() throws {
        XCTAssertEqual(try cells("plain.h5", "table", one("real", "number", "\"minimum\":0,\"maximum\":3")),
            [0.5, -99, 3])
        XCTAssertEqual(try cells("plain.h5", "table", one("big_endian", "integer", "\"minimum\":0,\"maximum\":3")),
            [1, 2, 3])
        XCTAssertEqual(try cells("plain.h5", "table", one("yes", "boolean")), [1, 0, 1])
        XCTAssertEqual(try cells("plain.h5", "table", one("fixed", "string", "\"enum\":[\"a\",\"bb\"]")), [0, 1, -99])
        failure(.format) { _ = try cells("plain.h5", "table", one("matrix", "number", "\"minimum\":0,\"maximum\":3")) }
        failure(.schema) { _ = try cells("plain.h5", "table", one("huge", "integer", "\"minimum\":0,\"maximum\":3")) }
        failure(.schema) { _ = try cells("plain.h5", "table", one("latin", "string", "\"enum\":[\"a\",\"b\"]")) }
        let two = try Schema(json: """
            {"fields":[{"name":"yes","type":"boolean"},
                       {"name":"lengths","type":"integer","constraints":{"minimum":0,"maximum":9}}]}
            """)
        failure(.format) { _ = try readTable(fixture("plain.h5"), group: "table", schema: two) }
    }

    func testFaultyElements() throws {
        let level = try one("x", "string", "\"enum\":[\"a\",\"b\"]")
        for group in ["code_beyond", "code_below"] {
            failure(.schema) { _ = try readTable(fixture("faults.h5"), group: group, schema: level) }
        }
        for group in ["codes_real", "no_categories", "unknown", "mask_short", "not_frame"] {
            failure(.format) { _ = try readTable(fixture("faults.h5"), group: group, schema: level) }
        }
    }
}
