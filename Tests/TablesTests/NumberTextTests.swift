// Numbers with other decimal and group signs, and with text around them: read as Table Schema says, and written back
// so.

import XCTest
@testable import Basics
@testable import Tables

final class NumberTextTests: XCTestCase {
    private func schema(_ type: String, _ members: String,
                        _ bounds: String = "\"minimum\":-10000,\"maximum\":10000") throws -> Schema {
        try Schema(json: "{\"fields\":[{\"name\":\"x\",\"type\":\"\(type)\",\(members),\"constraints\":{\(bounds)}}]}")
    }

    private func read(_ cell: String, _ schema: Schema) throws -> Double {
        try TestData.read("x\n\"\(cell)\"\n", schema).columns[0].double(0)
    }

    func testReading() throws {
        let german = try schema("number", #""decimalChar":",","groupChar":".""#)
        for (cell, want) in [("1,5", 1.5), ("1.234,5", 1234.5), ("-9.999", -9999), ("7", 7), (" 3,25 ", 3.25)] {
            XCTAssertEqual(try read(cell, german), want, cell)
        }
        // Without a group sign a point is none; behind the decimal sign there are no groups.
        for cell in ["1,2,3", "1,5.000", ",", "x"] { XCTAssertThrowsError(try read(cell, german), cell) }
        XCTAssertThrowsError(try read("1.5", schema("number", #""decimalChar":",""#)))
        XCTAssertEqual(try read("1 234", schema("integer", #""groupChar":" ""#)), 1234)
        let loose = try schema("number", #""bareNumber":false"#)
        for (cell, want) in [("€ 95", 95.0), ("12.5%", 12.5), ("-3 EUR", -3)] {
            XCTAssertEqual(try read(cell, loose), want, cell)
        }
        XCTAssertThrowsError(try read("EUR", loose))
        // The defaults of the standard change nothing and are not written.
        let plain = try schema("number", #""decimalChar":".","bareNumber":true"#)
        XCTAssertTrue(plain.fields[0].form.isPlain)
        XCTAssertEqual(try Schema(json: plain.json), plain)
        XCTAssertFalse(plain.json.contains("Char"))
    }

    func testWrittenAsRead() throws {
        let s = try schema("number", #""decimalChar":",""#, "\"minimum\":0,\"maximum\":10,\"multipleOf\":0.25")
        let text = "x\n1,25\n3\n\"\"\n0,5\n", table = try TestData.read(text, s, CSVOptions(delimiter: ";"))
        let out = try TestData.write(table, CSVOptions(delimiter: ";"))
        XCTAssertEqual(out, text)
        // Where the decimal sign is the delimiter the cell is quoted.
        XCTAssertTrue(try TestData.write(table).contains("\"1,25\""))
        XCTAssertEqual(try Schema(json: s.json), s)
    }

    func testRefused() {
        for members in [#""decimalChar":"5""#, #""decimalChar":"ab""#, #""decimalChar":",","groupChar":",""#,
                        #""groupChar":"-""#] {
            XCTAssertThrowsError(try schema("number", members), members)
        }
        XCTAssertThrowsError(try Schema(json: #"{"fields":[{"name":"x","type":"boolean","decimalChar":","}]}"#))
    }

    func testGuessesNameWhatTheySee() throws {
        func says(_ cells: [String]) throws -> String {
            let guess = try ColumnGuess("x", limit: 1000)
            for cell in cells { try guess.add(cell) }
            return TestData.message { _ = try Schema.inferred([guess], InferOptions(), "") }
        }
        XCTAssertTrue(try says(["1,5", "2,25", "1.000,0"]).contains("decimal comma"))
        XCTAssertTrue(try says(["1,5", "7", "2,125"]).contains("decimal comma"))
        XCTAssertTrue(try says(["1,500", "2,125", "-3"]).contains("\"decimalChar\": \",\" or \"groupChar\": \",\""))
        XCTAssertTrue(try says(["1,234.50", "2"]).contains("\"groupChar\": \",\""))
        XCTAssertTrue(try says(["1.5", "1,234"]).contains("\"groupChar\": \",\""))
        XCTAssertTrue(try says(["1,234,567"]).contains("between thousands"))
        XCTAssertTrue(try says(["1 234,5", "12"]).contains("\"decimalChar\": \",\", \"groupChar\": \" \""))
        XCTAssertTrue(try says(["1'234.5", "12"]).contains("\"groupChar\": \"'\""))
        XCTAssertTrue(try says((0..<60).map { "€ \($0).5" }).contains("\"bareNumber\": false"))
        XCTAssertTrue(try says((0..<60).map { "\($0),5 %" }).contains("\"decimalChar\": \",\", \"bareNumber\": false"))
        for levels in [["5 %", "10 %"], ["007", "012"], ["1,2,3", "4,5"], ["1,23,456"], ["A1", "B2"], ["1,", ",5"]] {
            XCTAssertEqual(try says(levels + levels), "", "\(levels)")
        }
        XCTAssertTrue(try says(["31.12.2020", "1.2.1999"]).contains("%d.%m.%Y"))
        XCTAssertEqual(try says(["a,b", "1,5", "a,b"]), "")
    }
}
