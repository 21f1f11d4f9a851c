// What is written to a data set comes back, in batches and conversions too.

import Basics
import Glibc
import Tables
import XCTest
@testable import Storage

/// One of every kind, required and not.
let everyKind = """
{"fields": [
 {"name": "city", "type": "string", "constraints": {"required": true, "enum": ["Köln", "Rom", "Ulm"]}},
 {"name": "town", "type": "string", "constraints": {"enum": ["a", "b"]}},
 {"name": "grade", "type": "integer", "constraints": {"enum": [1, 2, 30]}},
 {"name": "share", "type": "number", "constraints": {"enum": [0.5, 2.25]}},
 {"name": "holiday", "type": "date", "constraints": {"enum": ["2020-01-01", "2021-12-25"]}},
 {"name": "yes", "type": "boolean", "constraints": {"required": true}},
 {"name": "maybe", "type": "boolean"},
 {"name": "age", "type": "integer", "constraints": {"required": true, "minimum": 0, "maximum": 120}},
 {"name": "year", "type": "integer", "constraints": {"minimum": -500, "maximum": 2100}},
 {"name": "cents", "type": "integer", "constraints": {"minimum": -5000000000, "maximum": 5000000000, "multipleOf": 5}},
 {"name": "real", "type": "number", "constraints": {"minimum": -1e300, "maximum": 1e300}},
 {"name": "tenth", "type": "number", "constraints": {"required": true, "minimum": 0, "maximum": 10, "multipleOf": 0.1}},
 {"name": "born", "type": "date", "constraints": {"required": true, "minimum": "1900-01-01", "maximum": "2030-12-31"}},
 {"name": "died", "type": "date", "constraints": {"minimum": "0001-01-01", "maximum": "9999-12-31"}},
 {"name": "second", "type": "datetime",
     "constraints": {"minimum": "1990-01-01T00:00:00Z", "maximum": "2030-01-01T00:00:00Z", "multipleOf": 60}},
 {"name": "micro", "type": "datetime",
     "constraints": {"minimum": "1990-01-01T00:00:00Z", "maximum": "2030-01-01T00:00:00Z"}},
 {"name": "far", "type": "datetime",
     "constraints": {"minimum": "0001-01-01T00:00:00Z", "maximum": "9999-01-01T00:00:00Z"}}
]}
"""

/// Rows of the schema above: deterministic, with every level, both bounds and missing cells wherever they may be.
func everyTable(rows: Int) throws -> Table {
    let schema = try Schema(json: everyKind)
    let builder = try TableBuilder(schema: schema, expectedRows: rows)
    var random = TestRandom(state: 7)
    for row in 0..<rows {
        for (j, field) in schema.fields.enumerated() {
            let dice = random.next()
            if !field.required, dice % 5 == 0 { try builder.appendMissing(column: j); continue }
            if let count = field.kind.count {
                let k = row == 0 ? 0 : row == 1 ? count - 1 : Int64(bitPattern: dice >> 8) % count
                try builder.append(offset: k, column: j)
            } else {
                try builder.append(row == 0 ? -1e300 : Double(dice % 1000) / 7, column: j)
            }
        }
        try builder.endRow()
    }
    return try builder.finish()
}

func assertSame(_ a: Table, _ b: Table, file: StaticString = #filePath, line: UInt = #line) {
    XCTAssertTrue(a.schema.hasSameColumns(as: b.schema), file: file, line: line)
    guard a.rows == b.rows else { return XCTFail("\(a.rows) and \(b.rows) rows", file: file, line: line) }
    for (x, y) in zip(a.columns, b.columns) {
        let differ =
            (0..<a.rows).first { x.offset($0) != y.offset($0) || x.double($0).bitPattern != y.double($0).bitPattern }
        if let differ { XCTFail("\(x.field.name), row \(differ)", file: file, line: line) }
    }
}

final class DataSetTests: XCTestCase {
    func testEveryKindComesBack() throws {
        let scratch = Scratch()
        for rows in [1, 2, 500] {
            let table = try everyTable(rows: rows)
            try writeTable(table, to: scratch("t.h5"))
            assertSame(try readTable(scratch("t.h5")), table)
            assertSame(try readTable(scratch("t.h5"), schema: table.schema), table)
            XCTAssertEqual(try readSchema(scratch("t.h5")), table.schema)
            XCTAssertEqual(scratch.entries, ["t.h5"])
        }
    }

    func testBatchesOfAnySizeGiveTheSameBytes() throws {
        let scratch = Scratch(), table = try everyTable(rows: 300)
        for (name, batch) in [("a", 300), ("b", 1), ("c", 77)] {
            let writer =
                try DataSetWriter(scratch(name), schema: table.schema, group: "/deep/er/data", expectedRows: 100)
            var first = 0
            while first < table.rows {
                let count = min(batch, table.rows - first)
                try writer.append(table, first: first, count: count)
                first += count
            }
            try writer.finish()
            XCTAssertEqual(writer.rows, 300)
        }
        let bytes = try contents(scratch("a"))
        XCTAssertEqual(try contents(scratch("b")), bytes)
        XCTAssertEqual(try contents(scratch("c")), bytes)
        assertSame(try readTable(scratch("a"), group: "deep/er/data"), table)
    }

