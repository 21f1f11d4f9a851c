import XCTest
@testable import Tables

final class GridTests: XCTestCase {
    func testValuesAreTheDoublesOfTheirText() throws {
        let g = try XCTUnwrap(Grid(minimum: -4, maximum: 4, step: 0.01))
        XCTAssertEqual(g.count, 801)
        for k in 0..<g.count {
            let units = g.first + k
            let (whole, cents) = units.magnitude.quotientAndRemainder(dividingBy: 100)
            let text = "\(units < 0 ? "-" : "")\(whole).\(cents < 10 ? "0" : "")\(cents)"
            XCTAssertEqual(g.value(k), Double(text))
            XCTAssertEqual(g.offset(g.value(k), nearest: false), k)
            XCTAssertEqual(g.offset(Double(units) * 0.01, nearest: false), k)   // as a host would compute it
        }
    }

    func testStepsOfManySizes() throws {
        for (low, high, step, count) in [(0, 1, 0.25, 5), (0, 1e6, 1000, 1001), (-1, 1, 1e-6, 2_000_001),
                                         (0, 1, 1.0 / 3, 4), (1e20, 2e20, 1e20, 2),
                                         (0, 5e-7, 1e-7, 6), (2.5, 7.5, 2.5, 3),
                                             (0, 1e15, 0.5, 2_000_000_000_000_001)] as [(Double, Double, Double,
                                                 Int64)] {
            let g = try XCTUnwrap(Grid(minimum: low, maximum: high, step: step))
            XCTAssertEqual(g.count, count, "\(step)")
            for k in [0, count / 2, count - 1] { XCTAssertEqual(g.offset(g.value(k), nearest: false), k, "\(step)") }
        }
        XCTAssertNil(Grid(minimum: 0.1, maximum: 0.2, step: 1))
        XCTAssertNil(Grid(minimum: 0, maximum: 1, step: 0))
        XCTAssertNil(Grid(minimum: 0, maximum: 1, step: 1e-17))
    }

    func testRulesAndNearest() throws {
        let g = try XCTUnwrap(Grid(minimum: 1, maximum: 4.2, step: 0.1))
        XCTAssertEqual(g.minimum, 1)
        XCTAssertEqual(g.maximum, 4.2)
        for (v, code, near) in [(0.9, .below, 0), (4.3, .above, 32), (1.05, .offStep, nil), (1.26, .offStep, 3),
                                (1.24, .offStep, 2),
                                (-1e300, .below, 0), (1e300, .above, 32)] as [(Double, BadCell, Int64?)] {
            XCTAssertEqual(g.offset(v, nearest: false), code.rawValue)
            if let near { XCTAssertEqual(g.offset(v, nearest: true), near) }
        }
        XCTAssertEqual(g.offset(.nan, nearest: true), BadCell.notFinite.rawValue)
        XCTAssertEqual(g.offset(3.4000000000000004, nearest: false), 24)
        XCTAssertEqual(g.value(24), 3.4)
    }

    /// Bounds of a grid give the same grid, also where the quotient is rounded by more than the tolerance.
    func testTheBoundsOfAGridGiveTheSameGrid() throws {
        var random = TestRandom(state: 9)
        for _ in 0..<20_000 {
            let step = pow(10, Double.random(in: -15 ... 0, using: &random))
            let low = Double.random(in: -9...9, using: &random), high = low + Double.random(in: 1...9, using: &random)
            guard let grid = Grid(minimum: low, maximum: high, step: step) else { continue }
            XCTAssertEqual(Grid(minimum: grid.minimum, maximum: grid.maximum, step: step), grid, "\(step)")
        }
    }
}
