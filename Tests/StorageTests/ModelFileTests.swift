// What is written to a model file comes back, and what may not be written or read is refused.

import Basics
import XCTest
@testable import Storage

final class ModelFileTests: XCTestCase {
    func read<R>(_ bytes: [UInt8], _ kind: ModelFile.Kind = .model, _ body: (GroupReader) throws -> R) throws -> R {
        try bytes.withUnsafeBytes { try ModelFile.read(kind, bytes: $0, body) }
    }

    func testWhatIsWrittenIsRead() throws {
        try read(sampleModel()) { root in
            XCTAssertEqual(try root.string("schema"), "{\"fields\":[]}")
            XCTAssertEqual(try root.names(), ["digest", "ledger", "schema", "weights"])
            let weights = try root.group("weights")
            XCTAssertEqual(list(try weights.tensor("first", shape: [2, 3], as: Float.self)), [1, 2, 3, 4, 5, 6])
            XCTAssertEqual(list(try weights.tensor("second", shape: [4], as: Double.self)), [-1, 0, 1e300, .infinity])
            XCTAssertEqual(list(try weights.tensor("counts", shape: [2], as: Int64.self)), [7, -8])
            XCTAssertTrue(weights.has("empty"))
            XCTAssertFalse(weights.has("third"))
            let ledger = try root.group("ledger")
            XCTAssertEqual(try ledger.scalar("epsilon", as: Double.self), 1.5)
            let columns =
                try ledger.dataframe("events",
                [("sampling_rate", .numbers), ("name", .strings), ("count", .integers), ("exact", .booleans)])
            XCTAssertEqual(columns,
                [.numbers([1, 0.01]), .strings(["histograms", "Größe"]), .integers([1, 5000]),
                .booleans([true, false])])
        }
    }

    func testAttributes() throws {
        let bytes = list(try ModelFile.bytes(.model) { root in
            try root.attribute("text", "ä")
            try root.attribute("texts", ["a", "", "ccc"])
            try root.attribute("none", [])
            try root.attribute("int", -5)
            try root.attribute("double", 0.1)
            try root.attribute("yes", true)
        })
        try read(bytes) { root in
            XCTAssertEqual(try root.attribute("text"), "ä")
            XCTAssertEqual(try root.attributes("texts"), ["a", "", "ccc"])
            XCTAssertEqual(try root.attributes("none"), [])
            XCTAssertEqual(try root.attributeDouble("double"), 0.1)
            let all = try root.allAttributes()
            XCTAssertEqual(try all.first { $0.name == "int" }?.number(as: Int64.self), -5)
            XCTAssertEqual(try all.first { $0.name == "yes" }?.type, .boolean)
            XCTAssertEqual(try all.first { $0.name == "yes" }.map { list(try $0.bytes()) }, [1])
            XCTAssertFalse(root.hasAttribute("no"))
            failure(.format) { _ = try root.attribute("no") }
            failure(.format) { _ = try root.attribute("int") }
        }
    }

    func testEqualContentGivesEqualBytes() throws {
        XCTAssertEqual(try sampleModel(), try sampleModel())
    }

    func testEmptyTensorsAndTexts() throws {
        let bytes = list(try ModelFile.bytes(.checkpoint) { root in
            try root.tensor("none", shape: [0, 3], [] as [Float])
            try root.string("text", "")
            try root.strings("texts", [])
            try root.string("long", String(repeating: "é", count: 100_000))
        })
        try read(bytes, .checkpoint) { root in
            XCTAssertEqual(try root.tensor("none", shape: [0, 3], as: Float.self).count, 0)
            XCTAssertEqual(try root.string("text"), "")
            XCTAssertEqual(try root.strings("texts"), [])
            XCTAssertEqual(try root.string("long").utf8.count, 200_000)
            failure(.format) { _ = try root.string("long", maxBytes: 199_999) }
        }
    }

