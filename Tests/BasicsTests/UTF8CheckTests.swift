import XCTest
@testable import Basics

final class UTF8CheckTests: XCTestCase {
    private func check(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBufferPointer { isUTF8($0) } }

    func testAgainstTheStandardLibrary() {
        // All sequences of up to two bytes, and the borders of three and four.
        let border: [UInt8] = [0, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
            0xEC, 0xED, 0xEE, 0xEF,
                               0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF]
        for a in border {
            XCTAssertEqual(check([a]), String(validating: [a], as: UTF8.self) != nil)
            for b in border {
                for c in border {
                    XCTAssertEqual(check([a, b, c]), String(validating: [a, b, c], as: UTF8.self) != nil)
                    for d in border {
                        XCTAssertEqual(check([a, b, c, d]), String(validating: [a, b, c, d], as: UTF8.self) != nil)
                    }
                }
            }
        }
        XCTAssertTrue(check([]))
    }

    func testQuoted() {
        XCTAssertEqual(quoted("a\nb"), "\"a?b\"")
        XCTAssertEqual(quoted(String(repeating: "x", count: 100)).count, 63)
    }
}
