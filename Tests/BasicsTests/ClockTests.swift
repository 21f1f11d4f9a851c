import XCTest
@testable import Basics

final class ClockTests: XCTestCase {
    func testDoesNotGoBack() {
        let a = monotonicSeconds()
        XCTAssertGreaterThanOrEqual(monotonicSeconds(), a)
        XCTAssertGreaterThan(a, 0)
    }
}
