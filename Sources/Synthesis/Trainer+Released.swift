// The preset `best`: one release of marginals, then everything on rows drawn from a relaxed table that is fitted to them. Apart from
// the two releases at the top nothing here touches a private row, so every step is free, may be done again, and is the same whatever
// the number of threads: gradients are summed micro-batch by micro-batch in a fixed order.

import Basics
import Compute
import Glibc
import Networks
import Privacy
import Projection

extension Trainer {
    private enum Purpose { static let posterior: UInt32 = 0x706f7374, batch: UInt32 = 0x62617463, levels: UInt32 = 0x6c657665 }
    /// Public seeds: nothing private is drawn from them.
    private var rowSeed: UInt64 { plan.settings.seed ^ 0x726f7773 }

    // MARK: releases

    /// Bins of every column, by cell.
    private func codes(_ statistics: Statistics) -> [ColumnCodes] { statistics.encoders.map { ColumnCodes(map: $0.binOfCell, count: $0.bins) } }

    func selectPairs() throws {
        guard let statistics else { throw Self.lost }
        let oneWay = try statistics.encoders.map { e in
            let b = try Buffer<Double>(count: e.bins, for: "released shares")
            for (i, s) in e.binShare.enumerated() { b[i] = s * statistics.rows }
            return b
        }
        let all = plan.allPairs
        let chosen = try door.selectPairs(name: Plan.Stage.selection.name, candidates: all.map { ($0[0], $0[1]) }, codes: codes(statistics), oneWay: oneWay, total: statistics.rows,
                                          deviation: plan.marginalNoise * Double(plan.selectedPairs).squareRoot(), count: plan.selectedPairs, rho: plan.selectionRho, threads: threads)
        pairs = chosen.sorted().map { all[$0] }
    }

    func requests() throws -> [MarginalRequest] {
        guard let pairs = plan.selects ? pairs : plan.allPairs else { throw Self.lost }
        return plan.marginalRequests(pairs: pairs)
    }

    func releaseMarginals() throws {
        guard let statistics else { throw Self.lost }
        let requests = try self.requests()
        let values = try door.releaseMarginals(name: Plan.Stage.marginals.name, requests: requests, codes: codes(statistics), noiseMultiplier: plan.marginalNoise, threads: threads)
        marginals = try ReleasedMarginals(columns: requests.map(\.columns), values: values, levels: statistics.levels)
    }

    // MARK: released rows

    func noisyMarginals() throws -> [NoisyMarginal] {
        guard let marginals, let statistics else { throw Self.lost }
        return try marginals.targets(plan: plan, statistics: statistics)
    }

    func projectedRows() throws -> ProjectedRows {
        if let projected { return projected }
        guard let marginals, let statistics else { throw Self.lost }
        let rows = try marginals.projectedRows(plan: plan, statistics: statistics, threads: threads, stop: takeCancel)
        projected = rows
        return rows
    }

    // MARK: networks

    func fitAutoencoder(_ t: Int) throws {
        guard let fit = autoencoder else { throw Self.lost }
        let s = plan.settings.autoencoder, vae = fit.network, rows = try projectedRows(), n = s.batch, L = vae.latentCount
        let aligned = try releasedAlignment(rows, vae)
        try aligned?.begin(step: t, vae)
        let b = try releasedBatch(rows: n, columns: plan.modelled.count, normals: L, weights: vae.parameters.trainable) { try .autoencoder(VAEScratch(vae), aligned?.taps(vae)) }
        let warm = warmth(t, over: s.warmup)
        func gradient(_ chunk: Int, _ lo: Int, _ m: Int, _ scratch: VAEScratch, _ taps: VAETaps?) {
            vae.gradientSum(CodeRows(cells: b.codes.base + lo, stride: n, count: m), goals: CodeRows(cells: b.goals.base + lo, stride: n, count: m),
                            noise: b.normals.base + lo * L, weights: aligned.map { UnsafePointer($0.weight.base + lo) },
                            addedMeanGradient: aligned.map { UnsafePointer($0.push.base + lo * L) }, beta: Float(s.beta * warm), into: b.part(chunk), taps: taps, scratch) { first, count in
                if let taps { aligned?.add(to: taps, at: lo + first, count: count) }
            }
        }
        b.run(threads: threads) { chunk, lo, m, scratch in
            guard case .autoencoder(let scratch, let taps) = scratch else { return }
            for i in lo..<lo + m {
                let k = UInt64(t) * UInt64(n) + UInt64(i)
                let g = rows.draw(seed: self.rowSeed, row: k, group: aligned?.wanted(i), codes: b.codes.base + i, goals: b.goals.base + i, stride: n)
                var stream = CounterStream(seed: self.rowSeed, row: k, purpose: Purpose.posterior)
                stream.fillNormal(b.normals.base + i * L, L)
                if let aligned { (aligned.group[i], aligned.weight[i]) = (Int32(g), aligned.weight(of: g)) }
            }
            guard let aligned else { return gradient(chunk, lo, m, scratch, nil) }
            aligned.look(vae, CodeRows(cells: b.codes.base + lo, stride: n, count: m), at: lo, normals: b.normals.base + lo * L, taps: taps, scratch)
        }
        // The terms couple the rows: they need the whole batch before any gradient.
        if let aligned {
            try aligned.pull(step: t, normals: b.normals.base)
            b.run(threads: threads) { chunk, lo, m, scratch in if case .autoencoder(let scratch, let taps) = scratch { gradient(chunk, lo, m, scratch, taps) } }
        }
        fit.update(sum: b.sum(threads: threads), divisor: Double(n), rate: warm * cosineRate(s.rate, step: t, of: s.steps), average: s.average)
    }

