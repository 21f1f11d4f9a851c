import XCTest
@testable import Tables
final class TablesSmokeTests: XCTestCase { func testLinks() {} }
