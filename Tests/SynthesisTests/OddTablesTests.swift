import XCTest
@testable import Synthesis
import Basics
import Tables

/// Tables at the edges of what a schema can say: they train, and sample inside their domain.
final class OddTablesTests: XCTestCase {
    private func roundTrip(_ fields: String, rows: Int, offset: (Int, Int) -> Int64) throws -> Table {
        let schema = try Schema(json: "{\"fields\": [\(fields)]}")
        let table = try Table(schema: schema, rows: rows)
        for j in table.columns.indices { try table.fill(j) { c in for i in 0..<rows { c.put(i, offset(j, i)) } } }
        let plan = try Plan(schema: schema, protected: [], epsilon: 1, delta: 1e-6, preset: "published",
                            config: JSON.parse("{\(Fixture.quick)}"))
        let out = try Fixture.train(plan, table).sample(count: 200, seed: 1)
        for (c, g) in zip(out.columns, plan.grids) {
            for i in 0..<200 where c.offset(i) < 0 { XCTAssertTrue(g.hasMissing) }
        }
        return out
    }

    func testOneColumn() throws {
        _ = try roundTrip(#"{"name": "x", "type": "boolean"}"#, rows: 40) { _, i in Int64(i % 3) - 1 }
    }

    func testAConstantColumn() throws {
        let t = try roundTrip(#"{"name": "x", "type": "integer", "constraints": {"minimum": 7, "maximum": 7, "#
            + #""required": true}}, {"name": "y", "type": "string", "constraints": {"enum": ["only"], "required": "#
            + #"true}}"#,
                              rows: 30) { _, _ in 0 }
        XCTAssertEqual(t.columns[0].int64(3), 7)
    }

    func testOneRow() throws {
        _ = try roundTrip(#"{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}}, {"name": "#
            + #""y", "type": "boolean"}"#, rows: 1) { _, _ in 1 }
    }

    func testManyColumns() throws {
        let fields = (0..<120).map { #"{"name": "c\#($0)", "type": "boolean", "constraints": {"required": true}}"# }
            .joined(separator: ", ")
        _ = try roundTrip(fields, rows: 300) { j, i in Int64((i + j) % 2) }
    }

    func testManyLevels() throws {
        let levels = (0..<3000).map { "\"l\($0)\"" }.joined(separator: ", ")
        _ = try roundTrip(#"{"name": "x", "type": "string", "constraints": {"enum": [\#(levels)], "required": true}}"#,
                          rows: 500) { _, i in Int64(i * 5 % 3000) }
    }

    func testTheWidestRanges() throws {
        let t = try roundTrip(#"""
            {"name": "a", "type": "integer", "constraints": {"minimum": -4000000000000000000,
            "maximum": 600000000000000000, "required": true}},
            {"name": "b", "type": "datetime", "constraints": {"minimum": "0001-01-01T00:00:00Z",
            "maximum": "9999-12-31T23:59:59Z", "required": true}},
            {"name": "c", "type": "date", "constraints": {"minimum": "0001-01-01", "maximum": "9999-12-31",
            "required": true}}
            """#, rows: 100) { _, i in Int64(i) * 30_000 }
        for i in 0..<200 {
            XCTAssert((-4_000_000_000_000_000_000...600_000_000_000_000_000).contains(t.columns[0].int64(i) ?? .max))
        }
    }
}