    func testReadingInBatches() throws {
        let scratch = Scratch(), table = try everyTable(rows: 300)
        let writer = try DataSetWriter(scratch("t.h5"), schema: table.schema, expectedRows: 64)
        try writer.append(table)
        try writer.finish()
        for batch in [1, 64, 77, 300, 1000] {
            let reader = try FrameReader(scratch("t.h5"))
            XCTAssertEqual(reader.rows, 300)
            var first = 0
            while let part = try reader.next(batch) {
                assertSame(part, try table.slice(first: first, count: part.rows))
                first += part.rows
            }
            XCTAssertEqual(first, 300)
        }
    }

    func testRowsInMessagesAreThoseOfTheFile() throws {
        let scratch = Scratch()
        let wide = try one("age, row 1: x", "integer", "\"minimum\":0,\"maximum\":200"),
            narrow = try one("age, row 1: x", "integer", "\"minimum\":0,\"maximum\":100")
        let table = try Table(schema: wide, rows: 100)
        try table.setOffsets(0) { $0 == 73 ? 150 : Int64($0) }
        try writeTable(table, to: scratch("t.h5"))
        for batch in [10, 100] {
            let reader = try FrameReader(scratch("t.h5"), schema: narrow)
            let message = failure(.schema) { while try reader.next(batch) != nil {} }.message
            XCTAssertTrue(message.hasSuffix(": column \"age, row 1: x\", row 74: above the maximum 100"), message)
        }
    }

    func testConversionComesBack() throws {
        let scratch = Scratch(), table = try everyTable(rows: 200)
        try writeTable(table, to: scratch("a.h5"))
        try convertTable(from: scratch("a.h5"), to: scratch("b.csv"), schema: nil)
        try convertTable(from: scratch("b.csv"), to: scratch("c.h5"), schema: table.schema)
        try convertTable(from: scratch("c.h5"), to: scratch("d.h5"), schema: nil)
        assertSame(try readTable(scratch("d.h5")), table)
        failure(.argument) { try convertTable(from: scratch("b.csv"), to: scratch("e.h5"), schema: nil) }
        XCTAssertEqual(scratch.entries, ["a.h5", "b.csv", "c.h5", "d.h5"])
    }

    func testAWriterThatIsNotFinishedLeavesNothing() throws {
        let scratch = Scratch(), table = try everyTable(rows: 3)
        do {
            let writer = try DataSetWriter(scratch("t.h5"), schema: table.schema)
            try writer.append(table)
        }
        XCTAssertEqual(scratch.entries, [])
        let writer = try DataSetWriter(scratch("t.h5"), schema: table.schema)
        failure(.schema) { try writer.finish() }            // no rows
        XCTAssertEqual(scratch.entries, [])
        failure(.state) { try writer.append(table) }
        failure(.state) { try writer.finish() }
    }

    func testWhatCannotBeStoredIsRefused() throws {
        let scratch = Scratch()
        for name in ["_index", "..", "tab\\t"] {
            let schema = try Schema(json: "{\"fields\":[{\"name\":\"\(name)\",\"type\":\"boolean\"}]}")
            failure(.schema) { _ = try DataSetWriter(scratch("t.h5"), schema: schema) }
        }
        let schema = try Schema(json: everyKind)
        for group in ["", "/", "/a/../b", String(repeating: "a/", count: 20)] {
            failure(.argument) { _ = try DataSetWriter(scratch("t.h5"), schema: schema, group: group) }
        }
        let other = try Schema(json: "{\"fields\":[{\"name\":\"x\",\"type\":\"boolean\"}]}")
        let writer = try DataSetWriter(scratch("t.h5"), schema: other)
        failure(.argument) { try writer.append(everyTable(rows: 1)) }
        writer.abandon()
        XCTAssertEqual(scratch.entries, [])
    }

    func testEncodings() throws {
        func encoding(_ field: String) throws -> ColumnEncoding {
            ColumnEncoding(try Schema(json: "{\"fields\":[\(field)]}").fields[0])
        }
        let start = "{\"name\":\"x\",\"type\":"
        XCTAssertEqual(try encoding(start + "\"integer\",\"constraints\":{\"minimum\":-128,\"maximum\":127}}"),
            .integer(.int8, nullable: true, unit: nil))
        XCTAssertEqual(try encoding(start
            + "\"integer\",\"constraints\":{\"required\":true,\"minimum\":0,\"maximum\":128}}"),
                       .integer(.int16, nullable: false, unit: nil))
        XCTAssertEqual(try encoding(start
            + "\"date\",\"constraints\":{\"minimum\":\"1990-01-01\",\"maximum\":\"1990-01-02\"}}"),
                       .integer(.int32, nullable: true, unit: .days))
        let bounds = "\"minimum\":\"1990-01-01T00:00:00Z\",\"maximum\":\"2030-01-01T00:00:00Z\""
        XCTAssertEqual(try encoding(start + "\"datetime\",\"constraints\":{\(bounds)}}"), .double(unit: .microseconds))
        XCTAssertEqual(try encoding(start + "\"datetime\",\"constraints\":{\(bounds),\"multipleOf\":1}}"),
            .integer(.int32, nullable: true, unit: .seconds))
        XCTAssertEqual(try encoding(start
            + "\"datetime\",\"constraints\":{\"minimum\":\"0001-01-01T00:00:00Z\","
            + "\"maximum\":\"9999-01-01T00:00:00Z\"}}"),
                       .integer(.int64, nullable: true, unit: .microseconds))
    }

