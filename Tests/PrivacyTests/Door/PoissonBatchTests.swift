// P7: every row is drawn with its own rate, independently of all others, anew every time.

import Glibc
@testable import Privacy
import XCTest

final class PoissonBatchTests: XCTestCase {
    typealias Sampler = (_ rows: Int, _ rate: Double, _ draw: Int) -> [Int]

    private let random = SecureRandom(testSeed: 11)

    private func library(_ rows: Int, _ rate: Double, _ draw: Int) -> [Int] { drawn(rows, [rate], nil, draw) }

    private func drawn(_ rows: Int, _ rates: [Double], _ groups: [UInt16]?, _ draw: Int) -> [Int] {
        var out = [UInt32](repeating: 0, count: rows)
        let thresholds = rates.map(BernoulliThreshold.init), bytes = random.stream(.batch, draw),
            ties = random.stream(.batchTies, draw)
        let n = (groups ?? []).withUnsafeBufferPointer { g in
            drawPoissonBatch(rows: rows, groups: groups == nil ? nil : g.baseAddress, thresholds: thresholds,
                random: bytes, ties: ties, into: &out)
        }
        return out.prefix(n).map { Int($0) }
    }

    /// Largest deviates of marginals, pairs, run lengths, batch sizes and repeats over many draws of 40 rows.
    private func deviates(_ sampler: Sampler, rate q: Double, draws: Int = 10_000, rows n: Int = 40)
        -> [String: Double] {
        var marginal = [Double](repeating: 0, count: n), pairs = [Double](repeating: 0, count: n * n),
            size = [Double](repeating: 0, count: n + 1)
        var gaps = [Double](repeating: 0, count: 30), gapCount = 0.0, again = 0.0, last = Set<Int>()
        for d in 0..<draws {
            let b = sampler(n, q, d)
            size[b.count] += 1
            for i in b { marginal[i] += 1; for j in b where j > i { pairs[i * n + j] += 1 } }
            for (i, j) in zip(b, b.dropFirst()) where i < 9 && j - i <= 30 { gaps[j - i - 1] += 1 }
            gapCount += Double(b.filter { $0 < 9 }.count)
            again += Double(b.filter(last.contains).count)
            last = Set(b)
        }
        let m = Double(draws)
        func worst(_ counts: [Double], _ p: Double) -> Double {
            counts.map { abs($0 - m * p) / (m * p * (1 - p)).squareRoot() }.max() ?? 0
        }
        var own: [Double] = []
        for i in 0..<n { for j in i + 1..<n { own.append(pairs[i * n + j]) } }
        var binomial: [Double] = [], geometric: [Double] = []
        for k in 0...n {
            let choose = lgamma(Double(n + 1)) - lgamma(Double(k + 1)) - lgamma(Double(n - k + 1))
            binomial.append(m * exp(choose + Double(k) * log(q) + Double(n - k) * log1p(-q)))
        }
        for k in 0..<30 { geometric.append(gapCount * q * pow(1 - q, Double(k))) }
        let twice = m * Double(n) * q * q
        return ["marginal": worst(marginal, q), "pair": worst(own, q * q), "size": chiSquareDeviate(size, binomial),
            "run": chiSquareDeviate(gaps, geometric),
                "again": abs(again - twice) / twice.squareRoot()]
    }

    func testIndependentBernoulli() {
        // Deviates of up to 780 pairs: 5 has probability 4e-4 for all of them.
        for q in [0.02, 0.3, 0.5] {
            for (what, z) in deviates(library, rate: q) { XCTAssertLessThan(z, 5, "\(what) at \(q)") }
        }
    }

    func testMutantsAreSeen() {
        let s = random.stream(.direct, 1)
        // The size drawn first and then that many rows; a fixed size; every second row follows its neighbour; the same
        // batch again.
        let fixed: Sampler = { n, q, _ in
            var pool = Array(0..<n), b: [Int] = []
            for _ in 0..<Int(Double(n) * q) { b.append(pool.remove(at: Int(s.below(UInt64(pool.count))))) }
            return b.sorted()
        }
        XCTAssertGreaterThan(deviates(fixed, rate: 0.3)["size"] ?? 0, 5)
        let twins: Sampler = { n, q, _ in (0..<n / 2).flatMap { s.uniform() <= q ? [2 * $0, 2 * $0 + 1] : [] } }
        XCTAssertGreaterThan(deviates(twins, rate: 0.3)["pair"] ?? 0, 5)
        XCTAssertGreaterThan(deviates({ self.library($0, $1, $2 / 2) }, rate: 0.3)["again"] ?? 0, 5)
        XCTAssertGreaterThan(deviates({ self.library($0, $1 * 1.1, $2) }, rate: 0.3)["marginal"] ?? 0, 5)
        let runs: Sampler = { n, q, d in self.library(n, q, d).filter { $0 % 3 != 2 } + [] }
        XCTAssertGreaterThan(deviates(runs, rate: 0.3)["run"] ?? 0, 5)
    }

    func testEveryGroupItsOwnRate() {
        let groups: [UInt16] = (0..<60).map { UInt16($0 % 3) }
        var seen = [Double](repeating: 0, count: 3)
        let rates = [0, 0.25, 1]
        for d in 0..<5000 { for i in drawn(60, rates, groups, d) { seen[i % 3] += 1 } }
        XCTAssertEqual(seen[0], 0)
        XCTAssertEqual(seen[2], 100_000)
        XCTAssertLessThan(abs(seen[1] - 25_000) / (25_000 * 0.75).squareRoot(), 4)
    }

    func testThresholdIsNeverAboveTheRate() {
        for q in [1e-300, 1e-19, 0x1p-64, 1e-9, 0.1, 1.0 / 3, 0.5, 1.0.nextDown] {
            let t = BernoulliThreshold(rate: q), p = Double(UInt64(t.high) << 56 | t.rest) * 0x1p-64
            XCTAssertFalse(t.always)
            XCTAssertLessThanOrEqual(p, q)
            XCTAssertGreaterThanOrEqual(p, q - 0x1p-63)
        }
        XCTAssertTrue(BernoulliThreshold(rate: 1).always)
        let never = BernoulliThreshold(rate: 0)
        XCTAssertEqual(never.high, 0)
        XCTAssertEqual(never.rest, 0)
    }

    /// The comparison as a whole: first bytes that tie are decided by the other 56 bits.
    func testTies() {
        let t = BernoulliThreshold(rate: 0.5 + 0x1p-9), s = random.stream(.batchTies, 9)
        XCTAssertEqual(t.high, 128)
        var yes = 0.0
        for _ in 0..<20_000 where t.select(128, s) { yes += 1 }
        XCTAssertLessThan(abs(yes - 10_000) / 5000.0.squareRoot(), 4)
        XCTAssertTrue(t.select(127, s))
        XCTAssertFalse(t.select(129, s))
    }

    func testAscendingAndComplete() {
        XCTAssertEqual(drawn(1300, [1], nil, 0), Array(0..<1300))
        XCTAssertEqual(drawn(1300, [0], nil, 0), [])
        XCTAssertEqual(drawn(0, [0.5], nil, 0), [])
        let b = drawn(5000, [0.1], nil, 1)
        XCTAssertEqual(b, b.sorted())
        XCTAssertEqual(Set(b).count, b.count)
    }
}
