import XCTest
@testable import Tables

final class FieldTests: XCTestCase {
    func testCountsOfKinds() {
        for (kind, count) in [(.categorical(levels: ["a", "b", "c"]), 3), (.boolean, 2),
                              (.integer(minimum: -3, maximum: 6, step: 3), 4),
                              (.date(minimum: 0, maximum: 0), 1), (.datetime(minimum: 0, maximum: 10, step: 5), 3),
                              (.number(minimum: 0, maximum: 1, step: 0.25), 5),
                                  (.number(minimum: 0, maximum: 1, step: nil), nil),
                              // Never checked by a schema: no trap.
                              (.integer(minimum: 0, maximum: 1, step: 0), 0),
                                  (.integer(minimum: .min, maximum: .max, step: 1), 0),
                              (.date(minimum: 1, maximum: 0), 0),
                                  (.number(minimum: 1, maximum: 0, step: 1), 0)] as [(Kind, Int64?)] {
            XCTAssertEqual(kind.count, count)
        }
    }

    func testLevels() {
        XCTAssertEqual(Field(name: "x", kind: .boolean).levels, ["false", "true"])
        XCTAssertEqual(Field(name: "x", kind: .categorical(levels: ["a"])).levels, ["a"])
        XCTAssertNil(Field(name: "x", kind: .date(minimum: 0, maximum: 1)).levels)
    }

    func testNumberText() {
        for (x, text) in [(0, "0"), (-3, "-3"), (0.1, "0.1"), (1e300, "1e+300"),
                          (9007199254740991, "9007199254740991")] as [(Double, String)] {
            XCTAssertEqual(numberText(x), text)
        }
    }
}
