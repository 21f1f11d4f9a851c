// P9: released noise has the standard deviation that the ledger assumes, is fresh for every number and release, and
// lies on the public grid.

import Basics
import Glibc
@testable import Privacy
import XCTest

final class GaussianNoiseTests: XCTestCase {
    /// A release over nobody: noise alone.
    private func noise(_ n: Int, _ nu: Double, from d: Door, threads: Int = 2) throws -> [Double] {
        let out = try d.releaseSum(name: "s", length: n, rates: [0.5], clips: [0.7], noise: nu, microBatch: 8,
            threads: threads) {
            _, _, _ in
        }
        return (0..<n).map { Double(out[$0]) }
    }
    private func seeded(_ seed: UInt64) throws -> Door {
        try door(cells: [[]], cellCounts: [1], random: SecureRandom(testSeed: seed))
    }

    func testDeviationAndShape() throws {
        for (k, nu) in [1e-5, 0.9, 1.6, 3e4].enumerated() {
            let x = try noise(100_000, nu, from: seeded(UInt64(k))), s = nu * (1 + FixedPoint.headroom), n = 100_000.0
            XCTAssertLessThan(kolmogorov(x, standardDeviation: s), 1.95)
            XCTAssertLessThan(abs(x.reduce(0) { $0 + $1 * $1 } / (s * s) - n) / (2 * n).squareRoot(), 4)
            // The ledger's multiplier, without the headroom, is not above the real one.
            XCTAssertGreaterThan((x.reduce(0) { $0 + $1 * $1 } / n).squareRoot() / nu, 0.99)
        }
    }

    func testFreshForEveryReleaseChunkAndDoor() throws {
        let d = try seeded(1), a = try noise(20_000, 1, from: d), b = try noise(20_000, 1, from: d)
        XCTAssertLessThan(abs(correlationDeviate(a, b)), 4)
        for shift in [1, 16, 64, noiseChunk, 2 * noiseChunk] {
            XCTAssertLessThan(abs(correlationDeviate(Array(a.dropLast(shift)), Array(a.dropFirst(shift)))), 4,
                "\(shift)")
        }
        let x = try door(cells: [[]], cellCounts: [1]), y = try door(cells: [[]], cellCounts: [1])
        XCTAssertLessThan(abs(correlationDeviate(try noise(20_000, 1, from: x), try noise(20_000, 1, from: y))), 4)
        // The mutant: a second door on the same key.
        XCTAssertGreaterThan(abs(correlationDeviate(a, try noise(20_000, 1, from: seeded(1)))), 100)
    }

    func testBlocksHaveTheirOwnNoise() throws {
        let d = try seeded(5)
        let out = try d.releaseSums(name: "j",
            blocks: [.init(length: 20_000, clips: [1], noise: 1), .init(length: 20_000, clips: [2], noise: 5)],
                rates: [1], microBatch: 1, threads: 2) {
            _, _, _ in
        }
        let a = (0..<20_000).map { Double(out[0][$0]) }, b = (0..<20_000).map { Double(out[1][$0]) }
        XCTAssertLessThan(abs(correlationDeviate(a, b)), 4)
        XCTAssertLessThan(kolmogorov(a, standardDeviation: 1.001), 1.95)
        XCTAssertLessThan(kolmogorov(b, standardDeviation: 5.005), 1.95)
    }

    func testGridIsPublic() throws {
        for (clip, nu) in [(1.0, 1.6), (3, 0.01), (0.25, 4e5)] {
            let f = try FixedPoint(SumBlock(length: 1, clips: [clip], noise: nu))
            XCTAssertLessThanOrEqual(f.grid, nu * 0x1p-16)
            XCTAssertGreaterThanOrEqual(f.step, clip * 0x1p-33)
            XCTAssertLessThanOrEqual(f.step, clip * 0x1p-32)
            // Rows at the limit stay inside 62 bits, noise of 18 standard deviations inside 61.
            XCTAssertLessThanOrEqual(Double(FixedPoint.maxRows) * clip / f.step, 0x1p62)
            XCTAssertLessThan(18 * f.standardDeviation, 0x1p61)
            let d = try door(cells: [[]], cellCounts: [1])
            let out = try d.releaseSum(name: "s", length: 5000, rates: [1], clips: [clip], noise: nu, microBatch: 1,
                threads: 1) {
                _, _, _ in
            }
            for i in 0..<5000 { XCTAssertEqual((Double(out[i]) / f.grid).rounded(), Double(out[i]) / f.grid) }
        }
        XCTAssertLessThan(18 * (try FixedPoint(SumBlock(length: 1, clips: [1.999], noise: 1.9e6))).standardDeviation,
            0x1p61)
    }

    /// Sum and noise are added as whole numbers: the noisy sum minus the sum is the noise of an empty table, to the
    /// last step of the grid.
    func testNoiseDoesNotDependOnTheSum() throws {
        let n = 3000
        func run(_ rows: Int) throws -> [Double] {
            let d = try door(cells: [[Int](repeating: 0, count: rows)], cellCounts: [1],
                random: SecureRandom(testSeed: 2))
            let out = try d.releaseSum(name: "s", length: n, rates: [1], clips: [1], noise: 1, microBatch: 4,
                threads: 1) { rows, _, out in
                var v = [Float](repeating: 0, count: n)
                v[7] = Float(rows.count)
                out.add(v)
            }
            return (0..<n).map { Double(out[$0]) }
        }
        let zip0 = zip(try run(0), try run(12)).map { $1 - $0 }
        for (i, x) in zip0.enumerated() { XCTAssertEqual(x, i == 7 ? 12 : 0) }
    }

    /// With a grid as fine as the step the released number is the noise to the nearest step, on both sides of zero.
    func testNoiseIsRoundedToTheNearestStep() throws {
        let n = 2500, random = SecureRandom(testSeed: 6),
            format = try FixedPoint(SumBlock(length: n, clips: [1], noise: 0x1p-30))
        XCTAssertEqual(format.grid, format.step)
        try random.beginRelease()
        let zero = try Buffer<Int64>(count: n), out = try Buffer<Float>(count: n)
        let task = NoiseTask(sum: zero.base, count: n, format: format, random: random, firstStream: 3, out: out.base)
        XCTAssertEqual(task.chunks, 3)
        for c in 0..<3 { task.run(c) }
        for c in 0..<3 {
            var z = [Double](repeating: 0, count: noiseChunk)
            fillFourSample(random.stream(.noise, 3 + c), &z, z.count)
            for i in 0..<min(noiseChunk, n - c * noiseChunk) {
                XCTAssertEqual(Double(out[c * noiseChunk + i]) / format.step,
                    (z[i] * format.standardDeviation).rounded())
            }
        }
    }
}
