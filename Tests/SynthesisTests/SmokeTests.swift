import XCTest
@testable import Synthesis
final class SynthesisSmokeTests: XCTestCase { func testLinks() {} }
