import XCTest
@testable import Basics
@testable import Tables

final class TableTests: XCTestCase {
    private func table(_ rows: Int) throws -> Table { try Table(schema: Schema(json: TestData.everyType), rows: rows) }

    func testStorageIsAsSmallAsTheDomain() throws {
        func storage(_ count: Int64) throws -> CellStorage {
            CellStorage(try TestData.schema([("x", "integer", "\"minimum\":1,\"maximum\":\(count)")]).fields[0])
        }
        XCTAssertEqual(try storage(255), .uint8)
        XCTAssertEqual(try storage(256), .uint16)
        XCTAssertEqual(try storage(65_535), .uint16)
        XCTAssertEqual(try storage(65_536), .uint32)
        XCTAssertEqual(try storage(4_294_967_295), .uint32)
        XCTAssertEqual(try storage(4_294_967_296), .uint64)
        let layout = TableLayout(try Schema(json: TestData.everyType))
        XCTAssertEqual(layout.bytesPerRow, 1 + 1 + 1 + 1 + 2 + 1 + 8 + 1 + 2 + 8 + 4)
        XCTAssertEqual(try layout.bytes(rows: 10), 300)
        XCTAssertThrowsError(try layout.bytes(rows: .max))
    }

    func testTheLastOffsetOfEachWidthIsNotMissing() throws {
        for top in [254, 255, 65_534, 65_535, 4_294_967_294, 4_294_967_295, Int64(1) << 61] {
            let t = try Table(schema: TestData.schema([("x", "integer", "\"minimum\":0,\"maximum\":\(top)")]), rows: 3)
            try t.setInt64("x", [top, 0, 5], valid: [1, 1, 0])
            XCTAssertEqual(try TestData.offsets(t, "x"), [top, 0, nil])
        }
    }

    func testCellsStartAsMissing() throws {
        let t = try table(100)
        for column in t.columns {
            XCTAssertTrue((0..<100).allSatisfy { column.isMissing($0) && column.double($0).isNaN })
        }
    }

    func testSetAndGetEveryType() throws {
        let t = try table(3)
        XCTAssertFalse(t.isComplete)
        try t.setCodes("colour", [2, 0, 1])
        try t.setInt64("grade", [1, 5, 0], valid: [1, 1, 0])
        try t.setFloat64("ratio", [0.5, .nan, 1])
        try t.setInt64("flag", [0, 1, 9], valid: [1, 1, 0])
        try t.setFloat64("age", [-5, 300, .nan])
        try t.setInt64("five", [-10, 100, 0])
        try t.setFloat64("real", [-1.5, .nan, 2])
        try t.setFloat64("tenth", [0.1 * 34, 5, 0])
        try t.setInt64("day", [0, 18_321, 1])
        XCTAssertEqual(TestData.message { try t.requireComplete() }, "column \"moment\" was never set")
        try t.setInt64("moment", [0, 1, 946_684_800_000_000])
        try t.setFloat64("half", [0, 1_800_000_000, .nan])
        try t.requireComplete()

        var x = [Double](repeating: 0, count: 3), i = [Int64](repeating: 0, count: 3),
            c = [Int32](repeating: 0, count: 3), valid = [UInt8](repeating: 9, count: 3)
        try t.getCodes("colour", first: 0, count: 3, &c)
        XCTAssertEqual(c, [2, 0, 1])
        try t.getCodes("grade", first: 0, count: 3, &c)
        XCTAssertEqual(c, [0, 2, -1])
        try t.getCodes("ratio", first: 0, count: 3, &c)
        XCTAssertEqual(c, [0, -1, 1])
        try t.getCodes("flag", first: 0, count: 3, &c)
        XCTAssertEqual(c, [0, 1, -1])
        try t.getInt64("flag", first: 0, count: 3, &i, valid: &valid)
        XCTAssertEqual(i, [0, 1, .min])
        XCTAssertEqual(valid, [1, 1, 0])
        try t.getInt64("age", first: 1, count: 2, &i, valid: &valid)
        XCTAssertEqual(i[0...1], [300, .min])
        try t.getFloat64("tenth", first: 0, count: 3, &x, valid: &valid)
        XCTAssertEqual(x, [3.4, 5, 0])
        XCTAssertEqual(valid, [1, 1, 1])
        try t.getFloat64("real", first: 0, count: 3, &x, valid: &valid)
        XCTAssertEqual(valid, [1, 0, 1])
        XCTAssertEqual(x[2], 2)
        XCTAssertTrue(x[1].isNaN)
        try t.getInt64("half", first: 1, count: 1, &i)
        XCTAssertEqual(i[0], 1_800_000_000)
        try t.getFloat64("day", first: 1, count: 1, &x)
        XCTAssertEqual(x[0], 18_321)
        for bad in [{ try t.getInt64("tenth", first: 0, count: 1, &i) },
                    { try t.getFloat64("colour", first: 0, count: 1, &x) },
                    { try t.getInt64("grade", first: 0, count: 1, &i) },
                        { try t.getCodes("age", first: 0, count: 1, &c) },
                    { try t.getFloat64("none", first: 0, count: 1, &x) },
                        { try t.getFloat64("age", first: -1, count: 1, &x) },
                    { try t.getFloat64("age", first: 0, count: 4, &x) },
                        { try t.getFloat64("age", first: 2, count: .max, &x) },
                    { try t.getFloat64("age", first: 4, count: 0, &x) }] as [() throws -> Void] {
            XCTAssertThrowsError(try bad()) { XCTAssertEqual(($0 as? Failure)?.code, .argument) }
        }
        let part = try t.slice(first: 1, count: 2)
        XCTAssertEqual(try TestData.doubles(part, "age"), [300, nil])
        XCTAssertEqual(try TestData.offsets(part, "half"), [1, nil])
        XCTAssertThrowsError(try t.slice(first: 0, count: 0))
        XCTAssertThrowsError(try t.slice(first: 2, count: 2))
    }

