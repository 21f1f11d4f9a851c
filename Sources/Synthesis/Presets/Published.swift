// Preset `published`, the method of the paper (arXiv 2508.21815): autoencoder and latent diffusion trained by DP-SGD on
// private rows. Groups are aligned afterwards: these networks see the protected columns and teach others, which learn
// fair rows of theirs (Distillation/). The terms of the paper, whose moments are released beside the gradients, are
// there for whoever names one.

import Basics
import Privacy

package struct Published: Preset {
    package let name = "published", sections: Set = ["alignment", "independence", "student_autoencoder",
                                                     "student_diffusion", "rake"]
    package init() {}

    package var defaults: Settings {
        var s = Settings()
        let free = Best().defaults
        (s.studentAutoencoder, s.studentDiffusion, s.independence) = (free.autoencoder, free.diffusion,
                                                                      free.independence)
        return s
    }

    package func defaults(columns: Int) -> Settings {
        var s = defaults
        s.studentAutoencoder.batch = Best().defaults(columns: columns).autoencoder.batch
        return s
    }

    /// One way to align groups: whoever names a term of `alignment` has no fair conditionals.
    package func resolve(_ settings: inout Settings, config: JSON) throws {
        let isAligned = settings.alignment.sites.isWanted
        if isAligned, config["independence"]?["conditionals"] == nil { settings.independence.conditionals = 0 }
        guard !isAligned || settings.independence.conditionals == 0 else {
            throw Failure(.argument, "config, alignment: its terms are for networks that do not see the protected "
                + "columns, and independence conditionals above 0 for those that do: give one of both")
        }
        guard settings.independence.parity == 0, settings.independence.repair == 0 else {
            throw Failure(.argument, "config, independence: parity and repair are of the relaxed table, which the "
                + "preset \"published\" has not")
        }
    }

    package var stages: [any Stage] {
        [HistogramRelease(), PrivateAutoencoder(), PrivateDiffusion(), HeadCalibration(), Distillation(),
         ReleasedAutoencoder(.studentAutoencoder), ReleasedDiffusion(.studentDiffusion),
         HeadCalibration(.studentCalibration), Tilting(.studentTilt), DisparityMeasurement()]
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
