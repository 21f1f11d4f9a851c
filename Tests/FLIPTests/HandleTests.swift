import Basics
import XCTest
@testable import FLIP

final class HandleTests: XCTestCase {
    private func code(_ body: () throws -> Void) -> FailureCode? {
        do { try body(); return nil } catch { return (error as? Failure)?.code }
    }

    func testAHandleKeepsItsObjectUntilItIsFreed() throws {
        weak var seen: Bytes?
        var pointer: OpaquePointer?
        do {
            let bytes = try Bytes.of("hello")
            seen = bytes
            pointer = try handle(.buffer, bytes)
        }
        XCTAssertNotNil(seen)
        XCTAssertEqual(flip_buffer_size(pointer), 5)
        XCTAssertEqual(flip_buffer_data(pointer).map { String(cString: $0) }, "hello")
        flip_buffer_free(pointer)
        XCTAssertNil(seen)
    }

    func testWrongHandlesAreErrors() throws {
        let buffer = try handle(.buffer, Bytes.of("x"))
        defer { free(buffer, .buffer) }
        XCTAssertEqual(code { _ = try object(nil, .buffer, as: Bytes.self) }, .argument)
        XCTAssertEqual(code { _ = try object(buffer, .schema, as: SchemaBox.self) }, .argument)
        var other = [UInt64](repeating: 7, count: 8)
        other.withUnsafeMutableBytes { memory in
            XCTAssertEqual(code { _ = try object(OpaquePointer(memory.baseAddress!), .buffer, as: Bytes.self) },
                           .argument)
            XCTAssertEqual(code { _ = try object(OpaquePointer(memory.baseAddress! + 1), .buffer, as: Bytes.self) },
                           .argument)
            free(OpaquePointer(memory.baseAddress!), .buffer)
        }
        free(buffer, .schema)                                    // the wrong _free leaves it alone
        XCTAssertEqual(flip_buffer_size(buffer), 1)
        free(nil, .buffer)
    }

    func testEmptyBuffersHaveTheirNul() throws {
        let buffer = try handle(.buffer, Bytes.of(""))
        defer { free(buffer, .buffer) }
        XCTAssertEqual(flip_buffer_size(buffer), 0)
        XCTAssertEqual(flip_buffer_data(buffer)?.pointee, 0)
        XCTAssertNil(flip_buffer_data(nil))
        XCTAssertEqual(flip_buffer_size(nil), 0)
    }

    /// One call changes, or many read; whoever comes in between is refused, and a handle in use is not freed.
    func testAHandleIsForOneCallAtATime() throws {
        let h = try handle(.table, Bytes.of("stands for a table"))
        try using(.reading(h, .table)) {
            try using(.reading(h, .table)) {}
            XCTAssertEqual(code { try using(.changing(h, .table)) {} }, .state)
        }
        try using(.changing(h, .table)) {
            XCTAssertEqual(code { try using(.reading(h, .table)) {} }, .state)
            XCTAssertEqual(code { try using(.changing(h, .table)) {} }, .state)
            free(h, .table)
            XCTAssertNil(code { _ = try object(h, .table, as: Bytes.self) })
        }
        XCTAssertEqual(code { try using(.changing(h, .table)) { throw Failure(.io, "no") } }, .io)
        XCTAssertNil(code { try using(.changing(h, .table)) {} })
        free(h, .table)
    }
}
