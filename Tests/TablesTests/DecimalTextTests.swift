import XCTest
@testable import Tables

final class DecimalTextTests: XCTestCase {
    private func decimal(_ s: String) -> Double? { withText(s) { parseDecimal($0, $1) } }

    func testTheSameDoubleAsTheStandardLibrary() {
        var r = TestRandom(state: 2)
        for i in 0..<30_000 {
            // Random bit patterns, their texts, and texts with many digits.
            var text = Double(bitPattern: r.next()).description
            if i % 3 == 1 {
                let whole = Int64.random(in: -99_999_999...99_999_999, using: &r)
                text = "\(whole).\(UInt32.random(in: 0...9_999_999, using: &r))"
            }
            if i % 3 == 2 { text = "\(r.next())\(r.next()).\(r.next())e\(Int.random(in: -330...300, using: &r))" }
            guard let want = Double(text), want.isFinite || i % 3 == 2 else { continue }
            XCTAssertEqual(decimal(text), want, text)
        }
        for text in ["0", "-0", "1", ".5", "5.", "+7", "1e3", "1E-3", "00012.50", "9007199254740993",
                     "123456789012345678901234567890",
                     "0.1", "1e22", "1e23", "2.2250738585072014e-308", "5e-324", "1.7976931348623157e308",
                         "0e999999999999", "0.000000000000000000000000000001"] {
            let usual = text.hasSuffix(".") ? text + "0" : text.hasPrefix(".") ? "0" + text : text
            XCTAssertEqual(decimal(text), Double(usual), text)
        }
        XCTAssertEqual(decimal(" \t12.5 "), 12.5)
        XCTAssertEqual(decimal("90071992547409931."), 90071992547409936)
        XCTAssertEqual(decimal("+.90071992547409931"), 0.90071992547409931)
        XCTAssertEqual(decimal("." + String(repeating: "0", count: 400) + "1e401"), 1)
        XCTAssertEqual(decimal("1" + String(repeating: "0", count: 100_000) + "e-100000"), 1)
        XCTAssertEqual(decimal("1e999"), .infinity)
        XCTAssertEqual(decimal("-1e99999999999999999999"), -.infinity)
    }

    func testNotNumbers() {
        for s in ["", " ", ".", "-", "+", "e5", "1e", "1e+", "1.2.3", "1,5", "0x10", "nan", "inf", "Infinity", "1 2",
                  "--1", "1e5.5", "١"] {
            XCTAssertNil(decimal(s), s)
        }
    }

    func testIntegers() {
        func read(_ s: String) -> String {
            switch withText(s, { parseInteger($0, $1) }) {
            case .value(let v): return String(v)
            case .beyond(let negative): return negative ? "low" : "high"
            case .not: return "not"
            }
        }
        for (text, want) in [("0", "0"), ("-0", "0"), ("+12", "12"), ("007", "7"), ("10.0", "10"), ("10.", "10"),
                             ("-3.000", "-3"), (" 5\t", "5"),
                             ("9223372036854775807", "9223372036854775807"), ("9223372036854775808", "high"),
                             ("-9223372036854775808", "-9223372036854775808"), ("-9223372036854775809", "low"),
                             ("99999999999999999999999999999999999999999999", "high"), ("18446744073709551616", "high"),
                                 ("18446744073709551617", "high"),
                             ("", "not"), ("-", "not"), (".0", "not"), ("1.5", "not"), ("1e3", "not"), ("1.0.0", "not"),
                                 ("1 0", "not"), ("0x1", "not")] {
            XCTAssertEqual(read(text), want, text)
        }
    }
}
