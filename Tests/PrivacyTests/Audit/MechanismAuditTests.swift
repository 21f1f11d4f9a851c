// P11 for every small mechanism: what an attacker who may run it as often as he likes proves about ε stays below what
// the ledger charges, and exceeds it when the mechanism is broken. `make audit` runs it a hundred times as often and
// keeps the figures (FLIP_AUDIT names the file).

import Basics
import Glibc
@testable import Privacy
import XCTest

final class MechanismAuditTests: XCTestCase {
    private let delta = 1e-5
    private let long = getenv("FLIP_AUDIT") != nil
    private var runs: Int { long ? 200_000 : 10_000 }
    /// Of all bounds of this class together.
    private let confidence = 1 - 0.001 / 20

    private func claim(_ release: Ledger.Release) -> Double {
        var a = RenyiAccountant()
        a.compose(release, group: 0, rows: 1)
        return a.epsilon(delta: delta)
    }

    /// The bound on what `release` gives away: `score` of its outcome on a table with the row and on one without.
    private func audit(_ name: String, _ mutant: String?, with: Door, without: Door,
        _ score: (Door) throws -> Double) throws {
        let a = try (0..<runs).map { _ in try score(with) }, b = try (0..<runs).map { _ in try score(without) }
        let first = try XCTUnwrap(with.ledger.releases.first), promised = claim(first.times(1))
        let bound = epsilonSniped(with: a, without: b, delta: delta, confidence: confidence)
        if let mutant { XCTAssertGreaterThan(bound, promised, "\(name), \(mutant)") } else {
            XCTAssertLessThanOrEqual(bound, promised, name)
            XCTAssertGreaterThan(bound, 0.1, "\(name): the attack works at all")
        }
        try note(name, mutant, promised, bound)
    }

    private func note(_ name: String, _ mutant: String?, _ promised: Double, _ bound: Double) throws {
        print("audit of \(name), \(mutant ?? "as shipped"): ε ≥ \(short(bound, 3)); charged \(short(promised, 3))")
        guard let path = getenv("FLIP_AUDIT"), let file = fopen(path, "a") else { return }
        defer { fclose(file) }
        let line = JSON.object(JSONObject([("audit", .string("many runs")), ("preset", .string(name)),
            ("mutant", .string(mutant ?? "as shipped")), ("sees", .string("the release")),
                                           ("epsilon", .number(promised)), ("delta", .number(delta)),
                                               ("lower_bound", .number(bound)), ("runs", .int(Int64(runs)))]))
        fputs(line.text + "\n", file)
    }

    private func doors(_ base: [[Int]], _ row: [Int], groups: [String] = ["all"], groupOf: [Int] = [], of row2: Int = 0,
        noise: Double = 1) throws -> (Door, Door) {
        let counts = [Int](repeating: 4, count: base.count)
        // Seeded, so that a test that passes passes again; the long form uses the system's randomness.
        func make(_ cells: [[Int]], _ g: [Int], _ seed: UInt64) throws -> Door {
            let d = try door(cells: cells, cellCounts: counts, groups: groups, groupOf: g, random: long ? SecureRandom()
                : SecureRandom(testSeed: seed))
            d.noiseScale = noise
            return d
        }
        return (try make(zip(base, row).map { $0 + [$1] }, groupOf + [row2], 51), try make(base, groupOf, 52))
    }

    private func each(_ run: (_ mutant: String?, _ noise: Double) throws -> Void) rethrows {
        try run(nil, 1)
        try run("a tenth of the noise", 0.1)
    }

    /// One count: the row is there or not.
    func testCounts() throws {
        try each { mutant, noise in
            let (with, without) = try doors([[0, 1]], [0], groups: ["a", "b"], groupOf: [0, 1], of: 1, noise: noise)
            try audit("counts of groups", mutant, with: with, without: without) {
                try $0.releaseHistograms(name: "h", requests: [], noiseMultiplier: 1.5).groups[1]
            }
        }
    }

    /// All histograms of a joint release; the score is the likelihood ratio's, the weighted sum of the row's cells.
    func testHistograms() throws {
        try each { mutant, noise in
            let (with, without) = try doors([[0, 1], [2, 3]], [3, 1], noise: noise)
            try audit("histograms", mutant, with: with, without: without) {
                let r = try $0.releaseHistograms(name: "h",
                    requests: [.init(column: 0, body: 4, weight: 3), .init(column: 1, body: 4)], noiseMultiplier: 1.5,
                        groupWeight: 2)
                return 9 * r.counts[0][3] + r.counts[1][1] + 4 * r.groups[0]
            }
        }
    }

    func testMarginals() throws {
        try each { mutant, noise in
            let (with, without) = try doors([[0, 1], [2, 3], [0, 0]], [3, 1, 2], noise: noise)
            let codes = try columnCodes([[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]])
            try audit("marginals", mutant, with: with, without: without) {
                let r = try $0.releaseMarginals(name: "m",
                    requests: [.init(columns: [0, 1]), .init(columns: [1, 2]), .init(columns: [0, 1, 2])], codes: codes,
                        noiseMultiplier: 1.5, threads: 1)
                return r[0][13] + r[1][6] + r[2][13 * 4 + 2]
            }
        }
    }

