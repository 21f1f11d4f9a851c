import XCTest
@testable import Networks
final class NetworksSmokeTests: XCTestCase { func testLinks() {} }
