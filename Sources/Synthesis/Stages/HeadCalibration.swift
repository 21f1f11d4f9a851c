// Free calibration of the biases of the decoder's heads: generated rows are compared with the released shares of
// every column, and each bias moves until the mean of the softmax meets its bin's share. Only generated rows take part,
// never encodings of private ones.

import Basics
import Glibc
import Networks
import Storage

package struct HeadCalibration: Stage {
    package let id: StageID
    /// Of the networks in training when it begins.
    private var name: String { id == .calibration ? "calibrated" : "student_calibrated" }
    /// - id: `.studentCalibration` where these have a teacher.
    package init(_ id: StageID = .calibration) { self.id = id }

    package func steps(_ plan: Plan) -> Int { id == .calibration || plan.conditionals > 0 ? 1 : 0 }
    package func cost(_ plan: Plan) -> StageCost {
        StageCost(id, steps: 1, text: "head biases shifted until generated rows meet the released shares")
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        let vae = try run.finishedAutoencoder()
        guard run.plan.settings.calibrateHeads else { return run.artefacts.calibrated = vae }
        let rounds = try run.memory(of: id) {
            try CalibrationRounds(run.generator(autoencoder: vae), vae.copy(), aims: run.headShares(), plan: run.plan,
                                  threads: run.threads)
        }
        while rounds.left > 0 {
            if run.takeCancel() { throw StageRun.cancelled }
            try rounds.advance()
            if rounds.left > 0, run.yieldsHere() { return }
        }
        run.artefacts.calibrated = rounds.vae
        run.dropMemory()
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        let isOwn = id == .studentCalibration || run.artefacts.teacher == nil
        if isOwn, let calibrated = run.artefacts.calibrated {
            try root.group(name) { try calibrated.parameters.write(to: $0) }
        }
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        if root.has(name) {
            let vae = try run.finishedAutoencoder().copy()
            try vae.parameters.read(from: root.group(name))
            run.artefacts.calibrated = vae
        }
        let hasTaught = id == .calibration && root.has(Teacher.group)
        guard run.artefacts.calibrated != nil || hasTaught || !isOver else {
            throw Failure(.format, "checkpoint: finished, but without its result")
        }
    }
}

/// The rounds of one calibration: a fixed-point iteration in the log domain, bias += .8 log(target / mean).
private final class CalibrationRounds {
    /// Changed in place; its generated one-way marginals come to meet the released ones.
    let vae: VAE
    private(set) var left = 15
    private static let latentSeed: UInt64 = 0x6865_6164
    /// Generated rows that the means are taken over; fewer of a wide table.
    private static let rows = 8192
    /// No memory of a plan's: it takes less than the stages before it, which have given theirs back.
    private let shares: HeadShares
    private let aims: [[Double]]
    private var biases: [[Float]]

    /// - Parameter aims: for each head what the mean of its softmax is to be.
    init(_ generator: Generator, _ vae: VAE, aims: [[Double]], plan: Plan, threads: Int) throws {
        var own = generator
        own.autoencoder = vae
        (self.vae, self.aims) = (vae, aims)
        biases = aims.map { _ in [] }
        if var p = vae.parameters.pointer("head.bias") {
            for (t, own) in aims.enumerated() {
                biases[t] = Array(UnsafeBufferPointer(start: p, count: own.count))
                p += own.count
            }
        }
        shares = try HeadShares(Sampler(plan: plan, own), vae, seed: Self.latentSeed, atMost: Self.rows,
                                threads: threads)
    }

    /// The next portion of a round.
    func advance() throws {
        guard let mean = shares.advance() else { return }
        for (t, own) in aims.enumerated() {
            for b in own.indices {
                let move = 0.8 * log(max(own[b], 1e-5) / max(mean[t][b], 1e-6))
                biases[t][b] += Float(max(-2, min(2, move)))
            }
        }
        try vae.setHeadBiases(biases)
        left -= 1
    }
}
