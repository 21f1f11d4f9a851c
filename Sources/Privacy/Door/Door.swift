// The one door to private rows: every release of a training is charged and drawn here.
// Whoever wants to know whether the promise is kept reads this file, and then the three beside it that touch rows:
// PrivateTable.swift stores them, TableCounts.swift counts them, RowsElsewhere.swift holds sums over rows of other
// processes. The parts of the mechanisms that see no row are: who is drawn (PoissonBatch.swift), which tables
// (Marginals.swift, Selection.swift), noise (GaussianNoise.swift, DiscreteGaussian.swift), price (Ledger.swift).
//
//     let rows = try PrivateTable(rows: n, cellCounts: [5, 300], groups: ["all"])
//     try rows.fill(column: 0) { cells in … }                        // once for each column, then never seen again
//     let door = try Door(table: rows, budget: budget, ledger: Ledger(…), random: SecureRandom())
//     door.durable = { ledger in … write it to disk … }   // optional; after the charge, before anything is drawn
//     let (counts, groups) = try door.releaseHistograms(name: "histograms", requests: […], noiseMultiplier: 30)
//     let tables = try door.releaseMarginals(name: "pairs", requests: […], codes: […], noiseMultiplier: 30, threads: 2)
//     let pairs = try door.selectPairs(name: "pairs", candidates: […], …, count: 100, rho: 0.01, threads: 2)
//     let sum = try door.releaseSum(name: "autoencoder", length: P, rates: [q], clips: [C], noise: ν,
//                                   microBatch: 64, threads: 2) {
//         rows, worker, out in …  out.add(pointer to P floats)       // Σ clip(v_i) over rows 0 ..< rows.count
//     }                                                              // sum.base[0 ..< P]: noisy, public
//
// Every release is charged first, in `open`; a charge is never taken back, whatever happens afterwards. No error
// depends on a row.

import Basics
import Compute
import Glibc

/// The rows of one micro-batch, for the time of one call of a map; the pointers must not be kept.
package final class MicroBatch {
    /// Number of rows, from 1 to the size of a micro-batch.
    package fileprivate(set) var count = 0
    /// Cells of each column: columns[j][i] for row i in 0 ..< count.
    package let columns: [UnsafePointer<UInt16>]
    /// Group of each row: [count].
    package let groups: UnsafePointer<Int32>
    /// Secret randomness for these rows alone, independent of threads and of what other micro-batches draw.
    package fileprivate(set) var random: RandomStream
    private let cells: Buffer<UInt16>, places: Buffer<Int32>

    fileprivate init(columns m: Int, microBatch: Int, random: RandomStream) throws {
        let (size, overflow) = m.multipliedReportingOverflow(by: microBatch)
        guard !overflow else { throw Failure(.noMemory, "not enough memory for a micro-batch") }
        cells = try Buffer(count: size, for: "a micro-batch")
        places = try Buffer(count: microBatch, for: "a micro-batch")
        columns = (0..<m).map { [cells] j in UnsafePointer(cells.base + j * microBatch) }
        groups = UnsafePointer(places.base)
        self.random = random
    }

    fileprivate func gather(_ table: PrivateTable, _ rows: UnsafePointer<UInt32>, _ n: Int) {
        count = n
        for (column, to) in zip(table.columns, columns) {
            let to = UnsafeMutablePointer(mutating: to)
            switch column {
            case .narrow(let c): for i in 0..<n { to[i] = UInt16(c.base[Int(rows[i])]) }
            case .wide(let c): for i in 0..<n { to[i] = c.base[Int(rows[i])] }
            case nil: break
            }
        }
        for i in 0..<n { places.base[i] = table.groupOf.map { Int32($0.base[Int(rows[i])]) } ?? 0 }
    }

    fileprivate func wipe() {
        count = 0
        wiped(cells)
        wiped(places)
    }
    fileprivate var isClear: Bool { cells.allSatisfy { $0 == 0 } && places.allSatisfy { $0 == 0 } }
}

