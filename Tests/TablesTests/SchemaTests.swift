import XCTest
@testable import Basics
@testable import Tables

final class SchemaTests: XCTestCase {
    private func one(_ field: String, _ rest: String = "") -> String { "{\"fields\":[\(field)]\(rest)}" }
    private func constrained(_ type: String, _ constraints: String, _ more: String = "") -> String {
        one("{\"name\":\"x\",\"type\":\"\(type)\"\(more),\"constraints\":{\(constraints)}}")
    }
    private func refuses(_ json: String, _ part: String, _ code: FailureCode = .schema, line: UInt = #line) {
        XCTAssertThrowsError(try Schema(json: json), json, line: line) { error in
            XCTAssertTrue("\(error)".contains(part), "\(error)", line: line)
            XCTAssertEqual((error as? Failure)?.code, code, line: line)
        }
    }

    func testEveryKind() throws {
        let s = try Schema(json: TestData.everyType)
        XCTAssertEqual(s.fields.map(\.kind), [
            .categorical(levels: ["red", "green", "blue, \"light\""]),
            .categorical(levels: ["1", "2", "5"]),
            .categorical(levels: ["0.5", "1"]),
            .boolean,
            .integer(minimum: -5, maximum: 300, step: 1),
            .integer(minimum: -10, maximum: 100, step: 5),
            .number(minimum: -1.5, maximum: 2, step: nil),
            .number(minimum: 0, maximum: 5, step: 0.1),
            .date(minimum: 0, maximum: 18_321),
            .datetime(minimum: 0, maximum: 946_684_800_000_000, step: 1),
            .datetime(minimum: 0, maximum: 946_684_800_000_000, step: 1_800_000_000),
        ])
        XCTAssertEqual(s.missingValues, ["", "NA"])
        XCTAssertEqual(s.index(of: "flag"), 3)
        XCTAssertNil(s.index(of: "none"))
        XCTAssertEqual(s.fields[0].required, true)
        XCTAssertEqual(s.fields[4].required, false)
    }

    func testCanonicalTextReadsBack() throws {
        let s = try Schema(json: TestData.everyType)
        let again = try Schema(json: s.json)
        XCTAssertEqual(again, s)
        XCTAssertEqual(again.json, s.json)
        XCTAssertEqual(try Schema(json: s.jsonValue.pretty), s)
    }

    func testBoundsAreTightenedToTheStep() throws {
        func kind(_ json: String) throws -> Kind { try Schema(json: json).fields[0].kind }
        XCTAssertEqual(try kind(constrained("integer", "\"minimum\":-7,\"maximum\":11,\"multipleOf\":3")),
                       .integer(minimum: -6, maximum: 9, step: 3))
        XCTAssertEqual(try kind(constrained("integer", "\"minimum\":1,\"maximum\":5,\"multipleOf\":5")),
                       .integer(minimum: 5, maximum: 5, step: 5))
        XCTAssertEqual(try kind(constrained("number", "\"minimum\":0.05,\"maximum\":4.29,\"multipleOf\":0.1")),
                       .number(minimum: 0.1, maximum: 4.2, step: 0.1))
        XCTAssertEqual(try kind(constrained("integer", "\"minimum\":10.0,\"maximum\":20")),
                       .integer(minimum: 10, maximum: 20, step: 1))
        XCTAssertEqual(try kind(constrained("number", "\"minimum\":3,\"maximum\":3")),
                       .number(minimum: 3, maximum: 3, step: nil))
    }

