import CArrow
import Glibc
import XCTest
@testable import Basics
@testable import Tables

/// Streams that hosts make and break are tested in Tests/C/arrow.c, those of other packages in
/// Tests/python/test_arrow.py.
final class ArrowTests: XCTestCase {
    /// Export, and import what came out.
    private func roundTrip(_ table: Table, _ schema: Schema? = nil,
                           _ options: ArrowOptions = ArrowOptions()) throws -> Table {
        var stream = ArrowArrayStream()
        try exportArrow(table, to: &stream)
        let taken = ArrowStream(taking: &stream)
        XCTAssertNil(stream.release)
        return try importArrow(taken, schema ?? table.schema, options)
    }

    func testEveryTypeComesBack() throws {
        let table = try TestData.read(TestData.everyRows, Schema(json: TestData.everyType))
        XCTAssertTrue(TestData.sameCells(table, try roundTrip(table)))
    }

    func testEveryTypeComesBackAsText() throws {
        // Days, moments, numbers and truth values into a field of text levels: what a CSV file would hold is looked up.
        let typed = try TestData.schema([("d", "date", "\"minimum\":\"2020-01-01\",\"maximum\":\"2020-12-31\""),
                                         ("n", "number", "\"minimum\":0,\"maximum\":9"),
                                         ("i", "integer", "\"minimum\":0,\"maximum\":9"), ("b", "boolean", ""),
                                         ("t", "datetime", "\"minimum\":\"2020-01-01\",\"maximum\":\"2020-12-31\"")])
        let texts = try TestData.schema([("d", "string", "\"enum\":[\"2020-02-03\"]"),
                                         ("n", "string", "\"enum\":[\"1.5\",\"2\"]"),
                                         ("i", "string", "\"enum\":[\"7\"]"),
                                             ("b", "string", "\"enum\":[\"true\",\"false\"]"),
                                         ("t", "string", "\"enum\":[\"2020-02-03T04:05:06Z\"]")])
        let table = try TestData.read("d,n,i,b,t\n2020-02-03,2,7,false,2020-02-03T04:05:06Z\n", typed)
        XCTAssertEqual(try TestData.write(roundTrip(table, texts)), try TestData.write(table))
    }

    func testTheRulesAreThoseOfCSV() throws {
        let wide = try TestData.schema([("x", "integer", "\"minimum\":0,\"maximum\":100")])
        let table = try TestData.read("x\n5\n50\n", wide)
        for (type, constraints) in [("integer", "\"minimum\":0,\"maximum\":9"),
                                    ("number", "\"minimum\":0,\"maximum\":9"), ("integer", "\"enum\":[5]"),
                                    ("number", "\"enum\":[5]"), ("string", "\"enum\":[\"5\"]"),
                                        ("integer", "\"minimum\":0,\"maximum\":99,\"multipleOf\":5")] {
            let narrow = try TestData.schema([("x", type, constraints)])
            let fromText = TestData.message { _ = try TestData.read("x\n5\n50\n", narrow) },
                fromArrow = TestData.message { _ = try roundTrip(table, narrow) }
            XCTAssertEqual(fromText.replacingLine, fromArrow, type + constraints)
            let coerced = try CSVOptions(invalid: .coerce)
            XCTAssertTrue(TestData.sameCells(try TestData.read("x\n5\n50\n", narrow, coerced),
                                             try roundTrip(table, narrow, ArrowOptions(invalid: .coerce))))
        }
    }

    func testColumnsAreFoundByName() throws {
        let table = try TestData.read("x,y\n5,1\n",
                                      TestData.schema([("x", "integer", "\"minimum\":0,\"maximum\":9"),
                                                       ("y", "integer", "\"minimum\":0,\"maximum\":9")]))
        let swapped = try TestData.schema([("y", "integer", "\"minimum\":0,\"maximum\":9"),
                                           ("x", "integer", "\"minimum\":0,\"maximum\":9")])
        XCTAssertEqual(try TestData.write(roundTrip(table, swapped)), "y,x\n1,5\n")
        let one = try TestData.schema([("y", "integer", "\"minimum\":0,\"maximum\":9")])
        XCTAssertTrue(TestData.message { _ = try roundTrip(table,
                                                           one) }.contains("the column \"x\", not in the schema"))
        XCTAssertEqual(try TestData.write(roundTrip(table, one, ArrowOptions(extra: .ignore))), "y\n1\n")
        let other = try TestData.schema([("z", "integer", "\"minimum\":0,\"maximum\":9")])
        XCTAssertTrue(TestData.message { _ = try roundTrip(table, other) }.contains("lacks the column \"z\""))
    }

