// The tilt of whole rows, as older models have it: weights and acceptance by their definition, and refusals.

import XCTest
import Basics
@testable import Projection

final class RowTiltTests: XCTestCase {
    private func tilt(_ theta: [Float], cap: Float = 2, _ columns: [[Int]] = [[0], [1, 2]]) throws -> RowTilt {
        let b = try Buffer<Float>(count: theta.count, for: "a test")
        for i in theta.indices { b[i] = theta[i] }
        return try RowTilt(levels: Made.levels, columns: columns, theta: b, offset: -0.5, cap: cap, effectiveShare: 0.8,
                           acceptanceRate: 0.5, truncated: 0, distinctShare: 1)
    }

    func testWeightsAndAcceptance() throws {
        let theta = (0..<14).map { Float($0) / 10 }, t = try tilt(theta)
        for code in [[0, 0, 0], [1, 2, 3], [0, 1, 2]] {
            let want = -0.5 + theta[code[0]] + theta[2 + code[1] * 4 + code[2]]
            code.map(UInt16.init).withUnsafeBufferPointer { c in
                XCTAssertEqual(t.logWeight(c.baseAddress!), want, accuracy: 1e-6)
                XCTAssertEqual(t.acceptance(c.baseAddress!), min(1, exp(want) / 2), accuracy: 1e-6)
            }
        }
    }

    func testRefusals() throws {
        XCTAssertThrowsError(try tilt([0, 1]))
        XCTAssertThrowsError(try tilt([Float](repeating: .infinity, count: 14)))
        XCTAssertThrowsError(try tilt([Float](repeating: 0, count: 14), cap: 0))
    }
}
