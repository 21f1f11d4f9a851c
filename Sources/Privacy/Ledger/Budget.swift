// The filter: an order α* and a ceiling R* that are fixed before any row is seen.
// Whatever is released later, with parameters computed from earlier releases, stays within (ε, δ) as long as every
// group's divergences at α* add up to at most R*. Where all releases are Gaussian ones of all rows, the conversion is
// exact, and the ceiling higher. How noise is solved from it is in Budget+Calibration.swift; who
// enforces it is Ledger.charge.

import Glibc

/// The promise (ε, δ) as one ceiling R* on the Rényi divergence at one order α*.
///
/// # Guarantee
/// Fully adaptive releases whose divergences of order α*, each a function of what was released before, sum to at most
/// R* with certainty are together (α*, R*)-Rényi private (the Rényi filter of Feldman and Zrnic 2020, arXiv
/// 2008.11193), hence (ε, δ)-private by `RenyiAccountant.epsilon`. Falsifiers: BudgetTests (random noisy counts; a
/// mutant that takes the first noise from true counts).
package struct Budget: Sendable, Equatable {
    /// What may be released, and how the sum of divergences becomes ε.
    package enum Filter: String, Sendable, CaseIterable {
        /// Releases of any kind.
        case renyi
        /// Gaussian releases of all rows only, whose divergences at α* are α* μ²/2. Squares of μ that are chosen as one
        /// goes, and add up to at most μ*² with certainty, are together μ*-Gaussian private (Smith and Thakurta 2022,
        /// arXiv 2210.17520), which has an exact (ε, δ).
        case gaussian
    }

    /// The orders that α* may have.
    package static var orders: [Int] { RenyiAccountant.orders }

    /// Promised privacy loss, nats, above 0.
    package let epsilon: Double
    /// Probability, in (0, 1).
    package let delta: Double
    /// α*.
    package let order: Int
    /// R* = ε − log((α*−1)/α*) + (log δ + log α*)/(α*−1), rounded down; above 0. With δ_sel it is that of ε + log(1 −
    /// δ_sel) and δ − δ_sel.
    package let ceiling: Double
    /// δ_sel: the part of δ that thresholded histograms may use, in [0, δ).
    package let selection: Double
    package let filter: Filter
    /// Largest number of rows that one person may have. 0: the promise is for single rows.
    package let rowsPerPerson: Int
    /// Largest number of rows by which neighbouring tables differ.
    package var multiplicity: Int { max(rowsPerPerson, 1) }

    /// - Returns: nil when the order is not one of `orders`, a number is out of range, or no divergence above 0 meets ε
    ///   at this order.
    package init?(epsilon: Double, delta: Double, order: Int, selection: Double = 0, rowsPerPerson: Int = 0,
                  filter: Filter = .renyi) {
        guard epsilon > 0, epsilon.isFinite, delta > 0, delta < 1, selection >= 0, selection < delta,
            Self.orders.contains(order),
              (0...Self.maxRowsPerPerson).contains(rowsPerPerson) else { return nil }
        let a = Double(order), left = Self.left(delta, selection)
        guard left > 0 else { return nil }
        let x = log1p(-1 / a) - log1p(-selection), y = (log(left) + log(a)) / (a - 1)
        var r: Double
        switch filter {
        case .renyi: r = epsilon - x + y
        case .gaussian:
            guard left >= Self.leastGaussianDelta, let most = GaussianPrivacy.largest(
                epsilon: epsilon + log1p(-selection), delta: left * (1 - Self.tails)) else { return nil }
            r = a / 2 * most.square
        }
        // Down until the conversion, which rounds up, gives no more than ε.
        var step = 0x1p-52 * (epsilon - x + abs(y))
        while r > 0, Self.epsilon(r, order, delta, selection, filter) > epsilon {
            r -= step
            step *= 2
        }
        guard r > 0 else { return nil }
        (self.epsilon, self.delta, self.order, ceiling) = (epsilon, delta, order, r)
        (self.selection, self.rowsPerPerson, self.filter) = (selection, rowsPerPerson, filter)
    }

    /// Part of δ that is kept for what discrete noise does beyond 11.5 standard deviations: less than 10⁻²³ for a
    /// release of 2²⁰ numbers, and at most `mostDiscrete` of them in each of `Account.maxRuns` runs.
    private static let tails = 1e-4, leastGaussianDelta = 1e-11
    /// Releases of discrete noise that one ledger may hold under the Gaussian filter.
    static let mostDiscrete = 4096

    /// ε of a total divergence at α*. It includes δ_sel, whether or not that was used.
    package func epsilon(spent rdp: Double) -> Double {
        Self.epsilon(rdp, order, delta, selection, filter)
    }

    /// The same at another δ, above δ_sel.
    package func epsilon(spent rdp: Double, delta other: Double) -> Double {
        Self.epsilon(rdp, order, other, selection, filter)
    }

    /// This budget with another ε: the part that one training of a shared budget may spend.
    package func part(epsilon: Double) -> Budget? {
        Budget(epsilon: epsilon, delta: delta, order: order, selection: selection, rowsPerPerson: rowsPerPerson,
               filter: filter)
    }

    /// The same by the Rényi divergence at α* alone, whatever the filter: never below.
    package func renyiEpsilon(spent rdp: Double, delta other: Double? = nil) -> Double {
        Self.epsilon(rdp, order, other ?? delta, selection, .renyi)
    }

    private static func epsilon(_ rdp: Double, _ order: Int, _ delta: Double, _ selection: Double, _ filter: Filter)
        -> Double {
        let left = left(delta, selection), e: Double
        switch filter {
        case .renyi: e = RenyiAccountant.epsilon(rdp: rdp, order: order, delta: left)
        case .gaussian:
            e = GaussianPrivacy(square: 2 * rdp / Double(order) * (1 + 0x1p-51)).epsilon(delta: left * (1 - tails))
        }
        return selection == 0 ? e : (e - log1p(-selection)) * (1 + 0x1p-50)
    }

    /// δ − δ_sel, rounded down.
    private static func left(_ delta: Double, _ selection: Double) -> Double {
        selection == 0 ? delta : (delta - selection).nextDown
    }

    // MARK: prices at α*, for a row or for a person of `rowsPerPerson` rows

    package static let maxRowsPerPerson = 1024

    /// Divergence of one Poisson-sampled Gaussian sum; ∞ where the filter does not allow it.
    /// - Parameter sensitivity: of discrete noise, the L2 norm in whole steps that a row moves. The Gaussian filter
    ///   charges it as the continuous noise that it is dominated by (`GaussianPrivacy.discreteExcess`).
    package func cost(rate: Double, noise: Double, sensitivity: Double? = nil) -> Double {
        let one = rdpSubsampledGaussian(q: rate, sigma: noise, order: order, rows: multiplicity)
        guard filter == .gaussian else { return one }
        guard rate == 1 else { return rate == 0 ? 0 : .infinity }
        guard let sensitivity else { return one }
        let more = 1 + GaussianPrivacy.discreteExcess(standardDeviation: noise * sensitivity)
        return one * more * more * (1 + 0x1p-50)
    }

    /// Divergence of a mechanism that is ρ-zCDP for a row; ∞ where the filter does not allow it.
    package func cost(rho: Double) -> Double {
        filter == .gaussian ? .infinity : rdpZeroConcentrated(rho: rho, order: order, rows: multiplicity)
    }
}
