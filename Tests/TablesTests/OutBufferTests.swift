import XCTest
@testable import Tables

final class OutBufferTests: XCTestCase {
    func testNumbersAcrossTheBorderOfTheBuffer() throws {
        var out: [UInt8] = []
        let b = try OutBuffer(room: 64) { out.append(contentsOf: $0) }
        var want = ""
        var r = TestRandom(state: 5)
        for v in [0, 1, -1, 9, 10, .max, .min] + (0..<500).map({ Int64(bitPattern: r.next()) >> Int64($0 % 63) }) {
            try b.append(whole: v)
            try b.append(UInt8(ascii: " "))
            want += "\(v) "
        }
        for (v, d, text) in [(0, 1, "0.0"), (5, 1, "0.5"), (-5, 2, "-0.05"), (340, 2, "3.40"), (-12345, 3, "-12.345"),
                             (7, 0, "7"),
                             (1, 22, "0.0000000000000000000001")] as [(Int64, Int, String)] {
            try b.append(v, decimals: d)
            want += text
        }
        try b.append(7, width: 4)
        try b.append(String(repeating: "long", count: 50))
        want += "0007" + String(repeating: "long", count: 50)
        try b.flush()
        XCTAssertEqual(String(decoding: out, as: UTF8.self), want)
    }
}