    func testErrorsNameColumnRowAndRule() throws {
        let t = try table(2)
        func says(_ part: String, line: UInt = #line, _ body: () throws -> Void) {
            let m = TestData.message(body)
            XCTAssertTrue(m.contains(part), m, line: line)
            XCTAssertFalse(m.contains("777"), m, line: line)         // every refused value below holds this
        }
        says("column \"age\", row 2: above the maximum 300") { try t.setInt64("age", [0, 777]) }
        says("column \"age\", row 1: below the minimum -5") { try t.setFloat64("age", [-777, 0]) }
        says("column \"age\", row 1: not a whole number") { try t.setFloat64("age", [0.777, 0]) }
        says("above the maximum") { try t.setFloat64("age", [.infinity, 0].map { $0 == .infinity ? 777e300 : $0 }) }
        says("not a finite number") { try t.setFloat64("age", [.infinity, 0]) }
        says("not a finite number") { try t.setFloat64("real", [-.infinity, 0]) }
        says("not a finite number") { try t.setFloat64("tenth", [-.infinity, 0]) }
        says("column \"five\", row 1: not a multiple of 5") { try t.setInt64("five", [7, 0]) }
        says("column \"tenth\", row 2: not a multiple of 0.1") { try t.setFloat64("tenth", [1, 1.777]) }
        says("column \"half\", row 1: not a multiple of 1800 s") { try t.setInt64("half", [777, 0]) }
        says("column \"day\", row 1: above the maximum 2020-02-29") { try t.setInt64("day", [77_777, 0]) }
        says("column \"moment\", row 2: below the minimum 1970-01-01T00:00:00Z") { try t.setInt64("moment", [0, -777]) }
        says("column \"flag\", row 1: not one of the declared true and false values") { try t.setInt64("flag",
            [777, 0]) }
        says("column \"grade\", row 2: not one of the levels") { try t.setInt64("grade", [1, 777]) }
        says("column \"ratio\", row 2: not one of the levels") { try t.setFloat64("ratio", [0.5, 0.777]) }
        says("column \"colour\", row 2: missing in a required column") { try t.setCodes("colour", [0, -1]) }
        says("column \"colour\", row 1: a code outside") { try t.setCodes("colour", [777, 0]) }
        says("holds text levels") { try t.setInt64("colour", [0, 1]) }
        says("there is no column \"none\"") { try t.setInt64("none", [0, 1]) }
        says("has no levels") { try t.setCodes("age", [0, 1]) }
        XCTAssertThrowsError(try table(0))
        XCTAssertThrowsError(try table(-1))
        XCTAssertThrowsError(try table(.max)) { XCTAssertEqual(($0 as? Failure)?.code, .schema) }
        XCTAssertThrowsError(try table(1 << 60))
    }

