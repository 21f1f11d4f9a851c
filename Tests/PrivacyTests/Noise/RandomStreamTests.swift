// Whole numbers and uniforms of a stream.

import Glibc
@testable import Privacy
import XCTest

final class RandomStreamTests: XCTestCase {
    private func stream(_ seed: UInt64 = 3) -> RandomStream { SecureRandom(testSeed: seed).stream(.direct, 1) }

    func testBelowIsUniformAndInRange() {
        let s = stream()
        for n: UInt64 in [1, 2, 3, 10, 1000] {
            var seen = [Double](repeating: 0, count: Int(n))
            for _ in 0..<50_000 { seen[Int(s.below(n))] += 1 }
            if n > 1 { XCTAssertLessThan(chiSquareDeviate(seen, seen.map { _ in 50_000 / Double(n) }), 4) }
        }
        XCTAssertEqual(s.below(UInt64(1)), 0)
        XCTAssertEqual(s.below(UInt128(1)), 0)
        // More than 64 bits: the high word is uniform too.
        let n = UInt128(5) << 64
        var high = [Double](repeating: 0, count: 5)
        for _ in 0..<20_000 { high[Int(s.below(n) >> 64)] += 1 }
        XCTAssertLessThan(chiSquareDeviate(high, high.map { _ in 4000 }), 4)
    }

    func testUniformRange() {
        let s = stream()
        var sum = 0.0, cells = [Double](repeating: 0, count: 100)
        for _ in 0..<100_000 {
            let u = s.uniform()
            XCTAssertTrue(u > 0 && u <= 1)
            sum += u
            cells[min(99, Int(u * 100))] += 1
        }
        XCTAssertLessThan(chiSquareDeviate(cells, cells.map { _ in 1000 }), 4)
        var x = [Float](repeating: 0, count: 1000)
        s.fillUniform(&x, 1000)
        XCTAssertTrue(x.allSatisfy { $0 > 0 && $0 <= 1 })
    }

    /// Bytes and words come from the same key stream without repeating a buffer.
    func testNoBlockTwice() {
        let s = stream()
        var bytes = [UInt8](repeating: 0, count: 1000)
        s.fillBytes(&bytes, 1000)
        var seen = Set<UInt64>()
        for _ in 0..<10_000 { XCTAssertTrue(seen.insert(s.next()).inserted) }
        let t = stream()
        _ = t.nextBlock()
        _ = t.nextBlock()
        XCTAssertTrue(seen.contains(t.next()))
    }

    func testFillNormalLengths() {
        for n in [0, 1, 63, 64, 65, 1000] {
            var x = [Float](repeating: 9, count: n + 1)
            stream().fillNormal(&x, n)
            XCTAssertEqual(x[n], 9)
            XCTAssertTrue(x.dropLast().allSatisfy { $0 != 9 && abs($0) < 9 })
        }
    }
}