    func testRefusals() {
        refuses("", "JSON")
        refuses("[]", "must be an object")
        refuses("{}", "\"fields\" is required")
        refuses("{\"fields\":[]}", "at least one field")
        refuses("{\"fields\":[1]}", "field 1: must be an object")
        refuses("{\"fields\":[{}]}", "\"name\" is required")
        refuses(one("{\"name\":\"x\"}"), "a string column needs \"enum\"")
        refuses(one("{\"name\":\"\",\"type\":\"boolean\"}"), "name is empty")
        refuses(one("{\"name\":\"a\\u0000\",\"type\":\"boolean\"}"), "NUL")
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\"},{\"name\":\"x\",\"type\":\"boolean\"}"),
                "two fields are named \"x\"")
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\",\"tilte\":\"t\"}"),
                "unknown key \"tilte\"; did you mean \"title\"?")
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\"}", ",\"mising\":[]"), "schema: unknown key \"mising\"")
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\"}", ",\"primaryKey\":\"x\""), "primaryKey", .unsupported)
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\"}", ",\"foreignKeys\":[]"), "foreignKeys", .unsupported)
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\"}", ",\"missingValues\":[\"\",\"\"]"), "repeated")
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\"}", ",\"missingValues\":[{\"label\":\"\"}]"),
                "list of strings")
        refuses(one("{\"name\":\"x\",\"type\":\"time\"}"), "\"time\" is not supported", .unsupported)
        refuses(one("{\"name\":\"x\",\"type\":\"strnig\"}"), "\"strnig\" is not supported")
        refuses(one("{\"name\":\"x\",\"type\":\"date\",\"format\":\"any\"}"), "format", .unsupported)
        refuses(one("{\"name\":\"x\",\"type\":\"integer\",\"trueValues\":[\"1\"]}"), "unknown key \"trueValues\"")
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\",\"trueValues\":[\"y\"],\"falseValues\":[\"y\"]}"),
                "different texts")
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\",\"trueValues\":[]}"), "must not be empty")
        refuses(one("{\"name\":\"x\",\"type\":\"boolean\"}", ",\"missingValues\":[\"true\"]"), "both")
        refuses(one("{\"name\":\"x\",\"type\":\"string\"}"), "needs \"enum\"")
        refuses(one("{\"name\":\"x\",\"type\":\"integer\"}"), "\"minimum\" is required")
        refuses(constrained("string", "\"enum\":[\"a\"],\"unique\":true"), "unique", .unsupported)
        for key in ["pattern", "minLength", "maxLength", "exclusiveMinimum", "jsonSchema"] {
            refuses(constrained("string", "\"enum\":[\"a\"],\"\(key)\":1"), key, .unsupported)
        }
        refuses(constrained("string", "\"enum\":[\"a\"],\"requierd\":true"), "did you mean \"required\"?")
        refuses(constrained("string", "\"enum\":[]"), "at least one level")
        refuses(constrained("string", "\"enum\":[\"a\",\"a\"]"), "a level twice")
        refuses(constrained("string", "\"enum\":[\"\\u00e9\",\"e\\u0301\"]"), "a level twice")
        refuses(constrained("string", "\"enum\":[\"a\",\"\"]"), "both a level and a missing value")
        refuses(constrained("string", "\"enum\":[1]"), "not a string")
        refuses(constrained("integer", "\"enum\":[1,1.5]"), "not an integer")
        refuses(constrained("integer", "\"enum\":[1,\"1\"]"), "a level twice")
        refuses(constrained("number", "\"enum\":[\"x\"]"), "not a number")
        refuses(constrained("boolean", "\"enum\":[true]"), "enum", .unsupported)
        refuses(constrained("integer", "\"enum\":[1],\"minimum\":0"), "stands beside")
        refuses(constrained("integer", "\"minimum\":0"), "\"maximum\" is required")
        refuses(constrained("integer", "\"minimum\":3,\"maximum\":2"), "empty bounds")
        refuses(constrained("integer", "\"minimum\":0.5,\"maximum\":2"), "whole number")
        refuses(constrained("integer", "\"minimum\":0,\"maximum\":2,\"multipleOf\":0.5"), "whole number")
        refuses(constrained("integer", "\"minimum\":0,\"maximum\":2,\"multipleOf\":0"), "above 0")
        refuses(constrained("integer", "\"minimum\":1,\"maximum\":2,\"multipleOf\":5"), "empty bounds")
        refuses(constrained("integer", "\"minimum\":-9223372036854775808,\"maximum\":9223372036854775807"), "too wide")
        refuses(constrained("integer", "\"minimum\":0,\"maximum\":9223372036854775808"), "whole number")
        refuses(constrained("number", "\"minimum\":2,\"maximum\":1"), "empty bounds")
        refuses(constrained("number", "\"minimum\":\"0\",\"maximum\":1"), "must be a number")
        refuses(constrained("number", "\"minimum\":0,\"maximum\":1e999"), "too large")
        refuses(constrained("number", "\"minimum\":-1.7e308,\"maximum\":1.7e308"), "too wide")
        refuses(constrained("number", "\"minimum\":0,\"maximum\":1,\"multipleOf\":0"), "above 0")
        refuses(constrained("number", "\"minimum\":0,\"maximum\":1,\"multipleOf\":1e-300"), "too small")
        refuses(constrained("number", "\"minimum\":0.11,\"maximum\":0.19,\"multipleOf\":0.1"), "empty bounds")
        refuses(constrained("date", "\"minimum\":\"2021-02-29\",\"maximum\":\"2022-01-01\""), "YYYY-MM-DD")
        refuses(constrained("date", "\"minimum\":\"2022-01-02\",\"maximum\":\"2022-01-01\""), "empty bounds")
        refuses(constrained("date", "\"minimum\":\"2022-01-01\",\"maximum\":\"2022-01-01\",\"multipleOf\":7"),
                "unknown key \"multipleOf\"")
        refuses(constrained("datetime", "\"minimum\":\"2022-01-01T00:00:00Z\",\"maximum\":1"), "must be a string")
        let year = "\"minimum\":\"2022-01-01T00:00:00Z\",\"maximum\":\"2023-01-01T00:00:00Z\""
        refuses(constrained("datetime", year + ",\"multipleOf\":1e-9"), "microseconds")
        refuses(constrained("datetime",
                            "\"minimum\":\"0001-01-01T00:00:00+01:00\",\"maximum\":\"2023-01-01T00:00:00Z\""),
                                "years 0001")
    }

    func testLimits() throws {
        let fields = (0...Schema.maxFields).map { "{\"name\":\"f\($0)\",\"type\":\"boolean\"}" }
        XCTAssertNoThrow(try Schema(json: one(fields.dropLast().joined(separator: ","))))
        refuses(one(fields.joined(separator: ",")), "more than 4096 fields")
        let levels = (0...Schema.maxLevels).map { "\"l\($0)\"" }
        let most = "\"enum\":[\(levels.dropLast().joined(separator: ","))]"
        XCTAssertEqual(try Schema(json: constrained("string", most)).fields[0].kind.count, 65_534)
        refuses(constrained("string", "\"enum\":[\(levels.joined(separator: ","))]"), "more than 65534 levels")
    }

    func testSameColumns() throws {
        let a = try Schema(json: constrained("integer", "\"minimum\":0,\"maximum\":9", ",\"title\":\"t\""))
        let b = try Schema(json: constrained("integer", "\"minimum\":0,\"maximum\":9"))
        let c = try Schema(json: constrained("integer", "\"minimum\":0,\"maximum\":8"))
        XCTAssertNotEqual(a, b)
        XCTAssertTrue(a.hasSameColumns(as: b))
        XCTAssertFalse(a.hasSameColumns(as: c))
    }

    func testEveryPrefixIsASchemaOrAnError() {
        let text = Array(TestData.everyType.utf8)
        for n in 0..<text.count { XCTAssertThrowsError(try Schema(json: String(decoding: text[0..<n], as: UTF8.self))) }
    }
}

