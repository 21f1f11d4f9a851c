// Cells that grow with the distance from zero: a partition of the declared range, fine near zero, few, and drawn back
// into themselves.

import Basics
import XCTest
@testable import Synthesis
import Tables

final class PowerCellsTests: XCTestCase {
    private func field(_ type: String, _ constraints: String) throws -> Field {
        try Schema(json: """
            {"fields": [{"name": "x", "type": "\(type)", "constraints": {\(constraints), "required": true}}]}
            """).fields[0]
    }

    private let ranges = [("integer", #""minimum": 0, "maximum": 1000000000"#),
                          ("integer", #""minimum": -70000, "maximum": 90000000"#),
                          ("integer", #""minimum": -900000000, "maximum": -5"#),
                          ("integer", #""minimum": 1000, "maximum": 4000000000000000"#),
                          ("number", #""minimum": 0, "maximum": 100000000, "multipleOf": 0.01"#),
                          ("number", #""minimum": -3, "maximum": 100000000, "multipleOf": 0.25"#)]

    func testEveryOffsetHasOneCellAndComesBack() throws {
        for (type, constraints) in ranges {
            let f = try field(type, constraints), g = try ColumnGrid(f, isPowers: true), n = try XCTUnwrap(f.kind.count)
            XCTAssertTrue(g.isPowers)
            XCTAssertLessThanOrEqual(g.body, ColumnGrid.equalCells)
            XCTAssertGreaterThan(g.body, ColumnGrid.equalCells / 2)
            var next: Int64 = 0
            for c in 0..<g.body {
                let low = g.offset(cell: c, u: 0), high = g.offset(cell: c, u: 1 - 0x1p-53)
                XCTAssertEqual(low, next, "\(constraints) \(c)")        // neither a gap nor an overlap
                XCTAssertGreaterThanOrEqual(high, low)
                for k in [low, high] where !g.atomOffsets.contains(k) { XCTAssertEqual(g.cell(offset: k), c) }
                next = high + 1
            }
            XCTAssertEqual(next, n)
        }
    }

    func testCellsGrowWithTheDistanceFromZero() throws {
        let g = try ColumnGrid(field("number", #""minimum": 0, "maximum": 100000000, "multipleOf": 0.01"#),
                               isPowers: true)
        func width(_ value: Double) -> Double {
            let c = g.cell(offset: Int64(value * 100))
            return Double(g.offset(cell: c, u: 1 - 0x1p-53) - g.offset(cell: c, u: 0) + 1) / 100
        }
        XCTAssertEqual(width(3), 0.01)
        for v in [100.0, 1e3, 1e5, 1e7] { XCTAssertLessThan(width(v), 0.001 * v) }
        let equal = try ColumnGrid(field("number", #""minimum": 0, "maximum": 100000000, "multipleOf": 0.01"#))
        XCTAssertFalse(equal.isPowers)
    }

    func testNumbersWithoutAStep() throws {
        for (low, high) in [(0.0, 1e9), (-2.5, 1e6), (-1e9, -3.0), (7, 1e300)] {
            let g = try ColumnGrid(field("number", "\"minimum\": \(low), \"maximum\": \(high)"), isPowers: true)
            XCTAssertTrue(g.isPowers)
            var last = low
            for c in stride(from: 0, to: g.body, by: 7) {
                let a = g.value(cell: c, u: 0), b = g.value(cell: c, u: 0.999)
                XCTAssertGreaterThanOrEqual(a, last)
                XCTAssertTrue(a >= low && b <= high && a <= b)
                if !g.atoms.contains(a) { XCTAssertEqual(g.cell(value: a), c) }
                last = b
            }
            XCTAssertTrue((0..<g.count).contains(g.cell(value: high)) && (0..<g.count).contains(g.cell(value: low)))
        }
    }

    /// The margin around what stands out counts values, not cells: growing cells would reach the bound with few.
    func testWidening() throws {
        let g = try ColumnGrid(field("integer", #""minimum": 0, "maximum": 1000000000"#), isPowers: true)
        let first = g.cell(offset: 100), last = g.cell(offset: 10_000), wide = g.widened(first...last, by: 2)
        XCTAssertEqual(wide.lowerBound, 0)
        XCTAssertLessThan(g.offset(cell: wide.upperBound - 1, u: 0), 31_000)
        XCTAssertGreaterThan(g.offset(cell: wide.upperBound - 1, u: 1 - 0x1p-53), 29_000)
    }

    func testWhichFieldsAskForThem() throws {
        for (type, constraints, asks) in [
            ("number", #""minimum": 0, "maximum": 1000000, "multipleOf": 0.01"#, true),
            ("number", #""minimum": 0, "maximum": 100000, "multipleOf": 0.01"#, false),
            ("number", #""minimum": 0, "maximum": 10000000"#, true), ("number", #""minimum": 0, "maximum": 1"#, false),
            ("integer", #""minimum": 0, "maximum": 10000000"#, false),
            ("integer", #""minimum": 0, "maximum": 100000000"#, true),
            ("integer", #""minimum": 1000000000, "maximum": 2000000000"#, false),
            ("datetime", #""minimum": "1970-01-01T00:00:00Z", "maximum": "2030-01-01T00:00:00Z""#, false)] {
            XCTAssertEqual(PowerCells.suit(try field(type, constraints)), asks, constraints)
        }
    }

    /// A plan names the columns; one that names none has equal cells whatever the default has become.
    func testAPlanKeepsItsCells() throws {
        let schema = try Schema(json: """
            {"fields": [{"name": "pay", "type": "number", "constraints": {"minimum": 0, "maximum": 10000000,
                         "multipleOf": 0.01}}]}
            """)
        func plan(_ grid: String?) throws -> Plan {
            try Plan(schema: schema, protected: [], epsilon: 1, delta: 1e-5, preset: "published",
                     config: JSON.parse(grid.map { #"{"encoder": {"grid": "\#($0)"}}"# } ?? "{}"))
        }
        let powers = try plan(nil), equal = try plan("equal")
        XCTAssertEqual(powers.json["power_grids"], ["pay"])
        XCTAssertNil(equal.json["power_grids"])
        XCTAssertNil(equal.json["config"]?["encoder"]?["grid"])
        XCTAssertTrue(try Plan(json: powers.json).grids[0].isPowers)
        XCTAssertFalse(try Plan(json: equal.json).grids[0].isPowers)
        XCTAssertEqual(try Plan(json: powers.json).json, powers.json)
        var old = try XCTUnwrap(powers.json.asObject)
        old["power_grids"] = nil
        XCTAssertFalse(try Plan(json: .object(old)).grids[0].isPowers)
        XCTAssertThrowsError(try plan("cubes"))
    }
}
