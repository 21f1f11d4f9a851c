import XCTest
@testable import Tables

final class TextTableTests: XCTestCase {
    func testFindsEveryTextAndNoOther() throws {
        let texts = (0..<5000).map { "level \($0)" } + ["", "a", "é", "e\u{301}",
                                                        "a much longer text than one word of eight bytes"]
        let t = try TextTable(texts.enumerated().map { ($0.element, Int64($0.offset)) })
        for (i, s) in texts.enumerated() { XCTAssertEqual(withText(s) { t.code($0, $1) }, Int64(i), s) }
        for s in ["level", "level 5000", "b", " ", "a\0", "a much longer text than one word of eight byteS"] {
            XCTAssertEqual(withText(s) { t.code($0, $1) }, TextTable.absent, s)
        }
    }

    func testTheFirstOfEqualTextsCounts() throws {
        let t = try TextTable([("x", -1), ("x", 7)])
        XCTAssertEqual(withText("x") { t.code($0, $1) }, -1)
        XCTAssertEqual(withText("x") { try? TextTable([]).code($0, $1) }, TextTable.absent)
    }
}
