// How a plan divides its budget among releases, for one order α of the Rényi filter.

import Privacy

/// Noise of the releases whose parameters are constants of the plan, and of later stages relative to each other.
package struct BudgetSplit: Sendable, Equatable {
    /// ε, δ, α* and R*.
    package let budget: Budget
    /// Noise multiplier of the joint histogram release: standard deviation of the noise over the L2 norm of what one
    /// row adds.
    package var histogramNoise: Double
    /// Noise multiplier of the marginals' joint release; 0: there is none.
    package var marginalNoise = 0.0
    /// ρ of the private selection of pairs (zero-concentrated differential privacy); 0: there is none.
    package var selectionRho = 0.0
    /// Noise multiplier of the diffusion over that of the autoencoder; 1 where the diffusion learns from released rows.
    package var diffusionWeight = 1.0
    /// What a preset minimises over the orders: the noise multiplier of the release that it is built on.
    package var leastNoise = Double.infinity

    package init(budget: Budget, histogramNoise: Double) {
        (self.budget, self.histogramNoise) = (budget, histogramNoise)
    }
}

/// What a preset may know when it divides a budget.
package struct BudgetQuestion {
    package let settings: Settings
    /// Columns of the schema.
    package let columns: Int
    /// Declared or guessed row count.
    package let rows: Int
    /// Groups, and whether every group has the same expected share of a batch.
    package let groups: Int, isBalanced: Bool

    /// The sampling rate that a batch of so many expected rows is guessed to have in the group that is drawn most
    /// often.
    package func samplingRate(batch: Int) -> Double {
        let f = settings.fairness, n = Double(rows), q = poissonRate(batch: batch, rows: n)
        guard isBalanced else { return q }
        let left = max(0, 1 - f.shares.values.reduce(0, +)), rest = groups - f.shares.count
        let least = max(min(f.shares.values.min() ?? 1, rest > 0 ? left / Double(rest) : 1), 1e-9)
        return min(f.cap > 0 ? f.cap : min(1, 4 * q), poissonRate(batch: batch, rows: n * least * Double(groups)))
    }
}

/// Probability of a row to be in a Poisson batch of `batch` expected rows out of `rows`.
package func poissonRate(batch: Int, rows: Double) -> Double { min(1, Double(batch) / max(rows, 1)) }
