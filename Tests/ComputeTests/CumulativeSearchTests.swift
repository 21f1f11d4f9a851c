// The inverse-CDF search against a loop that reads its definition off: the least i with running[i] > u · running[last].

import XCTest
@testable import Compute

final class CumulativeSearchTests: XCTestCase {
    private func slow<T: BinaryFloatingPoint>(_ running: [T], _ u: T) -> Int {
        for (i, sum) in running.enumerated() where sum > u * running[running.count - 1] { return i }
        return running.count - 1
    }

    private func compare<T: BinaryFloatingPoint>(_ type: T.Type, seed: UInt64) {
        var random = Random(seed)
        func uniform() -> Double { (Double(random.next()) + 1) / 2 }
        for n in [1, 2, 3, 7, 64, 1000] {
            for zeros in [0.0, 0.5, 0.95] {
                var sum: T = 0
                let running = (0..<n).map { _ -> T in
                    if uniform() >= zeros { sum += T(uniform()) }
                    return sum
                }
                // Uniform numbers that meet sums exactly are where a wrong comparison shows.
                let edges = running.map { running[n - 1] > 0 ? $0 / running[n - 1] : 0 }.filter { $0 < 1 }
                for u in [0] + edges + (0..<50).map({ _ in T(uniform() * 0.999_999) }) {
                    let found = running.withUnsafeBufferPointer { cumulativeSearch($0, u) }
                    XCTAssertEqual(found, slow(running, u), "\(type) \(n) \(u)")
                }
            }
        }
    }

    func testAgainstTheDefinition() {
        compare(Float.self, seed: 1)
        compare(Double.self, seed: 2)
    }

    func testLevelsWithoutMassAreNotDrawn() {
        let running: [Double] = [0, 0, 0.25, 0.25, 1, 1]
        for (u, want) in [(0, 2), (0.2499, 2), (0.25, 4), (0.999, 4)] {
            XCTAssertEqual(running.withUnsafeBufferPointer { cumulativeSearch($0, u) }, want)
        }
    }

    /// Sums that need not end at 1, and no sum above the place sought (all weights zero): the last place.
    func testWithoutMass() {
        XCTAssertEqual([0.0, 0, 0].withUnsafeBufferPointer { cumulativeSearch($0, 0.5) }, 2)
        XCTAssertEqual([0.0].withUnsafeBufferPointer { cumulativeSearch($0, 0.5) }, 0)
    }
}
