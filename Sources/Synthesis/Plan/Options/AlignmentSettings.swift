// Options of the alignment of groups: where activations of the networks are compared, by which terms, and how strongly.

/// Factors of the terms at one site.
package struct AlignmentFactors: Sendable, Equatable {
    package var mean = 0.0, discrepancy = 0.0, fourier = 0.0, covariance = 0.0
    var isWanted: Bool { mean > 0 || discrepancy > 0 || fourier > 0 || covariance > 0 }
}

/// Where groups are aligned: posterior latents, the decoder's last norm, the logits of the heads.
package struct AlignmentSites: Sendable, Equatable {
    package var latent = AlignmentFactors(), decoder = AlignmentFactors(), heads = AlignmentFactors()
    var isWanted: Bool { latent.isWanted || decoder.isWanted || heads.isWanted }
}

/// Preset `published`: the terms of alignment, from moments released with the gradients.
package struct AlignmentSettings: Sendable, Equatable {
    package var start = 50, ramp = 100
    package var decay = 0.97, noise = 3.0, reach = 1.5, anchor = 0.0
    package var sites = AlignmentSites()
}

/// Independence of latent and group on rows that are free, where networks do not see the protected columns.
package struct IndependenceSettings: Sendable, Equatable {
    package var start = 200, ramp = 300
    package var sites = AlignmentSites()
    package var adversary = 0.0, adversarySteps = 3
    package var anchor = 0.0, repair = 0.0, parity = 0.0, conditionals = 0.0
}
