// The tilt of heads: rows drawn with it meet the marginals, draws follow their definition, equal bits on any threads
// and instruction set.

import XCTest
import Basics
import Compute
@testable import Projection

final class HeadTiltTests: XCTestCase {
    private static let levels = Made.levels, total = 9
    /// Logits of heads that know the shares of columns alone: the tilt has to bring the relations back.
    /// [rows][Σ levels].
    private func logits(_ n: Int) -> [Float] {
        let rows = Made.rows(4000, seed: 9)
        var share = [Float](repeating: 0, count: Self.total)
        for r in rows { for (t, first) in [0, 2, 5].enumerated() { share[first + r[t]] += 1 / 4000 } }
        return (0..<n).flatMap { i in share.indices.map { log(share[$0]) + 0.1 * sin(Float(i * 7 + $0)) } }
    }

    private func pool(_ n: Int, _ k: Kernels) throws -> Buffer<Float> {
        let x = logits(n), b = try Buffer<Float>(count: x.count, for: "a test"), W = k.lanes
        for i in 0..<n { for j in 0..<Self.total { b[(i / W * Self.total + j) * W + i % W] = x[i * Self.total + j] } }
        return b
    }

    /// - Parameter related: whether columns go together as in the table, or are drawn each by itself.
    private func targets(_ noise: Double = 0, related: Bool = true) throws -> [NoisyMarginal] {
        var rows = Made.rows(8000)
        if !related { rows = rows.indices.map { i in (0..<3).map { rows[(i + 1301 * $0) % 8000][$0] } } }
        return try [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]].map { try Made.marginal(rows, $0, noise: noise) }
    }

    private func fit(_ kernels: Kernels = .current, noise: Double = 0, related: Bool = true, bars: [HeadTilt.Bar] = [],
                     _ change: (inout HeadTiltOptions) -> Void = { _ in }) throws -> HeadTilt {
        var o = HeadTiltOptions()
        (o.steps, o.batch, o.learningRate, o.seed) = (200, 2048, 0.2, 5)
        change(&o)
        let f = try HeadTiltFit(levels: Self.levels, ordered: [false, true, true],
                                marginals: targets(noise, related: related), bars: bars, total: 8000,
                                pool: pool(512, kernels), blocks: 512 / kernels.lanes, o, kernels: kernels)
        while !f.isDone { f.advance() }
        return try f.finish()
    }

    /// Rows drawn from the pool's logits.
    private func rows(_ tilt: HeadTilt?, _ n: Int, _ k: Kernels = .current) throws -> [[Int]] {
        let W = k.lanes, x = try pool(n, k), uniforms = try Buffer<Float>(count: 3 * W, for: "a test"),
            labels = try Buffer<Int32>(count: 3 * W, for: "a test")
        let none = try HeadTilt(levels: Self.levels, columns: [], theta: Buffer(count: 0, for: "a test"), distance: 0)
        let own = tilt ?? none, memory = try RowPickMemory(levels: Self.levels, columns: own.columns, kernels: k)
        return (0..<n / W).flatMap { b -> [[Int]] in
            for l in 0..<W {
                var s = CounterStream(seed: 77, row: UInt64(b * W + l), purpose: 2)
                for t in 0..<3 { uniforms[t * W + l] = s.uniform() }
            }
            own.draw(x.base + b * Self.total * W, uniforms: uniforms.base, labels: labels.base, memory)
            return (0..<W).map { l in (0..<3).map { Int(labels[$0 * W + l]) } }
        }
    }

    /// Half the distance of the joint shares of the rows from those of the target.
    private func distance(_ rows: [[Int]]) throws -> Double {
        let got = try Made.marginal(rows, [0, 1, 2]), want = try targets()[5]
        return (0..<24).reduce(0) { $0 + abs(got.values[$1] / Double(rows.count) - want.values[$1] / 8000) } / 2
    }

    func testRowsMeetTheMarginals() throws {
        let before = try distance(rows(nil, 8192)), tilt = try fit(), after = try distance(rows(tilt, 8192))
        XCTAssertGreaterThan(before, 0.3)
        XCTAssertLessThan(after, 0.03)
        // Differences are told in units of the least noise that is assumed, 2e-4 of the rows.
        XCTAssertLessThan(tilt.distance, 30)
        XCTAssertGreaterThan(tilt.distance, 0)
    }

    /// Heads that are right already, and a target with noise: the prior keeps most of the noise out.
    func testNoiseIsNotLearnt() throws {
        func moved(_ spread: Double) throws -> Double {
            let tilt = try fit(noise: 40, related: false) { ($0.spread, $0.steps) = (spread, 60) }
            return try Array(tilt.values()).reduce(0) { $0 + Double($1 * $1) }.squareRoot()
        }
        XCTAssertLessThan(try moved(0.1), 0.5 * (try moved(100)))
    }

    /// Draws and weights against the definition.
    func testDrawsFollowTheDefinition() throws {
        let tilt = try fit { $0.steps = 40 }, theta = try Array(tilt.values()), x = logits(512)
        // Places of the tables in theta, as they were given.
        func sum(_ t: Int, _ row: [Int], _ b: Int) -> Float {
            var at = 0, s: Float = 0
            for c in tilt.columns {
                let cell = c.reduce(0) { $0 * Self.levels[$1] + ($1 == t ? b : row[$1]) }
                if c.last == t { s += theta[at + cell] }
                at += c.reduce(1) { $0 * Self.levels[$1] }
            }
            return s
        }
        for k in Kernels.available {
            for (i, row) in try rows(tilt, 512, k).enumerated() {
                var stream = CounterStream(seed: 77, row: UInt64(i), purpose: 2)
                for (t, first) in [0, 2, 5].enumerated() {
                    let w = (0..<Self.levels[t]).map { b in
                        exp(Double(x[i * Self.total + first + b] + sum(t, row, b)))
                    }
                    let u = Double(stream.uniform()) * w.reduce(0, +), below = w[..<row[t]].reduce(0, +)
                    XCTAssert(u > below - 1e-4 && u < below + w[row[t]] + 1e-4, "\(k.name) row \(i), column \(t)")
                    let plain = (0..<Self.levels[t]).map { exp(x[i * Self.total + first + $0]) }
                    var out = [Float](repeating: 0, count: plain.count)
                    tilt.weigh(t, plain, level: { row[$0] }, into: &out)
                    let all = Double(out.reduce(0, +))
                    for b in out.indices { XCTAssertEqual(Double(out[b]) / all, w[b] / w.reduce(0, +), accuracy: 1e-5) }
                }
            }
        }
    }

    /// A pair with a marginal, a pair without one and a triple: what is barred is not drawn, with a tilt and without,
    /// and what is left still meets the columns' shares.
    func testWhatIsBarredIsNotDrawn() throws {
        func bar(_ heads: [Int], _ cells: [[Int]]) -> HeadTilt.Bar {
            var none = [Bool](repeating: false, count: heads.reduce(1) { $0 * Self.levels[$1] })
            for c in cells { none[zip(heads, c).reduce(0) { $0 * Self.levels[$1.0] + $1.1 }] = true }
            return .init(heads: heads, impossible: none)
        }
        let bars = [bar([0, 1], [[1, 0], [0, 1]]), bar([0, 2], [[0, 3]]), bar([0, 1, 2], [[1, 1, 0], [0, 2, 1]])]
        func broken(_ rows: [[Int]]) -> Int {
            rows.filter { r in bars.contains { b in
                b.impossible[b.heads.reduce(0) { $0 * Self.levels[$1] + r[$1] }]
            } }.count
        }
        let fitted = try fit(bars: bars)
        XCTAssertEqual(fitted.columns, [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]], "its own tables are in the file")
        for tilt in [nil, fitted, try fit { $0.steps = 40 }] {
            let barred = try HeadTilt.barring(bars, levels: Self.levels, tilt: tilt)
            for k in Kernels.available { XCTAssertEqual(broken(try rows(barred, 4096, k)), 0, k.name) }
        }
        XCTAssertGreaterThan(broken(try rows(nil, 4096)), 400)
        // Cells that no row of the targets is in: the shares of columns stay.
        let zeros = [bars[0]], own = try rows(.barring(zeros, levels: Self.levels, tilt: fit(bars: zeros)), 8192)
        for (column, want) in try targets()[..<3].enumerated() {
            let got = try Made.marginal(own, [column])
            for i in 0..<want.values.count {
                XCTAssertEqual(got.values[i] / 8192, want.values[i] / 8000, accuracy: 0.03)
            }
        }
        // Where every level is barred one is drawn all the same.
        let all = bar([0, 1], (0..<2).flatMap { a in (0..<3).map { [a, $0] } })
        XCTAssertEqual(try rows(.barring([all], levels: Self.levels, tilt: nil), 64).count, 64)
        XCTAssertThrowsError(try HeadTilt.barring([.init(heads: [0, 1], impossible: [true])], levels: Self.levels,
                                                  tilt: nil))
        XCTAssertThrowsError(try HeadTilt.barring([bar([1, 0], [])], levels: Self.levels, tilt: nil))
    }

    func testThreadsAndInstructionSetsChangeNothing() throws {
        let one = try Array(fit { $0.steps = 9 }.values())
        XCTAssertEqual(one, try Array(fit { ($0.steps, $0.threads) = (9, 3) }.values()))
        for k in Kernels.available { XCTAssertEqual(one, try Array(fit(k) { $0.steps = 9 }.values()), k.name) }
    }

    func testFilesAndRefusals() throws {
        let tilt = try fit { $0.steps = 3 }, values = try tilt.values()
        let again = try HeadTilt(levels: Self.levels, columns: tilt.columns, theta: values, distance: tilt.distance)
        XCTAssertEqual(Array(try again.values()), Array(values))
        XCTAssertEqual(try rows(again, 64), try rows(tilt, 64))
        func refuses(_ columns: [[Int]], _ count: Int, _ x: Float = 0, distance: Double = 0) {
            XCTAssertThrowsError(try {
                let b = try Buffer<Float>(count: count, for: "a test")
                for i in 0..<count { b[i] = x }
                _ = try HeadTilt(levels: Self.levels, columns: columns, theta: b, distance: distance)
            }())
        }
        refuses([[0, 1]], 5)
        refuses([[1, 0]], 6)
        refuses([[0, 0]], 4)
        refuses([[3]], 2)
        refuses([[]], 0)
        refuses([[0]], 2, .nan)
        refuses([[0]], 2, 1e5)
        refuses([[0]], 2, distance: .infinity)
        XCTAssertThrowsError(try fit { $0.learningRate = 0 })
        XCTAssertThrowsError(try fit { $0.batch = 0 })
        XCTAssertThrowsError(try HeadTiltFit(levels: Self.levels, ordered: [true, true, true], marginals: targets(),
                                             total: 0,
                                             pool: pool(512, .current), blocks: 512 / Kernels.current.lanes,
                                             HeadTiltOptions()))
    }
}
