// Joint releases of marginals: tables as a slow twin counts them, noise as the weights say, the same for all threads,
// charged first.

import Basics
import Glibc
@testable import Privacy
import XCTest

/// Codes that send cell c of every column to map[c].
func columnCodes(_ maps: [[Int]], counts: [Int]? = nil) throws -> [ColumnCodes] {
    try maps.enumerated().map { j, map in
        let b = try Buffer<UInt16>(count: map.count)
        for (c, code) in map.enumerated() { b[c] = UInt16(code) }
        return ColumnCodes(map: b, count: counts?[j] ?? (map.max() ?? 0) + 1)
    }
}

final class MarginalTests: XCTestCase {
    private let dice = SecureRandom(testSeed: 77).stream(.direct, 1)
    private func below(_ n: Int) -> Int { Int(dice.below(UInt64(n))) }

    /// Columns of 7, 300 and 40 cells and their codes: 5, 11 and 6.
    private let cellCounts = [7, 300, 40]
    private func codes() throws -> [ColumnCodes] {
        try columnCodes([(0..<7).map { $0 % 5 }, (0..<300).map { $0 / 28 }, (0..<40).map { $0 * $0 % 6 }],
            counts: [5, 11, 6])
    }
    private func rows(_ n: Int) -> [[Int]] { cellCounts.map { m in (0..<n).map { _ in below(m) * below(2) } } }
    private let requests = [MarginalRequest(columns: [1], weight: 3), .init(columns: [2, 0], weight: 2),
        .init(columns: [0, 1]), .init(columns: [2, 1, 0]), .init(columns: [1, 2], weight: 5)]

    /// The slow twin: one row, one table, one cell at a time.
    private func twin(_ cells: [[Int]], _ r: MarginalRequest, _ codes: [ColumnCodes]) -> [Double] {
        var t = [Double](repeating: 0, count: r.columns.map { codes[$0].count }.reduce(1, *))
        for i in cells[0].indices {
            var place = 0
            for j in r.columns { place = place * codes[j].count + Int(codes[j].map[cells[j][i]]) }
            t[place] += 1
        }
        return t
    }

    private func release(_ d: Door, _ noise: Double = 1e-4, threads: Int = 1) throws -> [[Double]] {
        try d.releaseMarginals(name: "m", requests: requests, codes: codes(), noiseMultiplier: noise,
            threads: threads).map(Array.init)
    }

    func testTablesAreThoseOfTheTwin() throws {
        for n in [0, 1, 2047, 2048, 2049, 5000] {
            let cells = rows(n), codes = try codes()
            for threads in [1, 2, 5, 32] {
                XCTAssertEqual(try release(door(cells: cells, cellCounts: cellCounts), threads: threads),
                    requests.map { twin(cells, $0, codes) }, "\(n) \(threads)")
            }
        }
    }

    func testOneEntryForAll() throws {
        let d = try door(cells: rows(10) , cellCounts: cellCounts, groups: ["a", "b"], groupOf: (0..<10).map { $0 % 2 })
        _ = try release(d, 0.7)
        XCTAssertEqual(d.ledger.releases,
            [.init(name: "m", groups: ["a", "b"].map { .init(group: $0, samplingRate: 1, noiseMultiplier: 0.7) })])
    }

    /// Same seed, same tables, bit by bit, however the work is split.
    func testThreadsChangeNothing() throws {
        let cells = rows(5000)
        let all = try [1, 2, 3, 17].map {
            try release(door(cells: cells, cellCounts: cellCounts, random: SecureRandom(testSeed: 4)), 9, threads: $0)
        }
        for other in all { XCTAssertEqual(other, all[0]) }
        XCTAssertNotEqual(try release(door(cells: cells, cellCounts: cellCounts, random: SecureRandom(testSeed: 5)), 9),
            all[0])
    }

    func testNoiseIsThatOfTheWeights() throws {
        // C = √(3² + 1² + 2²); standard deviation of a cell is σ C / w.
        let identity = try columnCodes([Array(0..<150), Array(0..<140)])
        let requests = [MarginalRequest(columns: [0, 1], weight: 3), .init(columns: [1, 0]),
            .init(columns: [0], weight: 2)]
        let d = try door(cells: [[], []], cellCounts: [150, 140])
        let out = try d.releaseMarginals(name: "m", requests: requests, codes: identity, noiseMultiplier: 10,
            threads: 2)
        for (x, w) in zip(out, [3.0, 1]) {
            let s = 10 * 14.0.squareRoot() / w, n = Double(x.count)
            XCTAssertLessThan(abs(x.reduce(0) { $0 + $1 * $1 } / (s * s) - n) / (2 * n).squareRoot(), 5)
            XCTAssertLessThan(kolmogorov(Array(x), standardDeviation: s), 2.5)
            XCTAssertTrue(x.allSatisfy { abs(($0 * w).rounded() - $0 * w) < 1e-9 }, "whole numbers over the weight")
        }
        // Chunks, tables and releases have noise of their own.
        let again = try d.releaseMarginals(name: "m", requests: requests, codes: identity, noiseMultiplier: 10,
            threads: 2)
        func correlation(_ a: [Double], _ b: [Double]) -> Double {
            zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / norm(a) / norm(b)
        }
        let a = Array(out[0]), b = Array(out[1])
        for (x, y) in [(a, b), (a, Array(again[0])), (Array(a[0..<1024]), Array(a[1024..<2048])),
            (Array(a[0..<1024]), Array(b[0..<1024]))] {
            XCTAssertLessThan(abs(correlation(x, y)) * Double(x.count).squareRoot(), 5)
        }
    }

