// Rows of networks that teach, of every group, and fair rows made of them.

import Basics
import Compute
import Projection

extension Teacher {
    static let rowCount = 1 << 16
    private static let seed: UInt64 = 0x74656163

    /// Generated rows by their groups, before any alignment.
    /// - Parameters:
    ///   - plan: with distillation, or one whose networks see every column.
    ///   - statistics: of any view.
    /// - Throws: `.cancelled` when `stop` answers true, `.noMemory`, `.unsupported` where rules cannot be kept.
    func rows(_ plan: Plan, _ statistics: Statistics, threads: Int, stop: () -> Bool) throws -> DrawnRows {
        let own = plan.teacher, n = Self.rowCount
        var g = Generator(statistics: statistics.seen(by: own))
        (g.autoencoder, g.denoiser) = (autoencoder, denoiser)
        try g.barHeads(own)
        let bins = try Sampler(plan: own, g).bins(seed: Self.seed, count: n, threads: threads, stop: stop)
        return try DrawnRows(of: bins, count: n, groups: plan.grouping, plan: plan)
    }

    /// Fair rows made of those.
    func fairRows(_ plan: Plan, _ statistics: Statistics, threads: Int, stop: () -> Bool) throws -> FairRows {
        let source = try rows(plan, statistics, threads: threads, stop: stop)
        return try FairFit(teaching: source, plan: plan, statistics: statistics, threads: threads)
            .fairRows(source, stop: stop)
    }
}
