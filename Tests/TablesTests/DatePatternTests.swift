// Dates by a pattern: read, refused, and written back in the same form.

import XCTest
@testable import Basics
@testable import Tables

final class DatePatternTests: XCTestCase {
    private func schema(_ type: String, _ format: String) throws -> Schema {
        let bounds = type == "date" ? #""minimum":"1950-01-01","maximum":"2030-12-31""#
            : #""minimum":"1950-01-01T00:00:00Z","maximum":"2030-12-31T00:00:00Z""#
        let field = "{\"name\":\"d\",\"type\":\"\(type)\",\"format\":\"\(format)\",\"constraints\":{\(bounds)}}"
        return try Schema(json: "{\"fields\":[\(field)]}")
    }

    func testRoundTrip() throws {
        for (type, format, cell, same) in [
            ("date", "%d.%m.%Y", "31.12.1999", "1999-12-31"), ("date", "%m/%d/%Y", "02/29/2020", "2020-02-29"),
            ("date", "%d.%m.%y", "01.02.68", nil), ("date", "%Y%m%d", "20200131", "2020-01-31"),
                ("date", "%d%%%m%%%Y", "01%02%2003", "2003-02-01"),
            ("datetime", "%d.%m.%Y %H:%M", "31.12.1999 23:59", "1999-12-31T23:59:00Z"),
            ("datetime", "%Y-%m-%d %H:%M:%S.%f%z", "2020-01-02 03:04:05.000006+0000", "2020-01-02T03:04:05.000006Z"),
        ] as [(String, String, String, String?)] {
            let s = try schema(type, format)
            // 2068 is above the maximum.
            guard let same else { XCTAssertThrowsError(try TestData.read("d\n\(cell)\n", s)); continue }
            let table = try TestData.read("d\n\(cell)\n", s)
            XCTAssertEqual(try TestData.write(table), "d\n\(cell)\n")
            let plain = try schema(type, "default")
            XCTAssertEqual(table.columns[0].int64(0), try TestData.read("d\n\(same)\n", plain).columns[0].int64(0),
                           format)
            XCTAssertEqual(try Schema(json: s.json), s)
        }
    }

    func testRefused() throws {
        let s = try schema("date", "%d.%m.%Y")
        for cell in ["2020-01-01", "30.02.2020", "1.13.2020", "01.01.20", "01.01.2020 ", "x"] {
            let message = TestData.message { _ = try TestData.read("d\n\(cell)x\n", s) }
            XCTAssertTrue(message.hasSuffix("not a date of the form %d.%m.%Y"), message)
        }
        for format in ["%d.%m", "%d.%m.%Y %H", "%B %d %Y", "any", "%Y-%m-%d-%Y", "%"] {
            XCTAssertThrowsError(try schema("date", format), format)
        }
    }
}
