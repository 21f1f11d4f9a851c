// Files of every released format, which every later library must read (Tests/fixtures/golden).
// The Python tests read them with AnnData. When the format changes, add new ones, do not replace: FLIP_WRITE_GOLDEN=1
// writes those that are missing.

import Basics
import Glibc
import Tables
import XCTest
@testable import Storage

final class GoldenFileTests: XCTestCase {
    func golden(_ name: String) -> String { fixture("../golden/" + name) }

    override func setUpWithError() throws {
        guard getenv("FLIP_WRITE_GOLDEN") != nil else { return }
        if access(golden("model-1.0.h5"), F_OK) != 0 { try put(sampleModel(), golden("model-1.0.h5")) }
        if access(golden("dataset-1.0.h5"), F_OK) != 0 {
            try writeTable(everyTable(rows: 50), to: golden("dataset-1.0.h5"))
            try writeCSV(everyTable(rows: 50), golden("dataset-1.0.csv"))
        }
    }

    func testModel() throws {
        try ModelFile.read(.model, golden("model-1.0.h5")) { root in
            XCTAssertEqual(list(try root.group("weights").tensor("first", shape: [2, 3], as: Float.self)),
                [1, 2, 3, 4, 5, 6])
            // The content is what is written today, whatever the bytes.
            let today = try sampleModel()
            XCTAssertEqual(try today.withUnsafeBytes { try ModelFile.read(.model,
                bytes: $0) { try $0.string("digest") } }, try root.string("digest"))
        }
    }

    func testDataSet() throws {
        assertSame(try readTable(golden("dataset-1.0.h5")), try everyTable(rows: 50))
        assertSame(try readCSV(golden("dataset-1.0.csv"), Schema(json: everyKind)), try everyTable(rows: 50))
    }

    func testCheck() throws {
        let verdict = try checkFile(golden("model-1.0.h5"))
        XCTAssertEqual(verdict["kind"]?.asString, "flip-model")
        XCTAssertEqual(verdict["usable"]?.asBool, true)
        XCTAssertEqual(verdict["digest"]?.asString, "verified")
        XCTAssertEqual(verdict["format_version"]?.asString, "1.0")
        XCTAssertNil(verdict["problem"])
    }

    func testCheckOfOtherFiles() throws {
        let scratch = Scratch()
        try put(changed(sampleModel(.checkpoint), "1.0", "3.0"), scratch("new"))
        var verdict = try checkFile(scratch("new"))
        XCTAssertEqual(verdict["kind"]?.asString, "flip-checkpoint")
        XCTAssertEqual(verdict["usable"]?.asBool, false)
        XCTAssertTrue(verdict["problem"]?.asString?.contains("newer") ?? false)
        try put(changed(sampleModel(), "Größe", "Grüße"), scratch("changed"))
        verdict = try checkFile(scratch("changed"))
        XCTAssertEqual(verdict["digest"]?.asString, "mismatch")
        XCTAssertEqual(verdict["usable"]?.asBool, false)
        for path in [fixture("anndata.h5"), golden("dataset-1.0.h5"), golden("dataset-1.0.csv")] {
            verdict = try checkFile(path)
            XCTAssertEqual(verdict["kind"]?.asString, "unknown")
            XCTAssertEqual(verdict["usable"]?.asBool, false)
            XCTAssertNotNil(verdict["problem"])
        }
        failure(.io) { _ = try checkFile(scratch("missing")) }
        failure(.io) { _ = try checkFile(scratch.path) }
    }
}
