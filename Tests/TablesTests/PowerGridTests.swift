import XCTest
@testable import Basics
@testable import Tables

final class PowerGridTests: XCTestCase {
    func testEveryNumberIsInsideItsCell() {
        for type in [FieldType.integer, .number] {
            let grid = PowerGrid(type)
            for x in [0, 1, -1, 1.5, 2, 3, 4, -4, 7, 8, 1000, -1e6, 1e17, 0.5, 1e-5, -0.3] as [Double] {
                if type == .integer, x != x.rounded() { continue }
                let (low, high) = grid.bounds(grid.cell(x))
                XCTAssertTrue(low <= x && x <= high, "\(x)")
            }
            for c in 1..<grid.count { XCTAssertLessThanOrEqual(grid.bounds(c - 1).high, grid.bounds(c).low) }
            XCTAssertEqual(grid.cell(1e300), grid.count - 1)
            XCTAssertEqual(grid.cell(-1e300), 0)
            XCTAssertEqual(grid.cell(1e-300), grid.cell(0.0))
        }
        let whole = PowerGrid(.date)
        for x in [0, 1, -1, 2, 3, 127, 128, -128, 1 << 59, Int64.min, Int64.max] as [Int64] {
            let c = whole.cell(x), (low, high) = whole.wholeBounds(c)
            if x.magnitude < 1 << 60 { XCTAssertTrue(low <= x && x <= high, "\(x)") }
            XCTAssertTrue((0..<whole.count).contains(c))
        }
    }

    func testSketches() throws {
        let sketch = try SchemaSketch(json: #"""
            {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "string"},
                        {"name": "c", "type": "number", "constraints": {"minimum": 0, "multipleOf": 0.5}},
                        {"name": "d", "type": "date"}, {"name": "e", "type": "boolean"},
                        {"name": "f", "type": "string", "constraints": {"enum": ["x"]}},
                        {"name": "g", "type": "datetime", "constraints": {"maximum": "2020-01-01T00:00:00Z"}}],
             "missingValues": ["", "NA"]}
            """#)
        XCTAssertEqual(sketch.needs.map { $0 == .nothing }, [false, false, false, false, true, true, false])
        let s = try sketch.schema(levels: { _ in ["red", "other"] }, cells: { j in
            guard case .bounds(let grid) = sketch.needs[j] else { return (0, 0) }
            let isTime = j == 3 || j == 6
            return isTime ? (grid.cell(0 as Int64), grid.cell(Int64(20_000))) : (grid.cell(-3.0), grid.cell(100.0))
        }, marks: JSONObject())
        XCTAssertEqual(s.fields.map(\.isEstimated), [true, true, true, true, false, false, true])
        guard case .integer(-3, 127, 1) = s.fields[0].kind, case .number(0, 128, 0.5) = s.fields[2].kind else {
            return XCTFail("\(s.json)")
        }
        XCTAssertEqual(try Schema(json: s.json), s)
        // Clamped and folded, in a file and from memory.
        let t = try TestData.read("a,b,c,d,e,f,g\n1000,green,-5,1950-01-01,true,x,\n"
            + "-99,red,1e9,2100-01-01,,,2019-01-01T00:00:00Z\nNA,NA,NA,NA,,,NA\n"
            + "99999999999999999999,,0.74,1970-01-02,,,\n", s)
        XCTAssertEqual(try TestData.doubles(t, "a"), [127, -3, nil, 127])
        XCTAssertEqual(try TestData.offsets(t, "b"), [1, 0, nil, nil])
        XCTAssertEqual(try TestData.doubles(t, "c").compactMap { $0 }, [0, 128, 0.5])
        XCTAssertEqual(try TestData.doubles(t, "d"), [0, 16_383 * 2 + 1, nil, 1])
        // What was declared stays strict.
        XCTAssertThrowsError(try TestData.read("a,b,c,d,e,f,g\n1,red,0,1970-01-01,true,y,\n", s))
        let m = try Table(schema: s, rows: 2)
        try m.setInt64("a", [500, -500])
        try m.setFloat64("c", [1e9, 3])
        XCTAssertEqual([m.columns[0].double(0), m.columns[0].double(1), m.columns[2].double(0)], [127, -3, 128])
        for bad in ["[]", "{}", #"{"fields": [{"name": "a", "type": "thing"}]}"#,
                    #"{"fields": [{"name": "a", "type": "integer", "constraints": {"pattern": "x"}}]}"#,
                    #"{"fields": [{"name": "a", "type": "integer"}, {"name": "a", "type": "integer"}]}"#, "{"] {
            XCTAssertThrowsError(try SchemaSketch(json: bad), bad)
        }
    }
}
