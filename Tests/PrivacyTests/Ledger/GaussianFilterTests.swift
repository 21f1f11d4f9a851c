// The filter that adds Gaussian releases of all rows exactly: whatever is chosen as one goes, what was released is
// within (ε, δ) by the exact composition. Filters that forget are caught by it.

import Basics
import XCTest
@testable import Privacy

final class GaussianFilterTests: XCTestCase {
    private func terms(_ epsilon: Double = 2, delta: Double = 1e-6, selection: Double = 0, rowsPerPerson: Int = 0,
                       order: Int = 12) throws -> Budget {
        try XCTUnwrap(Budget(epsilon: epsilon, delta: delta, order: order, selection: selection,
            rowsPerPerson: rowsPerPerson, filter: .gaussian))
    }

    private func noise(_ sigma: Double, steps: Double? = nil, count: Int = 1) -> Ledger.Release {
        .init(name: "sum", count: count, groups: [.init(group: "all", samplingRate: 1, noiseMultiplier: sigma)],
              sensitivity: steps)
    }

    /// Exact ε of a ledger's releases, by what knows nothing of the filter.
    private func exact(_ ledger: Ledger) throws -> Double {
        try ledger.exactComposition(group: 0).epsilon(delta: ledger.delta)
    }

    /// The ceiling is that of Balle and Wang's theorem 8, at any order, and buys less noise than the Rényi filter.
    func testCeiling() throws {
        for (epsilon, delta) in [(0.25, 1e-5), (1, 1e-5), (2, 1e-6), (4, 1e-9)] {
            let best = try XCTUnwrap(GaussianPrivacy.largest(epsilon: epsilon, delta: delta))
            for order in [2, 12, 64] {
                let b = try terms(epsilon, delta: delta, order: order), square = 2 * b.ceiling / Double(order)
                XCTAssertLessThanOrEqual(square, best.square)
                XCTAssertEqual(square, best.square, accuracy: 1e-4 * best.square)
                XCTAssertLessThanOrEqual(b.epsilon(spent: b.ceiling), epsilon)
                XCTAssertEqual(b.epsilon(spent: b.ceiling), epsilon, accuracy: 1e-9)
                XCTAssertGreaterThan(b.renyiEpsilon(spent: b.ceiling), epsilon)
            }
            let renyi = try XCTUnwrap(Budget.orders.compactMap {
                try? Budget(epsilon: epsilon, delta: delta, order: $0)?.firstNoise(share: 1)
            }.min())
            XCTAssertLessThan(try terms(epsilon, delta: delta).firstNoise(share: 1), 0.97 * renyi)
        }
        XCTAssertNil(Budget(epsilon: 1, delta: 1e-12, order: 12, filter: .gaussian))
    }

    /// Noise that follows from what was released before, continuous or discrete, rows or persons: never above ε.
    func testNoChoiceOfNoiseOverspends() throws {
        for seed in 0..<30 as Range<UInt64> {
            var random = CounterRandom(seed)
            func uniform() -> Double { random.uniform() }
            let rows = [0, 1, 3][Int(seed % 3)], b = try terms(1 + 2 * uniform(), rowsPerPerson: rows)
            var ledger = try Ledger(budget: b), charged = 0
            for _ in 0..<60 {
                // An adversary asks for what is nearly too much.
                let left = max(b.ceiling - ledger.maxSpent, 1e-9), k = Double(max(rows, 1))
                let square: Double = Double(b.order) / (2 * left * (0.05 + uniform()))
                let sigma: Double = k * square.squareRoot()
                let steps: Double? = uniform() < 0.5 ? nil : 1 + 3 * uniform()
                let before = ledger
                do {
                    try ledger.charge(noise(sigma, steps: steps))
                    charged += 1
                } catch { XCTAssertEqual(ledger, before) }
            }
            XCTAssertGreaterThan(charged, 5)
            XCTAssertLessThanOrEqual(try exact(ledger), b.epsilon)
            XCTAssertGreaterThan(ledger.epsilon, 0.9 * b.epsilon)
            XCTAssertEqual(ledger.accountant, .gaussian)
            XCTAssertLessThanOrEqual(ledger.epsilon, ledger.renyiEpsilons.reduce(0, max))
        }
    }

