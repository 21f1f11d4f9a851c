// The door from outside: what a release returns and refuses, whatever the threads, the micro-batches and the groups.

import Basics
import Glibc
@testable import Privacy
import XCTest

final class DoorTests: XCTestCase {
    // MARK: histograms

    func testHistogramsAreNearTheTruth() throws {
        let d = try door(cells: [[0, 1, 1, 2], [300, 5, 5, 299]], cellCounts: [3, 301])
        let (counts, groups) = try d.releaseHistograms(name: "h",
            requests: [.init(column: 0, body: 3), .init(column: 1, divisor: 10, body: 300)], noiseMultiplier: 1e-3)
        XCTAssertEqual(Array(counts[0]), [1, 2, 1])
        XCTAssertEqual(counts[1].count, 31)
        XCTAssertEqual([counts[1][0], counts[1][29], counts[1][30]], [2, 1, 1])
        XCTAssertEqual(groups, [4])
        XCTAssertEqual(d.ledger.releases,
            [.init(name: "h", groups: [.init(group: "all", samplingRate: 1, noiseMultiplier: 1e-3)])])
    }

    func testHistogramNoiseIsThatOfTheWeights() throws {
        // C = √(3² + 1² + 2²); standard deviation of a count is σ C / w.
        let d = try door(cells: [[], []], cellCounts: [20_000, 20_000])
        let (counts, _) = try d.releaseHistograms(name: "h",
            requests: [.init(column: 0, body: 20_000, weight: 3), .init(column: 1, body: 20_000)], noiseMultiplier: 10,
                groupWeight: 2)
        for (x, w) in zip(counts, [3.0, 1]) {
            let s = 10 * 14.0.squareRoot() / w
            XCTAssertLessThan(abs(x.reduce(0) { $0 + $1 * $1 } / (s * s) - 20_000) / 200, 5)
            // Whole numbers are themselves half a step's density away from a normal law; 2.6 beyond that has a chance
            // of 3e-6.
            XCTAssertLessThan(kolmogorov(Array(x), standardDeviation: s), 2.6
                + 20_000.0.squareRoot() * 0.399 / (2 * s * w))
            XCTAssertTrue(x.allSatisfy { ($0 * w).rounded() == ($0 * w * 1e6).rounded() / 1e6 },
                "whole numbers over the weight")
        }
    }

    func testGroupCounts() throws {
        let d = try door(cells: [[0, 0, 1]], cellCounts: [2], groups: ["a", "b", "nobody"], groupOf: [0, 1, 1])
        let (_, groups) = try d.releaseHistograms(name: "h", requests: [], noiseMultiplier: 1e-3)
        XCTAssertEqual(groups, [1, 2, 0])
        XCTAssertEqual(d.ledger.releases[0].groups.map(\.noiseMultiplier), [1e-3, 1e-3, 1e-3])
    }

    func testBadHistogramRequests() throws {
        let d = try door(cells: [[0]], cellCounts: [2])
        for r in [HistogramRequest(column: 1, body: 2), .init(column: -1, body: 2),
            .init(column: 0, divisor: 0, body: 2), .init(column: 0, body: 3), .init(column: 0, body: -1),
                  .init(column: 0, body: 2, weight: 0), .init(column: 0, body: 2, weight: 1 << 21)] {
            XCTAssertThrowsError(try d.releaseHistograms(name: "h", requests: [r], noiseMultiplier: 1))
        }
        for s in [0, -1, .nan, .infinity, 1e7] {
            XCTAssertThrowsError(try d.releaseHistograms(name: "h", requests: [], noiseMultiplier: s))
        }
        XCTAssertTrue(d.ledger.releases.isEmpty)
    }

    // MARK: sums

    func testSumIsNearTheTruth() throws {
        let d = try door(cells: [(0..<1000).map { $0 % 5 }], cellCounts: [5])
        let sum = try d.releaseSum(name: "s", length: 5, rates: [1], clips: [1], noise: 1e-3, microBatch: 7, threads: 3,
            map: oneHot)
        for i in 0..<5 { XCTAssertEqual(Double(sum[i]), 200, accuracy: 0.02) }
    }

