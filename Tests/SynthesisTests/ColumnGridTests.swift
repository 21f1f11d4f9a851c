import XCTest
@testable import Synthesis
@testable import Tables

final class ColumnGridTests: XCTestCase {
    func field(_ json: String) throws -> Field {
        try Schema(json: "{\"fields\": [\(json)]}").fields[0]
    }

    func testOneCellForEachValueAndMissingLast() throws {
        let g = try ColumnGrid(field(#"{"name": "x", "type": "integer", "constraints": {"minimum": 3, "maximum": "#
            + #"12}}"#))
        XCTAssertEqual(g.body, 10)
        XCTAssertEqual(g.count, 11)
        XCTAssertEqual(g.missingCell, 10)
        XCTAssertEqual(g.divisors, [1])
        for k in 0..<10 {
            XCTAssertEqual(g.cell(offset: Int64(k)), k)
            XCTAssertEqual(g.offset(cell: k, u: 0.99), Int64(k))
        }
        XCTAssertEqual(g.cell(offset: -1), 10)
    }

    func testWideColumnsHaveEqualCellsAndAtoms() throws {
        let g = try ColumnGrid(field(#"{"name": "x", "type": "integer", "constraints": {"minimum": -10, "maximum": "#
            + #"1500000, "required": true}}"#))
        XCTAssertEqual(g.body, ColumnGrid.equalCells)
        XCTAssertEqual(g.atomOffsets, [0, 10, 1_500_010])       // lower bound, zero, upper bound
        XCTAssertEqual(g.cell(offset: 10), g.body + 1)
        XCTAssertEqual(g.offset(cell: g.body + 1, u: 0.5), 10)
        XCTAssertEqual(g.divisors.count, 3)
        // Every value drawn from a cell lies in that cell, and both ends of the domain are met.
        for c in [0, 1, 7, 1000, g.body - 1] {
            for u in [0, 0.3, 0.999999] {
                let k = g.offset(cell: c, u: u)
                XCTAssert(k >= 0 && k <= 1_500_010)
                if !g.atomOffsets.contains(k) { XCTAssertEqual(g.cell(offset: k), c) }
            }
        }
    }

    func testRealColumns() throws {
        let g = try ColumnGrid(field(#"{"name": "x", "type": "number", "constraints": {"minimum": -1, "maximum": 3}}"#),
                               atoms: [2.5, 99])
        XCTAssertEqual(g.atoms, [-1, 0, 2.5, 3])
        XCTAssertEqual(g.cell(value: 2.5), g.body + 2)
        XCTAssertEqual(g.value(cell: g.body + 2, u: 0.7), 2.5)
        XCTAssertEqual(g.cell(value: .nan), g.missingCell)
        for v in [-0.9999, 0.25, 2.9999] {
            let c = g.cell(value: v)
            XCTAssertEqual(g.value(cell: c, u: 0.5), v, accuracy: 4.0 / Double(g.body))
        }
        for c in [0, g.body - 1] {
            for u in [0, 0.9999999999] { let v = g.value(cell: c, u: u); XCTAssert(v >= -1 && v <= 3) }
        }
    }

    func testBoundsThatDoublesCannotTellApart() throws {
        let most = (1 << 53) + 3
        let g = try ColumnGrid(field(#"{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": "#
            + #"\#(most), "required": true}}"#))
        XCTAssertEqual(g.atomOffsets, [0, Int64(most)])
        XCTAssertEqual(g.cell(offset: Int64(most)), g.body + 1)
        XCTAssertEqual(g.cell(offset: Int64(most) - 1), g.body - 1)
        for c in 0..<g.count {
            for u in [0, 0.5, 0.9999999999999999] { XCTAssert((0...Int64(most)).contains(g.offset(cell: c, u: u))) }
        }
    }

    func testLadderCoversTheBody() throws {
        for hi in [1, 127, 128, 4500, 8191, 8192, 65_534] {
            let g = try ColumnGrid(field(#"{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": "#
                + #"\#(hi)}}"#))
            XCTAssertEqual(g.divisors.last, 1)
            for d in g.divisors { XCTAssertEqual(g.histogramSize(divisor: d), (g.body + d - 1) / d + 1) }
            XCTAssert(zip(g.divisors, g.divisors.dropFirst()).allSatisfy { $0 % $1 == 0 && $0 > $1 })
        }
    }
}
