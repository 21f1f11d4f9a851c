// What other programs write (docs/FORMATS.md): read as it is meant, or refused with a sentence that says what it is.

import Basics
import Tables
import XCTest
@testable import Storage

final class ForeignFileTests: XCTestCase {
    private func table(_ file: String, _ group: String? = nil, _ schema: Schema) throws -> Table {
        try readTable(fixture(file), group: group, schema: schema)
    }

    /// The cells of a column as doubles, -99 where missing; of a field with levels their places.
    private func cells(_ file: String, _ schema: Schema) throws -> [Double] { try cells(file, "/data", schema) }
    private func cells(_ file: String, _ group: String?, _ schema: Schema) throws -> [Double] {
        let table = try table(file, group, schema), column = table.columns[0]
        return (0..<table.rows).map { column.isMissing($0) ? -99 : column.double($0) }
    }

    private func refusal(_ file: String, _ schema: Schema, _ code: FailureCode = .format, line: UInt = #line)
        -> String {
        refusal(file, "/data", schema, code, line: line)
    }
    private func refusal(_ file: String, _ group: String?, _ schema: Schema, _ code: FailureCode = .format,
        line: UInt = #line) -> String {
        failure(code, line: line) { _ = try table(file, group, schema) }.message
    }

    private func integer(_ name: String, _ low: Int = -99, _ high: Int = 99) throws -> Schema {
        try one(name, "integer", "\"minimum\":\(low),\"maximum\":\(high)")
    }

    private func number(_ name: String) throws -> Schema { try one(name, "number", "\"minimum\":-99,\"maximum\":99") }

    private func moment(_ name: String) throws -> Schema {
        try one(name, "datetime", "\"minimum\":\"1970-01-01T00:00:00Z\",\"maximum\":\"2030-01-01T00:00:00Z\"")
    }

    func testCategoricalsOfAnnData07() throws {
        let file = "anndata07.h5ad"
        XCTAssertEqual(try cells(file, "obs", integer("age")), [60, 30, 60, 40])
        XCTAssertEqual(try cells(file, "obs", one("age", "integer", "\"enum\":[30,40,60]")), [2, 0, 2, 1])
        XCTAssertEqual(try cells(file, "obs", one("sex", "string", "\"enum\":[\"m\",\"f\"]")), [0, -99, 1, 0])
        XCTAssertEqual(try cells(file, "obs", number("dose")), [0.1, 0.25, 0.25, 0.1])
        XCTAssertEqual(try cells(file, "obs", integer("count")), [5, 6, 7, 8])
        let yes =
            "{\"fields\":[{\"name\":\"smoker\",\"type\":\"boolean\",\"trueValues\":[\"yes\"],"
            + "\"falseValues\":[\"no\"]}]}"
        XCTAssertEqual(try cells(file, "obs", Schema(json: yes)), [1, 1, 1, 1])
        XCTAssertTrue(refusal(file, "obs", try one("smoker", "boolean"),
            .schema).contains("declared true and false values"))
        let inferred = try Schema.inferred(hdf5: fixture(file))                  // finds /obs
        XCTAssertEqual(inferred.fields.map(\.name), ["age", "smoker", "sex", "dose", "count"])
        XCTAssertEqual(inferred.fields[2].levels, ["f", "m"])
    }

    func testCategoriesThatAreNotUnderstood() throws {
        for group in ["plain", "elsewhere", "texts", "other"] {
            XCTAssertTrue(refusal("anndata07.h5ad", group,
                try integer("age")).contains("\"categories\" that is not understood"), group)
        }
        XCTAssertTrue(refusal("anndata07.h5ad", "var",
            try integer("age")).contains("encoding-version other than 0.1.0 and 0.2.0"))
        failure(.format) { _ = try Schema.inferred(hdf5: fixture("anndata07.h5ad"), group: "plain") }
    }

    func testMarksOfNetCDF() throws {
        for (name, mark) in [("scaled", "scale_factor"), ("offset", "add_offset"), ("unsigned", "_Unsigned"),
            ("filled_text", "_FillValue"),
                             ("unknown", "encoding-version")] {
            XCTAssertTrue(refusal("marks.h5", try integer(name)).contains("\(mark)"), name)
        }
        XCTAssertEqual(try cells("marks.h5", integer("neutral")), [15, 20, 30])
        XCTAssertEqual(try cells("marks.h5", integer("filled")), [15, -99, 30])
        XCTAssertEqual(try cells("marks.h5", number("filled_real")), [1.5, -99, -99])
        XCTAssertTrue(refusal("marks.h5",
            try one("noleap", "date", "\"minimum\":\"1970-01-01\",\"maximum\":\"1980-01-01\""))
            .contains("calendar"))
        XCTAssertEqual(try cells("marks.h5",
            one("gregorian", "date", "\"minimum\":\"1970-01-01\",\"maximum\":\"1980-01-01\"")), [1, 2, 3])
        XCTAssertTrue(refusal("marks.h5", try integer("records")).contains("compound"))
    }

    func testTimesAreExactToTheMicrosecondOrRefused() throws {
        XCTAssertEqual(try cells("marks.h5", moment("tenth")), [100_000, 1_577_934_245_123_456, -99])
        XCTAssertEqual(try cells("marks.h5", moment("nanoseconds")), [1, 2, 3])
        XCTAssertEqual(try cells("marks.h5", moment("single")), [100_000, 200_000, 300_000])
        for (name, row) in [("fine", 2), ("fine_nanoseconds", 2), ("half_days", 2)] {
            let message = refusal("marks.h5", try moment(name), .schema)
            XCTAssertTrue(message.hasSuffix("row \(row): finer than a microsecond"), message)
        }
        XCTAssertEqual(try cells("marks.h5",
            one("whole_days", "date", "\"minimum\":\"1970-01-01\",\"maximum\":\"1980-01-01\"")), [0, 1, 2])
        let names = try Frame(fixture("marks.h5"), nil).names()
        for (name, isFine) in [("fine", true), ("fine_nanoseconds", true), ("tenth", false), ("nanoseconds", false)] {
            var options = InferOptions()
            options.skip = names.filter { $0 != name }
            if isFine {
                let message = failure(.schema) { _ = try Schema.inferred(hdf5: fixture("marks.h5"), options) }.message
                XCTAssertTrue(message.contains("finer than a microsecond"), message)
            } else {
                XCTAssertEqual(try Schema.inferred(hdf5: fixture("marks.h5"), options).fields.first?.type, .datetime)
            }
        }
    }

    func testTheNearestDoubleOfAMicrosecondIsThatMicrosecond() {
        for unit in ["days", "hours", "minutes", "seconds", "milliseconds",
            "microseconds"].compactMap({ TimeUnit($0 + " since 1970-01-01") }) {
            var random = TestRandom(state: 5)
            for _ in 0..<1000 {
                let whole = Double(Int64.random(in: -4_000_000_000_000_000...4_000_000_000_000_000, using: &random))
                XCTAssertEqual(unit.microseconds(whole / Double(unit.nanoseconds / 1000), nil), whole)
            }
        }
        XCTAssertNil(TimeUnit.seconds.microseconds(1e-7, nil))
        XCTAssertNil(TimeUnit.microseconds.microseconds(0.5, nil))
        XCTAssertEqual(TimeUnit.seconds.microseconds(.infinity, nil), .infinity)
    }

    func testHdf5r() throws {
        XCTAssertEqual(try cells("hdf5r.h5", one("logical", "boolean")), [1, 0, -99, 1])
        XCTAssertEqual(try cells("hdf5r.h5", one("logical", "string", "\"enum\":[\"FALSE\",\"TRUE\"]")), [1, 0, -99, 1])
        XCTAssertEqual(try cells("hdf5r.h5", one("factor", "string", "\"enum\":[\"a\",\"b\"]")), [0, 1, 1, 0])
        XCTAssertTrue(refusal("hdf5r.h5", try one("with_na", "string", "\"enum\":[\"a\",\"b\"]"), .schema)
            .hasSuffix("row 3: a value outside the enumeration of its data set"))
        XCTAssertEqual(try cells("hdf5r.h5", integer("int")), [1, 2, 3, 4])
        XCTAssertEqual(try cells("hdf5r.h5", number("double")), [1, 2, -99, 4])
        XCTAssertEqual(try cells("hdf5r.h5", one("text", "string", "\"enum\":[\"x\",\"y\"]")), [0, 1, 0, 1])
        XCTAssertTrue(failure(.format) { _ =
            try Schema.inferred(hdf5: fixture("hdf5r.h5")) }.message.contains("outside its enumeration"))
        var options = InferOptions()
        options.skip = ["with_na"]
        let schema = try Schema.inferred(hdf5: fixture("hdf5r.h5"), options)
        XCTAssertEqual(schema.fields.first { $0.name == "factor" }?.levels, ["b", "a"])
        XCTAssertEqual(schema.fields.first { $0.name == "logical" }?.type, .boolean)
    }

    func testRhdf5() throws {
        XCTAssertEqual(try cells("rhdf5.h5", one("logical", "boolean")), [1, 0, -99, 1])
        XCTAssertEqual(try cells("rhdf5.h5", integer("int", -2_147_483_648, 9)), [1, 2, -99, 4])
        XCTAssertEqual(try cells("rhdf5.h5", number("double")), [1, 2, -99, 4])
        XCTAssertEqual(try cells("rhdf5.h5", one("text", "string", "\"enum\":[\"NA\",\"x\",\"y\"]")), [1, 2, -99, 1])
        let schema = try Schema.inferred(hdf5: fixture("rhdf5.h5"))
        XCTAssertTrue(schema.json.contains("\"minimum\":1"), schema.json)
        XCTAssertFalse(schema.json.contains("2147483648"))
        XCTAssertEqual(schema.fields.first { $0.name == "logical" }?.type, .boolean)
        XCTAssertEqual(schema.fields.first { $0.name == "text" }?.levels, ["x", "y"])
    }

    func testPyTables() throws {
        for name in ["flag", "packed"] { XCTAssertEqual(try cells("pytables.h5", one(name, "boolean")), [1, 0, 1]) }
        XCTAssertEqual(try cells("pytables.h5", one("color", "string", "\"enum\":[\"blue\",\"green\",\"red\"]")),
            [2, 0, 1])
        failure(.schema) { _ =
            try table("pytables.h5", "/data", one("wrong", "string", "\"enum\":[\"blue\",\"green\",\"red\"]")) }
        XCTAssertTrue(refusal("pytables.h5", try moment("time")).contains("time type"))
        XCTAssertTrue(refusal("pandas.h5", try integer("a")).contains("HDFStore"))
    }

    func testTheDataframeOfAnH5adIsFound() throws {
        let schema = try number("x")
        for (file, group) in [("obs.h5ad", nil), ("obs.h5ad", "obs"), ("obs.h5ad", "/var"), ("root.h5", nil),
            ("root.h5", "/"), ("root.h5", ""),
                              ("user_block.h5", nil), ("elsewhere.h5", "/deeper/one")] as [(String, String?)] {
            XCTAssertEqual(try cells(file, group, schema), [1, 2, 3], file)
            XCTAssertNoThrow(try Schema.inferred(hdf5: fixture(file), group: group))
            XCTAssertEqual(try readTableFile(fixture(file), group: group, schema: schema).rows, 3)
            let scratch = Scratch()
            try convertTable(from: fixture(file), group: group, to: scratch("t.csv"), schema: schema)
            XCTAssertEqual(String(decoding: try contents(scratch("t.csv")), as: UTF8.self), "x\n1\n2\n3\n")
        }
        let message = refusal("elsewhere.h5", nil, schema)
        XCTAssertTrue(message.hasSuffix("\"/data\": is missing: name the group of the dataframe, one of "
            + "\"/deeper/one\", \"/var\""), message)
        XCTAssertTrue(refusal("obs.h5ad", "/data", schema).contains("is missing"))
        failure(.argument) { _ = try readTableFile("t.csv", group: "obs", schema: schema) }
        failure(.argument) { try convertTable(from: "t.csv", group: "obs", to: "u.csv", schema: schema) }
    }

    func testSlashesInNames() throws {
        XCTAssertEqual(try cells("obs.h5ad", nil, number("mmol/l")), [4, 5, 6])
        let scratch = Scratch()
        let names = ["mmol/l", "mmol/mol", "a", "a/b", "/", "x//y", "m/_index", "%/"]
        let fields = names.map { "{\"name\":\"\($0)\",\"type\":\"boolean\"}" }.joined(separator: ",")
        let schema = try Schema(json: "{\"fields\":[\(fields)]}")
        let table = try Table(schema: schema, rows: 3)
        for j in names.indices { try table.setOffsets(j) { Int64(($0 + j) % 3) - 1 } }
        try writeTable(table, to: scratch("t.h5"))
        assertSame(try readTable(scratch("t.h5")), table)
        assertSame(try readTable(scratch("t.h5"), schema: schema), table)
        XCTAssertEqual(try ColumnPlace.places(["mmol/l", "a", "a/b", "100%"]),
            [["mmol", "l"], ["a"], ["a%2Fb"], ["100%"]])
        XCTAssertEqual(try ColumnPlace.places(["_index/x"]), [["_index%2Fx"]])
        failure(.schema) { _ = try ColumnPlace.places(["a", "a/b", "a%2Fb"]) }         // both would be a%2Fb
    }

    func testFilesOfNewerLibrariesAreRead() throws {
        // HDF5 1.10 itself does not read the booleans of this file.
        XCTAssertEqual(try cells("newest.h5", one("yes", "boolean")), [1, 0])
        XCTAssertEqual(try cells("newest.h5", number("x")), [1, 2])
    }
}
