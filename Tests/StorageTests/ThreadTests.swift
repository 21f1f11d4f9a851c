// The library used from many threads at once, as a host may.

import Basics
import Glibc
import Tables
import XCTest
@testable import Storage

final class ThreadTests: XCTestCase {
    private final class Work {
        let number: Int, folder: String
        var fault: String?
        init(_ number: Int, _ folder: String) { (self.number, self.folder) = (number, folder) }

        func run() throws {
            let table = try everyTable(rows: 20 + number), path = "\(folder)/\(number)"
            for round in 0..<5 {
                try ModelFile.write(.model, to: path + ".model") { try $0.string("text", "\(number) \(round)") }
                let text = try ModelFile.read(.model, path + ".model") { try $0.string("text") }
                try writeTable(table, to: path + ".h5")
                let rows = try readTable(path + ".h5").rows
                if text != "\(number) \(round)" || rows != 20 + number { fault = "\(text), \(rows) rows" }
            }
        }
    }

    func testManyAtOnce() {
        let scratch = Scratch()
        let works = (0..<6).map { Work($0, scratch.path) }
        var threads = [pthread_t](repeating: 0, count: works.count)
        for (i, work) in works.enumerated() {
            let created = pthread_create(&threads[i], nil, { raw in
                guard let raw else { return nil }
                let work = Unmanaged<Work>.fromOpaque(raw).takeUnretainedValue()
                do { try work.run() } catch { work.fault = "\(error)" }
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
            XCTAssertEqual(created, 0)
        }
        for thread in threads { pthread_join(thread, nil) }
        for work in works { XCTAssertNil(work.fault) }
    }
}
