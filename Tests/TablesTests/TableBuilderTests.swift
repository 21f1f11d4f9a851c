import XCTest
@testable import Basics
@testable import Tables

final class TableBuilderTests: XCTestCase {
    private func schema() throws -> Schema {
        try TestData.schema([("x", "integer", "\"minimum\":0,\"maximum\":9999,\"required\":true"),
                             ("y", "number", "\"minimum\":0,\"maximum\":1")])
    }

    func testGrowsRowByRow() throws {
        let b = try TableBuilder(schema: schema())
        for i in 0..<10_000 {
            if i % 2 == 0 { try b.append(int: Int64(i), column: 0) } else { try b.append(Double(i), column: 0) }
            if i % 3 == 0 { try b.append(Double(i) / 10_000, column: 1) }
            try b.endRow()
        }
        let t = try b.finish()
        XCTAssertEqual(t.rows, 10_000)
        XCTAssertEqual(try TestData.doubles(t, "x"), (0..<10_000).map { Double($0) })
        XCTAssertEqual(try TestData.doubles(t, "y"), (0..<10_000).map { $0 % 3 == 0 ? Double($0) / 10_000 : nil })
        XCTAssertThrowsError(try b.append(int: 1, column: 0)) { XCTAssertEqual(($0 as? Failure)?.code, .state) }
        XCTAssertThrowsError(try b.finish())
    }

    func testRefusesAndGoesOn() throws {
        let b = try TableBuilder(schema: schema(), expectedRows: 1)
        XCTAssertThrowsError(try b.finish()) { XCTAssertEqual(($0 as? Failure)?.code, .schema) }
        XCTAssertEqual(TestData.message { try b.append(int: 10_000, column: 0) },
                       "column \"x\", row 1: above the maximum 9999")
        XCTAssertEqual(TestData.message { try b.endRow() }, "column \"x\", row 1: missing in a required column")
        XCTAssertThrowsError(try b.append(offset: 10_000, column: 0))
        XCTAssertThrowsError(try b.append(offset: 0, column: 1))
        XCTAssertThrowsError(try b.append(offset: -1, column: 0))
        XCTAssertThrowsError(try b.append(int: 0, column: 2))
        try b.append(offset: 7, column: 0)
        try b.appendMissing(column: 1)
        try b.endRow()
        XCTAssertEqual(try TestData.doubles(b.finish(), "x"), [7])
        XCTAssertThrowsError(try TableBuilder(schema: schema(), expectedRows: -1))
        XCTAssertThrowsError(try TableBuilder(schema: schema(),
                                              expectedRows: .max)) { XCTAssertEqual(($0 as? Failure)?.code, .noMemory) }
    }
}
