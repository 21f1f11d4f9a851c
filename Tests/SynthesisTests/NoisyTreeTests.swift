import XCTest
import Basics
import Compute
@testable import Synthesis
@testable import Tables

final class NoisyTreeTests: XCTestCase {
    private func project(_ y: [Double], _ total: Double) -> [Double] {
        var y = y
        y.withUnsafeMutableBufferPointer { if let p = $0.baseAddress { projectOnSimplex(p, $0.count, total: total) } }
        return y
    }

    private func buffers(_ lists: [[Double]]) throws -> ArraySlice<Buffer<Double>> {
        try lists.map { l in
            let b = try Buffer<Double>(count: l.count)
            for (i, x) in l.enumerated() { b[i] = x }
            return b
        }[...]
    }

    func testSimplexProjectionAgainstBisection() {
        var s = CounterStream(seed: 5, row: 0, purpose: 9)
        for _ in 0..<200 {
            let y = (0..<7).map { _ in Double(s.normalPair().0) * 3 }
            let total = 0.1 + 5 * s.uniformDouble()
            let x = project(y, total)
            XCTAssertEqual(x.reduce(0, +), total, accuracy: 1e-9)
            // The slow twin: the threshold found by bisection.
            var lo = -100.0, hi = 100.0
            for _ in 0..<200 {
                let m = (lo + hi) / 2
                if y.reduce(0, { $0 + max($1 - m, 0) }) > total { lo = m } else { hi = m }
            }
            for (a, b) in zip(x, y) { XCTAssertEqual(a, max(b - lo, 0), accuracy: 1e-9) }
        }
        XCTAssertEqual(project([], 1), [])
        XCTAssertEqual(project([-5, -7], 2), [2, 0])
        XCTAssertEqual(project([3, 3, 3], 0), [0, 0, 0])
        XCTAssertEqual(project([1e9, -1e9, 1e9], 4), [2, 0, 2])
    }

    func testExactCountsComeBackExactly() throws {
        let schema = try Schema(json: #"{"fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "#
            + #""maximum": 4500}}]}"#)
        let g = try ColumnGrid(schema.fields[0])
        var s = CounterStream(seed: 1, row: 2, purpose: 3)
        var exact = [Double](repeating: 0, count: g.count)
        for _ in 0..<5000 { exact[Int(s.next32() % UInt32(g.count))] += 1 }
        let counts = g.divisors.map { d -> [Double] in
            var h = [Double](repeating: 0, count: g.histogramSize(divisor: d))
            for c in 0..<g.count { h[c < g.body ? c / d : (g.body + d - 1) / d + c - g.body] += exact[c] }
            return h
        }
        let m = try cellMasses(grid: g, counts: buffers(counts), standardDeviation: 0, total: 5000)
        for (a, b) in zip(m, exact) { XCTAssertEqual(a, b, accuracy: 1e-9) }
    }

    func testAnAtomSurvivesNoiseAndTheTotalIsKept() throws {
        let schema = try Schema(json: #"{"fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "#
            + #""maximum": 99999, "required": true}}]}"#)
        let g = try ColumnGrid(schema.fields[0])
        var s = CounterStream(seed: 7, row: 0, purpose: 0)
        let atom = 12_345
        let counts = g.divisors.map { d -> [Double] in
            (0..<g.histogramSize(divisor: d)).map { i in
                let own = i == (atom < g.body ? atom / d : 0) ? 4000.0 : 0
                // the value 0 has a cell of its own
                let zero = i == g.histogramSize(divisor: d) - g.atomCount ? 6000.0 : 0
                return own + zero + 40 * Double(s.normalPair().0)
            }
        }
        let m = try cellMasses(grid: g, counts: buffers(counts), standardDeviation: 40, total: 10_000)
        XCTAssertEqual(m.reduce(0, +), 10_000, accuracy: 1e-6)
        XCTAssert(m.allSatisfy { $0 >= 0 })
        XCTAssertEqual(m[atom], 4000, accuracy: 400)
        XCTAssertEqual(m[g.body], 6000, accuracy: 300)
    }
}
