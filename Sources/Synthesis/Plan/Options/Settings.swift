// Every option of a training as a typed value. Options are public and chosen without a look at the rows; the ledger
// records them with the plan. How they are read, printed and described is in SettingsOptions.swift; each preset has
// defaults of its own.

import Basics

package struct Settings: Sendable, Equatable {
    /// What is said about the row count before any row is seen.
    package enum Rows: Sendable, Equatable {
        case declared(Int)   // public by the user's word: rates are constants of the plan
        // used to choose α* and to print expected noise only; a wrong one costs noise, never privacy
        case guessed(Int)
    }
    package struct Encoder: Sendable, Equatable {
        package var bins = 24
        package var share = 0.05
        package var grid = "auto"
        package var atoms: [String: [Double]] = [:]
    }
    package struct Autoencoder: Sendable, Equatable {
        package var width = 8, heads = 2, feedForward = 16, blocks = 1, latent = 8
        package var activation = "gelu", latentKind = "pooled", logVariance = "global", affine = false
        package var beta = 0.5
        package var batch = 1024, steps = 400
        package var learningRate = 0.02, clip = 1.0, average = 0.98
        package var warmup = 0
    }
    package struct Diffusion: Sendable, Equatable {
        package var enabled = true
        package var share = 0.15
        package var hidden = 64, layers = 2, noiseLevels = 8
        package var batch = 1024, steps = 400
        package var learningRate = 0.003, clip = 1.0, average = 0.98
        package var warmup = 0
        package var samplerSteps = 24
    }
    /// Preset `best`: which marginals are released.
    package struct Marginals: Sendable, Equatable {
        package var pairs = "auto", count = 0
        package var selectionShare = 0.1
    }
    /// Preset `best`: the relaxed table fitted to them.
    package struct Projection: Sendable, Equatable {
        package var rows = 1500, steps = 800
        package var learningRate = 0.1
    }
    /// Preset `best`: DP-SGD steps of the autoencoder on private rows after it was trained on released ones.
    package struct Finetuning: Sendable, Equatable {
        package var steps = 0, batch = 1024
        package var share = 0.2, learningRate = 0.001, clip = 1.0
    }
    /// Preset `best`: the tilt of generated rows towards the released marginals.
    package struct Tilt: Sendable, Equatable {
        package var enabled = true
        package var steps = 0, pool = 16_384, batch = 8192
        package var learningRate = 0.03, spread = 1.0, threshold = 1.5
        /// Of the tilt of whole rows that older models have.
        package var ridge = 1e-4, floor = 0.5, cap = 4.0
    }
    package var fairness = FairnessSettings()
    package var independence = IndependenceSettings()
    package var alignment = AlignmentSettings()
    package var marginals = Marginals()
    package var projection = Projection()
    package var finetuning = Finetuning()
    package var tilt = Tilt()
    /// Preset `best`: columns whose three-way marginals are released.
    package var focus: [String] = []
    package var rows = Rows.guessed(20_000)
    package var encoder = Encoder()
    package var autoencoder = Autoencoder()
    package var diffusion = Diffusion()
    /// Networks that learn fair rows of those above, where these saw private rows and the protected columns.
    package var studentAutoencoder = Autoencoder()
    package var studentDiffusion = Diffusion()
    package var calibrateHeads = true
    /// Public seed of the starting weights; moves no noise and no batch.
    package var seed: UInt64 = 0
    /// Worker threads; 0: as many as the process may use.
    package var threads = 0
    /// Steps charged ahead while a checkpoint file is bound to the trainer.
    package var checkpointBlock = 50
    /// Rows that one person may have in the table; 0: the promise is for rows.
    package var rowsPerPerson = 0
    /// Test mode only: batches, noise and the rows' randomness from this seed. Not private, and the ledger says so.
    package var testSeed: UInt64? = nil

    package init() {}
}