    func testFormats() {
        let known: [(String, ArrowType)] = [
            ("n", .null), ("b", .bool), ("c", .int(bytes: 1, signed: true)), ("L", .int(bytes: 8, signed: false)),
                ("e", .half), ("f", .float), ("g", .double),
            ("u", .text), ("U", .largeText), ("vu", .textView), ("tdD", .days), ("tdm", .moment(perSecond: 1_000)),
                ("tss:", .moment(perSecond: 1)),
            ("tsn:Europe/Berlin", .moment(perSecond: 1_000_000_000)), ("d:5,2", .decimal(scale: 2, bytes: 16)),
            ("d:5,-2,128", .decimal(scale: -2, bytes: 16)), ("d:5,2,32", .decimal(scale: 2, bytes: 4)),
            ("d:5,2,64", .decimal(scale: 2, bytes: 8)), ("d:5,2,256", .decimal(scale: 2, bytes: 32)),
        ]
        for (format, type) in known { XCTAssertEqual(ArrowType(format), type, format) }
        for format in ["", "x", "vz", "v", "t", "td", "tdx", "tdDD", "ts", "tss", "tsx:", "tts", "d", "d:", "d:5",
                       "d:5,2,512", "d:5,2,", "d:5,2,128,1", "d:5,99999", "+r", "+s", "uu", "z", "w:3", "b ",
                       "d:" + String(repeating: "9", count: 40) + ",2"] {
            XCTAssertNil(ArrowType(format), format)
        }
    }

    func testDecimals() {
        XCTAssertEqual(decimalText((12345, 0, 0, 0), 2), "123.45")
        XCTAssertEqual(decimalText((5, 0, 0, 0), 2), "0.05")
        XCTAssertEqual(decimalText((UInt64.max - 4, .max, .max, .max), 2), "-0.05")
        XCTAssertEqual(decimalText((5, 0, 0, 0), 0), "5")
        XCTAssertEqual(decimalText((5, 0, 0, 0), -3), "5000")
        XCTAssertEqual(decimalText((0, 1, 0, 0), 0), "18446744073709551616")
        XCTAssertEqual(decimalText((0, 1 << 63, .max, .max), 1), "-17014118346046923173168730371588410572.8")
        XCTAssertEqual(decimalText((0, 0, 1, 0), 0), "340282366920938463463374607431768211456")
        XCTAssertEqual(decimalText((0, 0, 0, 0), 2), "0.00")
        XCTAssertEqual(decimalText((10_000_000_000_000_000_000, 0, 0, 0), 0), "10000000000000000000")
    }

    func testHalves() {
        for (bits, value) in [(0x0000, 0.0), (0x3C00, 1.0), (0xC000, -2.0), (0x3555, 0.333251953125), (0x0001, 0x1p-24),
                              (0x7BFF, 65504.0)] as [(UInt16, Double)] {
            XCTAssertEqual(doubleOfHalf(bits), value)
        }
        XCTAssertEqual(doubleOfHalf(0x7C00), .infinity)
        XCTAssertEqual(doubleOfHalf(0xFC00), -.infinity)
        XCTAssertTrue(doubleOfHalf(0x7E00).isNaN)
    }
}

extension String {
    /// A CSV file's message in the words of one about a host's table: the line of the header is no row.
    fileprivate var replacingLine: String {
        guard let column = range(of: "column ") else { return self }
        var rest = String(self[column.lowerBound...])
        if let colon = rest.firstIndex(of: ":") { rest.replaceSubrange(colon..<colon, with: ", row 2") }
        return rest
    }
}
