// A trained generator: plan, ledger, released statistics and weights. All of it is public under the guarantee; nothing
// in it depends on a row except through the ledger's releases. Files are in Model+File.swift.

import Basics
import Compute
import Privacy
import Tables

package final class Model: Sendable {
    package let plan: Plan
    package let ledger: Ledger
    let generator: Generator
    /// The table that replicates are drawn from, once one was asked for.
    let fitted = FittedTable()

    init(plan: Plan, ledger: Ledger, generator: Generator) {
        (self.plan, self.ledger, self.generator) = (plan, ledger, generator)
    }

    package var statistics: Statistics { generator.statistics }
    /// The released marginals; nil for a preset without.
    package var marginals: ReleasedMarginals? { generator.marginals }
    package var schema: Schema { plan.declared }

    /// What somebody who relies on the model should know, in words. Released values only.
    package var warnings: [String] { ownWarnings + plan.warnings(statistics.groupRows) }

    /// Those that are not of single groups.
    private var ownWarnings: [String] {
        statistics.warnings(plan) + (generator.disparity?.warnings(plan.settings.fairness.reduce) ?? [])
    }

    /// Rows `first ..< first + count` of `seed`.
    /// - Parameters:
    ///   - seed: nil draws a fresh one from the operating system.
    ///   - where: what every row must meet (`Condition`); nil: nothing.
    ///   - stage: whose rows; nil: the generator's.
    ///   - threads: 0 for as many as the process may use.
    ///   - progress: (rows done, rows asked for); false cancels.
    /// - Throws: `.argument` for a negative range, `.unsupported` for a condition that no row can meet and for a
    ///   rule that a row cannot keep, `.noMemory`, `.cancelled`; never fewer rows than asked for.
    package func sample(first: Int = 0, count: Int, seed: UInt64? = nil, where condition: Condition? = nil,
                        stage: IntermediateStage? = nil, threads: Int = 0, progress: (Int, Int)
                            -> Bool = { _, _ in true }) throws -> Table {
        guard first >= 0, count >= 1, count < Table.maxRows, first <= Int.max - count else {
            throw Failure(.argument,
                          "first must not be negative, count from 1 to 536870911, and their sum not too large")
        }
        let seed = try seed ?? freshSeed()
        return try sampler(of: stage, threads: threads > 0 ? threads : Workers.available)
            .table(seed: seed, first: Int64(first), count: count, condition: condition, threads: threads > 0 ? threads
                : Workers.available, progress: progress)
    }

    /// Rows as a stage leaves them, to see which one loses what. Released values only: as free as any.
    package enum IntermediateStage: String, CaseIterable, Sendable {
        /// Drawn from the relaxed table, which is fitted again for each call; fair rows where networks were taught.
        case projection
        /// Such rows through encoder and decoder.
        case autoencoder
        /// Decoded latents of the diffusion, or of the prior where there is none, without the tilt.
        case diffusion
    }

    private func sampler(of stage: IntermediateStage?, threads: Int) throws -> Sampler {
        guard let stage else { return Sampler(plan: plan, generator) }
        guard stage != .diffusion else {
            var bare = generator
            (bare.tilt, bare.rowTilt) = (nil, nil)
            try bare.barHeads(plan)
            return Sampler(plan: plan, bare)
        }
        let rows: any FreeRows, plain: RowSource
        if let marginals {
            let made = try marginals.projectedRows(plan: plan, statistics: statistics, threads: threads,
                                                   stop: { false })
            (rows, plain) = (made, .projection(made))
        } else if let teacher = generator.teacher {
            let made = try teacher.fairRows(plan, statistics, threads: threads, stop: { false }).rows
            (rows, plain) = (made, .drawn(made))
        } else {
            throw Failure(.argument,
                          "stage: a model of the preset \(plan.preset) has no \(stage.rawValue) on released rows")
        }
        switch (stage, generator.autoencoder) {
        case (.autoencoder, let vae?): return Sampler(plan: plan, statistics: statistics,
                                                      source: .reconstruction(rows, vae))
        default: return Sampler(plan: plan, statistics: statistics, source: plain)
        }
    }

    /// Below 2⁶³, so that it can be shown and given back.
    func freshSeed() throws -> UInt64 { try SecureRandom().next() >> 1 }

    /// Plan, released histograms and row count, and the numbers of weights: what a reader may know of the generator.
    package var json: JSON {
        let columns: [JSON] = zip(plan.schema.fields, zip(plan.grids, statistics.encoders)).map { field, pair in
            let (grid, encoder) = pair
            var members: [(String, JSON)] = [("name", .string(field.name)), ("cells", .int(Int64(grid.count))),
                                             ("bins", .int(Int64(encoder.bins))),
                                             ("bin_shares", .array(encoder.binShare.map { .number($0) }))]
            // Level shares of small columns: what generated rows can be compared with for free.
            if !grid.numerical || grid.count <= 256 {
                members.append(("cell_shares", .array(encoder.share.map { .number($0) })))
            }
            return .members(members)
        }
        var parts: [(String, JSON)] = []
        if let tilt = generator.tilt {
            parts.append(("rake", .members([("tables", .int(Int64(tilt.columns.count))),
                                            ("distance_in_noise", .number(tilt.distance))])))
        }
        if let tilt = generator.rowTilt {
            parts.append(("rake",
                          .members([("effective_sample_size", .number(tilt.effectiveShare)),
                                    ("acceptance_rate", .number(tilt.acceptanceRate)),
                                                ("distinct_rows", .number(tilt.distinctShare))])))
        }
        if let d = generator.disparity { parts.append((DisparityEstimate.group, d.json)) }
        let notes = ownWarnings
        if !notes.isEmpty { parts.append(("warnings", .array(notes.map { .string($0) }))) }
        if let groupsJSON { parts.append(("groups", groupsJSON)) }
        return .members(parts
            + [("plan", plan.json),
               ("released", .members([("rows", .number(statistics.rows)),
                                      ("count_noise_rows", .number(plan.countStandardDeviation)),
                                      ("columns", .array(columns))])),
                         ("weights", .members([("autoencoder",
                                                .int(Int64(generator.autoencoder?.parameters.count ?? 0))),
                                               ("diffusion", .int(Int64(generator.denoiser?.parameters.count
                                                   ?? 0)))]))])
    }
}

extension Model {
    /// The groups as they were trained, at released counts; nil without groups.
    var groupsJSON: JSON? {
        guard plan.grouping != nil, let batches = try? plan.batches(statistics.groupRows) else { return nil }
        return .members([("rows",
                          .members(plan.groups.indices.map { (plan.groups[$0], .number(statistics.groupCounts[$0])) })),
                         ("stages", .members(batches.map { ($0.stage.name, plan.groupsJSON($0)) })),
                             ("epsilon", plan.groupEpsilons(batches)),
                         ("warnings", .array(plan.warnings(statistics.groupRows).map { .string($0) }))])
    }
}