    func testManyLevelsAndManyColumns() throws {
        let scratch = Scratch()
        let levels = (0..<40_000).map { "\"level \($0)\"" }.joined(separator: ",")
        let long = try Table(schema: one("x", "string", "\"enum\":[\(levels)]"), rows: 40_000)
        try long.setOffsets(0) { Int64(39_999 - $0) }
        try writeTable(long, to: scratch("long.h5"))            // its schema is longer than an attribute's 64 KiB
        assertSame(try readTable(scratch("long.h5")), long)

        let fields = (0..<600).map { "{\"name\":\"c\($0)\",\"type\":\"boolean\"}" }.joined(separator: ",")
        let wide = try Table(schema: Schema(json: "{\"fields\":[\(fields)]}"), rows: 3)
        for j in 0..<600 { try wide.setOffsets(j) { Int64(($0 + j) % 3) - 1 } }
        try writeTable(wide, to: scratch("wide.h5"))
        assertSame(try readTable(scratch("wide.h5")), wide)

        let most = (0..<4096).map { "{\"name\":\"c\($0)\",\"type\":\"boolean\"}" }.joined(separator: ",")
        failure(.argument) { _ = try DataSetWriter(scratch("most.h5"), schema: Schema(json: "{\"fields\":[\(most)]}")) }
        XCTAssertEqual(scratch.entries, ["long.h5", "wide.h5"])
    }

    func testAFileThatSomebodyWritesIsLeftAlone() throws {
        let scratch = Scratch()
        try writeTable(everyTable(rows: 3), to: scratch("t.h5"))
        let file = open(scratch("t.h5"), O_RDWR)
        XCTAssertEqual(flock(file, LOCK_EX), 0)
        XCTAssertTrue(failure(.io) { _ = try readTable(scratch("t.h5")) }.message.contains("in use"))
        close(file)
        XCTAssertEqual(try readTable(scratch("t.h5")).rows, 3)
    }

    func testTimeUnits() {
        XCTAssertEqual(TimeUnit("days since 1970-01-01"), .days)
        XCTAssertEqual(TimeUnit("microseconds since 1970-01-01T00:00:00Z"), .microseconds)
        XCTAssertEqual(TimeUnit("second since 1970-01-01 00:00:00"), .seconds)
        XCTAssertNil(TimeUnit("days since 1900-01-01"))
        XCTAssertNil(TimeUnit("days"))
        for unit in [TimeUnit.days, .seconds, .microseconds] { XCTAssertEqual(TimeUnit(unit.text), unit) }
        XCTAssertEqual(TimeUnit.days.convert(-2, to: .seconds), -172_800)
        XCTAssertEqual(TimeUnit.seconds.convert(86_400, to: .days), 1)
        XCTAssertNil(TimeUnit.seconds.convert(86_401, to: .days))
        XCTAssertNil(TimeUnit.days.convert(.max, to: .microseconds))
    }

    func testProgressAndCancelling() throws {
        let scratch = Scratch()
        try writeTable(everyTable(rows: 10), to: scratch("t.h5"))
        var calls: [Int] = []
        _ = try readTable(scratch("t.h5")) { done, total in
            calls.append(done)
            return total == 170
        }
        XCTAssertEqual(calls, (0..<17).map { $0 * 10 })
        failure(.cancelled) { _ = try readTable(scratch("t.h5")) { done, _ in done < 50 } }
    }

    func testOtherProgramsMayChangeTheFile() throws {
        // What is behind HDF5's end is cut off by a program that writes: then it is a file without a seal, and read as
        // such.
        let scratch = Scratch(), table = try everyTable(rows: 20)
        try writeTable(table, to: scratch("t.h5"))
        try put(contents(scratch("t.h5")).dropLast(Seal.length), scratch("u.h5"))
        assertSame(try readTable(scratch("u.h5")), table)
    }

    func testDamageIsFound() throws {
        let scratch = Scratch()
        try writeTable(everyTable(rows: 20), to: scratch("t.h5"))
        let good = try contents(scratch("t.h5"))
        var random = TestRandom(state: 3)
        for _ in 0..<200 {
            var bytes = good
            bytes[Int.random(in: 0..<bytes.count - Seal.length, using: &random)] ^= 1 << UInt8.random(in: 0..<8,
                using: &random)
            try put(bytes, scratch("t.h5"))
            failure(.format) { _ = try readTable(scratch("t.h5")) }
        }
    }
}