/// What the second version of the standard adds, and where extensions stand.
final class SchemaStandardTests: XCTestCase {
    private func schema(_ field: String, _ rest: String = "") throws -> Schema {
        try Schema(json: "{\"fields\":[\(field)]\(rest)}")
    }

    func testStepBesideTheConstraints() throws {
        let bounds = "\"constraints\":{\"minimum\":0,\"maximum\":4}"
        for (type, low, high, step) in [("number", "0", "4", "0.5"), ("integer", "0", "4", "2"),
                                        ("datetime", "\"2020-01-01T00:00:00Z\"", "\"2021-01-01T00:00:00Z\"", "3600")] {
            let inside = try schema("""
                {"name":"x","type":"\(type)","constraints":{"minimum":\(low),"maximum":\(high),"multipleOf":\(step)}}
                """)
            let beside = try schema("""
                {"name":"x","type":"\(type)","flip:multipleOf":\(step),
                 "constraints":{"minimum":\(low),"maximum":\(high)}}
                """)
            XCTAssertEqual(inside.fields[0].kind, beside.fields[0].kind)
            // Each place is kept, so that readers of the standard can be given a schema they know.
            XCTAssertTrue(inside.json.contains("\"multipleOf\""))
            XCTAssertFalse(beside.json.contains("\"multipleOf\""))
            for s in [inside, beside] { XCTAssertEqual(try Schema(json: s.json), s) }
        }
        XCTAssertThrowsError(try schema("{\"name\":\"x\",\"type\":\"number\",\"flip:multipleOf\":-1,\(bounds)}"))
        XCTAssertThrowsError(try schema("{\"name\":\"x\",\"type\":\"boolean\",\"flip:multipleOf\":1}"))
    }

