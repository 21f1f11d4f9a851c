// The choice of pairs: scores move by at most 1 with a row, draws have the probabilities that the proof is about, and
// the charge comes first.

import Basics
import Glibc
@testable import Privacy
import XCTest

final class SelectionTests: XCTestCase {
    private let dice = SecureRandom(testSeed: 78).stream(.direct, 1)
    private func below(_ n: Int) -> Int { Int(dice.below(UInt64(n))) }
    private func buffer(_ x: [Double]) throws -> Buffer<Double> {
        let b = try Buffer<Double>(count: x.count)
        for (i, v) in x.enumerated() { b[i] = v }
        return b
    }
    private func reference(_ a: [Double], _ b: [Double], total: Double, standardDeviation: Double = 0) throws
        -> PairReference {
        try PairReference(PairReference.shares(buffer(a)), PairReference.shares(buffer(b)), total: total,
            standardDeviation: standardDeviation)
    }
    private let row = Double(PairReference.row)

    // MARK: scores

    func testScoreIsTheDistanceFromIndependence() throws {
        let r = try reference([30, 10], [20, -5, 20], total: 40)
        // Reference 15 0 15 / 5 0 5.
        XCTAssertEqual(Double(r.of([15, 0, 15, 5, 0, 5])) / row, 0)
        XCTAssertEqual(Double(r.of([30, 0, 0, 0, 0, 10])) / row, 15 + 15 + 5 + 5)
        XCTAssertEqual(Double(r.of([0, 7, 0, 0, 0, 0])) / row, 47)
        let noisy = try reference([30, 10], [20, -5, 20], total: 40, standardDeviation: 3)
        XCTAssertEqual(Double(noisy.of([0, 7, 0, 0, 0, 0])) / row, 47 - 6 * 3 * (2 / Double.pi).squareRoot(),
            accuracy: 1 / row)
    }

    /// Largest move of a score between neighbours, in rows. The mutant's reference is the product of the counts' own
    /// margins.
    private func worstMove(mutant: Bool) throws -> Double {
        var worst = 0.0
        for _ in 0..<2000 {
            let m = 1 + below(4), n = 1 + below(4)
            var x = (0..<m * n).map { _ in UInt32(below(6) * below(3)) }
            let a = (0..<m).map { _ in Double(below(4000)) / 100 - 5 },
                b = (0..<n).map { _ in Double(below(4000)) / 100 - 5 }, total = Double(below(5000)) / 100 - 5
            func score(_ x: [UInt32]) throws -> Double {
                guard mutant else {
                    return try Double(reference(a, b, total: total, standardDeviation: 1).of(x)) / row
                }
                let own = (0..<m).map { i in Double((0..<n).reduce(0) { $0 + x[i * n + $1] }) },
                    other = (0..<n).map { j in
                    Double((0..<m).reduce(0) { $0 + x[$1 * n + j] })
                }
                return try Double(reference(own, other, total: own.reduce(0, +)).of(x)) / row
            }
            let before = try score(x)
            x[below(x.count)] += 1
            worst = max(worst, try abs(score(x) - before))
        }
        return worst
    }

    func testOneRowMovesAScoreByAtMostOne() throws {
        // To the last bit: scores are whole numbers of steps.
        XCTAssertEqual(try worstMove(mutant: false), 1)
        XCTAssertGreaterThan(try worstMove(mutant: true), 1.2)
    }

    func testReleasedValuesOfAnyKindGiveAReference() throws {
        for odd in [[Double.nan, 1], [.infinity, .infinity], [-1, -2], [0, 0], [1e300, 1e-300]] {
            for total in [-5, 0, 1e300, .infinity, 3] {
                for standardDeviation in [0, 1e300] {
                    let s = try reference(odd, [1, 2, 3], total: total,
                        standardDeviation: standardDeviation).of([0, 0, 0, 0, 0, 1 << 29])
                    XCTAssertTrue(s >= -(1 << 60) && s <= 1 << 57, "\(odd) \(total)")
                }
            }
        }
    }

    // MARK: draws

    private func draws(_ scores: [Double], rho: Double, count: Int, times: Int, seed: UInt64 = 5) throws -> [[Int]] {
        let s = try PeeledSelection(rho: rho, count: count), random = SecureRandom(testSeed: seed).stream(.selection, 0)
        let steps = scores.map { Int64($0 * row) }
        return (0..<times).map { _ in
            var left = (0..<UInt32(scores.count)).map { $0 }
            return (0..<count).map { _ in
                let i = s.draw(steps, among: left, left.count, random, isCancelled: { false }) ?? -1
                defer { left.remove(at: i) }
                return Int(left[i])
            }
        }
    }

    /// Pairs of winners in order: exact probabilities of two peeled exponential mechanisms.
    private func exact(_ scores: [Double], half: Double) -> [Double] {
        let w = scores.map { exp(half * $0) }, all = w.reduce(0, +)
        return scores.indices.flatMap { i in scores.indices.map { j in i == j ? 0 : w[i] / all * w[j] / (all - w[i]) } }
    }

