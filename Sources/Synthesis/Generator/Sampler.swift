// From a trained model to rows, in chunks on several threads. Everything here is post-processing of released values:
// any number of rows is free.
//
// A row is drawn again, from the streams of its next attempt, until the host's condition accepts it (and, in models
// made before heads were tilted, the tilt of whole rows). Rows stay independent draws; none is ever repeated to fill a
// quota. How one attempt is made is in RowAttempts.swift.

import Basics
import Compute
import Glibc
import Projection
import Tables

private let chunk = DrawSpace.chunk

struct Sampler: Sendable {
    let plan: Plan
    let statistics: Statistics
    let rows: RowAttempts

    init(plan: Plan, statistics: Statistics, source: RowSource, tilt: HeadTilt? = nil, rowTilt: RowTilt? = nil) {
        let plan = plan.student
        (self.plan, self.statistics) = (plan, statistics)
        rows = RowAttempts(plan: plan, statistics: statistics, source: source, tilt: tilt, rowTilt: rowTilt)
    }

    /// From the finished generator, or from its histograms where it has no networks.
    init(plan: Plan, _ g: Generator) {
        let source = g.autoencoder.map { RowSource.networks($0, g.denoiser, g.latents) } ?? .histograms
        self.init(plan: plan, statistics: g.statistics, source: source, tilt: g.barred ?? g.tilt, rowTilt: g.rowTilt)
    }

    /// Rows `first ..< first + count` of `seed` as a table of the declared schema.
    /// - Throws: `.noMemory`; `.cancelled` when `progress` answers false; `.unsupported` when a row cannot keep a rule
    ///   or meet the condition. Exactly `count` rows otherwise.
    func table(seed: UInt64, first: Int64, count: Int, condition: Condition? = nil, threads: Int, progress: (Int, Int)
        -> Bool) throws -> Table {
        // First: a count that memory can hold is one that can be counted with.
        let out = try Table(schema: plan.declared, rows: count)
        guard plan.declared.rules.isEmpty else {
            let keeper = try RowKeeper(plan: plan, statistics: statistics, tilt: rows.tilt)
            guard let condition else {
                try fill(out, seed: seed, first: first, KeptDraw(keeper: keeper), threads: threads, progress)
                return out
            }
            let kept = try draw(given: condition, keeper, threads: threads)
            try fill(out, seed: seed, first: first, kept, threads: threads, progress)
            return out
        }
        let test = try condition.map { try ConditionTest($0, grids: plan.grids, encoders: statistics.encoders, out) }
        let share = try test.map { try self.share(of: $0, threads: threads) } ?? 1
        if share < Self.leastShare, let condition {
            let keeper = try RowKeeper(plan: plan, statistics: statistics, tilt: rows.tilt)
            let kept = try request(condition, keeper, threads: threads)
            try fill(out, seed: seed, first: first, kept, threads: threads, progress)
            return out
        }
        // Rarer rows take more attempts each: smaller chunks keep the host's progress and cancel alive.
        let size = test == nil ? chunk : max(1, min(chunk, Int(4096 * share)))
        let columns = plan.grids.count, chunks = (count + size - 1) / size
        let workers = max(1, min(threads, chunks))
        let spaces = try (0..<workers).map { _ in try rows.space() }
        // In portions, so that the host's callback runs on the calling thread.
        let portion = max(workers * (size < chunk ? 1 : 8), 1)
        var done = 0
        while done < chunks {
            let now = min(portion, chunks - done), start = done
            Workers.run(threads: workers, chunks: now) { k, worker in
                let w = spaces[worker]
                let lo = (start + k) * size, n = min(size, count - lo),
                    at = RowPlace(seed: seed, first: first + Int64(lo))
                self.rows.draw(at, count: n, test, w)
                self.write(n, at, w, to: out, from: lo)
            }
            done += now
            guard progress(min(done * size, count), count) else { throw Failure(.cancelled, "sampling was cancelled") }
        }
        for t in 0..<columns { try out.fill(t) { _ in } }   // every cell was written above
        return out
    }

    /// Writes the values of `n` drawn rows, from row `lo` of the table on. Column by column: what a column is stays at
    /// hand, and threads do not count references to it in turns.
    private func write(_ n: Int, _ at: RowPlace, _ w: DrawSpace, to out: Table, from lo: Int) {
        let streams = w.streams.base
        for i in 0..<n { streams[i] = rows.cellStream(at + Int32(i), attempt: w.attempts[i]) }
        for t in plan.grids.indices {
            let grid = plan.grids[t], encoder = statistics.encoders[t], column = out.columns[t]
            let bins = w.bins.base + t * chunk
            for i in 0..<n {
                let u = streams[i].uniformDouble(), v = streams[i].uniformDouble()
                column.set(row: lo + i, grid: grid, cell: encoder.cell(bin: Int(bins[i]), u: u), u: v)
            }
        }
    }

