import XCTest
@testable import Basics

final class BufferTests: XCTestCase {
    func testZeroedAlignedAndChecked() throws {
        let b = try Buffer<Double>(count: 100)
        XCTAssertEqual(UInt(bitPattern: b.base) % 64, 0)
        XCTAssertTrue((0..<100).allSatisfy { b[$0] == 0 })
        b[3] = 2
        XCTAssertEqual(b[3], 2)
        XCTAssertThrowsError(try Buffer<Double>(count: -1))
        XCTAssertThrowsError(try Buffer<Double>(count: .max)) { XCTAssertEqual(($0 as? Failure)?.code, .noMemory) }
        XCTAssertThrowsError(try Buffer<Double>(count: 1 << 58))
    }
}
