import XCTest
@testable import Basics
@testable import Tables

final class CSVScannerTests: XCTestCase {
    /// All records as lists of cells; a flaw is shown behind the text.
    private func cut(_ text: String, room: Int = 1 << 10, piece: Int = .max) throws -> [[String]] {
        let bytes = Array(text.utf8)
        var at = 0
        let scanner = try CSVScanner(name: "t", delimiter: UInt8(ascii: ","), room: room) { target, count in
            let n = min(count, bytes.count - at, piece)
            bytes.withUnsafeBytes { if n > 0 { target.copyMemory(from: $0.baseAddress! + at, byteCount: n) } }
            at += n
            return n
        }
        let cells = try Buffer<CSVCell>(count: 8)
        var out: [[String]] = []
        while try scanner.next(cells.base, room: 8) == .record {
            out.append((0..<min(scanner.cellCount, 8)).map { i in
                String(decoding: scanner.text(&cells[i]),
                       as: UTF8.self) + (cells[i].flaws == 0 ? "" : "!\(cells[i].flaws)")
            })
        }
        return out
    }

    func testRecords() throws {
        for (text, want) in [("", []), ("a", [["a"]]), ("a\n", [["a"]]), ("a\n\n", [["a"], [""]]), (",", [["", ""]]),
                             ("a,\n,b", [["a", ""], ["", "b"]]),
                             ("a\r\nb\r\n", [["a"], ["b"]]), ("a\r", [["a"]]), ("\"a\",\"\"\n", [["a", ""]]),
                                 ("\"\"\"\"", [["\""]]),
                             ("\"a\"\"b\",\"c\n,d\"", [["a\"b", "c\n,d"]]), ("\"\"\"\"\"\"\"a\"", [["\"\"\"a"]]),
                             ("a\"b,c", [["a\"b!1", "c"]]), ("\"a\"b,c", [["a!1", "c"]]), ("\"a\" ,c", [["a!1", "c"]]),
                                 ("\"a\"\r\nb", [["a"], ["b"]]),
                             ("\"a\"\rb", [["a!8"]]), ("a\rb", [["a\rb!8"]]), ("a\0b,\"\0\"", [["a\0b!2", "\0!2"]]),
                                 ("é,\"ü\"", [["é", "ü"]]),
                             ("1,2,3,4,5,6,7,8,9", [["1", "2", "3", "4", "5", "6", "7", "8"]])] as [(String,
                                 [[String]])] {
            for piece in [Int.max, 1, 2, 3] {
                XCTAssertEqual(try cut(text, piece: piece), want, text)
                XCTAssertEqual(try cut(text, room: 16, piece: piece), want, text)
            }
        }
        for text in ["\"", "\"a", "a\n\"b", "\"\"\"", "a,\"b\"\""] { XCTAssertThrowsError(try cut(text), text) }
    }

    /// Long cells in every position of an eight-byte word, against the slow obvious cut; bytes that are nearly marks
    /// among them.
    func testWordsAgainstASlowTwin() throws {
        var r = TestRandom(state: 17)
        let letters = Array("abcdefgh0123456789-.:;|\t\u{1}\u{B}\u{E}!#+*é€😀".map(String.init))
        for round in 0..<400 {
            let lines = (0..<4).map { _ in (0..<5).map { _ in (0..<Int.random(in: 0..<30,
                using: &r)).map { _ in letters.randomElement(using: &r)! }.joined() } }
            let text = lines.map { $0.joined(separator: ",") }.joined(separator: "\n") + "\n"
            for piece in [Int.max, 1 + round % 19] {
                XCTAssertEqual(try cut(text, room: 32, piece: piece), lines, "round \(round)")
            }
        }
        // Bytes that are not UTF-8 are found wherever they stand in a word.
        for at in 0..<24 {
            var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 24)
            bytes[at] = 0xFF
            bytes.append(0x0A)
            var done = false
            let scanner = try CSVScanner(name: "t", delimiter: UInt8(ascii: ",")) { target, _ in
                defer { done = true }
                if !done { bytes.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: 25) } }
                return done ? 0 : 25
            }
            let cells = try Buffer<CSVCell>(count: 1)
            XCTAssertEqual(try scanner.next(cells.base, room: 1), .record)
            XCTAssertEqual(cells[0].flaws, CSVCell.utf8, "at \(at)")
        }
    }
}
