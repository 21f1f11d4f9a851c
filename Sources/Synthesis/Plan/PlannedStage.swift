// What a plan knows of its stages: name, number of steps, and what each releases. Plain values, known before any row is
// seen; what a stage does is in Stages/.

/// Name and number of a stage, as progress events, ledgers and files show it.
package struct StageID: Hashable, Sendable {
    package let name: String
    /// Shown beside the name in progress events; its meaning never changes.
    package let number: Int
    package init(_ name: String, number: Int) { (self.name, self.number) = (name, number) }

    package static let histograms = StageID("histograms", number: 0)
    package static let selection = StageID("selection", number: 1)
    package static let marginals = StageID("marginals", number: 2)
    package static let projection = StageID("projection", number: 3)
    package static let autoencoder = StageID("autoencoder", number: 4)
    package static let finetuning = StageID("finetuning", number: 5)
    package static let diffusion = StageID("diffusion", number: 6)
    package static let calibration = StageID("calibration", number: 7)
    /// Exponential tilting; files and events call it "rake" for good.
    package static let tilt = StageID("rake", number: 8)
    /// Networks that learned from private rows teach others, which learn fair rows.
    package static let distillation = StageID("distillation", number: 9)
    package static let studentAutoencoder = StageID("student_autoencoder", number: 10)
    package static let studentDiffusion = StageID("student_diffusion", number: 11)
    package static let studentCalibration = StageID("student_calibration", number: 12)
    package static let studentTilt = StageID("student_tilt", number: 13)
    package static let disparity = StageID("disparity", number: 14)
}

/// A release whose rate and noise are constants of the plan: every row takes part.
package enum FixedRelease: Sendable, Equatable {
    /// Noise multiplier of a joint release with discrete Gaussian noise, and the least L2 norm in whole steps by which
    /// a row moves it.
    case gaussian(noiseMultiplier: Double, sensitivity: Double)
    /// ρ of a choice under zero-concentrated differential privacy.
    case zeroConcentrated(rho: Double)

    var isGaussian: Bool { if case .gaussian = self { true } else { false } }
}

/// How a stage samples private rows, before any count is known.
package struct SampledSteps: Sendable, Equatable {
    package let stage: StageID
    /// Expected rows in a batch, and steps.
    package let batch: Int, steps: Int
    /// The stage's clipping norm C.
    package let clip: Double
    /// The stage's noise multiplier over that of the first sampled stage.
    package let weight: Double
    /// ν_M / R of the groups' moments over ν / C of the gradient; nil: no moments are released.
    package let moments: Double?

    package init(_ stage: StageID, batch: Int, steps: Int, clip: Double, weight: Double = 1, moments: Double? = nil) {
        (self.stage, self.batch, self.steps, self.clip, self.weight, self.moments) = (stage, batch, steps, clip, weight,
            moments)
    }
}

/// One stage of a plan.
package struct PlannedStage: Sendable, Equatable {
    package let id: StageID
    /// 0: the stage is left out.
    package let steps: Int
    package let release: FixedRelease?
    package let sampled: SampledSteps?
}
