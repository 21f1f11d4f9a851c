import Basics
import CFlip
import XCTest
@testable import FLIP

final class BoundaryTests: XCTestCase {
    private func message(_ error: flip_error) -> [UInt8] {
        withUnsafeBytes(of: error.message) { Array($0) }
    }

    func testAFailureFillsTheCallersStruct() {
        var error = flip_error()
        XCTAssertEqual(attempt(&error) { throw Failure(.schema, "column \"é\": no") }, 3)
        XCTAssertEqual(error.code, 3)
        XCTAssertEqual(String(decoding: message(error).prefix { $0 != 0 }, as: UTF8.self), "column \"é\": no")
        XCTAssertEqual(attempt(&error) {}, 0)
        XCTAssertEqual(error.code, 0)
        XCTAssertTrue(message(error).allSatisfy { $0 == 0 })
        XCTAssertEqual(attempt(nil) { throw Failure(.io, "nobody listens") }, 4)
    }

    func testAnErrorOfAnotherKindIsInternal() {
        struct Other: Error {}
        var error = flip_error()
        XCTAssertEqual(attempt(&error) { throw Other() }, 13)
        XCTAssertNotEqual(message(error)[0], 0)
    }

    func testALongMessageIsCutBetweenCharacters() {
        for padding in 1015...1022 {
            var error = flip_error()
            _ = attempt(&error) { throw Failure(.argument, String(repeating: "a", count: padding) + "€€") }
            let bytes = message(error)
            XCTAssertEqual(bytes.last, 0)
            let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            XCTAssertNotNil(text, "padding \(padding)")
            XCTAssertEqual(text?.utf8.count, padding + 3 <= 1019 ? padding + 3 : min(padding, 1019))
        }
    }

    func testANulInsideAMessageDoesNotEndIt() {
        var error = flip_error()
        _ = attempt(&error) { throw Failure(.argument, "a\0b") }
        XCTAssertEqual(message(error).prefix { $0 != 0 }, [97, 98])
    }

    func testTextArguments() throws {
        XCTAssertThrowsError(try text(nil, "name"))
        XCTAssertEqual(try "naïve".withCString { try text($0, "name") }, "naïve")
        let broken: [CChar] = [CChar(bitPattern: 0xc3), 0x28, 0]
        XCTAssertThrowsError(try broken.withUnsafeBufferPointer { try text($0.baseAddress, "name") })
        let long = [CChar](repeating: 97, count: 70_000) + [0]
        XCTAssertThrowsError(try long.withUnsafeBufferPointer { try text($0.baseAddress, "name") })
    }

    func testConfigurationIsAnObjectOrAbsent() throws {
        XCTAssertEqual(try configuration(nil), .object(JSONObject()))
        XCTAssertThrowsError(try "[]".withCString { try configuration($0) })
        XCTAssertThrowsError(try "{\"a\": 1, \"a\": 2}".withCString { try configuration($0) })
    }

    func testRowRanges() throws {
        XCTAssertEqual(try range(0, 10, of: 10), 0..<10)
        XCTAssertEqual(try range(10, 0, of: 10), 10..<10)
        for (first, count) in [(-1, 1), (0, 11), (10, 1), (11, 0), (0, -1), (Int64.max, 1),
                               (1, Int64.max)] as [(Int64, Int64)] {
            XCTAssertThrowsError(try range(first, count, of: 10), "\(first) \(count)")
        }
    }

    func testProgressIsWrittenNoFurtherThanTheCallersStruct() throws {
        let full = makeProgress(stage: 2, name: String(repeating: "ö", count: 40), step: 3, total: 9, epsilon: 0.5,
                                seconds: 1)
        let size = MemoryLayout<flip_progress>.size
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size + 8, alignment: 8)
        defer { memory.deallocate() }
        memset(memory, 0x77, size + 8)
        let p = memory.bindMemory(to: flip_progress.self, capacity: 1)
        p.pointee.size = UInt32(size + 8)                       // a host of a later version
        try checkSize(p)
        write(full, to: p)
        XCTAssertEqual(p.pointee.step, 3)
        XCTAssertEqual(p.pointee.size, UInt32(size + 8))
        XCTAssertEqual(memory.load(fromByteOffset: size, as: UInt8.self), 0x77)
        XCTAssertEqual(withUnsafeBytes(of: p.pointee.stage_name) { $0.last }, 0)
        p.pointee.size = 8
        XCTAssertThrowsError(try checkSize(p))
    }
}
