// Plans whose sampling rates and noise are constants: what privacy-loss distributions may price. All other plans have
// the filter's order alone (docs/PRIVACY.md, "Composition with parameters from released values").

import Basics
import Privacy

extension Plan {
    /// Whether every rate and noise multiplier follows from the plan alone: the row count is declared and every row is
    /// drawn at one rate, or no release is sampled.
    package var isConstant: Bool {
        if sampledStages.isEmpty { return true }
        if case .declared = settings.rows { return !isBalanced }
        return false
    }

    /// Refuses an accountant that would not be a bound.
    package func check(_ kind: Accountant.Kind) throws {
        guard kind == .renyi || schema.domainRelease == nil else {
            throw Failure(.unsupported,
                          "the schema was estimated from the rows, so what was planned under it may follow from "
                              + "released values: "
                + "only \"renyi\" covers that")
        }
        guard kind == .renyi || isConstant else {
            throw Failure(.unsupported,
                          "privacy-loss distributions are a bound only where all rates and noise are constants of "
                              + "the plan; here they follow from "
                + "noisy counts, so \"renyi\" at the plan's order is the accountant (declare the row count, and no "
                + "balanced sampling, for the other)")
        }
    }

    /// ε of all planned releases at another δ: at most this for every group.
    /// - Throws: `.unsupported` where `kind` would not be a bound, `.argument` for δ outside (0, 1).
    package func epsilon(delta: Double, by kind: Accountant.Kind) throws -> Double {
        guard kind == .pld else { return try epsilon(delta: delta) }
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        try check(kind)
        var a = Accountant(kind, rows: budget.multiplicity)
        try a.compose(.selection(delta: budget.selection))
        for release in stages.compactMap(\.release) {
            switch release {
            case .gaussian(let noise): try a.compose(.of(rate: 1, noise: noise))
            case .zeroConcentrated(let rho): try a.compose(.zeroConcentrated(rho: rho))
            }
        }
        for b in try batches(expectedCounts) {
            try a.compose(.of(rate: b.rates.max() ?? 1, noise: b.multipliers.min() ?? 0), count: b.steps)
        }
        return try a.epsilon(delta: delta)
    }
}
