import XCTest
@testable import FLIP
final class FLIPSmokeTests: XCTestCase { func testLinks() {} }
