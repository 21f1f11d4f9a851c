// Fixtures that Tests/fixtures/make_alignment_fixtures.py wrote (a line is a key, then numbers), and helpers.
// Helpers: made-up numbers and distances.

import Glibc
import XCTest
@testable import Alignment
@testable import Basics

struct Fixture {
    let values: [String: [Double]]

    init(_ name: String, file: String = #filePath) throws {
        let folder = file.split(separator: "/").dropLast(2).joined(separator: "/")
        guard let f = fopen("/\(folder)/fixtures/alignment/\(name).txt", "r") else {
            throw Failure(.io, "no fixture \(name)")
        }
        defer { fclose(f) }
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        var all: [String: [Double]] = [:]
        while getline(&line, &room, f) > 0, let text = line {
            let words = String(cString: text).split(whereSeparator: { $0 == " " || $0 == "\n" })
            if let key = words.first { all[String(key)] = words.dropFirst().map { strtod(String($0), nil) } }
        }
        free(line)
        values = all
    }

    func numbers(_ key: String) -> [Double] { values[key] ?? [] }
    func floats(_ key: String) -> [Float] { numbers(key).map { Float($0) } }
    func ints(_ key: String) -> [Int] { numbers(key).map { Int($0) } }
    func labels(_ key: String) -> [Int32] { numbers(key).map { Int32($0) } }
}

/// The largest difference, relative to the largest number wanted; not-a-number is infinitely far.
func distance(_ got: [Float], _ want: [Double]) -> Double {
    guard got.count == want.count else { return .infinity }
    var worst = 0.0, size = 1e-9
    for (a, b) in zip(got, want) {
        let d = abs(Double(a) - b)
        worst = d.isNaN ? .infinity : max(worst, d)
        size = max(size, abs(b))
    }
    return worst / size
}

/// Made-up numbers from a seed.
struct Made {
    private var normals: PublicNormals
    init(_ seed: UInt64) { normals = PublicNormals(seed: seed) }
    mutating func normal() -> Double { normals.next() }
    mutating func uniform() -> Double { min(normals.uniform(), 1 - 0x1p-53) }
    mutating func floats(_ n: Int, scale: Double = 1) -> [Float] {
        (0 ..< n).map { _ in Float(normals.next() * scale) }
    }
    mutating func labels(_ n: Int, below: Int) -> [Int32] { (0 ..< n).map { _ in Int32(uniform() * Double(below)) } }
}

/// Central differences of f at x.
func differences(_ x: [Float], step: Float = 1e-3, _ f: ([Float]) throws -> Double) rethrows -> [Double] {
    var x = x
    return try x.indices.map { i in
        let old = x[i]
        x[i] = old + step
        let up = try f(x), high = x[i]
        x[i] = old - step
        let down = try f(x), low = x[i]
        x[i] = old
        return (up - down) / Double(high - low)
    }
}