/// Where a map puts the sum of its rows' clipped vectors; only the noise step can look inside.
package final class ClippedSum {
    /// Numbers in each block.
    package let lengths: [Int]
    /// Numbers in the only, or first, block.
    package var length: Int { lengths[0] }
    fileprivate let total: Buffer<Int64>
    private let starts: [Int], scales: [Double], clips: [[Double]]
    private var bounds: [Double], isOpen: [Bool]

    fileprivate init(_ blocks: [SumBlock], _ formats: [FixedPoint]) throws {
        var starts: [Int] = [], all = 0
        for b in blocks { starts.append(all); all += b.length }
        (lengths, self.starts, scales, clips) = (blocks.map(\.length), starts, formats.map { 1 / $0.step },
            blocks.map(\.clips))
        (bounds, isOpen) = (blocks.map { _ in 0 }, blocks.map { _ in false })
        total = try Buffer(count: all, for: "a sum of gradients")
    }

    /// Opens a micro-batch: in every block its rows may add up to the sum of their clipping norms.
    fileprivate func open(_ rows: MicroBatch) {
        for k in clips.indices {
            bounds[k] = (0..<rows.count).reduce(0) { $0 + clips[k][Int(rows.groups[$1])] } * (1 + FixedPoint.headroom)
            isOpen[k] = true
        }
    }

    /// Adds Σ clip(v_i) of this micro-batch, once for each block. x: [lengths[block]].
    ///
    /// Each v_i must be at most C_g(i) long and not depend on the other rows: clearing a row that is not finite is the
    /// map's duty. As a last defence a sum that is not finite, or longer than its rows together can make it, and a
    /// second call, add nothing.
    package func add(_ x: UnsafePointer<Float>, block k: Int = 0) {
        guard isOpen.indices.contains(k), isOpen[k] else { return }
        isOpen[k] = false
        let n = lengths[k]
        var square = 0.0
        for i in 0..<n { square += Double(x[i]) * Double(x[i]) }
        guard square <= bounds[k] * bounds[k] else { return }
        // To the nearest whole number of steps: below 2⁵¹ by the bound, so adding 1.5 · 2⁵² leaves that number in the
        // low bits.
        let scale = scales[k], magic = 0x1.8p52, to = total.base + starts[k]
        for i in 0..<n { to[i] &+= Int64(bitPattern: (Double(x[i]) * scale + magic).bitPattern &- magic.bitPattern) }
    }

    fileprivate func take(_ other: ClippedSum) {
        for i in 0..<total.count { total.base[i] &+= other.total.base[i] }
    }

    fileprivate func wipe() {
        for k in isOpen.indices { isOpen[k] = false }
        wiped(total)
    }
    fileprivate var isClear: Bool { total.allSatisfy { $0 == 0 } }
}

