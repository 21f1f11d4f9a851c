import XCTest
@testable import Tables

final class CalendarTests: XCTestCase {
    private func date(_ s: String) -> Int64? { withText(s) { parseDate($0, $1) } }
    private func moment(_ s: String) -> Int64? { withText(s) { parseDatetime($0, $1) } }

    func testKnownDays() {
        for (text, day) in [("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2000-03-01", 11_017),
                            ("1900-03-01", -25_508),
                            ("2024-12-31", 20_088), ("0001-01-01", -719_162),
                                ("9999-12-31", 2_932_896)] as [(String, Int64)] {
            XCTAssertEqual(date(text), day, text)
            XCTAssertEqual(dateText(day), text)
        }
    }

    func testEveryDayFollowsTheOneBefore() {
        // The calendar walked by its rules, month by month, beside the arithmetic.
        var day = dayRange.lowerBound
        for year in 1...9999 as ClosedRange<Int64> {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (m, length) in [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                let month = Int64(m + 1)
                XCTAssertEqual(daysSinceEpoch(year: year, month: month, day: 1), day)
                let c = civilDate(days: day + Int64(length) - 1)
                XCTAssertTrue(c == (year, month, Int64(length)))
                day += Int64(length)
            }
        }
        XCTAssertEqual(day, dayRange.upperBound + 1)
    }

    func testNotDates() {
        for s in ["", "2020-1-01", "2020-13-01", "2020-00-01", "2020-01-00", "2020-04-31", "2021-02-29", "1900-02-29",
                  "0000-01-01", "20200101",
                  "2020-01-01 ", "2020/01/01", "+020-01-01", "2020-01-0a", "12020-01-01"] { XCTAssertNil(date(s), s) }
    }

    func testMoments() {
        for (text, micro) in [("1970-01-01T00:00:00Z", 0), ("1970-01-01", 0), ("1970-01-01 00:00:01", 1_000_000),
                              ("1970-01-01T00:00:00.5", 500_000),
                              ("1970-01-01T00:00:00.123456789000Z", -1), ("1970-01-01T00:00:00.1234560000Z", 123_456),
                              ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T23:30:00-00:30", 0),
                                  ("1969-12-31T23:59:59.999999Z", -1),
                              // As PostgreSQL and others write them: zones of hours, or without a colon; no seconds.
                              ("1970-01-01 01:00:00+01", 0), ("1970-01-01T02:00:00+0200", 0),
                              ("1970-01-01 00:01", 60_000_000), ("1970-01-01T00:01Z", 60_000_000),
                              ("1970-01-01T00:00:00-23:59", 86_340_000_000)] as [(String, Int64)] {
            XCTAssertEqual(moment(text), text.contains("789") ? nil : micro, text)
        }
        for s in ["", "1970-01-01T", "1970-01-01T24:00:00", "1970-01-01T00:60:00",
                  "1970-01-01T00:00:60", "1970-01-01T00:00:00.",
                  "1970-01-01T00:00:00z", "1970-01-01T00:00:00+1:00", "1970-01-01T00:00:00+24:00",
                  "1970-01-01T00:00:00+01:0",
                  "1970-01-01T00:00:00ZZ", "1970-01-01t00:00:00", "1970-01-01T00:00:00 Z", "1970-01-01T0a:00:00",
                      "1970-02-30T00:00:00"] {
            XCTAssertNil(moment(s), s)
        }
    }

    /// A moment that lies between two microseconds is told apart from a text that is none, and its nearest microsecond
    /// is known.
    func testFinerThanAMicrosecond() {
        func read(_ s: String) -> MomentText { withText(s) { parseMoment($0, $1) } }
        XCTAssertEqual(read("1970-01-01T00:00:00.123456000Z"), .value(123_456))
        XCTAssertEqual(read("1970-01-01T00:00:00.123456499Z"), .finer(nearest: 123_456))
        XCTAssertEqual(read("1970-01-01T00:00:00.1234565"), .finer(nearest: 123_457))
        XCTAssertEqual(read("1970-01-01T01:00:00.9999999+01:00"), .finer(nearest: 1_000_000))
        XCTAssertEqual(read("1970-01-01T00:00:00.123456499x"), .not)
    }

    func testMomentsReadBack() {
        var r = TestRandom(state: 1)
        for _ in 0..<20_000 {
            let m = Int64.random(in: microsecondRange, using: &r)
            let text = datetimeText(m)
            XCTAssertEqual(moment(text), m)
        }
        XCTAssertEqual(datetimeText(microsecondRange.lowerBound), "0001-01-01T00:00:00Z")
        XCTAssertEqual(datetimeText(microsecondRange.upperBound), "9999-12-31T23:59:59.999999Z")
    }
}
