// P8: by brute force over random tables with and without a row, in any order and any micro-batch, every release moves
// by at most what the ledger assumes. Sums are seen through releases with next to no noise.

import Basics
import Glibc
@testable import Privacy
import XCTest

final class NeighbourTests: XCTestCase {
    private let dice = SecureRandom(testSeed: 31).stream(.direct, 1)
    private let P = 12, C = 1.5

    private struct Row { var cell: Int, group: Int }

    /// The vector of a cell: directions of every length, some huge, tiny or not finite.
    private func vector(_ cell: Int) -> [Double] {
        let length = [1, 1e-3, 1e30, 1.5, 1e-30, .infinity, 40, .nan][cell % 8]
        let v = (0..<P).map { cos(Double(cell * 31 + $0 * 17 + $0 * $0 * cell)) }, n = norm(v)
        return v.map { $0 / n * length }
    }

    private func clipped(_ v: [Double], _ c: Double) -> [Double] {
        let n = norm(v)
        guard n.isFinite else { return v.map { _ in 0 } }
        return v.map { $0 * min(1, c / n) }
    }

    enum Map { case right, noClip, clipBatch, notCleared, mean, onePercent }

    /// Σ of the clipped vectors, as released with noise 1e-7.
    private func sum(_ rows: [Row], _ map: Map = .right, micro: Int, clips: [Double], rates: [Double] = [1, 1],
        seed: UInt64 = 1) throws -> [Double] {
        let d = try door(cells: [rows.map(\.cell)], cellCounts: [200], groups: ["a", "b"], groupOf: rows.map(\.group),
            random: SecureRandom(testSeed: seed))
        let out = try d.releaseSum(name: "s", length: P, rates: rates, clips: clips, noise: 1e-7, microBatch: micro,
            threads: 2) { [self] rows, _, out in
            var s = [Double](repeating: 0, count: P)
            for i in 0..<rows.count {
                let c = clips[Int(rows.groups[i])], raw = vector(Int(rows.columns[0][i]))
                let v: [Double]
                switch map {
                case .right, .mean: v = clipped(raw, c)
                case .noClip: v = raw.allSatisfy(\.isFinite) ? raw.map { max(-2, min(2, $0)) } : raw.map { _ in 0 }
                case .clipBatch: v = raw.allSatisfy(\.isFinite) ? raw : raw.map { _ in 0 }
                case .onePercent: v = clipped(raw, 1.01 * c)
                case .notCleared: v = raw.map { $0 * min(1, c / norm(raw)) }
                }
                for k in 0..<P { s[k] += v[k] }
            }
            if map == .clipBatch { s = clipped(s, Double(rows.count) * clips[0]) }
            if map == .mean { s = s.map { $0 / Double(rows.count) * 8 } }
            out.add(s.map { Float($0) })
        }
        return (0..<P).map { Double(out[$0]) }
    }

    private func table(_ n: Int, cells: Int = 200) -> [Row] {
        (0..<n).map { _ in Row(cell: Int(dice.below(UInt64(cells))), group: Int(dice.below(UInt64(2)))) }
    }

    /// Largest movement over the clip of the row that was added, among random neighbours in other places, orders and
    /// micro-batches.
    private func worst(_ map: Map, clips: [Double], trials: Int = 60) throws -> Double {
        var worst = 0.0
        for t in 0..<trials {
            let D = table(1 + Int(dice.below(UInt64(30))))
            let extra = Row(cell: t % 200, group: t % 2)
            var more = D
            more.insert(extra, at: Int(dice.below(UInt64(D.count + 1))))
            if t % 3 == 0 { more.shuffle() }
            let micro = [1, 4, 8, 64][t % 4]
            let a = try sum(D, map, micro: micro, clips: clips),
                b = try sum(more, map, micro: t % 5 == 0 && map == .right ? 3 : micro, clips: clips)
            worst = max(worst, (norm(zip(a, b).map { $0 - $1 }) - 2e-6) / clips[extra.group])
        }
        return worst
    }

    func testOneRowMovesASumByAtMostItsClip() throws {
        let moved = try worst(.right, clips: [C, C])
        XCTAssertLessThanOrEqual(moved, 1 + FixedPoint.headroom)
        XCTAssertGreaterThan(moved, 0.99, "the bound is reached")
        XCTAssertLessThanOrEqual(try worst(.right, clips: [0.5, 3]), 1 + FixedPoint.headroom)
    }

    func testMutantMapsAreSeen() throws {
        for map in [Map.noClip, .clipBatch, .mean, .notCleared] {
            XCTAssertGreaterThan(try worst(map, clips: [C, C]), 1.2, "\(map)")
        }
        // A clip that is off by 1 % alone: below what the door itself can see, so that this test has to.
        XCTAssertGreaterThan(try worst(.onePercent, clips: [C, C]), 1 + FixedPoint.headroom)
    }