/// The only mechanism that releases something of rows: of its own `PrivateTable`, or of sums that were added up where
/// the rows are (`RowsElsewhere`). From the true counts on both take the same path.
///
/// # Guarantee
/// Neighbours differ by one row added or removed. Given what was released before, each release is for a row of group g
/// a Poisson-sampled Gaussian sum with the rate and noise multiplier that stand in the ledger for g, or a choice that
/// is ρ-zCDP for every row with the ρ that stands there; and it is there before anything is drawn. Proofs are in
/// docs/PRIVACY.md; falsifiers are DoorTests, NeighbourTests, MarginalTests, SelectionTests, ChargeTests.
package final class Door {
    package private(set) var ledger: Ledger
    /// Called with the charged ledger before every draw. When it throws, nothing is drawn and the charge stays.
    package var durable: ((Ledger) throws -> Void)?
    private let table: PrivateTable
    /// Set when the rows are in other processes; `table` is then an empty one, for its public sizes.
    private let elsewhere: RowsElsewhere?
    private let random: SecureRandom
    private let selected: Buffer<UInt32>
    private let cancelFlag = CancelFlag()
    private var kept: Memory?
    /// For tests alone, and out of reach of every other module: noise times this, at the charge of 1. A falsifier that
    /// does not notice is none.
    var noiseScale = 1.0

    /// - Throws: `.state` when the table is not filled or another door has it; `.argument` when the ledger is of other
    ///   groups or another budget.
    package convenience init(table: PrivateTable, budget: Budget, ledger: Ledger, random: SecureRandom) throws {
        try self.init(table, elsewhere: nil, budget, ledger, random)
    }

    /// A door whose rows are in other processes: each release needs an answer (`ask`, `accept`).
    /// - Parameters:
    ///   - cellCounts: cells of each column.
    ///   - columns: their names.
    package convenience init(elsewhere cellCounts: [Int], columns: [String], budget: Budget, ledger: Ledger,
                             random: SecureRandom) throws {
        let none = try PrivateTable(rows: 0, cellCounts: cellCounts, groups: ledger.groups)
        for j in cellCounts.indices { try none.fill(column: j) { _ in } }
        try none.fillGroups { _ in }
        try self.init(none, elsewhere: RowsElsewhere(columns: columns), budget, ledger, random)
    }

    private init(_ table: PrivateTable, elsewhere: RowsElsewhere?, _ budget: Budget, _ ledger: Ledger,
                 _ random: SecureRandom) throws {
        guard !table.isTaken, table.columns.allSatisfy({ $0 != nil }), table.groups.count == 1
            || table.groupOf != nil else {
            throw Failure(.state, "door: the table must be filled, and goes to one door")
        }
        guard ledger.budget == budget else { throw Failure(.argument, "door: the ledger is of another budget") }
        guard ledger.groups == table.groups else { throw Failure(.argument, "door: the ledger is of other groups") }
        selected = try Buffer(count: table.rows, for: "a batch")
        (self.table, self.elsewhere, self.ledger, self.random) = (table, elsewhere, ledger, random)
        if random.isDeterministic { self.ledger.assume(Ledger.notPrivate) }
        table.isTaken = true
    }

    /// From any thread: the running release ends with `.cancelled` and stays charged, or the next one does before it is
    /// charged.
    package func cancel() { cancelFlag.set() }

    /// For tests alone: as if nobody were in the table. Whatever still depends on the rows got them past this door.
    func forgetRows() {
        table.rows = 0
        elsewhere?.forgets = true
    }

    /// For tests alone: whether the batch that was drawn, gathered cells and raw sums are gone.
    var isWiped: Bool { selected.allSatisfy { $0 == 0 } && kept?.isClear ?? true }

    /// Charge, make durable, take fresh randomness; in this order, before a row is read.
    private func open(_ name: String, rates: [Double], noiseMultipliers: [Double]) throws {
        try open(Ledger.Release(name: name, groups: zip(ledger.groups, zip(rates, noiseMultipliers)).map {
            Ledger.Share(group: $0, samplingRate: $1.0, noiseMultiplier: $1.1)
        }))
    }

    /// Discrete noise on whole numbers of all rows, which a row moves by `sensitivity` steps: exact prices have to know
    /// it.
    private func open(_ name: String, noiseMultiplier: Double, sensitivity: Double) throws {
        let shares = ledger.groups.map { Ledger.Share(group: $0, samplingRate: 1, noiseMultiplier: noiseMultiplier) }
        try open(Ledger.Release(name: name, groups: shares,
                                sensitivity: ledger.accountant == .renyi ? nil : sensitivity))
    }

    private func open(_ release: Ledger.Release) throws {
        if cancelFlag.take() { throw Failure(.cancelled, "cancelled before the release; nothing was charged") }
        try ledger.charge(release)
        try durable?(ledger)
        try random.beginRelease()
    }

    // MARK: rows elsewhere

    /// Asks for the sums that the next release needs, and voids an ask that is open.
    /// - Parameter parts: into how many parts the rows are dealt, 1 … 2²⁰.
    /// - Throws: `.state` for a door that has its rows; `.argument`; `.entropy`.
    package func ask(_ request: CountRequest, parts: Int) throws -> AskTag {
        guard let elsewhere else { throw Self.hasItsRows }
        return try elsewhere.ask(request, parts: parts)
    }

    /// Checks the sums that the open ask was answered with; nothing is charged or released by that. The next release
    /// takes them. What does not pass leaves the ask open.
    /// - Parameter strict: whether cells that break the schema are refused.
    /// - Throws: see `RowsElsewhere.accept`.
    package func accept(_ sums: Sums, strict: Bool) throws {
        guard let elsewhere else { throw Self.hasItsRows }
        try elsewhere.accept(sums, strict: strict)
    }

    /// Wipes the sums that were accepted, whether a release took them or not.
    package func dismissAnswer() { elsewhere?.dismiss() }

    private static let hasItsRows = Failure(.state, "this training has its rows here: it asks for no sums")

    /// The true counts of a release, from the door's own rows or from the answer.
    /// - Throws: `.state` where the rows are elsewhere and nobody was asked for these counts.
    private func counts(_ request: CountRequest, _ layout: MarginalLayout?) throws -> TrueCounts {
        if let elsewhere { return .sums(try elsewhere.answer(to: request)) }
        return .table(table, try layout.map { try TableCounts(table, $0, request.codes, cancelFlag) })
    }

    // MARK: histograms

    /// Noisy histograms of all requests and of the groups, as one release at rate 1.
    ///
    /// A row adds its weight to one cell of each histogram and `groupWeight` to its group's count, so C = (Σ w²)^½ for
    /// every row, and each cell gets discrete Gaussian noise of standard deviation noiseMultiplier · C.
    /// - Returns: counts in rows (noisy cell / weight), one list for each request, and the groups' counts; any may be
    ///   negative. The standard deviation of a count is noiseMultiplier · C / weight.
    /// - Throws: `.argument`, `.budget`, `.noMemory`, `.entropy`; what `durable` throws.
    package func releaseHistograms(name: String, requests: [HistogramRequest], noiseMultiplier: Double,
                                   groupWeight: Int = 1) throws -> (counts: [Buffer<Double>], groups: [Double]) {
        let weights = requests.map(\.weight) + [groupWeight]
        guard weights.allSatisfy({ (1...1 << 20).contains($0) }), requests.count < 1 << 20 else {
            throw Failure(.argument, "histograms: a weight is out of range")
        }
        for r in requests {
            guard table.cellCounts.indices.contains(r.column), r.divisor >= 1, r.body >= 0,
                r.body <= table.cellCounts[r.column] else {
                throw Failure(.argument, "histograms: a request does not fit its column")
            }
        }
        let square = weights.reduce(0.0) { $0 + Double($1) * Double($1) }
        let noise = try DiscreteGaussian(variance: noiseMultiplier * noiseMultiplier * square * noiseScale * noiseScale)
        // All memory first: what cannot be had is not charged for.
        let sizes = requests.map { ($0.body + $0.divisor - 1) / $0.divisor + table.cellCounts[$0.column] - $0.body }
        let out = try sizes.map { try Buffer<Double>(count: $0, for: "a histogram") }
        let sums = try Buffer<Int64>(count: max(sizes.max() ?? 0, ledger.groups.count), for: "a histogram")
        let request = try CountRequest(histograms: requests, cellCounts: table.cellCounts,
                                       groups: ledger.groups.count)
        let layout = try request.layout(threads: 1), counts = try counts(request, layout)
        defer {
            wiped(sums)
            counts.wipe()
        }
        try open(name, noiseMultiplier: noiseMultiplier, sensitivity: square.squareRoot())
        func noisy(_ n: Int, _ place: Int, _ weight: Int, _ write: (Int, Double) -> Void) {
            let stream = random.stream(.histogram, place)
            for i in 0..<n { write(i, Double(sums.base[i] + noise.sample(stream)) / Double(weight)) }
        }
        for tile in layout?.tiles ?? [] {
            guard let layout else { break }
            let base = try counts.count(layout, tile)
            for t in tile {
                let column = request.tables[t][0]
                for (k, r) in requests.enumerated() where r.column == column {
                    merge(base + layout.tables[t].start, r, cells: table.cellCounts[column], size: sizes[k],
                          into: sums.base)
                    noisy(sizes[k], k, r.weight) { out[k].base[$0] = $1 }
                }
            }
        }
        counts.groups(ledger.groups.count, into: sums.base)
        for g in ledger.groups.indices { sums.base[g] *= Int64(groupWeight) }
        var groups = [Double](repeating: 0, count: ledger.groups.count)
        noisy(groups.count, requests.count, groupWeight) { groups[$0] = $1 }
        return (out, groups)
    }

    /// One level of a column's tree from the counts of its cells. sums: [size], overwritten. Whole numbers throughout:
    /// 2⁴⁰ rows of weight 2²⁰ fit.
    private func merge(_ counts: CellCounts, _ r: HistogramRequest, cells: Int, size: Int,
                       into sums: UnsafeMutablePointer<Int64>) {
        let merged = (r.body + r.divisor - 1) / r.divisor, weight = Int64(r.weight)
        for i in 0..<size { sums[i] = 0 }
        for c in 0..<cells { sums[c < r.body ? c / r.divisor : merged + c - r.body] += counts[c] * weight }
    }

    // MARK: marginals

    /// Noisy tables of all requests as one release at rate 1.
    ///
    /// A row adds its weight to one cell of each table, so C = (Σ w²)^½ for every row, and each cell gets discrete
    /// Gaussian noise of standard deviation noiseMultiplier · C, from streams of its own: threads change nothing in the
    /// result.
    /// - Parameters:
    ///   - codes: for every column of the table, used or not, what its cells count as; public.
    ///   - threads: 1 … 1024.
    /// - Returns: tables in rows (noisy cell / weight), one for each request, row-major in the order of its columns;
    ///   any cell may be negative. The standard deviation of a cell is noiseMultiplier · C / weight.
    /// - Throws: `.argument`, `.budget`, `.noMemory`, `.entropy`, `.cancelled`; what `durable` throws. From `durable`
    ///   on, charged.
    package func releaseMarginals(name: String, requests: [MarginalRequest], codes: [ColumnCodes],
        noiseMultiplier: Double,
                                  threads: Int) throws -> [Buffer<Double>] {
        let layout = try MarginalLayout(requests.map(\.columns), codes, threads: threads)
        guard requests.allSatisfy({ (1...1 << 20).contains($0.weight) }) else {
            throw Failure(.argument, "marginals: a weight is out of range")
        }
        // Below 2⁶⁰, summed exactly.
        let square = Double(requests.reduce(0) { $0 + $1.weight * $1.weight })
        let noise = try DiscreteGaussian(variance: noiseMultiplier * noiseMultiplier * square * noiseScale * noiseScale)
        // All memory first: what cannot be had is not charged for.
        let out = try layout.tables.map { try Buffer<Double>(count: $0.cells, for: "a marginal") }
        let counts = try counts(CountRequest(tables: requests.map(\.columns), codes: codes), layout)
        defer { counts.wipe() }
        try open(name, noiseMultiplier: noiseMultiplier, sensitivity: square.squareRoot())
        for tile in layout.tiles {
            let base = try counts.count(layout, tile), chunks = layout.chunks(tile)
            try TableCounts.forEach(chunks.count, layout, cancelFlag) { [random] place in
                let chunk = chunks.lowerBound + place, k = layout.table(tile, chunk: chunk), t = layout.tables[k]
                let stream = random.stream(.marginal, chunk), weight = Int64(requests[k].weight)
                let from = base + t.start, to = out[k].base
                let first = (chunk - t.firstChunk) * noiseChunk
                for i in first..<min(first + noiseChunk, t.cells) {
                    to[i] = Double(from[i] * weight + noise.sample(stream)) / Double(weight)
                }
            }
        }
        return out
    }

    // MARK: selection

    /// The `count` pairs of columns that look least independent, chosen privately: k draws of the exponential
    /// mechanism.
    ///
    /// The score of a pair is the L1 distance in rows between its true table and the product of the released one-way
    /// tables, minus what noise of `standardDeviation` would add to it (`PairReference`: it moves by at most 1 with one
    /// row). The draws are together `rho`-zCDP (`PeeledSelection`) and one entry of the ledger. Only the choice is
    /// released.
    /// - Parameters:
    ///   - candidates: pairs of different columns; public.
    ///   - codes: for every column of the table, used or not, what its cells count as; public.
    ///   - oneWay: for every column [codes[j].count] released numbers in rows; empty where no candidate names it.
    ///   - total: released row count.
    ///   - standardDeviation: of the noise in rows that a cell of a chosen pair will get, ≥ 0; public.
    ///   - count: k, 1 … candidates.count.
    ///   - memory: bytes of true tables that may be live at once; what does not fit together takes several passes over
    ///     the rows.
    /// - Returns: [count] places in `candidates`, in the order drawn.
    /// - Throws: `.argument`, `.budget`, `.noMemory`, `.entropy`, `.cancelled`; what `durable` throws. From `durable`
    ///   on, charged.
    package func selectPairs(name: String, candidates: [(Int, Int)], codes: [ColumnCodes], oneWay: [Buffer<Double>],
        total: Double, standardDeviation: Double,
                             count k: Int, rho: Double, memory: Int = 64 << 20, threads: Int) throws -> [Int] {
        let layout = try MarginalLayout(candidates.map { [$0.0, $0.1] }, codes, threads: threads, memory: memory,
            exactly: true)
        guard (1...candidates.count).contains(k) else {
            throw Failure(.argument, "selection: there are not that many candidates")
        }
        guard oneWay.count == codes.count, layout.columns.allSatisfy({ oneWay[$0].count == codes[$0].count }),
            total.isFinite, standardDeviation >= 0, standardDeviation.isFinite else {
            throw Failure(.argument, "selection: released tables do not fit the columns")
        }
        let selection = try PeeledSelection(rho: rho, count: k)
        let shares = try layout.columns.map { try PairReference.shares(oneWay[$0]) }
        let counts = try counts(CountRequest(tables: candidates.map { [$0.0, $0.1] }, codes: codes), layout)
        let scores = try Buffer<Int64>(count: candidates.count, for: "scores"),
            left = try Buffer<UInt32>(count: candidates.count, for: "scores")
        defer {
            counts.wipe()
            wiped(scores)
        }
        try open(Ledger.Release(name: name, rho: rho))
        for tile in layout.tiles {
            let base = try counts.count(layout, tile)
            try TableCounts.forEach(tile.count, layout, cancelFlag) { place in
                let p = tile.lowerBound + place, t = layout.tables[p]
                scores.base[p] = PairReference(shares[t.places[0]], shares[t.places[1]], total: total,
                    standardDeviation: standardDeviation).score(base + t.start)
            }
        }
        var chosen: [Int] = []
        for p in candidates.indices { left.base[p] = UInt32(truncatingIfNeeded: p) }
        for round in 0..<k {
            let n = candidates.count - round
            guard let i = selection.draw(scores.base, among: left.base, n, random.stream(.selection, round),
                isCancelled: cancelFlag.take) else {
                throw TableCounts.stopped
            }
            chosen.append(Int(left.base[i]))
            left.base[i] = left.base[n - 1]
        }
        return chosen
    }

    // MARK: sums of clipped vectors

    /// One block; see `releaseSums`.
    package func releaseSum(name: String, length: Int, rates: [Double], clips: [Double], noise: Double,
                            expectedRows: Double = 0, microBatch: Int, threads: Int,
                            map: (MicroBatch, _ worker: Int, ClippedSum) throws -> Void) throws -> Buffer<Float> {
        try releaseSums(name: name, blocks: [SumBlock(length: length, clips: clips, noise: noise)], rates: rates,
                        expectedRows: expectedRows, microBatch: microBatch, threads: threads, map: map)[0]
    }

    /// Σ over a fresh Poisson batch of the clipped vectors that `map` computes, with Gaussian noise: one entry of the
    /// ledger whatever the number of blocks.
    ///
    /// - Parameters:
    ///   - rates: probability of being drawn for a row of each group, [0, 1]; public.
    ///   - expectedRows: of a batch, from released counts or declared ones; public. Rounding grows with it, and the
    ///     noise's headroom as well.
    ///   - microBatch: rows of one call of `map`, 1 … 4096. It changes rounding only, within the noise's headroom.
    ///   - threads: workers, at least 1; changes nothing in the result.
    ///   - map: called on the workers' threads, with rows 0 ..< rows.count and the worker's number in 0 ..< threads; no
    ///     call for an empty batch. What it throws must not depend on a row.
    /// - Returns: for each block [length] numbers, multiples of a public step.
    /// - Throws: `.argument`, `.budget`, `.noMemory`, `.entropy`, `.cancelled`; what `map` and `durable` throw. From
    ///   `durable` on, charged.
    package func releaseSums(name: String, blocks: [SumBlock], rates: [Double], expectedRows: Double = 0,
        microBatch: Int, threads: Int,
                             map: (MicroBatch, _ worker: Int, ClippedSum) throws -> Void) throws -> [Buffer<Float>] {
        guard elsewhere == nil else {
            throw Failure(.unsupported, "release: sums of clipped vectors need the rows in this process")
        }
        guard !blocks.isEmpty, rates.count == ledger.groups.count,
            blocks.allSatisfy({ $0.clips.count == rates.count }) else {
            throw Failure(.argument, "release: rates and clipping norms must be given for every group")
        }
        guard (1...FixedPoint.maxMicroBatch).contains(microBatch), (1...1024).contains(threads) else {
            throw Failure(.argument, "release: micro-batch or threads out of range")
        }
        let formats = try blocks.map { try FixedPoint($0, expectedRows: expectedRows, microBatch: microBatch) }
        try open(name, rates: rates, noiseMultipliers: jointNoiseMultipliers(blocks, groups: rates.count))

        let out = try blocks.map { try Buffer<Float>(count: $0.length, for: "a released sum") }
        let drawn = drawPoissonBatch(rows: table.rows, groups: table.groupOf.map { UnsafePointer($0.base) },
            thresholds: rates.map(BernoulliThreshold.init),
                                     random: random.stream(.batch, 0), ties: random.stream(.batchTies, 0),
                                         into: selected.base)
        defer { explicit_bzero(selected.base, drawn * MemoryLayout<UInt32>.stride) }
        try withoutActuallyEscaping(map) { map in
            let memory = try self.memory(blocks, formats, microBatch: microBatch, threads: threads)
            defer { memory.wipe() }
            let pass = Pass(table, random, drawn: UnsafeBufferPointer(start: selected.base, count: drawn), memory, map)
            Workers.run(threads: threads) { [cancelFlag] in pass.sum(worker: $0, cancelFlag) }
            if let error = pass.queue.failure { throw error }
            pass.join()
            var start = 0, stream = 0
            for ((block, format), out) in zip(zip(blocks, formats), out) {
                let task = NoiseTask(sum: pass.total + start, count: block.length, format: format.scaled(noiseScale),
                    random: random, firstStream: stream, out: out.base)
                Workers.run(threads: threads, chunks: task.chunks) { chunk, _ in task.run(chunk) }
                start += block.length
                stream += task.chunks
            }
        }
        return out
    }

    /// The workers' memory, kept from step to step while its sizes stay the same.
    private func memory(_ blocks: [SumBlock], _ formats: [FixedPoint], microBatch: Int, threads: Int) throws -> Memory {
        if let kept, kept.blocks == blocks, kept.microBatch == microBatch, kept.sums.count == threads { return kept }
        kept = nil
        let made = try Memory(table, random, blocks, formats, microBatch: microBatch, threads: threads)
        kept = made
        return made
    }
}

