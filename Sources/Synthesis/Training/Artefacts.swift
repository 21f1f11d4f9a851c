// What flows between the stages of a training. All of it is released or follows from what was released; nothing here is
// private.

import Basics
import Networks
import Privacy
import Projection

struct Artefacts {
    /// Released histograms and counts, with the encoders made from them.
    var statistics: Statistics?
    /// How each stage samples private rows; a function of the noisy counts.
    var batches: [Batches] = []
    /// Pairs of columns that a private selection chose.
    var pairs: [[Int]]?
    var marginals: ReleasedMarginals?
    /// Rows of the relaxed table that is fitted to the marginals; can be made again.
    var projected: ProjectedRows?
    /// Networks that learned from private rows, once they teach, and fair rows of theirs; these can be made again.
    var teacher: Teacher?
    var taught: FairRows?
    /// The autoencoder in training, and with DP-SGD steps after training on released rows.
    var autoencoder: NetworkFit<VAE>?
    var finetuned: NetworkFit<VAE>?
    /// Alignment of the groups while the autoencoder learns, from private or from released rows.
    var privateAlignment: PrivateAlignment?
    var releasedAlignment: ReleasedAlignment?
    /// The averaged autoencoder, once its stages are over.
    var finishedAutoencoder: VAE?
    /// Encoded rows of the relaxed table; can be made again.
    var latentPool: LatentPool?
    var diffusion: NetworkFit<Denoiser>?
    /// The averaged autoencoder with calibrated biases of its heads.
    var calibrated: VAE?
    var tilt: HeadTilt?
    /// What alignment did, as the finished generator has it.
    var disparity: DisparityEstimate?
}

/// What generates rows: the parts that a model keeps of a training.
package struct Generator: Sendable {
    package let statistics: Statistics
    /// The pairs of columns that a private selection chose; nil: all were released, or none.
    var pairs: [[Int]]?
    package var marginals: ReleasedMarginals?
    /// nil: a preset without networks; columns are then drawn from their histograms.
    var autoencoder: VAE?
    var denoiser: Denoiser?
    /// Networks that learned from private rows and taught those above; nil: none did.
    var teacher: Teacher?
    /// How latents of the diffusion are put back; nil: they are used as they are.
    var latents: LatentScale?
    var tilt: HeadTilt?
    /// What a reduction of the disparity came to; nil: none was asked for.
    var disparity: DisparityEstimate?
    /// The tilt that rows are drawn with: where the schema has rules, heads are also barred from what these forbid.
    /// Made from the schema, not kept in files.
    private(set) var barred: HeadTilt?
    /// Of a model that was made before heads were tilted.
    var rowTilt: RowTilt?

    init(statistics: Statistics) { self.statistics = statistics }

    /// Bars the heads from what the rules of the plan's schema forbid.
    /// - Throws: `.noMemory`.
    mutating func barHeads(_ plan: Plan) throws {
        barred = nil
        guard autoencoder != nil, let bars = try StructuralZeros(plan)?.bars(plan, statistics), !bars.isEmpty else {
            return
        }
        barred = try HeadTilt.barring(bars, levels: statistics.modelledLevels, tilt: tilt)
    }
}