    /// A second block with a part for every pool of groups, as moments have: a row moves the joint vector by at most
    /// its norm in each block. Mutant: moments that go into the part, and under the norm, of another pool.
    func testOneRowMovesAJointBlockByAtMostItsNorm() throws {
        let clips = [1.0, 0.8], momentClips = [0.05, 2.0], L = 4
        func sums(_ rows: [Row], wrongPool: Bool) throws -> [Double] {
            let d = try door(cells: [rows.map(\.cell)], cellCounts: [200], groups: ["a", "b"],
                groupOf: rows.map(\.group), random: SecureRandom(testSeed: 5))
            let blocks = [SumBlock(length: P, clips: clips, noise: 1e-7),
                SumBlock(length: 2 * L, clips: momentClips, noise: 1e-7)]
            let out = try d.releaseSums(name: "s", blocks: blocks, rates: [1, 1], microBatch: 4,
                threads: 2) { [self] rows, _, out in
                var gradient = [Double](repeating: 0, count: P), moments = [Double](repeating: 0, count: 2 * L)
                for i in 0..<rows.count {
                    let g = Int(rows.groups[i]), raw = vector(Int(rows.columns[0][i])), pool = wrongPool ? 1 - g : g
                    for (k, x) in clipped(raw, clips[g]).enumerated() { gradient[k] += x }
                    for (k, x) in clipped(Array(raw[0..<L]), 1).enumerated() {
                        moments[pool * L + k] += momentClips[pool] * x
                    }
                }
                out.add(gradient.map { Float($0) })
                out.add(moments.map { Float($0) }, block: 1)
            }
            return (0..<P).map { Double(out[0][$0]) / clips[0] } + (0..<2 * L).map { Double(out[1][$0]) }
        }
        func worst(wrongPool: Bool) throws -> Double {
            var worst = 0.0
            for t in 0..<40 {
                let extra = Row(cell: t % 200, group: 0), D = table(8 + t % 8)
                let moved = zip(try sums(D, wrongPool: wrongPool), try sums(D + [extra], wrongPool: wrongPool)).map {
                    $1 - $0
                }
                worst = max(worst, norm(Array(moved[0..<P])), (norm(Array(moved[P...])) - 2e-6) / momentClips[0])
            }
            return worst
        }
        XCTAssertLessThanOrEqual(try worst(wrongPool: false), 1 + FixedPoint.headroom)
        XCTAssertGreaterThan(try worst(wrongPool: true), 2)
    }

    /// The last defence: a micro-batch that is longer than its rows can make it, or not finite, adds nothing and shows
    /// nothing.
    func testImpossibleSumsAddNothing() throws {
        let rows = table(20, cells: 1)
        for value in [Float.nan, .infinity, 1e30, 2.0] {
            let d = try door(cells: [rows.map(\.cell)], cellCounts: [1])
            let out = try d.releaseSum(name: "s", length: 4, rates: [1], clips: [1], noise: 1e-6, microBatch: 1,
                threads: 1) { _, _, out in
                out.add([value, 0, 0, 0])
                out.add([0.5, 0, 0, 0])
            }
            for i in 0..<4 { XCTAssertEqual(Double(out[i]), 0, accuracy: 1e-4) }
        }
    }

    /// With batches drawn: the same other rows are drawn when one is added at the end, and the sum moves by at most C.
    func testSampledSums() throws {
        for t in 0..<40 {
            let D = table(25), extra = Row(cell: t * 5, group: t % 2)
            let a = try sum(D, micro: 4, clips: [C, C], rates: [0.5, 0.2], seed: UInt64(t)),
                b = try sum(D + [extra], micro: 4, clips: [C, C], rates: [0.5, 0.2], seed: UInt64(t))
            XCTAssertLessThanOrEqual(norm(zip(a, b).map { $0 - $1 }), C * (1 + FixedPoint.headroom) + 2e-6)
        }
    }

    /// 32-bit sums of many aligned rows: the measured rounding stays inside the headroom.
    func testRoundingThroughTheDoor() throws {
        let n = 4096, P = 3000, c = 1.0
        func sum(_ n: Int, micro: Int) throws -> [Double] {
            let d = try door(cells: [[Int](repeating: 0, count: n)], cellCounts: [1])
            let v = Float(c / Double(P).squareRoot())
            let out = try d.releaseSum(name: "s", length: P, rates: [1], clips: [c], noise: 1e-6, microBatch: micro,
                threads: 2) { rows, _, out in
                var s = [Float](repeating: 0, count: P)
                for _ in 0..<rows.count { for k in 0..<P { s[k] += v } }
                out.add(s)
            }
            return (0..<P).map { Double(out[$0]) }
        }
        let noise = 1e-6 * Double(P).squareRoot() * 2
        let whole = try sum(n, micro: 64)
        for other in [try sum(n - 1, micro: 64), try sum(n + 1, micro: 64)] {
            XCTAssertLessThanOrEqual(norm(zip(whole, other).map { $0 - $1 }) - noise, c * (1 + FixedPoint.headroom))
        }
    }

