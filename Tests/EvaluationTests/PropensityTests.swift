// The propensity score's error: chance on rows of one distribution, more where a mean moved.

import Basics
import Compute
import Tables
import XCTest
@testable import Evaluation

final class PropensityTests: XCTestCase {
    private func frame(_ n: Int, shift: Double, seed: UInt64) throws -> Frame {
        let schema = try Schema(fields: [
            Field(name: "x", kind: .number(minimum: -100, maximum: 100, step: nil)),
            Field(name: "k", kind: .categorical(levels: ["a", "b", "c"])),
            Field(name: "copy", kind: .categorical(levels: ["a", "b", "c"]))])
        let table = try Table(schema: schema, rows: n)
        for i in 0..<n {
            var stream = CounterStream(seed: seed, row: UInt64(i), purpose: 1)
            let (a, _) = stream.normalPair(), level = Int64(stream.uniformDouble() * 3)
            table.columns[0].put(i, number: Double(a) + shift)
            table.columns[1].put(i, level)
            table.columns[2].put(i, level)
        }
        for t in 0..<3 { try table.fill(t) { _ in } }
        return try Frame(table)
    }

    func testChanceIsOneAndAMovedMeanIsMore() throws {
        var sum = 0.0
        for k in 0..<8 {
            let p = try XCTUnwrap(Propensity(real: frame(1000, shift: 0, seed: UInt64(k)),
                                             synthetic: frame(1000, shift: 0, seed: UInt64(100 + k))))
            sum += p.ratio / 8
        }
        // Mean of eight χ² of three degrees of freedom over three: 1 ± 0.29.
        XCTAssertEqual(sum, 1, accuracy: 0.9)
        let moved = try XCTUnwrap(Propensity(real: frame(1000, shift: 0, seed: 1),
                                             synthetic: frame(1000, shift: 1, seed: 2)))
        XCTAssertGreaterThan(moved.ratio, 50)
        XCTAssertLessThan(moved.error, 0.25)
    }
}