    func testTheReaderComparesWithWhatIsExpected() throws {
        try read(sampleModel()) { root in
            let weights = try root.group("weights")
            failure(.format) { _ = try weights.tensor("first", shape: [3, 2], as: Float.self) }
            failure(.format) { _ = try weights.tensor("first", shape: [6], as: Float.self) }
            failure(.format) { _ = try weights.tensor("first", shape: [2, 3], as: Double.self) }
            failure(.format) { _ = try weights.tensor("missing", shape: [1], as: Float.self) }
            failure(.format) { _ = try root.tensor("weights", shape: [1], as: Float.self) }
            failure(.format) { _ = try root.group("schema") }
            failure(.format) { _ = try root.string("weights") }
            failure(.format) { _ = try root.group("weights/empty") }
            failure(.format) { _ = try root.group("..") }
            failure(.format) { _ = try root.group("") }
        }
    }

    func testNamesThatFilesCannotHoldAreRefused() throws {
        for name in ["", "a/b", ".", "..", "a\u{0}b", "tab\t", String(repeating: "x", count: 256)] {
            failure(.argument) { _ = try ModelFile.bytes(.model) { try $0.string(name, "x") } }
        }
        failure(.argument) { _ = try ModelFile.bytes(.model) { try $0.string("a", "x\u{0}y") } }
        failure(.argument) { _ =
            try ModelFile.bytes(.model) { try $0.attribute("a", String(repeating: "x", count: 70_000)) } }
        failure(.io) { _ =
            try ModelFile.bytes(.model) { root in try root.string("a", "x"); try root.string("a", "y") } }
    }

    func testKindAndVersion() throws {
        let model = try sampleModel()
        XCTAssertTrue(failure(.format) { try read(model, .checkpoint) { _ in } }.message.contains("flip-model"))
        XCTAssertTrue(failure(.version) { try read(changed(model, "1.0", "2.0"),
            .model) { _ in } }.message.contains("newer"))
        failure(.format) { try read(changed(model, "1.0", "one"), .model) { _ in } }
        failure(.format) { try read(changed(model, "flip-model", "flip-madel"), .model) { _ in } }
        XCTAssertTrue(failure(.format) { try read(changed(model, "Größe", "Grüße"),
            .model) { _ in } }.message.contains("digest"))
    }

    func testTheSealComesFirst() throws {
        let model = try sampleModel()
        XCTAssertTrue(failure(.format) { try read(changed(model, "Größe", "Grüße",
            reseal: false)) { _ in } }.message.contains("damaged"))
        let cut = failure(.format) { try read(Array(model.dropLast(Seal.length))) { _ in } }.message
        XCTAssertTrue(cut.contains("rewritten"))
    }

    func testVersionOrder() {
        XCTAssertNil(ModelFile.Version("1"))
        XCTAssertNil(ModelFile.Version("1.0.0"))
        XCTAssertNil(ModelFile.Version("-1.0"))
        XCTAssertNil(ModelFile.Version("1."))
        XCTAssertNil(ModelFile.Version("999999.0"))
        XCTAssertEqual(ModelFile.Version("1.10"), ModelFile.Version(1, 10))
        XCTAssertLessThan(ModelFile.Version(1, 9), ModelFile.Version(1, 10))
    }

    func testWriteToAPath() throws {
        let scratch = Scratch()
        for text in ["first", "second"] {
            try ModelFile.write(.model, to: scratch("m.h5")) { try $0.string("text", text) }
            XCTAssertEqual(try ModelFile.read(.model, scratch("m.h5")) { try $0.string("text") }, text)
            XCTAssertEqual(scratch.entries, ["m.h5"])
        }
        failure(.numeric) { try ModelFile.write(.model, to: scratch("m.h5")) { _ in throw Failure(.numeric, "stop") } }
        XCTAssertEqual(scratch.entries, ["m.h5"])
        XCTAssertEqual(try ModelFile.read(.model, scratch("m.h5")) { try $0.string("text") }, "second")
    }
}
