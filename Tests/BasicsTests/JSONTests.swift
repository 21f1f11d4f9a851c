import XCTest
@testable import Basics

final class JSONTests: XCTestCase {
    func testValues() throws {
        XCTAssertEqual(try JSON.parse(" null "), .null)
        XCTAssertEqual(try JSON.parse("[true,false]"), [true, false])
        XCTAssertEqual(try JSON.parse("9223372036854775807"), .int(.max))
        XCTAssertEqual(try JSON.parse("-9223372036854775808"), .int(.min))
        XCTAssertEqual(try JSON.parse("9223372036854775808"), .number(0x1p63))
        XCTAssertEqual(try JSON.parse("1.0"), .number(1))
        XCTAssertEqual(try JSON.parse("1e-400"), .number(0))
        XCTAssertEqual(try JSON.parse("\"a\\u00e9\\n\\ud83d\\ude00\\/\""), "aé\n😀/")
        XCTAssertEqual(try JSON.parse("{\"b\":1,\"a\":{}}"), ["b": 1, "a": .object(JSONObject())])
        guard case .number(let zero) = try JSON.parse("-0") else { return XCTFail("-0 is a number") }
        XCTAssertEqual(zero.sign, .minus)
    }

    func testRefusals() {
        for bad in ["", " ", "nul", "tru", "+1", "01", "-", "1.", ".5", "1e", "1e+", "1e400", "-1e400", "0x1", "NaN",
            "Infinity", "'a'",
                    "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\t\"",
                        "[", "[1", "[1,",
                    "[1,]", "[,1]", "[1 2]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}",
                        "{\"a\" 1}",
                    "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "1 2", "[] []", "/*c*/1", "\u{FEFF}1"] {
            XCTAssertThrowsError(try JSON.parse(bad), bad) { XCTAssertEqual(($0 as? Failure)?.code, .format, bad) }
        }
        for bad in [[0xFF], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22]] as [[UInt8]] {
            XCTAssertThrowsError(try bad.withUnsafeBufferPointer { try JSON.parse($0) })
        }
    }

    func testDepth() throws {
        func nest(_ n: Int) -> String { String(repeating: "[", count: n) + String(repeating: "]", count: n) }
        XCTAssertNoThrow(try JSON.parse(nest(64)))
        XCTAssertThrowsError(try JSON.parse(nest(65)))
        XCTAssertThrowsError(try JSON.parse(String(repeating: "[", count: 1 << 20)))
        XCTAssertThrowsError(try JSON.parse(String(repeating: "{\"a\":", count: 1 << 18)))
    }

    func testTooManyValues() {
        XCTAssertThrowsError(try JSON.parse("[" + String(repeating: "[],", count: JSONParser.maxValues) + "[]]")) {
            XCTAssertTrue("\($0)".contains("more than 4000000 values"))
        }
        XCTAssertThrowsError(try JSON.parse(String(repeating: " ", count: (16 << 20) + 1)))
    }

    func testErrorNamesThePlace() {
        XCTAssertThrowsError(try JSON.parse("{\n  \"a\": secret\n}")) {
            XCTAssertEqual("\($0)", "JSON, line 2, column 8: a value should be here")
        }
    }

    func testTextReadsBack() throws {
        let value: JSON = ["s": "q\"\\\u{1}\t\u{2028}é",
            "n": [0, -1, 0.1, 1e300, .number(.leastNonzeroMagnitude), 1e22, 10.0], "o": ["x": nil, "y": []], "b": true]
        XCTAssertEqual(try JSON.parse(value.text), value)
        XCTAssertEqual(try JSON.parse(value.pretty), value)
        XCTAssertEqual(value.text, "{\"s\":\"q\\\"\\\\\\u0001\\t\u{2028}é\","
            + "\"n\":[0,-1,0.1,1e+300,5e-324,1e+22,10.0],\"o\":{\"x\":null,\"y\":[]},\"b\":true}")
        XCTAssertEqual((["a": [1, 2], "b": [["c": 1]]] as JSON).pretty,
                       "{\n  \"a\": [1, 2],\n  \"b\": [\n    {\n      \"c\": 1\n    }\n  ]\n}")
        XCTAssertEqual(JSON.number(.nan).text, "null")
    }

    func testEveryPrefixAndEveryByteIsAValueOrAnError() {
        let text = Array("{\"a\":[1,-2.5e3,\"\\u00e9\\ud83d\\ude00\",true,null],\"é\":{\"c\":\"\\\\\"}}".utf8)
        for n in 0...text.count { _ = try? Array(text[0..<n]).withUnsafeBufferPointer { try JSON.parse($0) } }
        for i in text.indices {
            for b in 0...255 as ClosedRange<UInt8> {
                var t = text
                t[i] = b
                if let v = try? t.withUnsafeBufferPointer({ try JSON.parse($0) }) {
                    XCTAssertEqual(try? JSON.parse(v.text), v)
                }
            }
        }
    }

    func testObjectKeepsOrder() {
        var o = JSONObject([("b", 0), ("a", 2), ("b", 1)])          // a repeated key replaces, in its place
        XCTAssertEqual(o.filter { $0 == "a" }, JSONObject([("a", 2)]))
        o["c"] = 3
        o["b"] = 4
        o["a"] = nil
        XCTAssertEqual(o.keys, ["b", "c"])
        XCTAssertEqual(o["b"], 4)
    }
}
