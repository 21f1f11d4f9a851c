// Tables of rows that keep rules and meet requests: which way a condition is met, and the filling of the table.

import Basics
import Compute
import Tables

private let chunk = DrawSpace.chunk

extension Sampler {
    /// How rows of a condition are drawn under rules: made anew until they meet it where enough do, otherwise given it.
    func draw(given condition: Condition, _ keeper: RowKeeper, threads: Int) throws -> KeptDraw {
        let plain = Sampler(plan: plan, statistics: statistics, source: rows.source, tilt: rows.tilt),
            n = Self.tries
        let trial = try Table(schema: plan.declared, rows: n)
        try plain.fill(trial, seed: Self.triesSeed, first: 0, KeptDraw(keeper: keeper), threads: threads) { _, _ in
            true
        }
        let met = (0..<n).reduce(0) { sum, i in
            sum + (condition.tests.allSatisfy { $0.test.holds(trial.columns[$0.column].double(i)) } ? 1 : 0)
        }
        guard Double(met) < Self.leastShare * Double(n) else { return KeptDraw(keeper: keeper, common: condition) }
        return try request(condition, keeper, threads: threads)
    }

    /// Rows drawn given a condition.
    /// - Throws: `.unsupported` when no row can meet it, and for rows as a stage leaves them.
    func request(_ condition: Condition, _ keeper: RowKeeper, threads: Int) throws -> KeptDraw {
        let request = try RowRequest(condition, keeper)
        var kept = KeptDraw(keeper: keeper, request: { _ in request })
        switch rows.source {
        case .networks: kept.chain = try LatentChain(rows, keeper, request: request, threads: threads)
        case .histograms: break
        case .projection, .drawn, .reconstruction:
            throw Failure(.unsupported, "where: too few rows of this stage meet it")
        }
        return kept
    }

    /// Fills every row of `out`.
    /// - Parameter offset: place in `out` and number in the call of the first row. count: rows; nil: all of `out`.
    /// - Throws: `.unsupported` naming the rule or column that a row could not be made to keep; `.cancelled`.
    func fill(_ out: Table, seed: UInt64, first: Int64, _ kept: KeptDraw, offset: Int = 0, count given: Int? = nil,
              threads: Int, _ progress: (Int, Int) -> Bool) throws {
        let count = given ?? out.rows
        // Smaller chunks where rows take several rounds: the host's progress and cancel stay alive.
        let size = kept.chain == nil ? chunk : 64
        let chunks = (count + size - 1) / size, workers = max(1, min(threads, chunks))
        let spaces = try (0..<workers).map { _ in (try rows.space(), try rows.keptSpace(kept.keeper)) }
        let portion = workers * (size < chunk ? 2 : 8)
        let isPlain = kept.keeper.shape.isPlain
        var done = 0
        while done < chunks {
            let now = min(portion, chunks - done), start = done
            Workers.run(threads: workers, chunks: now) { k, worker in
                let (w, s) = spaces[worker], lo = (start + k) * size, n = min(size, count - lo)
                self.rows.draw(RowPlace(seed: seed, first: first + Int64(lo)), first: lo, count: n, kept, w, s)
                self.write(n, to: out, row: offset + lo, kept, number: lo, s, isPlain)
            }
            if let failure = spaces.compactMap(\.1.failure).min(by: { $0.row < $1.row }) {
                throw Failure(.unsupported, "sampling: \(kept.keeper.title(failure.breach)) was kept by none of 64 "
                    + "attempts at one row, each with up to 72 redraws of its columns"
                    + (kept.request == nil ? "" : "; the condition or the given cells may leave no such row"))
            }
            done += now
            guard progress(min(done * size, count), count) else { throw Failure(.cancelled, "sampling was cancelled") }
        }
        for j in out.columns.indices { try out.fill(j) { _ in } }   // every cell was written above
    }

    /// The `n` rows of a chunk as rows `row...` of the table. number: of the first of them in the call.
    private func write(_ n: Int, to out: Table, row: Int, _ kept: KeptDraw, number: Int, _ s: KeptSpace,
                       _ isPlain: Bool) {
        let shape = kept.keeper.shape, grids = plan.grids, draft = s.draft
        for (j, place) in shape.plain.enumerated() {
            guard let t = place else { continue }
            let column = out.columns[j], grid = grids[t], cells = s.cells.base + t * chunk,
                places = s.places.base + t * chunk
            for i in 0..<n { column.set(row: row + i, grid: grid, cell: Int(cells[i]), u: places[i]) }
        }
        if !isPlain {
            let computed = shape.plain.indices.filter { shape.plain[$0] == nil }
            for i in 0..<n {
                for t in grids.indices {
                    draft.set(t, bin: 0, cell: Int(s.cells.base[t * chunk + i]), place: s.places.base[t * chunk + i])
                }
                draft.declare()
                for j in computed { out.columns[j].put(row + i, value: draft.row[j]) }
            }
        }
        // A value that was asked for stands as it was given, to the last bit.
        guard let request = kept.request else { return }
        for i in 0..<n {
            for t in request(number + i)?.all ?? [] {
                if let v = t.test.single { out.columns[t.column].put(row + i, value: v) }
            }
        }
    }
}