    /// Bins of rows 0 ..< count of `seed`, column by column: [columns][count].
    func bins(seed: UInt64, count: Int, threads: Int, stop: () -> Bool) throws -> Buffer<UInt16> {
        let pool = try BinPool(self, seed: seed, count: count, threads: threads)
        while !pool.isFull {
            if stop() { throw StageRun.cancelled }
            pool.advance()
        }
        return pool.bins
    }

    /// Generated rows on which a condition's share is estimated, and the least share of a condition whose rows are made
    /// anew until they meet it: those of a rarer one are drawn given the condition.
    static let tries = 1 << 11, leastShare = 1.0 / 32

    /// Share of generated rows that meet the condition, estimated on rows of a fixed public seed (without a tilt of
    /// whole rows).
    func share(of test: ConditionTest, threads: Int) throws -> Double {
        let plain = Sampler(plan: plan, statistics: statistics, source: rows.source, tilt: rows.tilt),
            m = plan.grids.count, n = Self.tries, one = try Buffer<UInt16>(count: m, for: "codes")
        let bins = try plain.bins(seed: Self.triesSeed, count: n, threads: threads, stop: { false })
        var met = 0
        for i in 0..<n {
            for t in 0..<m { one[t] = bins[t * n + i] }
            guard test.isPossible(one) else { continue }
            var stream = plain.rows.cellStream(RowPlace(seed: Self.triesSeed, row: UInt64(i)), attempt: 0)
            if test.holds(one, &stream) { met += 1 }
        }
        return Double(met) / Double(n)
    }
    static let triesSeed: UInt64 = 0x77686572
}

/// Generated rows as bins, made in portions.
final class BinPool {
    /// [columns][count].
    let bins: Buffer<UInt16>
    private let sampler: Sampler, seed: UInt64, count: Int, threads: Int
    private let spaces: [DrawSpace], kept: KeptDraw?, keptSpaces: [KeptSpace]
    private var done = 0
    private var chunks: Int { (count + chunk - 1) / chunk }
    var isFull: Bool { done >= chunks }

    init(_ sampler: Sampler, seed: UInt64, count: Int, threads: Int) throws {
        (self.sampler, self.seed, self.count, self.threads) = (sampler, seed, count, threads)
        bins = try Buffer(count: sampler.plan.grids.count * count, for: "generated rows")
        let spaces = try (0..<max(1, min(threads, (count + chunk - 1) / chunk))).map { _ in try sampler.rows.space() }
        kept = sampler.plan.declared.rules.isEmpty ? nil
            : KeptDraw(keeper: try RowKeeper(plan: sampler.plan, statistics: sampler.statistics,
                                               tilt: sampler.rows.tilt))
        keptSpaces = try kept.map { k in try spaces.map { _ in try sampler.rows.keptSpace(k.keeper) } } ?? []
        self.spaces = spaces
    }

    /// The next portion: two chunks a worker.
    func advance() {
        let columns = sampler.plan.grids.count, workers = spaces.count, start = done,
            now = min(workers * 2, chunks - done)
        Workers.run(threads: workers, chunks: now) { k, worker in
            let w = self.spaces[worker], lo = (start + k) * chunk, n = min(chunk, self.count - lo)
            let at = RowPlace(seed: self.seed, first: Int64(lo))
            if let kept = self.kept {
                self.sampler.rows.draw(at, first: lo, count: n, kept, w, self.keptSpaces[worker])
            } else {
                self.sampler.rows.draw(at, count: n, nil, w)
            }
            for t in 0..<columns {
                (self.bins.base + t * self.count + lo).update(from: w.bins.base + t * chunk, count: n)
            }
        }
        done += now
    }
}

extension Column {
    /// Writes the value that `cell` stands for; `u` chooses inside a cell of several values.
    func set(row: Int, grid: ColumnGrid, cell: Int, u: Double) {
        if cell == grid.missingCell { put(row, -1) }
        else if let reason = grid.reason(cell: cell) { put(row, MissingReason.offset(reason)) }
        else if case .interval = grid.axis { put(row, number: grid.value(cell: cell, u: u)) }
        else { put(row, grid.offset(cell: cell, u: u)) }
    }
}