    /// Tables that do not fit together are counted in several passes; a table larger than the memory allowed has one to
    /// itself.
    func testTiles() throws {
        let codes = try columnCodes([Array(0..<10), Array(0..<20), Array(0..<30)])
        let layout = try MarginalLayout([[0, 1], [0, 2], [1, 2], [0], [1]], codes, threads: 2, memory: 500 * 4)
        XCTAssertEqual(layout.tiles, [0..<2, 2..<3, 3..<5])
        XCTAssertEqual(layout.tables.map(\.start), [0, 200, 0, 0, 10])
        XCTAssertEqual(layout.tileCells, 600)
        XCTAssertThrowsError(try MarginalLayout([[0, 1], [1, 2]], codes, threads: 2, memory: 500 * 4, exactly: true))
        for threads in [1, 2, 3, 7, 40] {
            let layout = try MarginalLayout([[0, 1], [0, 2], [1, 2], [0], [1]], codes, threads: threads)
            var seen: [[Int]] = []
            XCTAssertLessThanOrEqual(layout.workers, threads)
            for w in 0..<layout.workers {
                if let (tables, part) = layout.share(layout.tiles[0], worker: w) { seen += tables.map { [$0, part] } }
            }
            XCTAssertEqual(seen.sorted { $0.lexicographicallyPrecedes($1) },
                (0..<5).flatMap { t in (0..<layout.parts).map { [t, $0] } }, "every table, every part, once")
            for chunk in layout.chunks(layout.tiles[0]) {
                let t = layout.tables[layout.table(layout.tiles[0], chunk: chunk)]
                XCTAssertTrue(t.firstChunk <= chunk && chunk < t.firstChunk + t.chunks)
            }
        }
    }

    func testMemoryIsStated() throws {
        let codes = try columnCodes([Array(0..<10), Array(0..<20)])
        // 200 cells counted and released, a block of two columns, places and four small tables, two maps.
        XCTAssertEqual(try marginalMemory(requests: [.init(columns: [0, 1])], codes: codes, threads: 1), 200 * 4
            + 200 * 8 + 2 * 2048 * 2 + 6144 * 4 + 30 * 2)
        let large = try columnCodes([[65_535], [65_535]])
        XCTAssertThrowsError(try marginalMemory(requests: [.init(columns: [0, 1])], codes: large, threads: 1))
        XCTAssertThrowsError(try marginalMemory(requests: [.init(columns: [0]), .init(columns: [0, 1])], codes: large,
            threads: 1))
    }

    func testBadRequestsAreNotCharged() throws {
        let d = try door(cells: [[0, 1], [1, 1]], cellCounts: [3, 2]), good = try columnCodes([[0, 1, 2], [0, 1]])
        func refused(_ requests: [MarginalRequest], _ codes: [ColumnCodes], noise: Double = 1, threads: Int = 1,
            line: UInt = #line) {
            XCTAssertThrowsError(try d.releaseMarginals(name: "m", requests: requests, codes: codes,
                noiseMultiplier: noise, threads: threads), line: line) {
                XCTAssertEqual(($0 as? Failure)?.code, .argument, line: line)
            }
        }
        for columns in [[], [0, 0], [2], [-1], [0, 1, 0], [0, 1, 0, 1]] { refused([.init(columns: columns)], good) }
        for weight in [0, -1, 1 << 20 + 1] { refused([.init(columns: [0], weight: weight)], good) }
        for noise in [0, -1, .nan, .infinity, 1e7] { refused([.init(columns: [0])], good, noise: noise) }
        for threads in [0, -1, 1025] { refused([.init(columns: [0])], good, threads: threads) }
        refused([], good)
        refused([.init(columns: [0])], [good[0]])
        refused([.init(columns: [0])], try columnCodes([[0, 1], [0, 1]]))
        refused([.init(columns: [0])], try columnCodes([[0, 1, 2], [0, 1]], counts: [2, 2]))
        refused([.init(columns: [0])], try columnCodes([[0, 1, 2], [0, 1]], counts: [0, 2]))
        refused([.init(columns: [0])], try columnCodes([[0, 1, 2], [0, 1]], counts: [65_537, 2]))
        XCTAssertTrue(d.ledger.releases.isEmpty)
    }

