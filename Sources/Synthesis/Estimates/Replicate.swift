// A second release that might have been: rows drawn from the table that is fitted to what was released, counted, with
// noise as it was planned. The table fitted to that differs from the first as the first differs from the population, so
// rows of several such tables carry what sample and noise leave open (parametric bootstrap; Räisä et al. 2023,
// arXiv:2205.14485, for why rows of one table do not).

import Basics
import Compute
import Glibc
import Projection
import Tables

extension Model {
    private static let maxReplicates = 1 << 20
    /// Rows that a replicate counts at most: of larger tables it says a little more than sample and noise leave open.
    private static let maxRows = 1 << 22
    private enum Purpose { static let row: UInt32 = 0x7265706c, noise: UInt32 = 0x72706e6f, cells: UInt32 = 0x72706365 }

    /// Rows of replicate `r`, from 1 to `maxReplicates`.
    /// - Parameters: those of `sample(first:count:seed:)`.
    /// - Throws: what `replicate` throws; `.unsupported` for a rule that a row cannot keep.
    package func sample(replicate r: Int, count: Int, seed: UInt64? = nil, threads: Int = 0,
                        progress: (Int, Int) -> Bool = { _, _ in true }) throws -> Table {
        guard (1...Self.maxReplicates).contains(r) else {
            throw Failure(.argument, "replicate: must be from 1 to \(Self.maxReplicates)")
        }
        guard (1..<Table.maxRows).contains(count) else {
            throw Failure(.argument, "count: must be from 1 to \(Table.maxRows - 1)")
        }
        let seed = try seed ?? freshSeed(), workers = threads > 0 ? threads : Workers.available
        let sampler = try replicate(r, threads: workers, stop: { !progress(0, count) })
        // Rows of two replicates have nothing in common but what was released.
        return try sampler.table(seed: seed ^ (UInt64(r) &* 0x9E37_79B9_7F4A_7C15), first: 0, count: count,
                                 condition: nil, threads: workers, progress: progress)
    }

    /// The generator of replicate `r`, from 1: rows of a table that is fitted to a release drawn anew. A function of
    /// the model file and r.
    /// - Throws: `.unsupported` for a preset without released tables of columns taken together; `.cancelled`,
    ///   `.noMemory`.
    func replicate(_ r: Int, threads: Int, stop: () -> Bool) throws -> Sampler {
        guard let marginals else {
            throw Failure(.unsupported, "replicate: a model of the preset \(quoted(plan.preset)) released no tables of "
                + "columns taken together, so what noise leaves open cannot be drawn again")
        }
        let targets = try marginals.targets(plan: plan, statistics: statistics)
        let base = try fitted.get {
            try marginals.relaxedTable(targets, plan: plan, statistics: statistics, threads: threads, stop: stop)
        }
        let again = try drawnAgain(targets, base, r), other = try redrawnStatistics(r)
        // A fit stops where noise begins, and so loses some of what columns have to do with each other. From the first
        // table on the second fit does not lose it again.
        let table = try marginals.relaxedTable(again, from: base, plan: plan, statistics: statistics,
                                               threads: threads, stop: stop)
        let rows = try marginals.rows(of: table, plan: plan, statistics: statistics, threads: threads, stop: stop)
        return Sampler(plan: plan, statistics: other, source: .projection(rows))
    }

    /// Counts of rows drawn from `base`, with the noise of each target.
    private func drawnAgain(_ targets: [NoisyMarginal], _ base: RelaxedTable, _ r: Int) throws -> [NoisyMarginal] {
        let n = max(1, min(Int(statistics.rows.rounded()), Self.maxRows)), scale = statistics.rows / Double(n)
        var starts: [Int] = [], at = 0
        for K in base.levels { starts.append(at); at += K }
        let counts = try targets.map { try Buffer<Double>(count: $0.values.count, for: "a marginal") }
        var row = [Int](repeating: 0, count: base.levels.count)
        for i in 0..<n {
            var stream = CounterStream(seed: UInt64(r), row: UInt64(i), purpose: Purpose.row)
            let from = min(Int(stream.uniformDouble() * Double(base.rows)), base.rows - 1) * base.width
            for (t, K) in base.levels.enumerated() {
                var u = stream.uniform(), bin = 0
                let p = base.probabilities.base + from + starts[t]
                while bin < K - 1, u >= p[bin] { u -= p[bin]; bin += 1 }
                row[t] = bin
            }
            for (k, m) in targets.enumerated() {
                var cell = 0
                for j in m.columns { cell = cell * base.levels[j] + row[j] }
                counts[k][cell] += scale
            }
        }
        return zip(targets, counts).enumerated().map { k, pair in
            let (m, v) = pair
            var stream = CounterStream(seed: UInt64(r), row: UInt64(k), purpose: Purpose.noise)
            for i in stride(from: 0, to: v.count, by: 2) {
                let (a, b) = stream.normalPair()
                v[i] += m.standardDeviation * Double(a)
                if i + 1 < v.count { v[i + 1] += m.standardDeviation * Double(b) }
            }
            return NoisyMarginal(columns: m.columns, values: v, standardDeviation: m.standardDeviation)
        }
    }

    /// The released shares of cells inside each bin, from histograms drawn anew; the bins stay.
    private func redrawnStatistics(_ r: Int) throws -> Statistics {
        let noise = plan.countStandardDeviation, total = statistics.rows
        let encoders = try plan.grids.enumerated().map { j, grid -> ColumnEncoder in
            let old = statistics.encoders[j]
            guard grid.numerical, grid.count > old.bins else { return old }
            var stream = CounterStream(seed: UInt64(r), row: UInt64(j), purpose: Purpose.cells)
            var spare: Double?
            func normal() -> Double {
                if let x = spare { spare = nil; return x }
                let (a, b) = stream.normalPair()
                spare = Double(b)
                return Double(a)
            }
            // A count of a sample is about normal where it is large beside 1; where it is not, noise hides it.
            let rows = (0..<grid.count).map { c -> Double in
                let m = old.share[c] * total
                return max(0, m + m.squareRoot() * normal())
            }
            let counts = try grid.divisors.map { d -> Buffer<Double> in
                let h = try Buffer<Double>(count: grid.histogramSize(divisor: d), for: "a histogram")
                let head = h.count - (grid.count - grid.body)
                for c in 0..<grid.count { h[c < grid.body ? c / d : head + c - grid.body] += rows[c] }
                for i in 0..<h.count { h[i] += noise * normal() }
                return h
            }
            let masses = try cellMasses(grid: grid, counts: counts[...], standardDeviation: noise, total: total,
                                        support: plan.massSupport)
            for c in masses.indices { masses[c] /= total }
            return try ColumnEncoder(binOfCell: old.binOfCell, share: masses, bins: old.bins)
        }
        return statistics.with(encoders: encoders, plan: plan)
    }
}