    func testDrawsHaveTheirProbabilities() throws {
        let scores = [0, 1.5, -2, 3, 2.25], rho = 0.4, half = (2 * rho / 2).squareRoot(), n = 40_000
        func counted(_ pairs: [[Int]]) -> [Double] {
            var c = [Double](repeating: 0, count: 25)
            for p in pairs { c[p[0] * 5 + p[1]] += 1 }
            return c
        }
        let expected = exact(scores, half: half).map { $0 * Double(n) }
        let own = try counted(draws(scores, rho: rho, count: 2, times: n))
        XCTAssertLessThan(abs(chiSquareDeviate(own, expected)), 5)
        // The largest of noisy scores have the same distribution: Gumbel noise of scale 2/ε₀.
        let gumbel = (0..<n).map { _ in
            let noisy = scores.map { half * $0 - log(-log(dice.uniform() * (1 - 0x1p-53))) }
            return scores.indices.sorted { noisy[$0] > noisy[$1] }
        }
        XCTAssertLessThan(abs(chiSquareDeviate(counted(gumbel), expected)), 5)
        // Mutants: twice the rate, and draws that do not take the winner out.
        XCTAssertGreaterThan(chiSquareDeviate(try counted(draws(scores, rho: 4 * rho, count: 2, times: n)), expected),
            20)
        let single = try draws(scores, rho: rho / 2, count: 1, times: 2 * n)
        XCTAssertGreaterThan(chiSquareDeviate(counted((0..<n).map { single[2 * $0] + single[2 * $0 + 1] }), expected),
            20)
    }

    /// Exact probabilities of two draws between neighbours at the largest move: within exp(2 ε₀), and Rényi divergences
    /// within ρ α.
    func testNeighboursStayWithinThePrice() throws {
        for _ in 0..<300 {
            let rho = [0.02, 0.3, 2][below(3)], e0 = (8 * rho / 2).squareRoot()
            let s = (0..<5).map { _ in Double(below(300)) / 50 }, t = s.map {
                $0 + [-1, 0, 1, Double(below(3)) - 1][below(4)]
            }
            let p = exact(s, half: e0 / 2), q = exact(t, half: e0 / 2)
            for (x, y) in zip(p, q) where x > 0 { XCTAssertLessThanOrEqual(abs(log(x / y)), 2 * e0 * (1 + 1e-12)) }
            for a in [2.0, 5, 20] {
                let d = log(zip(p, q).reduce(0) { $0 + ($1.0 > 0 ? pow($1.0, a) * pow($1.1, 1 - a) : 0) }) / (a - 1)
                XCTAssertLessThanOrEqual(d, rdpZeroConcentrated(rho: rho, order: Int(a)) * (1 + 1e-9))
            }
        }
        // The rate is never above what ρ pays for.
        for rho in [1e-12, 0.01, 0.3, 999] {
            for k in [1, 3, 100] {
                guard let s = try? PeeledSelection(rho: rho, count: k) else { continue }
                let e0 = 2 * Double(s.rate) * 0x1p-40
                XCTAssertLessThanOrEqual(Double(k) * e0 * e0 / 8, rho)
                XCTAssertGreaterThan(Double(k) * e0 * e0 / 8, rho * (1 - 1e-3))
            }
        }
        for rho in [0, -1, .nan, .infinity, 1001, 1e-30] {
            XCTAssertThrowsError(try PeeledSelection(rho: rho, count: 1))
        }
    }

    // MARK: through the door

    /// Column 0, and copies of it that are ever more often something else.
    private func table(_ n: Int) -> [[Int]] {
        let base = (0..<n).map { _ in below(4) }
        return [base] + [1, 2, 4, 6, 8].map { often in base.map { below(10) < often ? below(4) : $0 } }
    }
    private func codes() throws -> [ColumnCodes] { try columnCodes([[Int]](repeating: [0, 1, 2, 3], count: 6)) }
    private func candidates() -> [(Int, Int)] { (0..<6).flatMap { a in (a + 1..<6).map { (a, $0) } } }
    private func oneWay(_ cells: [[Int]]) throws -> [Buffer<Double>] {
        try cells.map { c in try buffer((0..<4).map { v in Double(c.filter { $0 == v }.count) }) }
    }

    private func select(_ d: Door, _ cells: [[Int]], count k: Int, rho: Double, memory: Int = 1 << 20,
        threads: Int = 1) throws -> [Int] {
        try d.selectPairs(name: "pairs", candidates: candidates(), codes: codes(), oneWay: oneWay(cells),
            total: Double(cells[0].count), standardDeviation: 1, count: k, rho: rho,
                          memory: memory, threads: threads)
    }

