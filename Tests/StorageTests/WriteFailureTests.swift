// What stands in the way of writing: a full disk, a folder that is not there, something else at the path.
// The old file stays, nothing else is left behind, and the process goes on.

import Basics
import Glibc
import Tables
import XCTest
@testable import Storage

final class WriteFailureTests: XCTestCase {
    /// Runs `body` with no file of this process allowed to grow beyond `bytes`.
    func limited<R>(_ bytes: UInt, _ body: () throws -> R) rethrows -> R {
        var old = rlimit()
        getrlimit(__rlimit_resource_t(1), &old)                  // 1: RLIMIT_FSIZE
        var new = rlimit(rlim_cur: bytes, rlim_max: old.rlim_max)
        let handler = signal(SIGXFSZ, SIG_IGN)
        setrlimit(__rlimit_resource_t(1), &new)
        defer {
            setrlimit(__rlimit_resource_t(1), &old)
            signal(SIGXFSZ, handler)
        }
        return try body()
    }

    func testAModelThatDoesNotFitLeavesTheOldOne() throws {
        let scratch = Scratch()
        try put(sampleModel(), scratch("m.h5"))
        let before = try contents(scratch("m.h5"))
        let message = limited(10_000) {
            failure(.io) { try ModelFile.write(.model,
                to: scratch("m.h5")) { try $0.string("s", String(repeating: "x", count: 100_000)) } }.message
        }
        XCTAssertTrue(message.contains("too large"), message)
        XCTAssertEqual(try contents(scratch("m.h5")), before)
        XCTAssertEqual(scratch.entries, ["m.h5"])
    }

    func testPathsThatCannotBeWritten() throws {
        let scratch = Scratch()
        mkdir(scratch("folder"), 0o700)
        mkfifo(scratch("pipe"), 0o600)
        let table = try everyTable(rows: 2)
        for path in [scratch("folder"), scratch("pipe"), scratch("no/such/folder"), "/dev/full", "/proc/version",
            "/proc/x/y"] {
            failure(.io) { try ModelFile.write(.model, to: path) { _ in } }
            failure(.io) { try writeTable(table, to: path) }
        }
        failure(.argument) { try ModelFile.write(.model, to: "") { _ in } }
        failure(.argument) { try writeTable(table, to: "") }
        XCTAssertEqual(scratch.entries, ["folder", "pipe"])
    }

    func testADataSetOnAFullDisk() throws {
        // A file system of 64 KiB; only root may mount one.
        let scratch = Scratch()
        mkdir(scratch("disk"), 0o700)
        guard mount("tmpfs", scratch("disk"), "tmpfs", 0, "size=65536") == 0 else {
            throw XCTSkip("cannot mount a file system here")
        }
        defer { umount(scratch("disk")) }
        let table = try everyTable(rows: 20_000)
        let path = scratch("disk") + "/t.h5"
        try put("old".utf8, path)
        let message = failure(.io) { try writeTable(table, to: path) }.message
        XCTAssertTrue(message.contains("No space"), message)
        XCTAssertEqual(try contents(path), Array("old".utf8))
        for chunk in [100, 1000] {
            let writer = try? DataSetWriter(path, schema: table.schema, expectedRows: chunk)
            if let writer {
                failure(.io) {
                    for _ in 0..<1000 { try writer.append(table) }
                    try writer.finish()
                }
                failure(.state) { try writer.append(table) }
            }
        }
        failure(.io) { try ModelFile.write(.model,
            to: path) { try $0.string("s", String(repeating: "x", count: 100_000)) } }
        XCTAssertEqual(try contents(path), Array("old".utf8))
        // The library is as usable as before.
        try writeTable(table, to: scratch("t.h5"))
        assertSame(try readTable(scratch("t.h5")), table)
    }

    func testADataSetBeyondTheFileSizeLimit() throws {
        let scratch = Scratch(), table = try everyTable(rows: 20_000)
        _ = limited(65_536) { failure(.io) { try writeTable(table, to: scratch("t.h5")) } }
        XCTAssertEqual(scratch.entries, [])
        try writeTable(table, to: scratch("t.h5"))
        assertSame(try readTable(scratch("t.h5")), table)
    }

    func testFilesThatCannotBeRead() throws {
        guard getuid() != 0 else { throw XCTSkip("root may read everything") }
        let scratch = Scratch()
        try put(sampleModel(), scratch("m.h5"))
        chmod(scratch("m.h5"), 0)
        failure(.io) { try ModelFile.read(.model, scratch("m.h5")) { _ in } }
    }
}
