// A trained generator: plan, ledger, released statistics and weights. All of it is public under the guarantee; nothing in it
// depends on a row except through the ledger's releases. Files are in Model+File.swift.

import Basics
import Compute
import Networks
import Privacy
import Tables

package final class Model: Sendable {
    package let plan: Plan
    package let ledger: Ledger
    package let statistics: Statistics
    let autoencoder: VAE
    let denoiser: Denoiser?

    init(plan: Plan, ledger: Ledger, statistics: Statistics, autoencoder: VAE, denoiser: Denoiser?) {
        (self.plan, self.ledger, self.statistics, self.autoencoder, self.denoiser) = (plan, ledger, statistics, autoencoder, denoiser)
    }

    package var schema: Schema { plan.schema }

    /// Rows `first ..< first + count` of `seed`.
    /// - Parameters:
    ///   - seed: nil draws a fresh one from the operating system.
    ///   - threads: 0 for as many as the process may use.
    ///   - progress: (rows done, rows asked for); false cancels.
    /// - Throws: `.argument` for a negative range, `.noMemory`, `.cancelled`; never fewer rows than asked for.
    package func sample(first: Int = 0, count: Int, seed: UInt64? = nil, threads: Int = 0, progress: (Int, Int) -> Bool = { _, _ in true }) throws -> Table {
        guard first >= 0, count >= 1, count < Table.mostRows, first <= Int.max - count else { throw Failure(.argument, "first must not be negative, count from 1 to 536870911, and their sum not too large") }
        let seed = try seed ?? freshSeed()
        return try Sampler(plan: plan, statistics: statistics, autoencoder: autoencoder, denoiser: denoiser)
            .table(seed: seed, first: Int64(first), count: count, threads: threads > 0 ? threads : Workers.available, progress: progress)
    }

    /// Below 2⁶³, so that it can be shown and given back.
    private func freshSeed() throws -> UInt64 { try SecureRandom().next() >> 1 }

    /// Plan, released histograms and row count, and the numbers of weights: what a reader may know of the generator.
    package var json: JSON {
        let columns: [JSON] = zip(plan.schema.fields, zip(plan.grids, statistics.encoders)).map { field, pair in
            let (grid, encoder) = pair
            var members: [(String, JSON)] = [("name", .string(field.name)), ("cells", .int(Int64(grid.count))), ("bins", .int(Int64(encoder.bins))),
                                             ("bin_shares", .array(encoder.binShare.map { .number($0) }))]
            // Level shares of small columns: what generated rows can be compared with for free.
            if !grid.numerical || grid.count <= 256 { members.append(("cell_shares", .array(encoder.share.map { .number($0) }))) }
            return .members(members)
        }
        return .members([("plan", plan.json), ("released", .members([("rows", .number(statistics.rows)), ("count_noise_rows", .number(plan.countDeviation)), ("columns", .array(columns))])),
                         ("weights", .members([("autoencoder", .int(Int64(autoencoder.parameters.count))), ("diffusion", .int(Int64(denoiser?.parameters.count ?? 0)))]))])
    }
}