    /// By how much rounding moves a sum, in norms of a row, when rows are put before n others that differ by 30 % from
    /// a common direction: all of them move on in their micro-batches. The door's arithmetic without its noise, which
    /// would hide so little.
    /// - Parameter micro: rows that are added in 32 bits before they go into the exact sum.
    private func roundingMoved(_ n: Int, micro: Int = 64) throws -> Double {
        let P = 64, patterns = 4_001, stream = SecureRandom(testSeed: 8).stream(.direct, 2)
        let rows = try Buffer<Float>(count: patterns * P), part = try Buffer<Float>(count: P)
        stream.fillNormal(rows.base, patterns * P)
        for r in 0..<patterns {
            let row = rows.base + r * P
            var square: Float = 0
            for k in 0..<P { row[k] = 1 + 0.3 * row[k]; square += row[k] * row[k] }
            for k in 0..<P { row[k] /= square.squareRoot() }
        }
        let order = (0..<n).map { _ in Int(stream.below(UInt64(patterns))) }
        /// Sum of the n rows that come after `before` places; those are left empty.
        func sum(before: Int) -> [Double] {
            var total = [Double](repeating: 0, count: P), place = before
            for i in 0..<n {
                let row = rows.base + order[i] * P
                for k in 0..<P { part.base[k] += row[k] }
                place += 1
                guard place == micro || i == n - 1 else { continue }
                for k in 0..<P { total[k] += (Double(part.base[k]) * 0x1p32).rounded() * 0x1p-32; part.base[k] = 0 }
                place = 0
            }
            return total
        }
        let first = sum(before: 0)
        return [1, 23, 45].map { norm(zip(first, sum(before: $0)).map { $0 - $1 }) }.max() ?? 0
    }

    /// It grows as the root of the rows and as the length of a micro-batch, and stays inside the headroom, which grows
    /// likewise. Mutant: the headroom of micro-batches of 64 for longer ones.
    ///
    /// FLIP_ROUNDING_ROWS=1100000 measures larger batches.
    func testRoundingStaysInsideTheHeadroom() throws {
        let most = getenv("FLIP_ROUNDING_ROWS").flatMap { Int(String(cString: $0)) } ?? 16_384
        var n = 1024
        while n <= most {
            let moved = try roundingMoved(n), allowed = FixedPoint.headroom(expectedRows: Double(n))
            print("rounding of \(n) rows moves by \(moved) of a row's norm; headroom \(allowed)")
            XCTAssertLessThan(moved, allowed)
            n *= 4
        }
        let long = try roundingMoved(16_384, micro: 2_048)
        XCTAssertGreaterThan(long, FixedPoint.headroom(expectedRows: 16_384))
        XCTAssertLessThan(long, FixedPoint.headroom(expectedRows: 16_384, microBatch: 2_048))
        XCTAssertEqual(FixedPoint.headroom(expectedRows: 100_000), FixedPoint.headroom)
        XCTAssertEqual(FixedPoint.headroom(expectedRows: 4 * 131_072), 2 * FixedPoint.headroom)
    }

    /// The noise is as wide as the headroom says, and no number that is none is taken for one.
    func testHeadroomOfLargeBatches() throws {
        let block = SumBlock(length: 1, clips: [1], noise: 1), small = try FixedPoint(block),
            large = try FixedPoint(block, expectedRows: 1_000_000)
        XCTAssertEqual(large.standardDeviation / small.standardDeviation,
            (1 + 1e-3 * (1_000_000 / 131_072.0).squareRoot()) / 1.001, accuracy: 1e-12)
        for n in [-1, .nan, .infinity, 1e10] { XCTAssertThrowsError(try FixedPoint(block, expectedRows: n)) }
    }

    func testOneRowMovesHistogramsByItsWeights() throws {
        let requests = [HistogramRequest(column: 0, body: 6, weight: 3),
            .init(column: 0, divisor: 4, body: 6, weight: 2), .init(column: 1, divisor: 7, body: 200)]
        func counts(_ rows: [(Int, Int, Int)]) throws -> [Double] {
            let d = try door(cells: [rows.map(\.0), rows.map(\.1)], cellCounts: [9, 300], groups: ["a", "b", "c"],
                groupOf: rows.map(\.2))
            let r = try d.releaseHistograms(name: "h", requests: requests, noiseMultiplier: 1e-4, groupWeight: 5)
            return zip(r.counts.map(Array.init) + [r.groups], [3.0, 2, 1, 5]).flatMap { h, w in h.map { $0 * w } }
        }
        func random() -> (Int, Int, Int) {
            (Int(dice.below(UInt64(9))), Int(dice.below(UInt64(300))), Int(dice.below(UInt64(3))))
        }
        let bound = (9.0 + 4 + 1 + 25).squareRoot()
        for _ in 0..<50 {
            var D = (0..<dice.below(UInt64(20))).map { _ in random() }
            let a = try counts(D)
            D.insert(random(), at: Int(dice.below(UInt64(D.count + 1))))
            D.shuffle()
            // Exactly one cell of each histogram moves, by its weight.
            XCTAssertEqual(norm(zip(a, try counts(D)).map { $0 - $1 }), bound, accuracy: 1e-9)
        }
    }
}
