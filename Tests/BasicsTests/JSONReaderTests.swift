import XCTest
@testable import Basics

final class JSONReaderTests: XCTestCase {
    private func reader(_ text: String) throws -> JSONReader { try JSONReader(JSON.parse(text), context: "plan") }
    private func message(_ body: () throws -> Void) -> String {
        do { try body(); return "" } catch { return "\(error)" }
    }

    func testReads() throws {
        let r =
            try reader("{\"x\":1.5,\"n\":10.0,\"b\":true,\"s\":\"t\",\"l\":[\"a\"],\"d\":[1,2.5],"
            + "\"o\":{\"k\":1},\"c\":\"one\"}")
        XCTAssertEqual(try r.double("x", in: 0...2), 1.5)
        XCTAssertEqual(try r.int("n", in: 0...10), 10)
        XCTAssertEqual(try r.bool("b"), true)
        XCTAssertEqual(try r.string("s"), "t")
        XCTAssertEqual(try r.strings("l"), ["a"])
        XCTAssertEqual(try r.doubles("d"), [1, 2.5])
        XCTAssertEqual(try r.choice("c", of: ["one", "two"]), "one")
        let o = try r.object("o")
        XCTAssertEqual(try o.int64("k"), 1)
        try o.finish()
        XCTAssertNil(try r.optionalDouble("absent"))
        XCTAssertFalse(r.has("none"))
        try r.finish()
    }

    func testObjectsOfManyKeysAreReadTheSameWay() throws {
        let r = JSONReader(JSONObject((0..<300_000).map { ("k\($0)", .int(Int64($0))) } + [("k7", -7)]),
            context: "plan")
        for i in 0..<300_000 where i != 299_998 { XCTAssertEqual(try r.int("k\(i)"), i == 7 ? -7 : i) }
        XCTAssertNil(r.optional("none"))
        XCTAssertEqual(message { try r.finish() }.prefix(27), "plan: unknown key \"k299998\"")
    }

    func testErrorsNamePlaceKeyAndRule() throws {
        let r = try reader("{\"x\":3,\"s\":1,\"n\":1.5,\"epsilom\":1,\"o\":{\"u\":1},\"z\":null}")
        XCTAssertEqual(message { _ = try r.double("x", in: 0...2.5) }, "plan, \"x\": must be between 0 and 2.5")
        XCTAssertEqual(message { _ = try r.string("s") }, "plan, \"s\": must be a string")
        XCTAssertEqual(message { _ = try r.int("n") }, "plan, \"n\": must be a whole number")
        XCTAssertEqual(message { _ = try r.double("delta") }, "plan: \"delta\" is required")
        XCTAssertEqual(message { _ = try r.optionalDouble("z") }, "plan, \"z\": must be a number")
        XCTAssertEqual(message { try r.object("o").finish() }, "plan, \"o\": unknown key \"u\"")
        _ = r.optional("epsilon")
        XCTAssertEqual(message { try r.finish() }, "plan: unknown key \"epsilom\"; did you mean \"epsilon\"?")
        XCTAssertEqual(message { _ = try JSONReader([1], context: "plan") }, "plan: must be an object")
    }
}
