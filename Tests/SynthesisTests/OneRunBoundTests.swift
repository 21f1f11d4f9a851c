// The bound of one-run audits: against a slow exact twin, against mechanisms whose guesses have a known distribution,
// and at its ends.

import Glibc
import XCTest

final class OneRunBoundTests: XCTestCase {
    /// P(Binomial(r, p) = k) for all k, one toss after the other.
    private func tosses(_ r: Int, _ p: Double) -> [Double] {
        var d = [1.0]
        for _ in 0..<r {
            var next = [Double](repeating: 0, count: d.count + 1)
            for (k, x) in d.enumerated() { next[k] += x * (1 - p); next[k + 1] += x * p }
            d = next
        }
        return d
    }

    func testAgainstASlowTwin() {
        for (m, r, v, e, delta) in [(10, 10, 7, 0.0, 0.0), (40, 30, 22, 0.5, 1e-3), (100, 60, 60, 3, 1e-4),
                                    (200, 200, 150, 1, 1e-5), (50, 1, 1, 0.1, 0.01), (300, 250, 3, 2, 1e-6)] {
            let d = tosses(r, 1 / (1 + exp(-e)))
            func f(_ v: Int) -> Double { d[max(v, 0)...].reduce(0, +) }
            let alpha = (1...v).map { (f(v - $0) - f(v)) / Double($0) }.max() ?? 0
            XCTAssertEqual(oneRunPValue(canaries: m, guesses: r, correct: v, epsilon: e, delta: delta),
                           min(1, f(v) + 2 * Double(m) * delta * alpha), accuracy: 1e-10)
        }
    }

    /// Randomised response is ε-private and answers every guess with probability e^ε/(1+e^ε): the bound exceeds ε in at
    /// most 5 of 100 audits, and in nearly as many, so it is not vacuous.
    func testRandomisedResponseIsRefutedNoMoreThanItMayBe() {
        for (r, e) in [(100, 0.5), (100, 2), (400, 1), (400, 4)] {
            let d = tosses(r, 1 / (1 + exp(-e)))
            let wrong = d.indices.reduce(0.0) {
                $0 + (oneRunLowerBound(canaries: r, guesses: r, correct: $1, delta: 0, confidence: 0.95) > e ? d[$1]
                    : 0)
            }
            XCTAssertLessThanOrEqual(wrong, 0.05)
            XCTAssertGreaterThan(wrong, 0.01, "\(r) \(e)")
        }
    }

    /// (ε, δ)-private for each canary alone: with probability δ its bit is shown, otherwise randomised response.
    func testWithDelta() {
        for (r, e, delta) in [(100, 1.0, 0.002), (100, 0.2, 0.01), (60, 3, 0.001)] {
            let q = 1 / (1 + exp(-e)), d = tosses(r, delta + (1 - delta) * q)
            for v in 1...r {
                XCTAssertLessThanOrEqual(d[v...].reduce(0, +),
                                         oneRunPValue(canaries: r, guesses: r, correct: v, epsilon: e,
                                                      delta: delta) * (1 + 1e-9))
            }
            // Without its δ it would be refuted too often somewhere: the term is needed.
            XCTAssertTrue((1...r).contains { d[$0...].reduce(0, +) > oneRunPValue(canaries: r, guesses: r, correct: $0,
                epsilon: e, delta: 0) })
        }
    }

    func testEnds() {
        // All of r right: q^r = 0.05.
        let q = pow(0.05, 1.0 / 1000)
        XCTAssertEqual(oneRunLowerBound(canaries: 1000, guesses: 1000, correct: 1000, delta: 0, confidence: 0.95),
                       log(q / (1 - q)), accuracy: 1e-6)
        XCTAssertEqual(oneRunLowerBound(canaries: 1000, guesses: 1000, correct: 500, delta: 0, confidence: 0.95), 0)
        XCTAssertEqual(oneRunLowerBound(canaries: 1000, guesses: 1000, correct: 0, delta: 0, confidence: 0.95), 0)
        XCTAssertEqual(oneRunPValue(canaries: 5, guesses: 5, correct: 0, epsilon: 1, delta: 0), 1)
        var last = 0.0
        for v in stride(from: 500, through: 1000, by: 25) {
            let b = oneRunLowerBound(canaries: 1000, guesses: 1000, correct: v, delta: 1e-6, confidence: 0.95)
            XCTAssertGreaterThanOrEqual(b, last)
            XCTAssertLessThanOrEqual(b, oneRunLowerBound(canaries: 1000, guesses: 1000, correct: v, delta: 0,
                                                         confidence: 0.95))
            last = b
        }
    }

    /// Scores that say nothing prove nothing; scores that say all prove as much as m canaries can.
    func testScores() {
        let included = (0..<1000).map { ($0 * 7919) % 1000 < 500 }
        XCTAssertEqual(Audit(scores: (0..<1000).map { Double(($0 * 31) % 1000) }, included: included,
                             delta: 1e-6).bound, 0, accuracy: 0.3)
        let all = Audit(scores: included.map { $0 ? 1 : 0 }, included: included, delta: 1e-6)
        XCTAssertEqual(all.correct, all.guesses)
        XCTAssertGreaterThan(all.bound, 4.5)
    }
}
