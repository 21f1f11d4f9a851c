// Files that break a rule of the format are refused, whichever structure breaks it, and every walk ends.

import Basics
import Tables
import XCTest
@testable import FileFormat
@testable import Storage

final class FileFormatTests: XCTestCase {
    private func file(_ bytes: [UInt8]) throws -> FormatFile {
        let buffer = try Buffer<UInt8>(count: bytes.count)
        for (i, b) in bytes.enumerated() { buffer[i] = b }
        return try FormatFile(ByteSource(buffer, count: bytes.count))
    }

    /// Everything in the file, in the file's representation; throws what the first structure throws that breaks a rule.
    private func everything(_ bytes: [UInt8]) throws -> [UInt8] {
        let file = try file(bytes)
        var out: [UInt8] = [], seen = Set<Int>(), waiting = [file.root]
        while let address = waiting.popLast() {
            guard seen.insert(address).inserted else { continue }
            let object = try file.object(address)
            for attribute in object.attributes { out += attribute.name + attribute.bytes }
            switch object.kind {
            case .group:
                for case .object(let place) in try object.links().map(\.target) { waiting.append(place) }
            case .dataSet:
                let data = try object.data()
                guard let count = data.count, count * data.elementSize < 1 << 20, data.elementSize > 0 else { continue }
                let room = try Buffer<UInt8>(count: count * data.elementSize)
                try data.read(0, count, into: room.base)
                out += list(room)
                if case .variableText = data.type {
                    try data.readTexts(0, count, maxBytes: 1 << 16) { out += Array($0) }
                }
            case .other: break
            }
        }
        return out
    }

    private let whole =
        ["anndata.h5", "anndata07.h5ad", "marks.h5", "hdf5r.h5", "rhdf5.h5", "newest.h5", "obs.h5ad", "root.h5",
        "plain.h5"]

    func testWholeFilesAreReadToTheEnd() throws {
        for name in whole { XCTAssertGreaterThan(try everything(contents(fixture(name))).count, 10, name) }
        XCTAssertGreaterThan(try everything(contents(fixture("../golden/dataset-1.0.h5"))).count, 1000)
    }

    func testAFileThatIsCutShortSaysSo() throws {
        let bytes = try contents(fixture("marks.h5"))
        for count in stride(from: 100, to: bytes.count, by: 997) {
            XCTAssertThrowsError(try file(Array(bytes[..<count]))) {
                XCTAssertEqual(($0 as? BrokenRule)?.rule.hasPrefix("cut short"), true)
            }
        }
    }

    func testAnyChangedByteIsReadOrRefused() throws {
        // Nothing else may happen: no end of the process, no walk without end.
        var random = TestRandom(state: 11), refused = 0
        for name in whole {
            let bytes = try contents(fixture(name))
            for _ in 0..<60 {
                var changed = bytes
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place = Int.random(in: 0..<min(bytes.count, 20_000), using: &random)
                    changed[place] =
                        [0, 1, 8, 127, 128, 255,
                        UInt8.random(in: 0...255, using: &random)].randomElement(using: &random)!
                }
                do { _ = try everything(changed) } catch { refused += 1 }
            }
        }
        XCTAssertGreaterThan(refused, 50)
    }

    /// The file with each occurrence of `from` behind `signature` by `offset` bytes replaced.
    private func patched(_ name: String, _ signature: String, _ offset: Int, _ value: [UInt8]) throws -> [UInt8] {
        var bytes = try contents(fixture(name))
        let mark = Array(signature.utf8)
        var count = 0
        for i in 0..<bytes.count - mark.count - offset - value.count where bytes[i] == mark[0]
            && Array(bytes[i..<i + mark.count]) == mark {
            bytes.replaceSubrange(i + offset..<i + offset + value.count, with: value)
            count += 1
        }
        XCTAssertGreaterThan(count, 0, "\(signature) is not in \(name)")
        return bytes
    }

    private func rule(_ bytes: [UInt8], line: UInt = #line) -> String {
        do {
            _ = try everything(bytes)
            XCTFail("nothing was refused", line: line)
        } catch { return (error as? BrokenRule)?.rule ?? "\(error)" }
        return ""
    }

    func testTheRulesByStructure() throws {
        func number(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        // A group whose tree is too deep, whose names are elsewhere, whose nodes are others.
        XCTAssertTrue(rule(try patched("marks.h5", "TREE", 5, [200])).contains("impossible depth"))
        XCTAssertTrue(rule(try patched("marks.h5", "HEAP", 24, number(1 << 60))).contains("beyond the end"))
        XCTAssertTrue(rule(try patched("marks.h5", "HEAP", 8, number(.max))).contains("beyond all files"))
        XCTAssertTrue(rule(try patched("marks.h5", "SNOD", 4, [9])).contains("version 9"))
        XCTAssertTrue(rule(try patched("marks.h5", "SNOD", 8 + 8, number(.max))).contains("without an address"))
        // Texts that are nowhere.
        XCTAssertTrue(rule(try patched("marks.h5", "GCOL", 8, number(1 << 40))).contains("beyond the end"))
        // Checksums of newer structures.
        XCTAssertTrue(rule(try patched("newest.h5", "OHDR", 8, [0xAA])).contains("checksum"))
    }

    func testChecksums() {
        // The value that the published implementation gives, and sums taken modulo 65535 by hand.
        XCTAssertEqual(lookup3(UnsafeRawBufferPointer(start: nil, count: 0)), 0xDEAD_BEEF)
        var text = Array("Four score and seven years ago".utf8)
        XCTAssertEqual(text.withUnsafeBytes(lookup3), 0x1777_0551)
        text = [0, 1, 2, 3, 4]
        XCTAssertEqual(text.withUnsafeBytes(fletcher32), 0x0809_0604)
        text = Array(repeating: Array(0..<200), count: 7).flatMap { $0 }
        XCTAssertEqual(text.withUnsafeBytes(fletcher32), 0x913C_C67F)
    }
}
