// Files made to harm a reader (Tests/fixtures/make_hdf5_fixtures.py). Each must be an error, and quickly.

import Basics
import Glibc
import Tables
import XCTest
@testable import Storage

final class HostileFileTests: XCTestCase {
    let files =
        ["external_link", "soft_link", "external_storage", "virtual", "bomb", "bomb_contiguous", "chunk_bomb", "filter",
        "wrong_type", "half",
                 "reference", "sequences", "committed", "enumeration", "null_space", "group"]

    func model<R>(_ name: String, _ body: (GroupReader) throws -> R) throws -> R {
        let bytes = try contents(fixture(name + ".h5"))
        return try bytes.withUnsafeBytes { try body(FileReader(bytes: $0, name: name).root()) }
    }

    func testModelsRefuseThem() throws {
        for name in files + ["variable_text", "short"] {
            let message =
                failure(.format) { try model(name) { _ = try $0.tensor("x", shape: [4], as: Double.self) } }.message
            XCTAssertTrue(message.hasPrefix(name), message)
            failure(.format) { try model(name) { _ = try $0.string("x") } }
            if name != "short", name != "group" {
                failure(.format) { try model(name) { _ = try ContentDigest.of($0) } }
            }
        }
    }

    func testDataSetsRefuseThem() throws {
        let schema = try one("x", "number", "\"minimum\":0,\"maximum\":9")
        for name in files where !["enumeration", "half"].contains(name) {
            let message = failure(.format) { _ = try readTable(fixture(name + ".h5"), schema: schema) }.message
            XCTAssertTrue(message.hasPrefix(fixture(name)), message)
        }
        XCTAssertEqual(try readTable(fixture("half.h5"), schema: schema).rows, 4)
        // Text and levels where numbers are expected.
        for name in ["variable_text", "enumeration"] {
            failure(.schema) { _ = try readTable(fixture(name + ".h5"), schema: schema) }
        }
    }

    func testTheRulesAreTheOnesMeant() {
        func rule(_ name: String) -> String {
            failure { try model(name) { _ = try $0.tensor("x", shape: [4], as: Double.self) } }.message
        }
        XCTAssertTrue(rule("external_link").contains("link"))
        XCTAssertTrue(rule("soft_link").contains("link"))
        XCTAssertTrue(rule("external_storage").contains("external storage"))
        XCTAssertTrue(rule("virtual").contains("virtual"))
        XCTAssertTrue(rule("bomb_contiguous").contains("more data than the file holds"))
        XCTAssertTrue(rule("short").contains("shape"))
        XCTAssertTrue(rule("committed").contains("type"))
    }

    func testCyclesAndDepthEnd() throws {
        failure(.format) { try model("cycle") { _ = try ContentDigest.of($0) } }
        failure(.format) { try model("deep") { _ = try ContentDigest.of($0) } }
        failure(.format) { try model("names") { _ = try $0.names() } }
        XCTAssertFalse(try model("soft_link") { $0.has("x") })
    }

    func testTheNumberOfObjectsIsLimited() throws {
        var limits = Limits()
        limits.objects = 3
        let bytes = try sampleModel()
        failure(.format) { try bytes.withUnsafeBytes { try ModelFile.read(.model, bytes: $0,
            limits: limits) { _ in } } }
        limits = Limits()
        limits.fileBytes = 100
        failure(.format) { try bytes.withUnsafeBytes { try ModelFile.read(.model, bytes: $0,
            limits: limits) { _ in } } }
    }

    func testForeignFilesAreNamedAsSuch() throws {
        let scratch = Scratch()
        try put([], scratch("empty"))
        try put("not HDF5 at all".utf8, scratch("text"))
        let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
        try put(signature, scratch("signature"))
        let schema = try one("x", "boolean")
        for (name, code) in [("empty", FailureCode.format), ("text", .format), ("signature", .format), ("missing", .io),
            ("", .io)] {
            failure(code) { try ModelFile.read(.model, scratch(name)) { _ in } }
            failure(code) { _ = try readTable(scratch(name), schema: schema) }
        }
        failure(.argument) { try ModelFile.read(.model, "") { _ in } }
        failure(.argument) { try ModelFile.read(.model, "a\u{0}b") { _ in } }
        failure(.io) { try ModelFile.read(.model, "/dev/zero") { _ in } }
        failure(.io) { _ = try readTable("/dev/zero", schema: schema) }
        XCTAssertTrue(failure(.format) { try ModelFile.read(.model,
            fixture("anndata.h5")) { _ in } }.message.contains("not a model"))
        // Sealed, but somebody else's.
        try put(sealed(contents(fixture("plain.h5"))), scratch("plain"))
        XCTAssertTrue(failure(.format) { try ModelFile.read(.model,
            scratch("plain")) { _ in } }.message.contains("not a model"))
        mkfifo(scratch("pipe"), 0o600)
        failure(.io) { try ModelFile.read(.model, scratch("pipe")) { _ in } }
        failure(.io) { _ = try readTable(scratch("pipe"), schema: schema) }
    }

    func testNothingIsPrinted() throws {
        // The library's own error printing is off during our calls and as it was after them.
        let scratch = Scratch()
        let file = open(scratch("errors"), O_RDWR | O_CREAT, 0o600), old = dup(2)
        dup2(file, 2)
        defer {
            dup2(old, 2)
            close(old)
            close(file)
        }
        for name in files { failure { try model(name) { _ = try $0.tensor("x", shape: [4], as: Double.self) } } }
        XCTAssertEqual(lseek(file, 0, SEEK_END), 0)
    }
}