    /// Alignment of the groups on released rows; nil where networks see every column.
    func releasedAlignment(_ rows: ProjectedRows, _ vae: VAE) throws -> ReleasedAlignment? {
        if let independence { return independence }
        guard let groups = rows.groups else { return nil }
        let made = try ReleasedAlignment(plan: plan, rows: rows, groups: groups, network: vae)
        independence = made
        return made
    }

    func fitDiffusion(_ t: Int) throws {
        let pool = try latents()
        guard let fit = diffusion else { throw Self.lost }
        let s = plan.settings.diffusion, denoiser = fit.network, n = s.batch, L = denoiser.shape.latent, K = s.noiseLevels
        let b = try releasedBatch(rows: n, columns: 0, normals: L + K * L + K, weights: denoiser.parameters.trainable) { try .denoiser(DenoiserScratch(denoiser)) }
        b.run(threads: threads) { chunk, lo, m, scratch in
            guard case .denoiser(let scratch) = scratch else { return }
            // One row's part of the batch: its latent, K noises, K levels.
            let z = b.normals.base + lo * L, eps = b.normals.base + n * L + lo * K * L, levels = b.normals.base + n * (L + K * L) + lo * K
            for i in 0..<m {
                let k = UInt64(t) * UInt64(n) + UInt64(lo + i)
                var stream = CounterStream(seed: self.rowSeed, row: k, purpose: Purpose.levels)
                (z + i * L).update(from: pool.row(stream.uniformDouble()), count: L)
                stream.fillNormal(eps + i * K * L, K * L)
                stream.fillNormal(levels + i * K, K)
            }
            denoiser.gradientSum(z, count: m, noise: eps, levels: levels, into: b.part(chunk), scratch)
        }
        let warm = warmth(t, over: s.warmup)
        fit.update(sum: b.sum(threads: threads), divisor: Double(n), rate: warm * cosineRate(s.rate, step: t, of: s.steps), average: s.average)
    }

    /// Encoded projected rows with one posterior draw each: what the diffusion learns.
    private func latents() throws -> LatentPool {
        if let latentPool { return latentPool }
        let vae = try finishedAutoencoder()
        let s = plan.settings.diffusion
        let wanted = s.steps.multipliedReportingOverflow(by: s.batch)
        let pool = try LatentPool(projectedRows(), vae, wanted: wanted.overflow ? .max : wanted.partialValue, seed: rowSeed &+ 1, threads: threads)
        latentPool = pool
        return pool
    }

    /// Mean and scale by which the diffusion's latents are put back; nil where it works on latents as they are.
    func latentScale() throws -> LatentScale? { plan.isBest && plan.settings.diffusion.enabled ? try latents().scale : nil }

    // MARK: rake

    /// Fits the tilt on generated rows: post-processing of the released marginals.
    func rake() throws {
        guard let statistics, let calibrated, let marginals else { throw Self.lost }
        let s = plan.settings.rake
        let sampler = try Sampler(plan: plan, statistics: statistics, autoencoder: calibrated, denoiser: diffusion?.averaged(), latents: latentScale(), tilt: nil)
        let pool = try sampler.codes(seed: 0x72616b65, count: s.pool, threads: threads, stop: takeCancel)
        var options = TiltOptions()
        (options.steps, options.rate, options.ridge, options.floor, options.cap, options.threads) = (plan.tiltSteps, s.rate, s.ridge, s.floor, s.cap, threads)
        tilt = try Tilt.fit(levels: statistics.levels, marginals: marginals.tiltGoals(plan: plan, statistics: statistics, rows: projectedRows), total: statistics.rows, pool: pool, rows: s.pool, options: options, stop: takeCancel)
    }

    private func releasedBatch(rows: Int, columns: Int, normals: Int, weights: Int, _ scratch: () throws -> ReleasedBatch.Scratch) throws -> ReleasedBatch {
        if let batch, batch.stage == place(of: done).stage { return batch }
        let made = try ReleasedBatch(stage: place(of: done).stage, rows: rows, columns: columns, normals: normals, weights: weights, scratches: (0..<threads).map { _ in try scratch() })
        batch = made
        return made
    }
}