    /// Mutants: a filter that takes discrete noise for continuous, one that adds σ⁻¹ instead of σ⁻², one for rows where
    /// persons were promised. Each lets through what costs more than ε.
    func testFiltersThatForgetAreCaught() throws {
        let b = try terms(20), mu = (2 * b.ceiling / Double(b.order)).squareRoot()
        // Coarse noise, half a step wide: what continuous noise of that multiplier would be allowed.
        var discrete = try Ledger(budget: XCTUnwrap(Budget(epsilon: 100, delta: 1e-6, order: 12)))
        let one = 0.55, count = Int(mu * mu * one * one)
        XCTAssertGreaterThan(count, 0)
        try discrete.charge(noise(one, steps: 1, count: count))
        XCTAssertLessThanOrEqual(Double(count) / (one * one), mu * mu)
        XCTAssertGreaterThan(try exact(discrete), b.epsilon)
        var own = try Ledger(budget: b)
        XCTAssertThrowsError(try own.charge(noise(one, steps: 1, count: count)))
        // A sum of 1/σ stays below μ* for one release, and for its square root many pass.
        var linear = try Ledger(budget: XCTUnwrap(Budget(epsilon: 100, delta: 1e-6, order: 12)))
        try linear.charge(noise(0.9 / mu))
        XCTAssertGreaterThan(try exact(linear), b.epsilon)
        XCTAssertThrowsError(try own.charge(noise(0.9 / mu)))
        // Two rows of one person.
        var persons = try Ledger(budget: terms(20, rowsPerPerson: 2))
        XCTAssertThrowsError(try persons.charge(noise(1.01 / mu)))
        XCTAssertNoThrow(try own.charge(noise(1.01 / mu)))
    }

    /// What is no Gaussian release of all rows is refused by name, and a δ for thresholds is kept apart.
    func testOtherReleasesAreRefused() throws {
        var ledger = try Ledger(budget: terms(selection: 1e-7))
        for other in [Ledger.Release(name: "choice", rho: 1e-6),
                      .init(name: "batch", groups: [.init(group: "all", samplingRate: 0.5, noiseMultiplier: 1e3)])] {
            XCTAssertThrowsError(try ledger.charge(other)) {
                XCTAssertEqual(($0 as? Failure)?.code, .argument)
                XCTAssertTrue("\($0)".contains("gaussian"), "\($0)")
            }
        }
        XCTAssertEqual(ledger.budget.cost(rho: 1e-9), .infinity)
        XCTAssertEqual(ledger.budget.cost(rate: 0.5, noise: 1e3), .infinity)
        try ledger.charge(.init(name: "levels", selection: 1e-7))
        XCTAssertThrowsError(try ledger.charge(.init(name: "levels", selection: 1e-12)))
        try ledger.charge(noise(30))
        XCTAssertLessThanOrEqual(ledger.epsilon, 2)
        XCTAssertThrowsError(try ledger.charge(noise(1e4, steps: 2, count: Budget.mostDiscrete + 1))) {
            XCTAssertEqual(($0 as? Failure)?.code, .budget)
        }
    }

    func testJSON() throws {
        var ledger = try Ledger(budget: terms(rowsPerPerson: 2))
        try ledger.charge(noise(20, steps: 3))
        try ledger.charge(noise(25))
        XCTAssertEqual(ledger.json["accountant"], "gaussian")
        XCTAssertNotNil(ledger.json["renyi"])
        XCTAssertEqual(try Ledger(json: ledger.json), ledger)
        XCTAssertEqual(try Ledger(json: ledger.jsonWithRisk()), ledger)
        // The same figures under another name are those of another accountant.
        let other = ledger.json.text.replacing("\"gaussian\"", with: "\"renyi\"")
        XCTAssertThrowsError(try Ledger(json: JSON.parse(other)))
        var account = Account(budget: try terms(4))
        try account.begin(.init(id: "a", token: "t", name: "a", kind: .training, isOpen: true,
                                ledger: Ledger(budget: XCTUnwrap(account.budget.part(epsilon: 2)))))
        try account.charge(noise(12), id: "b")
        XCTAssertEqual(try Account(json: account.json), account)
        XCTAssertEqual(account.report["filter"], "gaussian")
        XCTAssertLessThanOrEqual(account.spent, 4)
        // μ² adds: what is left is what the squares leave.
        let left = account.remaining, parts = [2.0, left].compactMap { try? terms($0).ceiling }
        XCTAssertEqual(parts.reduce(0, +) + Double(account.budget.order) / (2 * 144), account.budget.ceiling,
                       accuracy: 1e-6)
        // A run under the Rényi filter is of other terms.
        XCTAssertThrowsError(try account.begin(.init(id: "c", token: "c", name: "c", kind: .training, isOpen: true,
            ledger: Ledger(budget: XCTUnwrap(Budget(epsilon: 3, delta: 1e-6, order: 12))))))
    }

    /// Figures of risk are those of the exact composition.
    func testRisk() throws {
        var ledger = try Ledger(budget: terms())
        try ledger.charge(noise(3))
        try ledger.charge(noise(4))
        let risk = try ledger.risk().whole, mu = (1.0 / 9 + 1.0 / 16).squareRoot()
        XCTAssertEqual(risk.advantage, 1 - 2 * normalTail(mu / 2), accuracy: 1e-6)
    }
}
