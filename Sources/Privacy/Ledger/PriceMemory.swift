// Prices that were computed before in this process: a file is checked without pricing the same releases once more.

import Basics

/// Remembers prices by the very numbers that they follow from. What was priced is public: it stands in ledgers.
enum PriceMemory {
    private struct Key: Hashable, Sendable {
        let mechanisms: [Privacy.Mechanism], counts: [Int], rows: Int
        /// Both of the promise that a price is solved from; ε is 0 where it is asked for, δ where it plays no part.
        let epsilon: Double, delta: Double
    }
    private struct Divergence: Hashable, Sendable { let rdp: Double, order: Int, selection: Double }

    private static let epsilons = Memo<Key, Double>(capacity: 64), factors = Memo<Key, Double>(capacity: 64)
    private static let risks = Memo<Key, RiskFigures>(capacity: 64)
    private static let divergenceRisks = Memo<Divergence, RiskFigures>(capacity: 64)
    /// Longer lists are priced each time, so that the memory stays small.
    private static let longest = 64

    /// `ExactComposition.epsilon`.
    static func epsilon(_ releases: [(mechanism: Privacy.Mechanism, count: Int)], rows: Int,
                        delta: Double) throws -> Double {
        try recall(epsilons, releases, rows, delta: delta) {
            try ExactComposition(releases, rows: rows).epsilon(delta: delta)
        }
    }

    /// `ExactCalibration.leastFactor`.
    static func leastFactor(_ releases: [(mechanism: Privacy.Mechanism, count: Int)], rows: Int, epsilon: Double,
                            delta: Double) throws -> Double {
        try recall(factors, releases, rows, epsilon: epsilon, delta: delta) {
            try ExactCalibration.leastFactor(releases, rows: rows, epsilon: epsilon, delta: delta)
        }
    }

    /// `RiskFigures` of constant releases.
    static func risk(_ releases: [(mechanism: Privacy.Mechanism, count: Int)], rows: Int) throws -> RiskFigures {
        try recall(risks, releases, rows) { try RiskFigures(ExactComposition(releases, rows: rows)) }
    }

    /// `RiskFigures` of a divergence at one order.
    static func risk(rdp: Double, order: Int, selection: Double) -> RiskFigures {
        divergenceRisks.answer(Divergence(rdp: rdp, order: order, selection: selection)) {
            RiskFigures(rdp: rdp, order: order, selection: selection)
        }
    }

    private static func recall<R: Sendable>(_ memory: Memo<Key, R>,
                                            _ releases: [(mechanism: Privacy.Mechanism, count: Int)], _ rows: Int,
                                            epsilon: Double = 0, delta: Double = 0,
                                            _ compute: () throws -> R) rethrows -> R {
        guard releases.count <= longest else { return try compute() }
        return try memory.answer(Key(mechanisms: releases.map(\.mechanism), counts: releases.map(\.count), rows: rows,
                                     epsilon: epsilon, delta: delta), compute)
    }
}
