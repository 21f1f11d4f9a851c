import XCTest
@testable import Basics

final class SHA256Tests: XCTestCase {
    private func hex(_ text: String) -> String {
        var d = SHA256()
        d.update(text)
        return d.hexDigest()
    }

    func testPublishedVectors() {
        XCTAssertEqual(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        XCTAssertEqual(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        XCTAssertEqual(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        XCTAssertEqual(hex(String(repeating: "a", count: 1_000_000)),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    func testPiecesGiveTheSameDigest() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for n in [1, 55, 56, 63, 64, 65, 119, 120, 128, 300] {
            var whole = SHA256()
            bytes[0..<n].withUnsafeBytes { whole.update($0) }
            for cut in [0, 1, n / 2, n - 1] {
                var parts = SHA256()
                bytes[0..<cut].withUnsafeBytes { parts.update($0) }
                _ = parts.hexDigest()                    // reading does not disturb
                bytes[cut..<n].withUnsafeBytes { parts.update($0) }
                XCTAssertEqual(parts.digest, whole.digest)
            }
        }
    }
}
