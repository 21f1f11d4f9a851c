// Equations of regressions: Cholesky's method by hand, and what is not positive definite.

import XCTest
@testable import Synthesis

final class MomentsTests: XCTestCase {
    func testSolvingByHand() throws {
        let x = try XCTUnwrap(solvedPositive([4, 2, 2, 3], [10, 9]))
        XCTAssertEqual(x[0], 1.5, accuracy: 1e-12)
        XCTAssertEqual(x[1], 2, accuracy: 1e-12)
        let d = try XCTUnwrap(inverseDiagonal([4, 2, 2, 3], 2))
        XCTAssertEqual(d[0], 3.0 / 8, accuracy: 1e-12)
        XCTAssertEqual(d[1], 4.0 / 8, accuracy: 1e-12)
    }

    func testWhatIsNotPositiveDefiniteIsRefused() {
        XCTAssertNil(solvedPositive([1, 2, 2, 1], [1, 1]))
        XCTAssertNil(solvedPositive([1, 1, 1, 1], [1, 1]))
        XCTAssertNil(solvedPositive([0], [1]))
        XCTAssertNil(inverseDiagonal([.nan], 1))
    }

    func testDrawsAreNormalAndOfTheirSeed() {
        var a = NormalDraws(seed: 3, replicate: 1), b = NormalDraws(seed: 3, replicate: 1)
        var sum = 0.0, square = 0.0
        for _ in 0..<10_000 {
            let x = a.next()
            XCTAssertEqual(x, b.next())
            sum += x
            square += x * x
        }
        XCTAssertEqual(sum / 10_000, 0, accuracy: 0.05)
        XCTAssertEqual(square / 10_000, 1, accuracy: 0.05)
    }
}