    /// Same seed, same result, bit by bit, for every number of threads.
    func testThreadsChangeNothing() throws {
        var results: [[UInt32]] = []
        for threads in [1, 2, 5] {
            let d = try door(cells: [(0..<5000).map { $0 % 5 }], cellCounts: [5], random: SecureRandom(testSeed: 9))
            for _ in 0..<2 {
                let sum = try d.releaseSum(name: "s", length: 9000, rates: [0.3], clips: [10], noise: 2, microBatch: 16,
                    threads: threads) { rows, _, out in
                    var v = [Float](repeating: 0, count: 9000)
                    rows.random.fillNormal(&v, 50)
                    for i in 0..<rows.count { v[Int(rows.columns[0][i])] += 1 }
                    out.add(v)
                }
                results.append((0..<9000).map { sum[$0].bitPattern })
            }
        }
        XCTAssertEqual(results[0], results[2])
        XCTAssertEqual(results[0], results[4])
        XCTAssertEqual(results[1], results[5])
        XCTAssertNotEqual(results[0], results[1])
    }

    /// The micro-batch is a matter of memory: the sum is the same to the last step when the vectors are exact.
    func testMicroBatchesChangeNothing() throws {
        let all = try [1, 3, 64, 4096].map { m in
            let d = try door(cells: [(0..<5000).map { $0 % 5 }], cellCounts: [5], random: SecureRandom(testSeed: 9))
            let sum = try d.releaseSum(name: "s", length: 5, rates: [0.3], clips: [1], noise: 2, microBatch: m,
                threads: 2, map: oneHot)
            return (0..<5).map { sum[$0] }
        }
        for other in all { XCTAssertEqual(other, all[0]) }
    }

    /// Rows are lent in order, each once, with their own cells and groups.
    func testRowsAreLentOnce() throws {
        let n = 1000,
            d = try door(cells: [(0..<n).map { $0 % 256 }, (0..<n).map { $0 }], cellCounts: [256, 1000],
                groups: ["a", "b", "c"], groupOf: (0..<n).map { $0 % 3 })
        let seen = Locked<[[Int]]>([])
        _ = try d.releaseSum(name: "s", length: 1, rates: [1, 0.5, 0], clips: [1, 1, 1], noise: 1, microBatch: 64,
            threads: 2) { rows, worker, out in
            XCTAssertTrue((0..<2).contains(worker) && rows.count >= 1 && rows.count <= 64)
            let lent = (0..<rows.count).map {
                [Int(rows.columns[1][$0]), Int(rows.columns[0][$0]), Int(rows.groups[$0])]
            }
            XCTAssertEqual(lent.map { $0[0] }, lent.map { $0[0] }.sorted())
            seen.with { $0 += lent }
            out.add([0])
        }
        let rows = seen.with { $0 }.sorted { $0[0] < $1[0] }
        for r in rows {
            XCTAssertEqual(r[1], r[0] % 256)
            XCTAssertEqual(r[2], r[0] % 3)
        }
        XCTAssertEqual(Set(rows.map { $0[0] }).count, rows.count)
        XCTAssertEqual(rows.filter { $0[2] == 0 }.count, 334)
        XCTAssertEqual(rows.filter { $0[2] == 2 }.count, 0)
        XCTAssertTrue((100...230).contains(rows.filter { $0[2] == 1 }.count))
    }

    func testRowsRandomnessIsFreshForEveryMicroBatchAndRelease() throws {
        let d = try door(cells: [[Int](repeating: 0, count: 100)], cellCounts: [1])
        let seen = Locked<Set<UInt64>>([])
        for _ in 0..<10 {
            _ = try d.releaseSum(name: "s", length: 1, rates: [1], clips: [1], noise: 1, microBatch: 1,
                threads: 2) { rows, _, out in
                let v = rows.random.next()
                seen.with { XCTAssertTrue($0.insert(v).inserted) }
            }
        }
        XCTAssertEqual(seen.with { $0.count }, 1000)
    }

