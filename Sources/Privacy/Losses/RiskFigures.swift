// Figures of risk: what the best membership or guessing attack can gain from what was released.

import Basics
import Glibc

/// What somebody who knows all other rows can gain from everything that was released, whatever he computes.
///
/// # Guarantee
/// Every figure is an upper bound: each is the least of finitely many bounds δ(ε_i) + e^{ε_i} x, and every δ(ε_i) is
/// rounded up. Falsifiers: RiskFiguresTests (closed forms; riskcal; mutants: rounded down, one direction alone).
package struct RiskFigures: Sendable, Equatable {
    /// Largest true-positive rate minus false-positive rate of a membership test; the total variation distance.
    package let advantage: Double
    /// Largest true-positive rate of a membership test at each false-positive rate of `falsePositiveRates`.
    package let truePositives: [Double]
    /// Largest probability to guess a value of a known row that is one of k equally likely ones, for each k of
    /// `guesses`.
    package let guessing: [Double]
    /// Least ε at each δ of `deltas`; ∞ where there is none.
    package let epsilons: [Double]

    package static let falsePositiveRates = [0.1, 0.01, 0.001], guesses = [2, 10, 100],
        deltas = [1e-3, 1e-4, 1e-5, 1e-6, 1e-9]

    /// Of releases whose parameters are constants.
    package init(_ c: ExactComposition) throws {
        let with = try c.curve(removing: true), without = try c.curve(removing: false)
        self.init(TradeOff(with: with, without: without, selection: c.selectionRisk),
            epsilons: try Self.deltas.map { try c.epsilon(delta: $0) })
    }

    /// Of what a Rényi filter admits: a divergence `rdp` at one order, whatever the parameters follow from.
    /// - Parameters:
    ///   - rdp: sum of the divergences at `order`, nats.
    ///   - selection: δ_sel.
    package init(rdp: Double, order: Int, selection: Double = 0) {
        self.init(TradeOff(rdp: rdp, order: order, selection: selection), epsilons: Self.deltas.map { delta in
            let left = selection == 0 ? delta : (delta - selection).nextDown
            return left > 0
                ? (RenyiAccountant.epsilon(rdp: rdp, order: order, delta: left) - log1p(-selection)) * (1 + 0x1p-50)
                    : .infinity
        })
    }

    /// The largest of each figure of several; all 0 for none.
    package static func largest(of all: [RiskFigures]) -> RiskFigures {
        func each(_ n: Int, _ list: (RiskFigures) -> [Double]) -> [Double] {
            (0..<n).map { i in all.reduce(0) { max($0, list($1)[i]) } }
        }
        return RiskFigures(advantage: all.reduce(0) { max($0, $1.advantage) },
                           truePositives: each(falsePositiveRates.count, \.truePositives),
                           guessing: each(guesses.count, \.guessing), epsilons: each(deltas.count, \.epsilons))
    }

    private init(advantage: Double, truePositives: [Double], guessing: [Double], epsilons: [Double]) {
        (self.advantage, self.truePositives, self.guessing, self.epsilons) = (advantage, truePositives, guessing,
            epsilons)
    }

    private init(_ t: TradeOff, epsilons: [Double]) {
        advantage = t.advantage
        truePositives = Self.falsePositiveRates.map(t.truePositives)
        guessing = Self.guesses.map { t.guessing(oneOf: $0) }
        self.epsilons = epsilons
    }
}

/// The trade-off curve between the two errors of a membership test, whichever of both tables the test looks for: 1 −
/// `truePositives` is the symmetric curve of Dong, Roth and Su 2019, arXiv 1905.02383, definition F.1, bounded from
/// below.
package struct TradeOff: Sendable {
    /// P is the table with the rows, and the table without them.
    private let with: LossCurve, without: LossCurve
    /// δ_sel, and the probability that no selection shows what it should not.
    private let selection: Double, keep: Double

    init(with: LossCurve, without: LossCurve, selection: (delta: Double, shift: Double)) {
        (self.with, self.without, self.selection, keep) = (with, without, selection.delta,
            exp(-selection.shift) * (1 - 0x1p-50))
    }

    /// Of constant releases.
    package init(_ c: ExactComposition) throws {
        self.init(with: try c.curve(removing: true), without: try c.curve(removing: false), selection: c.selectionRisk)
    }

    /// Of a divergence at one order, which bounds both directions.
    package init(rdp: Double, order: Int, selection: Double = 0) {
        let end = rdp.isFinite ? rdp + 60 / Double(max(order - 1, 1)) + 1 : 0, n = 4_000
        let curve = LossCurve(points: (0...n).map { i in
            let e = end * Double(i) / Double(n)
            return (e, RenyiAccountant.delta(rdp: rdp, order: order, epsilon: e))
        })
        self.init(with: curve, without: curve, selection: (selection, -log1p(-selection)))
    }

    /// Largest true-positive rate at false-positive rate a, in [0, 1]; it rises with a.
    package func truePositives(_ a: Double) -> Double {
        // A selection can show something under the table with the rows alone: that adds to its probabilities, and
        // divides those without.
        let b = min(1, max(0, a) / keep)
        let x = min(max(with.power(b), without.power(b)), max(with.reversePower(b), without.reversePower(b)))
            + selection
        return x < 1 ? max(0, x * (1 + 0x1p-50)) : 1
    }

    /// Least miss rate at false-positive rate a: 1 − `truePositives`.
    package func misses(_ a: Double) -> Double { 1 - truePositives(a) }

    /// The largest difference of both rates: δ at ε = 0, a little more with selections.
    package var advantage: Double {
        min(1, (max(with.points.first?.delta ?? 1, without.points.first?.delta ?? 1) + selection) * (1 + 0x1p-50))
    }

    /// Largest probability to guess which of k equally likely values a cell of a known row has.
    ///
    /// The attacker guesses v after seeing what was released from the table with the row; let E_v be the outcomes that
    /// make the guess v. Under the table without the row they have probabilities a_v that sum to 1. With the row each
    /// has at most t(a_v), where t, the bound for tests that look for the row, is concave; the mean is at most t(1/k),
    /// and `truePositives` is not below t (the blow-up of Hayes, Mahloujifar and Balle 2023, arXiv 2302.07225; Kulynych
    /// et al. 2024, arXiv 2407.02191).
    package func guessing(oneOf k: Int) -> Double { truePositives(1 / Double(max(k, 1))) }
}

extension RiskFigures {
    /// {"advantage", "true_positive_rates": [{"false_positive_rate", "true_positive_rate"}], "guessing": [{"values",
    /// "probability"}], "epsilons": [{"delta", "epsilon"}]}; an ε that does not exist is null.
    package var json: JSON {
        func pairs(_ a: String, _ x: [JSON], _ b: String, _ y: [Double]) -> JSON {
            .array(zip(x, y).map { .object(JSONObject([(a, $0), (b, $1.isFinite ? .number($1) : .null)])) })
        }
        return .object(JSONObject([
            ("advantage", .number(advantage)),
            ("true_positive_rates", pairs("false_positive_rate", Self.falsePositiveRates.map { .number($0) },
                "true_positive_rate", truePositives)),
            ("guessing", pairs("values", Self.guesses.map { .int(Int64($0)) }, "probability", guessing)),
            ("epsilons", pairs("delta", Self.deltas.map { .number($0) }, "epsilon", epsilons)),
        ]))
    }
}
