// Preset `best`: two joint releases (histograms, then marginals), and networks that learn from rows of a table fitted
// to them. Everything after the releases is post-processing and free.

import Privacy

package struct Best: Preset {
    package let name = "best", sections: Set = ["marginals", "projection", "independence", "finetuning", "rake",
                                                "focus"]
    package init() {}

    package var defaults: Settings {
        var s = Settings()
        (s.autoencoder.width, s.autoencoder.heads, s.autoencoder.feedForward, s.autoencoder.latent) = (32, 4, 64, 16)
        (s.autoencoder.logVariance, s.autoencoder.affine, s.autoencoder.beta) = ("head", true, 0.2)
        (s.autoencoder.batch, s.autoencoder.steps, s.autoencoder.warmup) = (512, 400, 150)
        (s.autoencoder.learningRate, s.autoencoder.average) = (0.004, 0.99)
        (s.diffusion.hidden, s.diffusion.layers, s.diffusion.noiseLevels) = (96, 2, 4)
        (s.diffusion.batch, s.diffusion.steps, s.diffusion.warmup) = (256, 300, 50)
        (s.diffusion.learningRate, s.diffusion.average, s.diffusion.samplerSteps) = (0.002, 0.99, 3)
        s.encoder.bins = 32
        (s.independence.start, s.independence.ramp) = (100, 150)
        s.independence.conditionals = 2.5
        return s
    }

    /// A step of the autoencoder reads as many cells of a wide table as of one of 128 columns, and at least 128 rows.
    package func defaults(columns: Int) -> Settings {
        var s = defaults
        s.autoencoder.batch = min(s.autoencoder.batch, max(128, 65_536 / max(columns, 1) / 64 * 64))
        return s
    }

    package var stages: [any Stage] {
        [HistogramRelease(), PairSelection(), MarginalRelease(), TableProjection(), ReleasedAutoencoder(),
         PrivateFinetuning(), ReleasedDiffusion(), HeadCalibration(), Tilting(), DisparityMeasurement()]
    }

    /// Least noise of the marginals; a selection of pairs and finetuning on private rows get their shares where they
    /// are wanted.
    package func divide(_ split: BudgetSplit, for question: BudgetQuestion) throws -> BudgetSplit? {
        var split = split
        let s = question.settings, f = s.finetuning, b = split.budget, left = 1 - s.encoder.share
        let tuned = f.steps > 0 ? f.share : 0
        let selected = PairSelection.isWanted(s, columns: question.columns) ? s.marginals.selectionShare : 0
        split.marginalNoise = try b.firstNoise(share: left * (1 - tuned) * (1 - selected))
        split.selectionRho = selected > 0 ? try b.rho(share: left * (1 - tuned) * selected) : 0
        split.leastNoise = split.marginalNoise
        guard f.steps > 0 else { return split }
        let rate = question.samplingRate(batch: f.batch), within = left * tuned * b.ceiling
        return Budget.leastNoise(rate: rate, count: f.steps, order: b.order, within: within,
                                 rows: b.multiplicity) == nil ? nil : split
    }
}
