// The autoencoder trained on rows of the relaxed table. No private row is read, so every step is free, may be done
// again, and gives the same bits for any number of threads: gradients are summed micro-batch by micro-batch in a fixed
// order.

import Basics
import Compute
import Networks
import Privacy
import Projection
import Storage

package struct ReleasedAutoencoder: Stage {
    package let id: StageID
    private static let posteriorPurpose: UInt32 = 0x706f7374
    /// - id: `.studentAutoencoder` where another network teaches this one.
    package init(_ id: StageID = .autoencoder) { self.id = id }

    package func steps(_ plan: Plan) -> Int {
        id == .autoencoder ? plan.settings.autoencoder.steps
            : plan.conditionals > 0 ? plan.settings.studentAutoencoder.steps : 0
    }
    package func cost(_ plan: Plan) -> StageCost {
        StageCost(id, steps: steps(plan), text: "\(steps(plan)) steps on "
            + (id == .autoencoder ? "rows drawn from the fitted table" : "fair rows"))
    }

    package func memory(_ plan: Plan, threads: Int) throws -> Int {
        guard steps(plan) > 0 else { return 0 }
        let plan = plan.student
        return plan.autoencoderMemory(threads: threads)
            + (plan.strength > 0 ? plan.independenceMemory(threads: threads) : 0)
    }

    package func prepare(_ run: StageRun) throws {
        // A student is made when its teacher is there.
        if id == .autoencoder { run.artefacts.autoencoder = try NetworkFit(run.newAutoencoder()) }
    }

    package func step(_ t: Int, _ run: StageRun) throws {
        guard let fit = run.artefacts.autoencoder else { throw StageRun.lost }
        let s = run.plan.settings.autoencoder, vae = fit.network, rows = try run.freeRows(), n = s.batch,
            L = vae.latentCount
        let seed = run.rowSeed, aligned = try Self.alignment(run, rows, vae)
        try aligned?.begin(step: t, vae)
        let b = try run.memory(of: id) {
            try ReleasedBatch(rows: n, columns: run.plan.modelled.count, normals: L, weights: vae.parameters.trainable,
                              scratches: (0..<run.threads).map { _ in try .autoencoder(VAEScratch(vae),
                                  aligned?.hooks(vae)) })
        }
        let warmUp = warmUpFactor(t, over: s.warmup)
        func gradient(_ chunk: Int, _ lo: Int, _ m: Int, _ scratch: VAEScratch, _ hooks: ActivationHooks?) {
            let options = VAE.GradientOptions(
                weights: aligned.map { UnsafePointer($0.weight.base + lo) },
                addedMeanGradient: aligned.map { UnsafePointer($0.termGradient.base + lo * L) },
                targets: CodeRows(bins: b.targets.base + lo, stride: n, count: m), hooks: hooks)
            vae.gradientSum(CodeRows(bins: b.codes.base + lo, stride: n, count: m), noise: b.normals.base + lo * L,
                            beta: Float(s.beta * warmUp), into: b.part(chunk), options: options, scratch) { first,
                                count in
                if let hooks { aligned?.addTermGradients(to: hooks, at: lo + first, count: count) }
            }
        }
        b.run(threads: run.threads) { chunk, lo, m, scratch in
            guard case .autoencoder(let scratch, let hooks) = scratch else { return }
            for i in lo..<lo + m {
                let k = UInt64(t) * UInt64(n) + UInt64(i)
                let g = rows.draw(seed: seed, row: k, group: aligned?.wanted(i), codes: b.codes.base + i,
                                  targets: b.targets.base + i, stride: n)
                var stream = CounterStream(seed: seed, row: k, purpose: Self.posteriorPurpose)
                stream.fillNormal(b.normals.base + i * L, L)
                if let aligned { (aligned.group[i], aligned.weight[i]) = (Int32(g), aligned.weight(of: g)) }
            }
            guard let aligned else { return gradient(chunk, lo, m, scratch, nil) }
            aligned.collect(vae, CodeRows(bins: b.codes.base + lo, stride: n, count: m), at: lo,
                            normals: b.normals.base + lo * L, hooks: hooks,
                            scratch)
        }
        // The terms couple the rows: they need the whole batch before any gradient.
        if let aligned {
            try aligned.computeTermGradients(step: t, normals: b.normals.base)
            b.run(threads: run.threads) { chunk, lo, m, scratch in
                if case .autoencoder(let scratch, let hooks) = scratch { gradient(chunk, lo, m, scratch, hooks) }
            }
        }
        fit.update(sum: b.sum(threads: run.threads), divisor: Double(n),
                   learningRate: warmUp * cosineRate(s.learningRate, step: t, of: s.steps),
                   decay: s.average)
    }

    /// Alignment of the groups on released rows; nil where networks see every column.
    private static func alignment(_ run: StageRun, _ rows: any FreeRows, _ vae: VAE) throws -> ReleasedAlignment? {
        if let made = run.artefacts.releasedAlignment { return made }
        guard let groups = rows.groupShares else { return nil }
        let made = try ReleasedAlignment(plan: run.plan, groups: groups, network: vae)
        run.artefacts.releasedAlignment = made
        return made
    }

    package func write(_ run: StageRun, to root: GroupWriter) throws {
        guard id == .autoencoder || run.artefacts.teacher != nil else { return }
        try run.artefacts.autoencoder?.write(to: root, id.name)
        try run.artefacts.releasedAlignment?.write(to: root)
    }

    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {
        guard id == .autoencoder || run.artefacts.teacher != nil, let fit = run.artefacts.autoencoder else { return }
        try fit.read(from: root, id.name)
        if root.has("independence") {
            try Self.alignment(run, run.freeRows(), fit.network)?.read(from: root, network: fit.network)
        }
    }

    package func write(_ generator: Generator, weights: GroupWriter) throws {
        try generator.write(autoencoder: weights)
    }

    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {
        try generator.read(autoencoder: weights, of: plan.student)
    }
}
