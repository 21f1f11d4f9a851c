// What tests look at inside a trainer, and how they put released values of their own in its place.

import Networks
import Privacy
import Projection
@testable import Synthesis

extension Trainer {
    var door: Door { run.door }
    var statistics: Statistics? { run.artefacts.statistics }
    var autoencoder: NetworkFit<VAE>? { run.artefacts.autoencoder }
    var alignment: PrivateAlignment? { run.artefacts.privateAlignment }
    var marginals: ReleasedMarginals? { run.artefacts.marginals }
    var sampled: [Batches] {
        get { run.artefacts.batches }
        set { run.artefacts.batches = newValue }
    }

    /// The first release as a test wants it; the stages begin anew.
    func begin(with statistics: Statistics) throws {
        try run.begin(with: statistics)
        isPrepared = false
        try prepareStages()
    }
}

extension Model {
    var autoencoder: VAE? { generator.autoencoder }
    var denoiser: Denoiser? { generator.denoiser }
    var tilt: HeadTilt? { generator.tilt }
    var pairs: [[Int]]? { generator.pairs }

    /// A model of networks without a tilt.
    convenience init(plan: Plan, ledger: Ledger, statistics: Statistics, autoencoder: VAE?, denoiser: Denoiser?) {
        var g = Generator(statistics: statistics)
        (g.autoencoder, g.denoiser) = (autoencoder, denoiser)
        self.init(plan: plan, ledger: ledger, generator: g)
    }
}