    func testAFailedSetterLeavesTheColumnUnset() throws {
        let t = try Table(schema: TestData.schema([("x", "integer", "\"minimum\":0,\"maximum\":9")]), rows: 2)
        try t.setInt64("x", [1, 2])
        XCTAssertTrue(t.isComplete)
        XCTAssertThrowsError(try t.setInt64("x", [1, 20]))
        XCTAssertFalse(t.isComplete)
        var x = [Int64](repeating: 0, count: 2)
        XCTAssertThrowsError(try t.getInt64("x", first: 0, count: 2, &x)) { XCTAssertEqual(($0 as? Failure)?.code,
            .state) }
    }

    func testDictionariesAndStrings() throws {
        let t = try table(3)
        let levels = ["unused", "green", "red", "NA"].map { Array($0.utf8) }
        func set(_ name: String, _ codes: [Int32], _ levels: [[UInt8]]) throws {
            // The texts in one piece of memory that outlives the call.
            let all = levels.flatMap { $0 }
            try all.withUnsafeBufferPointer { b in
                try t.setCodes(name, codes, levelCount: levels.count) { i in
                    let start = levels[0..<i].reduce(0) { $0 + $1.count }
                    return UnsafeBufferPointer(rebasing: b[start..<start + levels[i].count])
                }
            }
        }
        try set("colour", [2, 1, 2], levels)
        XCTAssertEqual(try TestData.offsets(t, "colour"), [0, 1, 0])
        try set("age", [0, -1, 1], ["12.0", "7"].map { Array($0.utf8) })
        XCTAssertEqual(try TestData.doubles(t, "age"), [12, nil, 7])
        for (code, want) in [(0, "row 2: not one of the levels in the schema's enum"),
                             (3, "row 2: missing in a required column")] as [(Int32, String)] {
            XCTAssertTrue(TestData.message { try set("colour", [2, code, 2], levels) }.hasSuffix(want))
        }
        XCTAssertTrue(TestData.message { try set("colour", [2, 4, 2], levels) }.contains("a code outside"))
        XCTAssertTrue(TestData.message { try set("colour", [2, -2, 2], levels) }.contains("a code outside"))

        let bytes = Array("yes0NA".utf8)
        try t.setStrings("flag", bytes: bytes, offsets: [0, 3, 4, 6])
        XCTAssertEqual(try TestData.offsets(t, "flag"), [1, 0, nil])
        try t.setStrings("flag", bytes: bytes, offsets: [0, 3, 4, 6], valid: [0, 1, 1])
        XCTAssertEqual(try TestData.offsets(t, "flag"), [nil, 0, nil])
        try t.setStrings("real", bytes: nil, offsets: [0, 0, 0, 0])
        XCTAssertEqual(try TestData.doubles(t, "real"), [nil, nil, nil])
        for offsets in [[-1, 0, 0, 0], [0, 3, 2, 6]] as [[Int64]] {
            XCTAssertThrowsError(try t.setStrings("flag", bytes: bytes,
                                                  offsets: offsets)) { XCTAssertEqual(($0 as? Failure)?.code,
                                                      .argument) }
        }
        XCTAssertThrowsError(try t.setStrings("flag", bytes: nil, offsets: [0, 1, 1, 1]))
    }

    func testOffsetsForSamplers() throws {
        let t = try table(2)
        try t.setOffsets(0) { [0, 2][$0] }
        XCTAssertEqual(try TestData.offsets(t, "colour"), [0, 2])
        XCTAssertThrowsError(try t.setOffsets(0) { _ in 3 })
        XCTAssertThrowsError(try t.setOffsets(0) { _ in -1 })
        XCTAssertThrowsError(try t.setOffsets(6) { _ in 0 })
        XCTAssertThrowsError(try t.setOffsets(11) { _ in 0 })
    }
}
