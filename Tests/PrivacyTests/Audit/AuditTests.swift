// P11: an attacker who sees one release of the real door, with and without a row of every group, and knows everything
// else. The lower bound on ε that the attack proves, at 99.9 % for all audits together, does not exceed the claim; with
// noise or clipping switched off it does, so the audit can fail.

import Glibc
@testable import Privacy
import XCTest

final class AuditTests: XCTestCase {
    private let runs = 10_000, delta = 1e-5

    /// Best bound over thresholds on the released number in the canary's direction; the error rate is shared.
    private func audit(canary: Int, group: Int, noise: Double, length: Float, rates: [Double],
        confidence: Double) throws -> Double {
        func scores(_ present: Bool) throws -> [Double] {
            let cells = [0, 0, 0, 0] + (present ? [canary] : []), groups = [0, 0, 1, 1] + (present ? [group] : [])
            let d = try door(cells: [cells], cellCounts: [2], groups: ["a", "b"], groupOf: groups,
                random: SecureRandom(testSeed: present ? 71 : 72))
            return try (0..<runs).map { _ in
                let out = try d.releaseSum(name: "s", length: 2, rates: rates, clips: [1, 1], noise: noise,
                    microBatch: 8, threads: 1) { rows, _, out in
                    var v: [Float] = [0, 0]
                    for i in 0..<rows.count {
                        v[rows.columns[0][i] == 1 ? 0 : 1] += rows.columns[0][i] == 1 ? length : 1
                    }
                    out.add(v)
                }
                return Double(out[0])
            }
        }
        let with = try scores(true).sorted(), without = try scores(false).sorted()
        let thresholds = (1..<20).map { without[runs * $0 / 20] }
            + [without[runs - 1], without[runs - 20], with[0], with[20]]
        return thresholds.map { t in
            epsilonProved(with.filter { $0 > t }.count, without.filter { $0 > t }.count, runs: runs, delta: delta,
                error: confidence / Double(2 * thresholds.count))
        }.max() ?? 0
    }

    func testNoAttackBeatsTheClaimAndTheAuditCanFail() throws {
        let rates = [0.5, 0.9], sigma = 1.0
        func claim(_ q: Double) -> Double {
            var a = RenyiAccountant()
            a.compose(noiseMultiplier: sigma, samplingRate: q)
            return a.epsilon(delta: delta)
        }
        let claims = rates.map(claim)
        let each = 0.001 / 4
        for g in 0..<2 {
            let honest = try audit(canary: 1, group: g, noise: sigma, length: 1, rates: rates, confidence: each)
            XCTAssertLessThanOrEqual(honest, claims[g])
            XCTAssertGreaterThan(honest, 0.2, "the attack works at all")
        }
        // A tenth of the noise; a row three times as long as it may be, in a batch whose rows together hide it from the
        // door.
        XCTAssertGreaterThan(try audit(canary: 1, group: 1, noise: sigma / 10, length: 1, rates: rates,
            confidence: each), claims[1])
        XCTAssertGreaterThan(try audit(canary: 1, group: 1, noise: sigma, length: 3, rates: [1, 1], confidence: each),
            claim(1))
    }
}
