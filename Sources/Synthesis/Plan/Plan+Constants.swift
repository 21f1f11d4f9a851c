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
        return try ConstantReleases.epsilon(plannedReleases(), groups: releasedGroups, rows: budget.multiplicity,
                                            selection: budget.selection, delta: delta)
    }

    /// Every release as the ledger will hold it, at guessed counts: what all trainings release where the plan is
    /// constant.
    func plannedReleases() throws -> [Ledger.Release] {
        let sampled = try batches(expectedCounts)
        return stages.compactMap { stage in
            switch stage.release {
            case .gaussian(let noise, let sensitivity):
                return Ledger.Release(name: stage.id.name, groups: releasedGroups.map {
                    Ledger.Share(group: $0, samplingRate: 1, noiseMultiplier: noise)
                }, sensitivity: sensitivity)
            case .zeroConcentrated(let rho): return Ledger.Release(name: stage.id.name, rho: rho)
            case nil: return sampled.first { $0.stage == stage.id }?.release(releasedGroups)
            }
        }
    }

    /// Fits the noise to a budget whose filter adds Gaussian releases alone: discrete noise costs it a little more than
    /// the noise that the options were solved with.
    /// - Throws: `.argument` for a plan with other releases, `.budget` where no noise will do.
    mutating func fitGaussianFilter() throws {
        var releases: [(noise: Double, sensitivity: Double?, count: Int)] = []
        for stage in stages {
            if case .gaussian(let noise, let sensitivity) = stage.release { releases.append((noise, sensitivity, 1)) }
        }
        guard sampledStages.isEmpty, stages.allSatisfy({ $0.release?.isGaussian ?? true }) else {
            throw Failure(.argument, "budget: its filter is \"gaussian\", which adds Gaussian releases of all rows "
                + "alone: plan the preset \"best\" without finetuning and without a selection of pairs, or make a "
                + "budget with the filter \"renyi\"")
        }
        guard let factor = budget.leastFactor(releases, within: budget.ceiling * (1 - 1e-10)) else {
            throw Budget.unreachable
        }
        noiseFactor = factor
        fillStages()
        filteredCost = fixedCost
    }

    /// Replaces the Rényi filter by the exact price of the plan's releases, with as much less noise as that allows.
    ///
    /// All noise is multiplied by one factor below 1: shares of the releases stay what the options say. Where no
    /// factor below 1 will do, which happens with noise of less than about one whole step, the filter stays.
    /// - Throws: as `ExactComposition.init`.
    mutating func priceExactly() throws {
        let planned = try plannedReleases(), rows = budget.multiplicity
        var factor = try ConstantReleases.leastFactor(planned, groups: releasedGroups, rows: rows, epsilon: epsilon,
                                                      delta: delta)
        // A price that is composed on a grid may differ in its last digits from the one that the factor was solved by.
        for more in [1e-10, 1e-8, 1e-6, 1e-5, 1e-4] where factor * (1 + more) < 1 {
            factor *= 1 + more
            noiseFactor = factor
            fillStages()
            constants = try? ConstantReleases(plannedReleases(), groups: releasedGroups, rows: rows, epsilon: epsilon,
                                              delta: delta)
            if constants != nil { return }
        }
        noiseFactor = 1
        fillStages()
    }
}