    // MARK: privacy

    /// Brute force over neighbours in any order: exactly one cell of every table moves, by its weight, and all together
    /// by C.
    func testOneRowMovesTablesByTheirWeights() throws {
        let weights = requests.map { Double($0.weight) }, bound = norm(weights)
        func tables(_ rows: [[Int]]) throws -> [[Double]] {
            let cells = cellCounts.indices.map { j in rows.map { $0[j] } }
            return zip(try release(door(cells: cells, cellCounts: cellCounts), threads: 1 + below(3)), weights).map { t,
                w in
                t.map { $0 * w }
            }
        }
        for _ in 0..<40 {
            var D = (0..<below(20)).map { _ in cellCounts.map(below) }
            let a = try tables(D)
            D.insert(cellCounts.map(below), at: below(D.count + 1))
            D.shuffle()
            let moved = zip(a, try tables(D)).map { norm(zip($0, $1).map { $0 - $1 }) }
            for (m, w) in zip(moved, weights) { XCTAssertEqual(m, w, accuracy: 1e-9) }
            XCTAssertEqual(norm(moved), bound, accuracy: 1e-9)
        }
    }

    /// Charged and durable before anything is counted or drawn; not taken back. What is left behind does not depend on
    /// the rows.
    func testChargeBeforeCount() throws {
        let d = try door(cells: rows(100), cellCounts: cellCounts)
        var durable = 0
        d.durable = { l in
            durable += 1
            XCTAssertEqual(l.releases.first?.count, durable)
        }
        _ = try release(d)
        _ = try release(d)
        XCTAssertEqual(durable, 2)
        d.durable = { _ in throw Failure(.io, "fault") }
        XCTAssertThrowsError(try release(d)) { XCTAssertEqual(($0 as? Failure)?.code, .io) }
        XCTAssertEqual(d.ledger.releases.map(\.count), [3])

        var calls = 0
        let r = try SecureRandom(source: { p, n in calls += 1; memset(p, 3, n); return calls == 1 ? 0 : -1 })
        let mute = try door(cells: rows(100), cellCounts: cellCounts, random: r)
        r.useUp()
        XCTAssertThrowsError(try release(mute)) { XCTAssertEqual(($0 as? Failure)?.code, .entropy) }
        XCTAssertEqual(mute.ledger.releases.map(\.count), [1])

        let poor = try door(cells: rows(100), cellCounts: cellCounts, epsilon: 20)
        poor.durable = { _ in XCTFail("nothing to make durable") }
        XCTAssertThrowsError(try release(poor, 0.3)) { XCTAssertEqual(($0 as? Failure)?.code, .budget) }
        XCTAssertTrue(poor.ledger.releases.isEmpty)
    }

    /// Everything that is visible except the noisy numbers is the same for neighbours, for one row and for none.
    func testTraceDoesNotDependOnRows() throws {
        func trace(_ n: Int) throws -> [String] {
            let d = try door(cells: rows(n), cellCounts: cellCounts, random: SecureRandom(testSeed: 3))
            var events: [String] = []
            d.durable = { events.append($0.json.text) }
            let out = try release(d, 50, threads: 2)
            let one = try codes().map { try Buffer<Double>(count: $0.count) }
            let pairs = try d.selectPairs(name: "c", candidates: [(0, 1), (0, 2), (1, 2)], codes: codes(), oneWay: one,
                total: 1, standardDeviation: 1, count: 3, rho: 0.1, threads: 2)
            return events + ["\(out.map(\.count)) \(pairs.sorted()) \(out.map { $0.filter { $0 == 0 }.count < 20 })"]
        }
        let plain = try trace(3000)
        for n in [2999, 1, 0] { XCTAssertEqual(try trace(n), plain, "\(n)") }
    }

    func testCancelling() throws {
        for threads in [1, 3] {
            let d = try door(cells: rows(5000), cellCounts: cellCounts)
            d.cancel()
            XCTAssertThrowsError(try release(d, threads: threads)) {
                XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
            }
            XCTAssertTrue(d.ledger.releases.isEmpty, "before the charge")
            d.durable = { _ in d.cancel() }
            XCTAssertThrowsError(try release(d, threads: threads)) {
                XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
            }
            XCTAssertEqual(d.ledger.releases.map(\.count), [1], "after the charge")
            d.durable = nil
            _ = try release(d, threads: threads)
        }
    }
}
