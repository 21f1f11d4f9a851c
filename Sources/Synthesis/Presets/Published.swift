// Preset `published`, the method of the paper (arXiv 2508.21815): autoencoder and latent diffusion trained by DP-SGD on
// private rows, with moments of the groups released beside the gradients.

import Privacy

package struct Published: Preset {
    package let name = "published", sections: Set = ["alignment"]
    package init() {}

    package var defaults: Settings {
        var s = Settings()
        s.alignment.sites = AlignmentSites(latent: AlignmentFactors(mean: 24, fourier: 24),
                                           heads: AlignmentFactors(mean: 1))
        return s
    }

    package var stages: [any Stage] {
        [HistogramRelease(), PrivateAutoencoder(), PrivateDiffusion(), HeadCalibration()]
    }

    /// Least noise of the autoencoder's gradients; the diffusion gets its share of what the histograms leave.
    package func divide(_ split: BudgetSplit, for question: BudgetQuestion) throws -> BudgetSplit? {
        var split = split
        let s = question.settings, a = s.autoencoder, d = s.diffusion, b = split.budget,
            rest = (1 - s.encoder.share) * b.ceiling
        func least(_ batch: Int, _ steps: Int, _ share: Double) -> Double? {
            Budget.leastNoise(rate: question.samplingRate(batch: batch), count: steps, order: b.order,
                              within: rest * share, rows: b.multiplicity)
        }
        guard let first = least(a.batch, a.steps, d.enabled ? 1 - d.share : 1) else { return nil }
        split.leastNoise = first
        guard d.enabled else { return split }
        guard let second = least(d.batch, d.steps, d.share) else { return nil }
        split.diffusionWeight = second / first
        return split
    }
}