    func testEveryGroupHasItsOwnMultiplier() throws {
        let d = try door(cells: [[0, 1]], cellCounts: [2], groups: ["a", "b", "nobody"], groupOf: [0, 1])
        _ = try d.releaseSum(name: "s", length: 2, rates: [0.5, 0.25, 1], clips: [1, 2, 0.5], noise: 3, microBatch: 8,
            threads: 1, map: oneHot)
        XCTAssertEqual(d.ledger.releases[0].groups,
            [.init(group: "a", samplingRate: 0.5, noiseMultiplier: 3),
                .init(group: "b", samplingRate: 0.25, noiseMultiplier: 1.5),
                                                     .init(group: "nobody", samplingRate: 1, noiseMultiplier: 6)])
    }

    func testBlocksOfOneBatchAreOneEntry() throws {
        let d = try door(cells: [[0, 1, 2]], cellCounts: [3], groups: ["a", "b"], groupOf: [0, 1, 1])
        let blocks = [SumBlock(length: 3, clips: [1, 2], noise: 2), SumBlock(length: 2, clips: [3, 3], noise: 4)]
        let out = try d.releaseSums(name: "joint", blocks: blocks, rates: [1, 1], microBatch: 8, threads: 1) { rows, _,
            out in
            out.add([0, 0, 0])
            out.add([3, 3], block: 1)
        }
        XCTAssertEqual(out.map(\.count), [3, 2])
        XCTAssertEqual(d.ledger.releases.count, 1)
        let sigmas = d.ledger.releases[0].groups.map(\.noiseMultiplier)
        XCTAssertEqual(sigmas[0], 1 / (0.25 + 9.0 / 16).squareRoot(), accuracy: 1e-12)
        XCTAssertEqual(sigmas[1], 1 / (1 + 9.0 / 16).squareRoot(), accuracy: 1e-12)
        XCTAssertLessThanOrEqual(sigmas[0], 1 / (0.25 + 9.0 / 16).squareRoot())
        // Two entries for one batch would claim less than the joint one costs.
        let joint = rdpSubsampledGaussian(q: 0.0315, sigma: 1 / 2.0.squareRoot(), order: 8),
            apart = 2 * rdpSubsampledGaussian(q: 0.0315, sigma: 1, order: 8)
        XCTAssertGreaterThan(joint, apart)
        XCTAssertEqual(jointNoiseMultipliers([SumBlock(length: 1, clips: [1], noise: 1),
            SumBlock(length: 1, clips: [1], noise: 1)], groups: 1)[0], 1 / 2.0.squareRoot(), accuracy: 1e-12)
    }

    func testBadReleases() throws {
        let d = try door(cells: [[0]], cellCounts: [2], groups: ["a", "b"], groupOf: [0])
        func refused(length: Int = 1, rates: [Double] = [1, 1], clips: [Double] = [1, 1], noise: Double = 1,
            micro: Int = 1, threads: Int = 1) {
            XCTAssertThrowsError(try d.releaseSum(name: "s", length: length, rates: rates, clips: clips, noise: noise,
                microBatch: micro, threads: threads) { _, _, _ in XCTFail("no row is lent") }) {
                XCTAssertEqual(($0 as? Failure)?.code, .argument)
            }
        }
        for n in [0, -1, 1 << 32] { refused(length: n) }
        for r in [[1], [], [1, 1, 1], [1, 1.1], [1, -0.1], [1, .nan]] { refused(rates: r) }
        for c in [[1], [1, 0], [1, -1], [1, .nan], [1, .infinity], [1, 1e-5]] { refused(clips: c) }
        for s in [0, -1, .nan, .infinity, 1e9] { refused(noise: s) }
        for m in [0, -1, 5000] { refused(micro: m) }
        for t in [0, -1, 5000] { refused(threads: t) }
        XCTAssertTrue(d.ledger.releases.isEmpty)
        XCTAssertThrowsError(try d.releaseSums(name: "s", blocks: [], rates: [1, 1], microBatch: 1, threads: 1) { _, _,
            _ in })
    }

    // MARK: tables

