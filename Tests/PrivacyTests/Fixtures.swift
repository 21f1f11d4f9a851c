// Reads Tests/fixtures/accounting.txt (made by make_accounting_fixtures.py beside it).

import Glibc

/// The numbers of every line that starts with `kind`.
func fixtures(_ kind: String, file: StaticString = #filePath) throws -> [[Double]] {
    let here = "\(file)".split(separator: "/").prefix { $0 != "PrivacyTests" }.joined(separator: "/")
    guard let f = fopen("/\(here)/fixtures/accounting.txt", "r") else { throw Missing() }
    defer { fclose(f) }
    var lines: [[Double]] = [], buffer = [CChar](repeating: 0, count: 4096)
    while fgets(&buffer, Int32(buffer.count), f) != nil {
        let words = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
            as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "\n" })
        if words.first == Substring(kind) { lines.append(words.dropFirst().map { Double($0) ?? .nan }) }
    }
    return lines
}

/// The fixtures are part of the repository: without them the comparison fails, it is not skipped.
struct Missing: Error {}
