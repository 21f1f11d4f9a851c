// One table reads, prints and describes: what it prints it reads, and what it refuses names place and key.

import XCTest
@testable import Basics

final class OptionsTests: XCTestCase {
    private enum Way: String, CaseIterable { case refuse, coerce }

    private struct Oven: Equatable {
        var minutes = 30, size: Int?
        var heat = 180.5, mode = "top", fan = false, way = Way.refuse
        var name: String?, racks: [String] = []
    }

    private let table = OptionTable<Oven>([
        .whole("minutes", \.minutes, 1...90, unit: "minutes", help: "how long"),
        .whole("size", \.size, 1...5, help: "of the form"),
        .real("heat", \.heat, 0...250, unit: "degrees", help: "of the air"),
        .choice("mode", \.mode, ["top", "bottom"], help: "where from"),
        .choice("way", \.way, help: "what happens to burnt ones"),
        .flag("fan", \.fan, help: "moves the air"),
        .text("name", \.name, range: "any", help: "of the dish"),
        .texts("racks", \.racks, range: "[rack, ...]", help: "in use"),
    ])

    private func read(_ text: String) throws -> Oven {
        var oven = Oven()
        let r = try JSONReader(JSON.parse(text), context: "oven")
        try table.read(r, into: &oven)
        try r.finish()
        return oven
    }

    func testWhatIsPrintedIsRead() throws {
        XCTAssertEqual(try read("{}"), Oven())
        let all = """
            {"minutes":5,"size":2,"heat":99.5,"mode":"bottom","way":"coerce","fan":true,"name":"pie","racks":["a","b"]}
            """
        let oven = try read(all)
        XCTAssertEqual(oven, Oven(minutes: 5, size: 2, heat: 99.5, mode: "bottom", fan: true, way: .coerce, name: "pie",
                                  racks: ["a", "b"]))
        XCTAssertEqual(table.json(oven).text, all)
    }

    func testRefusals() {
        for (text, want) in [(#"{"minutes": 91}"#, #"oven, "minutes": must be between 1 and 90"#),
                             (#"{"size": 0.5}"#, #"oven, "size": must be a whole number"#),
                             (#"{"heat": "hot"}"#, #"oven, "heat": must be a number"#),
                             (#"{"mode": "side"}"#, #"oven, "mode": must be one of "top", "bottom""#),
                             (#"{"way": "eat"}"#, #"oven, "way": must be one of "refuse", "coerce""#),
                             (#"{"fan": 1}"#, #"oven, "fan": must be true or false"#),
                             (#"{"racks": [1]}"#, #"oven, "racks": must be a list of strings"#),
                             (#"{"minute": 1}"#, #"oven: unknown key "minute"; did you mean "minutes"?"#)] {
            XCTAssertThrowsError(try read(text)) { XCTAssertEqual("\($0)", want) }
        }
    }

    func testDescriptions() throws {
        XCTAssertEqual(table.schema(Oven())["minutes"]?.text,
                       #"{"default":30,"range":"1 to 90","unit":"minutes","help":"how long"}"#)
        XCTAssertEqual(table.schema(Oven())["size"]?.text,
                       #"{"default":null,"range":"1 to 5","unit":"","help":"of the form"}"#)
        XCTAssertEqual(table.schema(Oven())["heat"]?.text,
                       #"{"default":180.5,"range":"0.0 to 250.0","unit":"degrees","help":"of the air"}"#)
        XCTAssertEqual(table.schema(Oven())["way"]?["range"], "refuse | coerce")
        let presets = [("quick", Oven(minutes: 10)), ("slow", Oven(minutes: 80))]
        let lines = Dictionary(uniqueKeysWithValues: table.descriptions(presets, prefix: "oven.").map { ($0.0, $0.1) })
        XCTAssertEqual(lines["oven.minutes"]?["default"], 10)
        XCTAssertEqual(lines["oven.minutes"]?["default_by_preset"]?.text, #"{"quick":10,"slow":80}"#)
        XCTAssertNil(lines["oven.fan"]?["default_by_preset"])
        XCTAssertEqual(lines.count, table.options.count)
    }
}
