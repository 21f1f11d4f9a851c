import Glibc
import XCTest
@testable import Basics
@testable import Tables

final class CSVWriterTests: XCTestCase {
    func testEveryTypeByteByByte() throws {
        let t = try TestData.read(TestData.everyRows, Schema(json: TestData.everyType))
        XCTAssertEqual(try TestData.write(t), TestData.everyRows)
        XCTAssertTrue(try TestData.write(t, CSVOptions(delimiter: ";")).hasPrefix("colour;grade;"))
    }

    func testRandomTablesReadBack() throws {
        let schema = try Schema(json: TestData.everyType)
        var r = TestRandom(state: 4)
        let b = try TableBuilder(schema: schema)
        for _ in 0..<3000 {
            for (j, field) in schema.fields.enumerated() {
                if !field.required, Int.random(in: 0..<5, using: &r) == 0 { continue }
                if let n = field.kind.count {
                    try b.append(offset: Int64.random(in: 0..<n, using: &r), column: j)
                } else {
                    try b.append(Double.random(in: -1.5...2, using: &r), column: j)
                }
            }
            try b.endRow()
        }
        let t = try b.finish()
        for delimiter in CSVOptions.delimiters {
            let options = try CSVOptions(delimiter: delimiter)
            XCTAssertTrue(TestData.sameCells(try TestData.read(TestData.write(t, options), schema, options), t))
        }
    }

    func testNumbersAtTheEdges() throws {
        let s = try TestData.schema([("i", "integer", "\"minimum\":-4611686018427387904,\"maximum\":-5"),
                                     ("x", "number", "\"minimum\":-1e300,\"maximum\":1e300"),
                                     ("g", "number", "\"minimum\":-2,\"maximum\":2,\"multipleOf\":0.001"),
                                     ("t", "number", "\"minimum\":-1,\"maximum\":1,\"multipleOf\":0.3333333333333333")])
        let text = "i,x,g,t\n-4611686018427387904,-1e+300,-2.000,-1\n-5,5e-324,-0.005,0\n"
            + "-123456789012345678,0.1,0.000,0.3333333333333333\n"
        let t = try TestData.read(text, s)
        XCTAssertEqual(try TestData.write(t), text)
    }

    func testQuotesOnlyWhereNeeded() throws {
        let levels = "\"enum\":[\"plain\",\" spaced \",\"com,ma\",\"qu\\\"ote\",\"line\\nend\",\"\\r\"]"
        let s = try TestData.schema([("a,b", "string", levels)], ",\"missingValues\":[\"n/a\",\"\"]")
        let t = try Table(schema: s, rows: 7)
        try t.setCodes("a,b", [0, 1, 2, 3, 4, 5, -1])
        let text = "\"a,b\"\nplain\n spaced \n\"com,ma\"\n\"qu\"\"ote\"\n\"line\nend\"\n\"\r\"\nn/a\n"
        XCTAssertEqual(try TestData.write(t), text)
        XCTAssertTrue(TestData.sameCells(try TestData.read(text, s), t))
    }

    func testAMissingCellAloneOnItsLine() throws {
        let s = try TestData.schema([("x", "integer", "\"minimum\":0,\"maximum\":9")])
        let t = try Table(schema: s, rows: 2)
        try t.setInt64("x", [0, 3], valid: [0, 1])
        XCTAssertEqual(try TestData.write(t), "x\n\"\"\n3\n")
        XCTAssertTrue(TestData.sameCells(try TestData.read("x\n\"\"\n3\n", s), t))
        XCTAssertTrue(TestData.sameCells(try TestData.read("x\n\n3\n", s), t))
    }

    func testBatchesMakeOneFileAndErrorsLeaveNone() throws {
        var name = Array("/tmp/flip-tables-XXXXXX".utf8CString)
        let folder = String(cString: try XCTUnwrap(mkdtemp(&name)))
        defer { rmdir(folder) }
        let path = folder + "/t.csv"
        let t = try TestData.read(TestData.everyRows, Schema(json: TestData.everyType))
        let writer = try CSVWriter(path, t.schema)
        try writer.append(t.slice(first: 0, count: 1))
        try writer.append(t.slice(first: 1, count: 3))
        XCTAssertEqual(access(path, F_OK), -1)           // nothing there before it is finished
        try writer.finish()
        XCTAssertEqual(writer.rows, 4)
        XCTAssertEqual(try readText(path), TestData.everyRows)
        XCTAssertTrue(TestData.sameCells(try readCSV(path, t.schema), t))

        XCTAssertThrowsError(try writeCSV(t, path) { _, _ in false }) { XCTAssertEqual(($0 as? Failure)?.code,
            .cancelled) }
        XCTAssertThrowsError(try writeCSV(Table(schema: t.schema, rows: 1),
                                          path)) { XCTAssertEqual(($0 as? Failure)?.code, .state) }
        let other = try TestData.schema([("x", "integer", "\"minimum\":0,\"maximum\":9")])
        XCTAssertThrowsError(try CSVWriter(path, other).append(t)) { XCTAssertEqual(($0 as? Failure)?.code, .argument) }
        XCTAssertThrowsError(try writeCSV(t, folder + "/none/t.csv")) { XCTAssertEqual(($0 as? Failure)?.code, .io) }
        XCTAssertEqual(try readText(path), TestData.everyRows)
        unlink(path)
        XCTAssertEqual(rmdir(folder), 0)                 // no temporary file was left
    }
}
