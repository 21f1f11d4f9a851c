// Pictures: numbers that are not finite leave no trace, long labels are cut, many parts become one.

import XCTest
@testable import Pages

final class ChartsTests: XCTestCase {
    func testCoordinatesAreShortAndFinite() {
        XCTAssertEqual(point(3), "3")
        XCTAssertEqual(point(3.14159), "3.1")
        XCTAssertEqual(point(.infinity), "1000000")
        XCTAssertEqual(point(.nan), "0")
    }

    func testManyPartsEndInOne() {
        let parts = (0..<40).map { BarPart(label: "p\($0)", first: 0.025, error: 0.001, second: 0.02) }
        let svg = pairedBars(parts, title: "t", text: "x")
        XCTAssertTrue(svg.contains("17 others"))
        XCTAssertFalse(svg.contains("p24"))
    }

    func testALineWithoutIntervalsIsNoPicture() {
        XCTAssertEqual(intervals([IntervalRow(label: "a", first: nil, second: nil)], text: "x"), "")
        let svg = intervals([IntervalRow(label: "a", first: (0.1, 0.05, 0.2), second: (-0.1, -0.2, 0))], text: "x")
        XCTAssertEqual(svg.components(separatedBy: "<circle").count, 3)
    }

    func testTheMapHasEachPairOnBothSides() {
        let svg = heatMap(["a", "b", "c"], shade: [1: 5, 5: 0], text: "x") { "\($0) \($1)" }
        XCTAssertEqual(svg.components(separatedBy: "class=\"h5\"").count, 3)
        XCTAssertEqual(svg.components(separatedBy: "<title>").count, 5)
    }
}
