// The tilt: accepted rows meet the marginals, its limits hold, equal bits on any threads.

import XCTest
import Basics
import Compute
@testable import Projection

final class TiltTests: XCTestCase {
    /// A pool whose columns are independent: the tilt has to bring the relations back.
    private static let n = 6000
    private func pool() throws -> Buffer<UInt16> {
        let rows = Made.rows(Self.n, seed: 9), b = try Buffer<UInt16>(count: 3 * Self.n, for: "a test")
        for t in 0..<3 { for i in 0..<Self.n { b[t * Self.n + i] = UInt16(rows[(i + 131 * t) % Self.n][t]) } }
        return b
    }

    private func targets() throws -> [NoisyMarginal] {
        let rows = Made.rows(8000)
        return try [[0], [0, 1], [1, 2], [0, 1, 2]].map { try Made.marginal(rows, $0) }
    }

    private func fit(_ change: (inout TiltOptions) -> Void = { _ in }) throws -> Tilt {
        var o = TiltOptions()
        (o.steps, o.learningRate, o.ridge, o.floor, o.cap) = (150, 0.2, 0, 0.01, 50)
        change(&o)
        return try Tilt.fit(levels: Made.levels, marginals: targets(), total: 8000, pool: pool(), rows: Self.n,
                            options: o)
    }

    /// Distance between a marginal of the accepted rows and its target.
    private func distance(_ t: Tilt?) throws -> Double {
        let p = try pool(), target = try targets()[3]
        var share = [Double](repeating: 0, count: 24), sum = 0.0
        for i in 0..<Self.n {
            let code = (0..<3).map { p[$0 * Self.n + i] }
            let w = t.map { tilt in code.withUnsafeBufferPointer { Double(tilt.acceptance($0.baseAddress!)) } } ?? 1
            share[(Int(code[0]) * 3 + Int(code[1])) * 4 + Int(code[2])] += w
            sum += w
        }
        return (0..<24).reduce(0) { $0 + abs(share[$1] / sum - target.values[$1] / 8000) } / 2
    }

    func testAcceptedRowsMeetTheMarginals() throws {
        let before = try distance(nil), tilt = try fit(), after = try distance(tilt)
        XCTAssertGreaterThan(before, 0.2)
        XCTAssertLessThan(after, 0.35 * before)
        // acceptance is weight over cap, and what the tilt says of itself is so
        let p = try pool()
        var rate = 0.0, w = 0.0, w2 = 0.0
        for i in 0..<Self.n {
            let code = (0..<3).map { p[$0 * Self.n + i] }
            code.withUnsafeBufferPointer { c in
                let a = tilt.acceptance(c.baseAddress!), x = Double(exp(tilt.logWeight(c.baseAddress!)))
                XCTAssert(a >= 0 && a <= 1)
                XCTAssertEqual(Double(a), min(1, x / Double(tilt.cap)), accuracy: 1e-4)
                rate += Double(a)
                w += x
                w2 += x * x
            }
        }
        XCTAssertEqual(rate / Double(Self.n), tilt.acceptanceRate, accuracy: 1e-4)
        XCTAssertEqual(w / Double(Self.n), 1, accuracy: 1e-3)
        XCTAssertEqual(w * w / w2 / Double(Self.n), tilt.effectiveShare, accuracy: 1e-3)
        XCTAssert(tilt.distinctShare > 0 && tilt.distinctShare <= 1)
    }

    func testTheFloorHolds() throws {
        let free = try fit()
        XCTAssertLessThan(free.effectiveShare, 0.6)
        let held = try fit { $0.floor = 0.8 }
        XCTAssertGreaterThanOrEqual(held.effectiveShare, 0.8 - 1e-6)
        XCTAssertLessThan(try distance(held), try distance(nil))
        XCTAssertGreaterThan(try distance(held), try distance(free))
        let capped = try fit { $0.cap = 1.5 }
        XCTAssertGreaterThan(capped.acceptanceRate, 1 / 1.5 * 0.6)
        XCTAssertGreaterThan(capped.truncated, 0)
    }

    func testThreadsChangeNothingAndRefusals() throws {
        let one = try fit { $0.steps = 9 }, three = try fit { ($0.steps, $0.threads) = (9, 3) }
        XCTAssertEqual(Array(one.theta), Array(three.theta))
        XCTAssertThrowsError(try fit { $0.floor = 0 })
        XCTAssertThrowsError(try fit { $0.cap = 0.5 })
        XCTAssertThrowsError(try Tilt.fit(levels: Made.levels, marginals: targets(), total: 8000, pool: pool(), rows: 5,
                                          options: TiltOptions()))
        XCTAssertThrowsError(try Tilt.fit(levels: Made.levels, marginals: targets(), total: 8000, pool: pool(),
                                          rows: Self.n, options: TiltOptions()) { true }) {
            XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
        }
    }
}
