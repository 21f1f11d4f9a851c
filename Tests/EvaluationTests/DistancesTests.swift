// Nearness and membership inference against slow twins.

import XCTest
@testable import Basics
@testable import Evaluation

final class DistancesTests: XCTestCase {
    /// One-hot coordinates written out, every pair looked at.
    private func slowNearest(_ a: Frame, _ b: Frame, _ e: Encoding) throws -> [(Double, Double)] {
        let w = e.width(leaveOut: []), x = try points(a, e), y = try points(b, e)
        return (0..<a.rows).map { i in
            let d = (0..<b.rows).map { j in (0..<w).reduce(0.0) { $0
                + pow(Double(x[i * w + $1]) - Double(y[j * w + $1]), 2) }.squareRoot() }.sorted()
            return (d[0], d[1])
        }
    }

    private func points(_ t: Frame, _ e: Encoding) throws -> [Float] {
        Array(try e.points(t, identity(t.rows), 0..<t.rows, leaveOut: []))
    }
    private func identity(_ n: Int) -> Buffer<Int32> { Made.buffer((0..<n).map(Int32.init)) }

    func testEncodingByHand() throws {
        let t = Made.frame([Made.numbers("x", [1, 3, .nan, 5]), Made.levels("l", 2, [0, 0, 0, 1])])
        let e = Encoding(t), z = try points(t, e)
        XCTAssertEqual(e.width(leaveOut: []), 5)                                  // x, "x missing", l0, l1, "l missing"
        let dx = (8.0 / 3).squareRoot(), dm = (0.25 * 0.75).squareRoot()
        let wanted = [-2 / dx, -0.25 / dm, 0.25 / dm, -0.25 / dm, 0]
        for (k, v) in wanted.enumerated() { XCTAssertEqual(Double(z[k]), v, accuracy: 1e-6) }
        XCTAssertEqual(Double(z[10]), 0)
        XCTAssertEqual(Double(z[11]), 0.75 / dm, accuracy: 1e-6)
        XCTAssertEqual(e.width(leaveOut: [1]), 2)
    }

    func testNearestAgainstASlowTwinAndWhateverTheThreads() throws {
        let a = Made.mixed(70, seed: 1), b = Made.mixed(90, seed: 2), e = Encoding(a)
        let x = try PointSet(a, e, identity(70), count: 70), y = try PointSet(b, e, identity(90), count: 90)
        let fast = try x.nearest(in: y, threads: 1), slow = try slowNearest(a, b, e)
        for i in 0..<70 {
            XCTAssertEqual(Double(fast[i].x), slow[i].0, accuracy: 1e-3)
            XCTAssertEqual(Double(fast[i].y), slow[i].1, accuracy: 1e-3)
        }
        XCTAssertEqual(Array(fast), Array(try x.nearest(in: y, threads: 3)))
    }

    func testAMemoriserIsFoundOut() throws {
        let train = Made.mixed(400, seed: 1), holdout = Made.mixed(400, seed: 2), fresh = Made.mixed(400, seed: 3)
        let copied = try Closeness(train: train, holdout: holdout, synthetic: train, threads: 2)
        XCTAssertGreaterThan(copied.share, 0.95)
        XCTAssertGreaterThan(copied.membership, 0.95)
        XCTAssertEqual(copied.closestTrain, 0)
        XCTAssertGreaterThan(copied.closestHoldout, 0)
        XCTAssertLessThan(copied.ratioTrain, copied.ratioHoldout)
        let independent = try Closeness(train: train, holdout: holdout, synthetic: fresh, threads: 2)
        XCTAssertEqual(independent.share, 0.5, accuracy: 0.08)
        XCTAssertEqual(independent.membership, 0.5, accuracy: 0.08)
        XCTAssertEqual(independent.ratioTrain, independent.ratioHoldout, accuracy: 0.05)
    }

    func testTiesCountHalf() throws {
        let t = Made.frame([Made.levels("l", 2, [0, 1, 0, 1])])
        let c = try Closeness(train: t, holdout: t, synthetic: t, threads: 1)
        XCTAssertEqual([c.share, c.membership, c.ratioTrain, c.closestTrain], [0.5, 0.5, 1, 0])
    }
}