    func testTableIsFilledOnceAndGoesToOneDoor() throws {
        let t = try PrivateTable(rows: 2, cellCounts: [2, 2], groups: ["a", "b"]),
            l = try Ledger(epsilon: 1e6, delta: 1e-5, order: 2, groups: ["a", "b"])
        func make(_ l: Ledger) throws -> Door {
            try Door(table: t, budget: l.budget, ledger: l, random: SecureRandom(testSeed: 1))
        }
        try t.fill(column: 0) { _ in }
        XCTAssertThrowsError(try t.fill(column: 0) { _ in })
        XCTAssertThrowsError(try t.fill(column: 2) { _ in })
        XCTAssertThrowsError(try make(l))
        try t.fill(column: 1) { _ in }
        XCTAssertThrowsError(try make(l), "groups are missing")
        try t.fillGroups { $0[0] = -5; $0[1] = 7 }
        XCTAssertThrowsError(try t.fillGroups { _ in })
        XCTAssertThrowsError(try make(Ledger(epsilon: 1e6, delta: 1e-5, order: 2)), "other groups")
        XCTAssertThrowsError(try Door(table: t, budget: XCTUnwrap(Budget(epsilon: 1e7, delta: 1e-5, order: 2)),
            ledger: l, random: SecureRandom(testSeed: 1)), "another budget")
        let d = try make(l)
        XCTAssertThrowsError(try make(l), "the table has a door")
        XCTAssertThrowsError(try t.fill(column: 1) { _ in })
        XCTAssertEqual(try d.releaseHistograms(name: "h", requests: [], noiseMultiplier: 1e-2).groups, [1, 1])
    }

    func testCellsOutsideTheirColumnAreTheLastCell() throws {
        let d = try door(cells: [[0, 1, 2, 3, 255, 65_535], [0, 299, 300, 301, 65_535, 1]], cellCounts: [3, 300])
        let (c, _) = try d.releaseHistograms(name: "h",
            requests: [.init(column: 0, body: 3), .init(column: 1, body: 300)], noiseMultiplier: 1e-3)
        XCTAssertEqual(Array(c[0]), [1, 1, 4])
        XCTAssertEqual([c[1][0], c[1][1], c[1][299]], [1, 1, 4])
    }

    func testBadTables() {
        XCTAssertThrowsError(try PrivateTable(rows: -1, cellCounts: [1], groups: ["a"]))
        XCTAssertThrowsError(try PrivateTable(rows: 1 << 29, cellCounts: [], groups: ["a"]))
        XCTAssertThrowsError(try PrivateTable(rows: 1, cellCounts: [0], groups: ["a"]))
        XCTAssertThrowsError(try PrivateTable(rows: 1, cellCounts: [65_537], groups: ["a"]))
        XCTAssertThrowsError(try PrivateTable(rows: 1, cellCounts: [1], groups: []))
    }

    func testSeededDoorSaysSo() throws {
        XCTAssertFalse(try door(cells: [[0]], cellCounts: [1], random: SecureRandom(testSeed: 1)).ledger.isPrivate)
        XCTAssertTrue(try door(cells: [[0]], cellCounts: [1]).ledger.isPrivate)
    }

    /// After a release, whether it went well or not, neither the batch nor a gathered cell nor a raw sum is left in
    /// memory.
    func testNothingOfABatchOutlivesItsRelease() throws {
        struct Fault: Error {}
        for isFailing in [false, true] {
            let d = try door(cells: [(0..<500).map { $0 % 5 + 1 }], cellCounts: [6])
            let seen = Locked<UInt16>(0)
            func release() throws {
                _ = try d.releaseSum(name: "s", length: 6, rates: [0.5], clips: [1], noise: 2, microBatch: 16,
                    threads: 2) { rows, worker, out in
                    seen.with { $0 = max($0, rows.columns[0][0]) }
                    XCTAssertFalse(d.isWiped, "the test sees what is there")
                    oneHot(rows, worker, out)
                    if isFailing { throw Fault() }
                }
            }
            if isFailing { XCTAssertThrowsError(try release()) } else { try release() }
            XCTAssertGreaterThan(seen.with { $0 }, 0)
            XCTAssertTrue(d.isWiped)
        }
    }
}
