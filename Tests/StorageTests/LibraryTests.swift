// The HDF5 library is left as the host had it, and nothing stays open.

import Basics
import CHDF5
import XCTest
@testable import Storage

final class LibraryTests: XCTestCase {
    /// The handler a host has set for the library's errors stays the host's.
    func testTheHostsErrorHandlerIsPutBack() throws {
        var before: H5E_auto2_t?, data: UnsafeMutableRawPointer?
        H5Eget_auto2(0, &before, &data)
        defer { H5Eset_auto2(0, before, data) }
        var calls = 0
        try withUnsafeMutablePointer(to: &calls) { counter in
            let handler: H5E_auto2_t = { _, data in
                data?.assumingMemoryBound(to: Int.self).pointee += 1
                return 0
            }
            H5Eset_auto2(0, handler, counter)
            let bytes = try sampleModel()
            failure(.format) { try bytes.withUnsafeBytes { try ModelFile.read(.model,
                bytes: $0) { _ = try $0.group("nowhere") } } }
            failure(.format) { _ = try readTable(fixture("external_link.h5"), schema: one("x", "boolean")) }
            XCTAssertEqual(counter.pointee, 0)
            var after: H5E_auto2_t?, afterData: UnsafeMutableRawPointer?
            H5Eget_auto2(0, &after, &afterData)
            XCTAssertNotNil(after)
            XCTAssertEqual(afterData, UnsafeMutableRawPointer(counter))
            H5Gopen2(-1, "x", 0)                 // an error of the host's own
            XCTAssertEqual(counter.pointee, 1)
        }
    }

    func testTheLibraryIsTheOneOfTheHeader() throws {
        try Library.check()
        let (compiled, loaded) = hdf5Versions()
        XCTAssertEqual(compiled.split(separator: ".").prefix(2), loaded.split(separator: ".").prefix(2))
    }

    func testNothingStaysOpen() throws {
        let scratch = Scratch()
        for _ in 0..<3 {
            _ = try sampleModel()
            try writeTable(everyTable(rows: 5), to: scratch("t.h5"))
            _ = try readTable(scratch("t.h5"))
            for name in ["soft_link", "bomb", "cycle"] {
                failure { _ = try readTable(fixture(name + ".h5"), schema: one("x", "boolean")) }
            }
        }
        // Files, data sets, groups, types and attributes (0x1F) of all files in the process (0x1F).
        XCTAssertEqual(H5Fget_obj_count(0x1F, 0x1F), 0)
    }
}
