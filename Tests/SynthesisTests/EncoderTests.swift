import XCTest
import Basics
import Compute
@testable import Synthesis
@testable import Tables

final class EncoderTests: XCTestCase {
    func grid(_ constraints: String, type: String = "integer") throws -> ColumnGrid {
        try ColumnGrid(Schema(json: #"{"fields": [{"name": "x", "type": "\#(type)", "constraints": "#
            + #"{\#(constraints)}}]}"#).fields[0])
    }

    private func buffer<T: BitwiseCopyable>(_ list: [T]) throws -> Buffer<T> {
        let b = try Buffer<T>(count: list.count)
        for (i, x) in list.enumerated() { b[i] = x }
        return b
    }

    private func encoder(grid: ColumnGrid, masses: [Double], standardDeviation: Double, most: Int) throws
        -> ColumnEncoder {
        try ColumnEncoder(grid: grid, masses: buffer(masses), standardDeviation: standardDeviation, most: most)
    }

    func testEveryCellHasABinAndEveryBinACell() throws {
        let g = try grid(#""minimum": 0, "maximum": 99"#)
        var s = CounterStream(seed: 3, row: 0, purpose: 0)
        for _ in 0..<50 {
            let masses = (0..<g.count).map { _ in s.uniform() < 0.3 ? Double(s.uniform()) * 500 : 0 }
            let e = try encoder(grid: g, masses: masses, standardDeviation: 10, most: 20)
            XCTAssertEqual(Set(e.binOfCell.map(Int.init)), Set(0..<e.bins))
            XCTAssertLessThanOrEqual(e.bins, 2 * 20 + 2)
            XCTAssertEqual(e.binShare.reduce(0, +), 1, accuracy: 1e-9)
            // bins are intervals
            for c in 1..<g.body { XCTAssertGreaterThanOrEqual(Int(e.binOfCell[c]), Int(e.binOfCell[c - 1])) }
        }
    }

    func testAHeavyValueGetsABinOfItsOwn() throws {
        let g = try grid(#""minimum": 0, "maximum": 60, "required": true"#)
        var masses = [Double](repeating: 100, count: g.count)
        masses[17] = 5000
        let e = try encoder(grid: g, masses: masses, standardDeviation: 5, most: 10)
        XCTAssertEqual(e.binOfCell.filter { $0 == e.binOfCell[17] }.count, 1)
    }

    func testRareLevelsShareABin() throws {
        let g = try grid(#""enum": ["a", "b", "c", "d", "e"], "required": true"#, type: "string")
        let e = try encoder(grid: g, masses: [900, 20, 500, 0, 29], standardDeviation: 10, most: 20)
        XCTAssertEqual(e.bins, 3)
        XCTAssertEqual(e.binOfCell[1], e.binOfCell[3])
        XCTAssertEqual(e.binOfCell[1], e.binOfCell[4])
    }

    func testDrawingFollowsTheShares() throws {
        let g = try grid(#""minimum": 0, "maximum": 9, "required": true"#)
        let masses: [Double] = [10, 0, 30, 60, 0, 0, 5, 5, 0, 90]
        let e = try encoder(grid: g, masses: masses, standardDeviation: 0, most: 2)
        var seen = [Int: Int]()
        for b in 0..<e.bins {
            var expected = [Int: Double](), mass = 0.0
            for c in 0..<10 where Int(e.binOfCell[c]) == b { expected[c] = masses[c]; mass += masses[c] }
            seen = [:]
            for i in 0..<10_000 { seen[e.cell(bin: b, u: (Double(i) + 0.5) / 10_000), default: 0] += 1 }
            for (c, m) in expected where mass > 0 {
                XCTAssertEqual(Double(seen[c] ?? 0) / 10_000, m / mass, accuracy: 2e-4)
            }
        }
    }

    func testABinWithoutMassStillDraws() throws {
        let e = try ColumnEncoder(binOfCell: buffer([0, 1, 1]), share: buffer([1, 0, 0]), bins: 2)
        XCTAssertEqual(Set([0.0, 0.49, 0.51, 0.99].map { e.cell(bin: 1, u: $0) }), [1, 2])
    }
}
