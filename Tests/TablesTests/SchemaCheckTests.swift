import XCTest
@testable import Basics
@testable import Tables

final class SchemaCheckTests: XCTestCase {
    private func schema() throws -> Schema {
        try TestData.schema([("name", "string", "\"enum\":[\"ann\",\"bob\"],\"required\":true"),
                             ("age", "integer", "\"minimum\":0,\"maximum\":120"),
                             ("paid", "number", "\"minimum\":0,\"maximum\":10,\"multipleOf\":0.5")])
    }
    private func check(_ text: String, _ options: CSVOptions = CSVOptions(), piece: Int = .max) throws -> SchemaCheck {
        let bytes = Array(text.utf8)
        var at = 0
        return try SchemaCheck(name: "file", size: bytes.count, schema(), options) { target, count in
            let n = min(count, bytes.count - at, piece)
            bytes.withUnsafeBytes { if n > 0 { target.copyMemory(from: $0.baseAddress! + at, byteCount: n) } }
            at += n
            return n
        }
    }

    func testAllBrokenRulesAtOnce() throws {
        let text = "age,name,paid\n1,ann,0.5\n130,CANARY,0.7\n-4,,\n131,CANARY,CANARY\n,bob,11\n"
        for piece in [Int.max, 1] {
            let found = try check(text, piece: piece)
            XCTAssertFalse(found.fits)
            XCTAssertEqual(found.rows, 5)
            XCTAssertEqual(found.breaches, [
                SchemaBreach(column: "name", rule: "not one of the levels in the schema's enum", count: 2, first: 3),
                SchemaBreach(column: "name", rule: "missing in a required column", count: 1, first: 4),
                SchemaBreach(column: "age", rule: "below the minimum 0", count: 1, first: 4),
                SchemaBreach(column: "age", rule: "above the maximum 120", count: 2, first: 3),
                SchemaBreach(column: "paid", rule: "above the maximum 10", count: 1, first: 6),
                SchemaBreach(column: "paid", rule: "not a multiple of 0.5", count: 1, first: 3),
                SchemaBreach(column: "paid", rule: "not a number", count: 1, first: 5),
            ])
            XCTAssertFalse(found.text.contains("CANARY") || found.json.text.contains("CANARY"))
            XCTAssertTrue(found.text.contains("column \"age\": above the maximum 120: 2 times, first in line 3"),
                          found.text)
        }
    }

    func testATableThatFits() throws {
        let found = try check("name,age,paid\nann,1,0.5\n\nbob,,10\n")
        XCTAssertTrue(found.fits)
        XCTAssertEqual(found.text, "2 rows fit the schema")
        XCTAssertEqual(found.json.text,
                       "{\"fits\":true,\"rows\":2,\"missing_columns\":[],\"unknown_columns\":[],\"problems\":[]}")
    }

    /// It finds something exactly when reading fails.
    func testAgreesWithTheReader() throws {
        for text in ["name,age,paid\nann,1,1\n", "name,age,paid\nann,1\n", "name,age,paid\nann,1,1,1\n",
                     "name,age\nann,1\n", "name,age,paid,x\nann,1,1,1\n",
                     "name,age,paid\nann,x,1\n", "name,age,paid\n", "name,age,paid\nann,\u{0},1\n",
                         "name,age,paid\nann,1,\"1\n", "name,age,paid\na\"nn,1,1\n",
                     "name,age,paid\n\"ann\",\" 1 \",1.0\n"] {
            let reads = (try? TestData.read(text, schema())) != nil
            XCTAssertEqual(try check(text).fits, reads, text)
        }
    }

    func testRecordsAndColumns() throws {
        let found = try check("name,age,extra\nann,1,1\nbob\nbob,2,3,4\nann,1,1,1,1\n")
        XCTAssertEqual(found.missing, ["paid"])
        XCTAssertEqual(found.unknown, ["extra"])
        XCTAssertEqual(found.breaches, [SchemaBreach(column: nil, rule: "fewer cells than the header", count: 1,
                                                     first: 3),
                                        SchemaBreach(column: nil, rule: "more cells than the header", count: 2,
                                                     first: 4)])
        XCTAssertTrue(try check("name,age,paid,extra\nann,1,1,1\n", CSVOptions(extra: .ignore)).fits)
        let cut = try check("name,age,paid\nann,1,1\nbob,1,\"2\nann,1,1\n")
        XCTAssertEqual(cut.rows, 1)
        XCTAssertEqual(cut.breaches.count, 1)
    }

    func testAFirstLineOfValuesIsNotShown() throws {
        let found = try check("CANARY,41,2\nbob,12,2\n")
        XCTAssertEqual(found.missing.count, 3)
        XCTAssertEqual(found.unknownCount, 3)
        XCTAssertFalse(found.text.contains("CANARY") || found.json.text.contains("CANARY"))
        XCTAssertTrue(found.text.contains("is the first line a header"))
    }

    func testAColumnInMemory() throws {
        let cells: [String?] = ["1", nil, "x", "130", "131"]
        let bytes = cells.map { $0.map { Array($0.utf8) } }
        let found = try SchemaCheck(schema(), column: "age", rows: 5) { i in
            bytes[i].map { b in
                let p = UnsafeMutablePointer<UInt8>.allocate(capacity: b.count)
                p.initialize(from: b, count: b.count)
                addTeardownBlock { p.deallocate() }
                return UnsafeBufferPointer(start: p, count: b.count)
            }
        }
        XCTAssertEqual(found.breaches, [SchemaBreach(column: "age", rule: "above the maximum 120", count: 2, first: 4),
                                        SchemaBreach(column: "age", rule: "not a whole number", count: 1, first: 3)])
        XCTAssertTrue(found.json.text.contains("\"first_row\":4"))
        XCTAssertThrowsError(try SchemaCheck(schema(), column: "nobody", rows: 0) { _ in nil })
    }
}
