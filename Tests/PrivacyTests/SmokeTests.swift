import XCTest
@testable import Privacy
final class PrivacySmokeTests: XCTestCase { func testLinks() {} }
