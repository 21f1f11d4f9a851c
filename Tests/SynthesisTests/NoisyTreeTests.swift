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

    private func grid(_ constraints: String) throws -> ColumnGrid {
        try ColumnGrid(Schema(json: #"{"fields": [{"name": "x", "type": "number", "constraints": {\#(constraints), "#
            + #""required": true}}]}"#).fields[0])
    }

    /// Histograms of the cells of `offsets`, with normal noise.
    private func noisyCounts(_ g: ColumnGrid, _ offsets: [Int64], noise: Double, seed: UInt64) throws
        -> ArraySlice<Buffer<Double>> {
        var s = CounterStream(seed: seed, row: 0, purpose: 0)
        return try buffers(g.divisors.map { d in
            var h = (0..<g.histogramSize(divisor: d)).map { _ in noise * Double(s.normalPair().0) }
            for k in offsets {
                let c = g.cell(offset: k)
                h[c < g.body ? c / d : (g.body + d - 1) / d + c - g.body] += 1
            }
            return h
        })
    }

    /// Forty of a hundred values are 0, the rest log-normal amounts with a median of about 1100, in hundredths.
    private func amounts(_ n: Int) -> [Int64] {
        var s = CounterStream(seed: 77, row: 0, purpose: 1)
        return (0..<n).map { _ in
            let isZero = s.uniformDouble() < 0.4, x = exp(7 + 1.2 * Double(s.normalPair().0))
            return isZero ? 0 : Int64(min(x, 9e4) * 100)
        }
    }

    func testAmountsKeepTheirMeanUnderWideBounds() throws {
        let real = amounts(5000), mean = Double(real.reduce(0, +)) / 5000
        for maximum in [100_000, 1_000_000, 10_000_000] {
            let g = try grid(#""minimum": 0, "maximum": \#(maximum), "multipleOf": 0.01"#)
            for seed in 1...5 as ClosedRange<UInt64> {
                let counts = try noisyCounts(g, real, noise: 15, seed: seed)
                func ratio(_ support: MassSupport) throws -> Double {
                    let m = try cellMasses(grid: g, counts: counts, standardDeviation: 15, total: 5000,
                                           support: support)
                    let e = try ColumnEncoder(grid: g, masses: m, standardDeviation: 15, most: 32, support: support)
                    var s = CounterStream(seed: seed, row: 1, purpose: 2), sum = 0.0
                    for _ in 0..<20_000 {
                        let c = e.cell(bin: e.bin(u: s.uniformDouble()), u: s.uniformDouble())
                        sum += Double(g.offset(cell: c, u: s.uniformDouble()))
                    }
                    return sum / 20_000 / mean
                }
                XCTAssertEqual(try ratio(.aboveNoise), 1, accuracy: 0.25, "bounds 0 to \(maximum), seed \(seed)")
                // What files without a support were made with.
                if maximum > 100_000 { XCTAssertGreaterThan(try ratio(.everyCell), 1.5) }
            }
        }
    }

    func testMassesAreNotNegativeAndSumToTheTotal() throws {
        let values = amounts(300)
        let grids = try [#""minimum": 0, "maximum": 60, "multipleOf": 1"#, #""minimum": 0, "maximum": 5000, "#
            + #""multipleOf": 1"#, #""minimum": -7000, "maximum": 1000000, "multipleOf": 0.01"#].map(grid)
        for g in grids {
            for seed in 1...20 as ClosedRange<UInt64> {
                // From noise alone to hardly any.
                for (noise, rows) in [(20.0, 0), (20, 300), (0.5, 300)] {
                    let counts = try noisyCounts(g, Array(values.prefix(rows)), noise: noise, seed: seed)
                    let m = try cellMasses(grid: g, counts: counts, standardDeviation: noise, total: 300)
                    XCTAssertEqual(m.reduce(0, +), 300, accuracy: 1e-6)
                    XCTAssert(m.allSatisfy { $0 >= 0 })
                }
            }
        }
    }

    func testNoMassWhereOnlySingleValuesStandOut() throws {
        let g = try grid(#""minimum": 0, "maximum": 10000000, "multipleOf": 0.01"#)
        let counts = try noisyCounts(g, [Int64](repeating: 0, count: 5000), noise: 15, seed: 4)
        let m = try cellMasses(grid: g, counts: counts, standardDeviation: 15, total: 5000)
        XCTAssertEqual(m[g.body], 5000, accuracy: 1e-6)
        // Nor does a bin of the empty cells remain, which would be drawn all over the domain.
        let e = try ColumnEncoder(grid: g, masses: m, standardDeviation: 15, most: 32)
        XCTAssertEqual(e.bins, 1)
        XCTAssertEqual(e.cell(bin: 0, u: 0.999), g.body)
    }

    func testADistantGroupThatStandsOutStays() throws {
        let g = try grid(#""minimum": 0, "maximum": 10000000, "multipleOf": 0.01"#)
        let counts = try noisyCounts(g, amounts(4500) + [Int64](repeating: 900_000_000, count: 500), noise: 15, seed: 4)
        let m = try cellMasses(grid: g, counts: counts, standardDeviation: 15, total: 5000)
        XCTAssertEqual(m[g.cell(offset: 900_000_000)], 500, accuracy: 75)
    }

    func testAFlatColumnKeepsBothItsEnds() throws {
        // 100 values of 20 rows each under noise of 15: no cell stands out by itself.
        let g = try grid(#""minimum": 0, "maximum": 99, "multipleOf": 1"#)
        let counts = try noisyCounts(g, (0..<2000).map { $0 % 100 }, noise: 15, seed: 4)
        let m = try cellMasses(grid: g, counts: counts, standardDeviation: 15, total: 2000)
        XCTAssertEqual(m[0..<10].reduce(0, +), 200, accuracy: 100)
        XCTAssertEqual(m[90..<100].reduce(0, +), 200, accuracy: 100)
    }
}