    /// With next to no noise the best come out in order, whatever the tiles and the threads.
    func testTheBestAreChosen() throws {
        let n = 4000, cells = table(n), one = try oneWay(cells)
        let scores = candidates().map { a, b in
            var x = [Double](repeating: 0, count: 16)
            for i in 0..<n { x[cells[a][i] * 4 + cells[b][i]] += 1 }
            return (0..<16).reduce(0) { $0 + abs(x[$1] - one[a][$1 / 4] * one[b][$1 % 4] / Double(n)) }
        }
        let expected = scores.indices.sorted { scores[$0] > scores[$1] }
        XCTAssertGreaterThan(zip(expected, expected.dropFirst()).map { scores[$0] - scores[$1] }.min() ?? 0, 3,
            "no ties")
        for (memory, threads) in [(1 << 20, 1), (64, 1), (64, 3), (200, 2), (1 << 20, 40)] {
            XCTAssertEqual(try select(door(cells: cells, cellCounts: [Int](repeating: 4, count: 6)), cells, count: 15,
                rho: 1000, memory: memory, threads: threads), expected)
        }
        let seeded = try [1, 4].map {
            try select(door(cells: cells, cellCounts: [Int](repeating: 4, count: 6), random: SecureRandom(testSeed: 2)),
                cells, count: 9, rho: 1e-4, threads: $0)
        }
        XCTAssertEqual(seeded[0], seeded[1])
        XCTAssertEqual(Set(seeded[0]).count, 9)
    }

    func testChargeBeforeDraw() throws {
        let cells = table(100), sizes = [Int](repeating: 4, count: 6), d = try door(cells: cells, cellCounts: sizes)
        var durable = 0
        d.durable = { l in
            durable += 1
            XCTAssertEqual(l.releases, [.init(name: "pairs", count: durable, rho: 0.1)])
        }
        _ = try select(d, cells, count: 2, rho: 0.1)
        _ = try select(d, cells, count: 5, rho: 0.1)
        d.durable = { _ in throw Failure(.io, "fault") }
        XCTAssertThrowsError(try select(d, cells, count: 2, rho: 0.1)) { XCTAssertEqual(($0 as? Failure)?.code, .io) }
        XCTAssertEqual(d.ledger.releases.map(\.count), [3])
        XCTAssertEqual(d.ledger.spent(group: 0), 0.6, accuracy: 1e-12)
        d.durable = { _ in d.cancel() }
        XCTAssertThrowsError(try select(d, cells, count: 2, rho: 0.1)) {
            XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
        }
        XCTAssertEqual(d.ledger.releases.map(\.count), [4])

        let poor = try door(cells: cells, cellCounts: sizes, epsilon: 20)
        poor.durable = { _ in XCTFail("nothing to make durable") }
        XCTAssertThrowsError(try select(poor, cells, count: 2, rho: 50)) {
            XCTAssertEqual(($0 as? Failure)?.code, .budget)
        }
        XCTAssertTrue(poor.ledger.releases.isEmpty)
    }

    func testBadSelectionsAreNotCharged() throws {
        let cells = table(50), d = try door(cells: cells, cellCounts: [Int](repeating: 4, count: 6)),
            one = try oneWay(cells)
        func refused(candidates: [(Int, Int)] = [(0, 1), (1, 2)], oneWay: [Buffer<Double>]? = nil, total: Double = 50,
            standardDeviation: Double = 1, count: Int = 1, rho: Double = 0.1,
                     memory: Int = 64, threads: Int = 1, line: UInt = #line) {
            XCTAssertThrowsError(try d.selectPairs(name: "pairs", candidates: candidates, codes: codes(), oneWay: oneWay
                ?? one, total: total, standardDeviation: standardDeviation, count: count,
                                                   rho: rho, memory: memory, threads: threads),
                                                       line: line) { XCTAssertEqual(($0 as? Failure)?.code, .argument,
                                                           line: line) }
        }
        refused(candidates: [])
        for pair in [(0, 0), (-1, 2), (0, 6)] { refused(candidates: [pair]) }
        refused(oneWay: Array(one.dropLast()))
        refused(oneWay: try [buffer([1])] + one.dropFirst())
        for x in [Double.nan, .infinity] { refused(total: x); refused(standardDeviation: x) }
        refused(standardDeviation: -1)
        for k in [0, -1, 3] { refused(count: k) }
        for rho in [0, -1, .nan, .infinity] { refused(rho: rho) }
        refused(memory: 63)
        for t in [0, 1025] { refused(threads: t) }
        XCTAssertTrue(d.ledger.releases.isEmpty)
        XCTAssertEqual(try selectionMemory(candidates: [(0, 1), (1, 2)], codes: codes(), memory: 64, threads: 1), 64
            + 2 * (3 * 2048 + 12) + 6144 * 4 + 3 * 4 * 8 + 2 * 12)
    }
}

extension PairReference {
    /// The score of counts in a list.
    fileprivate func of(_ x: [UInt32]) -> Int64 { x.withUnsafeBufferPointer { score(CellCounts($0.baseAddress!)) } }
}