    func testCategories() throws {
        let s = try schema(#"{"name":"x","type":"string","categories":["low","high"],"categoriesOrdered":true}"#)
        XCTAssertEqual(s.fields[0].levels, ["low", "high"])
        XCTAssertTrue(s.json.contains("\"categoriesOrdered\":true"))
        XCTAssertEqual(try Schema(json: s.json), s)
        let some = try schema(#"{"name":"x","type":"integer","categories":[1,2,3],"constraints":{"enum":[1,3]}}"#)
        XCTAssertEqual(some.fields[0].levels, ["1", "3"])
        XCTAssertEqual(try Schema(json: some.json), some)
        let other = #"{"name":"x","type":"integer","categories":[1,2],"constraints":{"enum":[1,3]}}"#
        XCTAssertThrowsError(try schema(other))
        XCTAssertThrowsError(try schema(#"{"name":"x","type":"number","categories":[1,2]}"#))
    }

    func testDefaultsSayNothingNew() throws {
        let bounds = #""constraints":{"minimum":0,"maximum":9,"unique":false}"#
        let x = #"{"name":"x","type":"integer","bareNumber":true,"# + bounds + "}"
        XCTAssertEqual(try schema(x).fields[0].kind, .integer(minimum: 0, maximum: 9, step: 1))
        XCTAssertEqual(try schema(#"{"name":"x","constraints":{"enum":["a"]}}"#).fields[0].type, .string)
        let year = #"{"name":"x","type":"year","constraints":{"minimum":1900,"maximum":2030}}"#
        XCTAssertEqual(try schema(year).fields[0].type, .integer)
        let open = try schema(x, #","fieldsMatch":"subset""#)
        XCTAssertEqual(try TestData.read("y,x\n1,2\n", open).columns[0].double(0), 2)
        XCTAssertEqual(try Schema(json: open.json), open)
        XCTAssertThrowsError(try TestData.read("y,x\n1,2\n", schema(x, #","fieldsMatch":"equal""#)))
        XCTAssertThrowsError(try schema(x, #","fieldsMatch":"superset""#))
    }

    /// What somebody declared as categories is levels, whatever it looks like.
    func testDeclaredCategoriesStayLevels() throws {
        for texts in [["2", "1", "99"], ["true", "false"], ["2020-01-02", "2020-01-01"]] {
            let guess = try ColumnGuess("x", limit: 1000)
            for text in texts {
                var text = text
                try text.withUTF8 { try guess.declare($0) }
            }
            let s = try Schema.inferred([guess], InferOptions(), "")
            XCTAssertEqual(s.fields[0].kind, .categorical(levels: texts))
        }
    }

    func testAGuessedStepStandsBeside() throws {
        let guess = try ColumnGuess("x", limit: 1000)
        for text in ["0.25", "1.75", "2.00"] { try guess.add(text) }
        let s = try Schema.inferred([guess], InferOptions(), "")
        XCTAssertNotNil(s.fields[0].kind.grid)
        XCTAssertFalse(s.json.contains("\"multipleOf\""))
        XCTAssertTrue(s.json.contains("\"flip:multipleOf\""))
        XCTAssertEqual(try Schema(json: s.json), s)
    }
}
