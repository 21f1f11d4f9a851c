// The Rényi filter: an order α* and a ceiling R* that are fixed before any row is seen. Whatever is released later, with
// parameters computed from earlier releases, stays within (ε, δ) as long as every group's divergences at α* add up to at most R*.
// How noise is solved from it is in Budget+Calibration.swift; who enforces it is Ledger.charge.

import Glibc

/// (ε, δ) turned into one number at one order.
///
/// # Guarantee
/// Fully adaptive releases whose divergences of order α*, each a function of what was released before, sum to at most R* with
/// certainty are together (α*, R*)-Rényi private (the Rényi filter of Feldman and Zrnic 2020, arXiv 2008.11193), hence (ε, δ)-private
/// by `RenyiAccountant.epsilon`. Falsifiers: BudgetTests (random noisy counts; a mutant that takes the first noise from true counts).
package struct Budget: Sendable, Equatable {
    /// The orders that α* may have.
    package static var orders: [Int] { RenyiAccountant.orders }

    /// Promised privacy loss, nats, above 0.
    package let epsilon: Double
    /// Probability, in (0, 1).
    package let delta: Double
    /// α*.
    package let order: Int
    /// R* = ε − log((α*−1)/α*) + (log δ + log α*)/(α*−1), rounded down; above 0.
    package let ceiling: Double

    /// - Returns: nil when the order is not one of `orders`, a number is out of range, or no divergence above 0 meets ε at this order.
    package init?(epsilon: Double, delta: Double, order: Int) {
        guard epsilon > 0, epsilon.isFinite, delta > 0, delta < 1, Self.orders.contains(order) else { return nil }
        let a = Double(order)
        let x = log1p(-1 / a), y = (log(delta) + log(a)) / (a - 1)
        var r = epsilon - x + y
        // Down until the conversion, which rounds up, gives no more than ε.
        var step = 0x1p-52 * (epsilon - x + abs(y))
        while r > 0, RenyiAccountant.epsilon(rdp: r, order: order, delta: delta) > epsilon {
            r -= step
            step *= 2
        }
        guard r > 0 else { return nil }
        (self.epsilon, self.delta, self.order, ceiling) = (epsilon, delta, order, r)
    }

    /// ε of a total at α*.
    package func epsilon(spent rdp: Double) -> Double { RenyiAccountant.epsilon(rdp: rdp, order: order, delta: delta) }
}