    /// Sums of clipped vectors of one group of two, with batches drawn; without the clip a row is five times as long as
    /// it may be.
    func testSums() throws {
        for (mutant, noise, length) in [(nil, 1, 1), ("a tenth of the noise", 0.1, 1),
            ("clipping off", 1, 5)] as [(String?, Double, Float)] {
            let (with, without) = try doors([[0, 0, 0, 0, 0, 0, 0, 0]], [1], groups: ["a", "b"],
                groupOf: [0, 0, 1, 1, 0, 0, 1, 1], of: 0, noise: noise)
            try audit("sampled sums", mutant, with: with, without: without) {
                let out = try $0.releaseSum(name: "s", length: 2, rates: [0.9, 0.5], clips: [1, 1], noise: 1.5,
                    microBatch: 16, threads: 1) { rows, _, out in
                    var v: [Float] = [0, 0]
                    for i in 0..<rows.count { if rows.columns[0][i] == 1 { v[0] += length } else { v[1] += 1 } }
                    // Some rows are in nearly every batch and hide the long one from the door's own bound.
                    out.add([v[0], min(v[1], 1)])
                }
                return Double(out[0])
            }
        }
    }

    /// The private choice of pairs. The score of an outcome is how much more often it was seen with the row, learnt on
    /// runs of its own.
    func testSelection() throws {
        let rho = 0.5
        let codes = try columnCodes([[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]]), candidates = [(0, 1), (0, 2), (1, 2)]
        // The table, the row and the released values are the attacker's: those between which one draw tells most, of
        // many.
        let dice = SecureRandom(testSeed: 12).stream(.direct, 0)
        func scores(_ cells: [[Int]], _ oneWay: [Buffer<Double>]) throws -> [Double] {
            try candidates.map { a, b in
                var x = [UInt32](repeating: 0, count: 16)
                for (u, v) in zip(cells[a], cells[b]) { x[4 * u + v] += 1 }
                let r = PairReference(try PairReference.shares(oneWay[a]), try PairReference.shares(oneWay[b]),
                    total: 6, standardDeviation: 0)
                return x.withUnsafeBufferPointer { p in
                    p.baseAddress.map { Double(r.score(CellCounts($0))) * 0x1p-16 } ?? 0
                }
            }
        }
        func chances(_ s: [Double]) -> [Double] {
            let w = s.map { exp((8 * rho).squareRoot() / 2 * ($0 - (s.max() ?? 0))) }, all = w.reduce(0, +)
            return w.map { $0 / all }
        }
        var base: [[Int]] = [], row: [Int] = [], oneWay: [Buffer<Double>] = [], most = 0.0
        for _ in 0..<3000 {
            let cells = (0..<3).map { _ in (0..<6).map { _ in Int(dice.below(UInt64(4))) } }, one = (0..<3).map { _ in
                Int(dice.below(UInt64(4)))
            }
            let released = try (0..<3).map { _ in
                let b = try Buffer<Double>(count: 4)
                for v in 0..<4 { b[v] = Double(dice.below(UInt64(8))) + 0.01 }
                return b
            }
            let s = try scores(cells, released), t = try scores(zip(cells, one).map { $0 + [$1] }, released),
                p = chances(s), q = chances(t)
            // A change of the winner, by a margin, is what a draw without its noise shows.
            func margin(_ s: [Double], _ k: Int) -> Double {
                s.indices.filter { $0 != k }.map { s[k] - s[$0] }.min() ?? 0
            }
            for k in 0..<3 {
                let gain = log(q[k] / p[k])
                if gain > most, p[k] > 0.1, margin(t, k) > 0.2, margin(s, k) < -0.2 {
                    (base, row, oneWay, most) = (cells, one, released, gain)
                }
            }
        }
        XCTAssertGreaterThan(most, 0.5)
        for (mutant, spent) in [(nil, rho), ("sensitivity forgotten", 900 * rho)] as [(String?, Double)] {
            let (with, without) = try doors(base, row)
            func outcomes(_ d: Door, _ n: Int) throws -> [Int] {
                try (0..<n).map { _ in
                    try d.selectPairs(name: "p", candidates: candidates, codes: codes, oneWay: oneWay, total: 6,
                        standardDeviation: 0, count: 1, rho: spent, threads: 1)[0]
                }
            }
            let learn = runs / 2, a = try outcomes(with, learn), b = try outcomes(without, learn)
            let value = (0..<3).map { k in
                (Double(a.filter { $0 == k }.count) + 1) / (Double(b.filter { $0 == k }.count) + 1)
            }
            let bound = try epsilonSniped(with: outcomes(with, runs).map { value[$0] },
                without: outcomes(without, runs).map { value[$0] }, delta: delta, confidence: confidence)
            let promised = claim(.init(name: "p", rho: rho))
            if let mutant { XCTAssertGreaterThan(bound, promised, mutant) } else {
                XCTAssertLessThanOrEqual(bound, promised)
                XCTAssertGreaterThan(bound, 0.1, "the attack works at all")
            }
            try note("choice of pairs", mutant, promised, bound)
        }
    }

    func testTheBoundItself() {
        // 10 of 100: [0.0490, 0.1762] at 95 % (Clopper and Pearson's interval); nothing seen proves nothing.
        XCTAssertEqual(clopperPearsonLow(10, of: 100, error: 0.025), 0.0490, accuracy: 1e-4)
        XCTAssertEqual(clopperPearsonLow(100, of: 100, error: 0.05), pow(0.05, 0.01), accuracy: 1e-9)
        XCTAssertEqual(clopperPearsonLow(0, of: 100, error: 0.05), 0)
        XCTAssertEqual(epsilonProved(50, 50, runs: 100, delta: 0, error: 0.01), 0)
        XCTAssertGreaterThan(epsilonProved(1000, 0, runs: 1000, delta: 0, error: 0.01), 5)
    }
}
