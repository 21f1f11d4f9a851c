// Scratch folders, failures and files for the storage tests.

import Basics
import Glibc
import XCTest
@testable import Storage

/// A folder of this test's own, gone when the test ends.
final class Scratch {
    let path: String
    init() {
        var name = Array("/tmp/libflip-storage-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&name))
    }
    deinit {
        for name in entries { unlink(path + "/" + name) }
        rmdir(path)
    }
    func callAsFunction(_ name: String) -> String { path + "/" + name }
    /// The names in it, sorted.
    var entries: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name =
                withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self,
                capacity: 256) { String(cString: $0) } }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

func contents(_ path: String) throws -> [UInt8] {
    let (bytes, count) = try readFile(path)
    return (0..<count).map { bytes[$0] }
}

/// Not flushed to the disk, unlike AtomicFile: tests write thousands.
func put(_ bytes: some Sequence<UInt8>, _ path: String) throws {
    let bytes = Array(bytes)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(file) }
    guard write(file, bytes, bytes.count) == bytes.count else { throw ioFailure(path, "write") }
}

func list<T>(_ buffer: Buffer<T>) -> [T] { (0..<buffer.count).map { buffer[$0] } }

/// The failure that `body` throws; the test fails when it throws none.
@discardableResult
func failure(_ code: FailureCode? = nil, file: StaticString = #filePath, line: UInt = #line, _ body: () throws -> Void)
    -> Failure {
    do {
        try body()
        XCTFail("nothing was thrown", file: file, line: line)
    } catch let failure as Failure {
        if let code { XCTAssertEqual(failure.code, code, failure.message, file: file, line: line) }
        return failure
    } catch {
        XCTFail("\(error)", file: file, line: line)
    }
    return Failure(.internal, "")
}

/// A small model file with one of everything.
func sampleModel(_ kind: ModelFile.Kind = .model) throws -> [UInt8] {
    list(try ModelFile.bytes(kind) { root in
        try root.string("schema", "{\"fields\":[]}")
        try root.group("weights") { group in
            try group.tensor("first", shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float], axes: "out,in")
            try group.tensor("second", shape: [4], [-1, 0, 1e300, .infinity] as [Double])
            try group.tensor("counts", shape: [2], [7, -8] as [Int64])
            try group.group("empty") { _ in }
        }
        try root.group("ledger") { group in
            try group.scalar("epsilon", 1.5)
            try group.dataframe("events", [("name", .strings(["histograms", "Größe"])), ("count", .integers([1, 5000])),
                                           ("sampling_rate", .numbers([1, 0.01])), ("exact", .booleans([true, false]))])
        }
    })
}

/// `model` with every `from` replaced by the equally long `to`, sealed anew: what somebody who knows the format can
/// make.
func changed(_ model: [UInt8], _ from: String, _ to: String, reseal: Bool = true) throws -> [UInt8] {
    var bytes = model
    let old = Array(from.utf8), new = Array(to.utf8)
    for i in 0...(bytes.count - old.count) where bytes[i] == old[0] && Array(bytes[i..<i + old.count]) == old {
        bytes.replaceSubrange(i..<i + old.count, with: new)
    }
    return try reseal ? resealed(bytes) : bytes
}

/// The file with the seal that fits its bytes.
func resealed(_ bytes: [UInt8]) throws -> [UInt8] { try sealed(Array(bytes.dropLast(Seal.length))) }

func sealed(_ content: [UInt8]) throws -> [UInt8] {
    let buffer = try Buffer<UInt8>(count: content.count)
    for (i, b) in content.enumerated() { buffer[i] = b }
    return list(try Seal.seal(buffer))
}
