// The counter-based generator against published vectors, and its uniform and normal numbers.

import XCTest
@testable import Compute

final class CounterStreamTests: XCTestCase {
    /// Known answers of Philox4x32-10 published with its reference implementation (Random123, kat_vectors).
    func testKnownAnswers() {
        func check(_ c: (UInt32, UInt32, UInt32, UInt32), _ k: (UInt32, UInt32), _ want: [UInt32]) {
            let o = CounterStream.philox(c, key: k)
            XCTAssertEqual([o.0, o.1, o.2, o.3], want)
        }
        check((0, 0, 0, 0), (0, 0), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
        check((.max, .max, .max, .max), (.max, .max), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
        check((0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), (0xa409_3822, 0x299f_31d0),
              [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
    }

    func testRowsAreIndependentOfOneAnother() {
        var a = CounterStream(seed: 9, row: 4, purpose: 1), b = CounterStream(seed: 9, row: 4, purpose: 1)
        var c = CounterStream(seed: 9, row: 5, purpose: 1)
        XCTAssertEqual((0..<9).map { _ in a.next32() }, (0..<9).map { _ in b.next32() })
        XCTAssertNotEqual(c.next32(), b.next32())
    }

    func testNormalMoments() {
        var s = CounterStream(seed: 1, row: 1, purpose: 1)
        var x = [Float](repeating: 0, count: 100_001)
        s.fillNormal(&x, x.count)
        let mean = x.reduce(0) { $0 + Double($1) } / Double(x.count)
        let square = x.reduce(0) { $0 + Double($1) * Double($1) } / Double(x.count)
        XCTAssertEqual(mean, 0, accuracy: 0.02)
        XCTAssertEqual(square, 1, accuracy: 0.03)
    }
}