/// What workers need for one kind of release.
private final class Memory {
    let blocks: [SumBlock], microBatch: Int
    let rows: [MicroBatch], sums: [ClippedSum]

    init(_ table: PrivateTable, _ random: SecureRandom, _ blocks: [SumBlock], _ formats: [FixedPoint], microBatch: Int,
        threads: Int) throws {
        (self.blocks, self.microBatch) = (blocks, microBatch)
        rows = try (0..<threads).map { _ in
            try MicroBatch(columns: table.columns.count, microBatch: microBatch, random: random.stream(.rows, 0))
        }
        sums = try (0..<threads).map { _ in try ClippedSum(blocks, formats) }
    }

    /// No raw sum and no gathered cell outlives its release.
    func wipe() {
        for s in sums { s.wipe() }
        for r in rows { r.wipe() }
    }
    var isClear: Bool { sums.allSatisfy(\.isClear) && rows.allSatisfy(\.isClear) }
}

/// One batch on its way through the map: workers take micro-batches from a queue, and each sums into memory of its own.
private final class Pass: @unchecked Sendable {
    typealias Map = (MicroBatch, _ worker: Int, ClippedSum) throws -> Void
    let queue: WorkQueue
    private let table: PrivateTable, random: SecureRandom, drawn: UnsafeBufferPointer<UInt32>, memory: Memory, map: Map

    init(_ table: PrivateTable, _ random: SecureRandom, drawn: UnsafeBufferPointer<UInt32>, _ memory: Memory,
        _ map: @escaping Map) {
        (self.table, self.random, self.drawn, self.memory, self.map) = (table, random, drawn, memory, map)
        queue = WorkQueue((drawn.count + memory.microBatch - 1) / memory.microBatch)
    }

    func sum(worker: Int, _ cancelFlag: CancelFlag) {
        guard let all = drawn.baseAddress else { return }
        while let place = queue.take() {
            if cancelFlag.take() {
                return queue.stop(Failure(.cancelled, "the release was cancelled; it stays charged"))
            }
            let first = place * memory.microBatch, rows = memory.rows[worker], sum = memory.sums[worker]
            rows.random = random.stream(.rows, place)
            rows.gather(table, all + first, min(memory.microBatch, drawn.count - first))
            sum.open(rows)
            do { try map(rows, worker, sum) } catch { return queue.stop(error) }
        }
    }

    /// Whole numbers: the order of workers changes nothing.
    func join() { for other in memory.sums.dropFirst() { memory.sums[0].take(other) } }
    var total: UnsafePointer<Int64> { UnsafePointer(memory.sums[0].total.base) }
}
