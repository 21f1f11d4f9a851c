// Two sets of networks of one plan. The teachers learn from private rows and see every column. The students learn fair
// rows of theirs and see no protected column. A plan without distillation has one set of networks, which is both.

extension Plan {
    /// Whether networks that saw private rows teach others.
    package var distils: Bool { steps(of: .distillation) > 0 && conditionals > 0 }

    /// The plan as the networks see it that learn from private rows.
    var teacher: Plan {
        guard distils else { return self }
        var p = self
        p.settings.independence.conditionals = 0
        p.modelled = Array(grids.indices)
        return p
    }

    /// The plan as the networks see it that rows are generated from.
    var student: Plan {
        guard distils else { return self }
        var p = self
        (p.settings.autoencoder, p.settings.diffusion) = (settings.studentAutoencoder, settings.studentDiffusion)
        return p
    }
}
