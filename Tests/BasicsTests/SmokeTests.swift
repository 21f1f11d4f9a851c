import XCTest
@testable import Basics
final class BasicsSmokeTests: XCTestCase { func testLinks() {} }
