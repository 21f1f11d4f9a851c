// The door for columns whose domain is private: counts cells and texts as they are read, releases noisy counts.
// Rows are counted as they are read, by the cells of a public grid or by the texts they hold, and what leaves is one
// noisy release. Beside Door.swift this is the only file that holds something of private rows. Nothing of it can be
// printed or read before `release`, which charges first, as the door does.
//
//     let door = try DomainDoor([.bins(127), .levels])
//     while … { door.add(bin: 17, column: 0); try door.add(level: text, column: 1); try door.endRow() }
//     let found = try door.release(name: "domain", ledger: &ledger, noiseMultiplier: 20, selection: 1e-7,
//                                  random: SecureRandom()) { … to the disk … }

import Basics
import Glibc

/// # Guarantee
/// A row adds 1 to at most one cell of each column and to the row count, C = (columns + 1)^½, and every number that
/// leaves has discrete Gaussian noise of standard deviation noiseMultiplier · C. Grids and the row count are a Gaussian
/// release. Of texts only those that somebody holds get noise, and only those above a whole threshold leave: that is
/// the same Gaussian release, up to the probability `selection` that a text shows which one row (or one person of k
/// rows) alone holds. Proof in docs/PRIVACY.md; falsifiers: DomainDoorTests.
package final class DomainDoor {
    package enum Column: Sendable, Equatable {
        /// A public grid of so many cells.
        case bins(Int)
        /// Texts.
        case levels
    }

    package struct Released: Sendable {
        /// Noisy row count.
        package let rows: Double
        /// Noisy counts of each grid, empty for a column of texts.
        package let bins: [[Double]]
        /// Texts above the threshold with their noisy counts, the most frequent first; empty for a grid.
        package let levels: [[(text: String, count: Double)]]
        /// Standard deviation of the noise, in rows, and the threshold of texts.
        package let standardDeviation: Double, threshold: Int
    }

    /// Texts longer than this, in bytes, are no levels.
    package static let longestText = 200
    /// Columns of more different texts than this hold no levels.
    package static let maxTexts = 1 << 22

    private let request: CountRequest
    /// The rows of this process, or the door's side of those in others.
    private let own: Sums?, elsewhere: RowsElsewhere?
    private var isOver = false

    /// A door for rows that are read in this process: `add` them.
    /// - Throws: `.argument`, `.noMemory`, `.entropy`.
    package init(_ columns: [Column]) throws {
        request = try Self.request(columns)
        let own = try Sums(request, AskTag(id: .zero, digestKey: .zero, checkKey: .zero, parts: 1), columns: 0)
        try own.beginPart(0)
        (self.own, elsewhere) = (own, nil)
    }

    /// A door for rows in other processes: `ask` for their sums and `accept` them.
    /// - Parameters:
    ///   - rows: names of the rows' columns. open: names of `columns`.
    /// - Throws: `.argument`, `.entropy`.
    package init(_ columns: [Column], elsewhere rows: [String], open: [String]) throws {
        request = try Self.request(columns)
        (own, elsewhere) = (nil, try RowsElsewhere(columns: rows, open: open))
    }

    deinit { wipe() }

    private static func request(_ columns: [Column]) throws -> CountRequest {
        guard !columns.isEmpty, columns.count <= 1 << 16 else {
            throw Failure(.argument, "domain: there must be a column")
        }
        return try CountRequest(domain: columns)
    }

    // MARK: rows of this process

    /// Counts the present row in a cell of a grid. A second count of one row in one column, and a cell outside the
    /// grid, add nothing.
    package func add(bin: Int, column j: Int) { own?.add(bin: bin, column: j) }

    /// Counts the present row by the text it holds; longer ones than `longestText` count nowhere.
    /// - Throws: `.schema` when there are too many different ones; `.noMemory`.
    package func add(level: UnsafeBufferPointer<UInt8>, column j: Int) throws {
        try own?.add(level: level, column: j)
        if own?.isOverfull(j) == true { throw Failure(.schema, "a column has \(Self.tooMany)") }
    }

    /// - Throws: `.schema` for too many rows.
    package func endRow() throws { try own?.endRow() }

    /// Whether there was a row at all: a loader refuses a table without one.
    package var isEmpty: Bool { own?.rows == 0 }

    /// What is said of a column of too many texts.
    static var tooMany: String { "more than \(maxTexts) different texts: it holds no levels; leave it out" }

    // MARK: rows of other processes

    /// A new ask for the sums that the release needs, or only for rows and their digest; one that was open is void.
    /// - Throws: `.argument`, `.entropy`; `.state` for rows of this process, and after the release.
    package func ask(rollCall: Bool, parts: Int) throws -> (tag: AskTag, request: CountRequest) {
        guard let elsewhere, !isOver else { throw Failure(.state, "domain: nothing is to be asked") }
        let wanted = rollCall ? try CountRequest(domain: []) : request
        return (try elsewhere.ask(wanted, parts: parts), wanted)
    }

    /// Takes sums of all parts for the release, or refuses them; nothing is charged by that.
    /// - Parameter strict: whether cells that break the schema are refused.
    /// - Throws: as `Door.accept`; `.schema` also for a column of too many texts.
    package func accept(_ sums: Sums, strict: Bool) throws {
        guard let elsewhere else { throw Failure(.state, "domain: nothing was asked") }
        try elsewhere.accept(sums, strict: strict)
    }

    /// Wipes what was accepted and is not wanted any more.
    package func dismissAnswer() { elsewhere?.dismiss() }

    /// For tests: as if nobody were in the parts, once they were checked.
    func forgetRows() { elsewhere?.forgets = true }

    // MARK: the release

    /// The one release: charged, made durable, then drawn. The counts are gone afterwards, whatever happened.
    /// - Parameters:
    ///   - selection: δ_sel, shared equally by the columns of texts; above 0 where there is one.
    ///   - durable: called with the charged ledger before anything is drawn.
    /// - Throws: `.budget`, `.argument`, `.noMemory`, `.entropy`, what `durable` throws.
    package func release(name: String, ledger: inout Ledger, noiseMultiplier: Double, selection: Double,
        random: SecureRandom,
                         durable: (Ledger) throws -> Void) throws -> Released {
        guard !isOver else { throw Failure(.state, "domain: released before") }
        let columns = request.domain
        let textColumns = columns.filter { $0 == .levels }.count, square = Double(columns.count + 1)
        guard ledger.groups.count == 1 else { throw Failure(.argument, "domain: its ledger has one group") }
        let standardDeviation = noiseMultiplier * square.squareRoot(),
            noise = try DiscreteGaussian(variance: noiseMultiplier * noiseMultiplier * square * (1 + 0x1p-50))
        var threshold = 0
        if textColumns > 0 {
            guard selection > 0, selection < 1 else { throw Failure(.argument, "domain: texts need a part of delta") }
            threshold = Self.threshold(standardDeviation: standardDeviation, delta: selection / Double(textColumns),
                rows: ledger.budget.multiplicity)
        }
        let counts = try own ?? elsewhere?.answer(to: request)
        guard let counts else { throw Failure(.internal, "domain: no rows") }
        isOver = true
        defer { wipe() }
        if random.isDeterministic { ledger.assume(Ledger.notPrivate) }
        // All memory first: what cannot be had is not charged for.
        let noisy = try counts.texts.map {
            try $0.map { try Buffer<Int64>(count: max($0.count, 1), for: "noisy counts of texts") }
        }
        // Noise in the order of the texts' bytes: the same whatever order they were met in.
        let orders = try counts.texts.map { try $0?.sorted() }
        defer { for case let b? in noisy { explicit_bzero(b.base, b.count * 8) } }
        try ledger.charge(.init(name: name,
            groups: [.init(group: ledger.groups[0], samplingRate: 1, noiseMultiplier: noiseMultiplier)],
            sensitivity: ledger.accountant == .renyi ? nil : square.squareRoot()))
        if textColumns > 0 { try ledger.charge(.init(name: "\(name), levels", selection: selection)) }
        try durable(ledger)
        try random.beginRelease()

        let total = Double(Int64(bitPattern: counts.rows) + noise.sample(random.stream(.domain, 0)))
        var grids: [[Double]] = [], levels: [[(text: String, count: Double)]] = []
        for j in columns.indices {
            let stream = random.stream(.domain, j + 1)
            grids.append(counts.grid(j).map { Double($0 + noise.sample(stream)) })
            guard let t = counts.texts[j], let own = noisy[j], let order = orders[j] else {
                levels.append([])
                continue
            }
            for i in order { own.base[Int(i)] = t.counts.base[Int(i)] + noise.sample(stream) }
            levels.append(Self.above(Int64(threshold), own, t))
        }
        return Released(rows: total, bins: grids, levels: levels, standardDeviation: standardDeviation,
            threshold: threshold)
    }

    /// The least whole τ such that a text shows with probability at most `delta` which one unit alone holds, a row or a
    /// person of k rows, when those are shown whose noisy count is above τ: k Φ(−(τ − k)/ν) ≤ δ.
    package static func threshold(standardDeviation: Double, delta: Double, rows k: Int) -> Int {
        func risk(_ t: Int) -> Double {
            Double(k) * 0.5 * erfc(Double(t - k) / (standardDeviation * 2.0.squareRoot())) * (1 + 1e-9)
        }
        var low = k, high = k + 1
        while risk(high) > delta, high < 1 << 50 { high = k + 2 * (high - k) }
        while high - low > 1 {
            let mid = low + (high - low) / 2
            if risk(mid) > delta { low = mid } else { high = mid }
        }
        return high
    }

    /// Texts whose noisy count is above the threshold. Where they are more than a schema holds the threshold is raised:
    /// it looks at nothing else.
    private static func above(_ threshold: Int64, _ noisy: Buffer<Int64>, _ t: TextCounts)
        -> [(text: String, count: Double)] {
        func shown(_ limit: Int64) -> Int { (0..<t.count).reduce(0) { $0 + (noisy.base[$1] > limit ? 1 : 0) } }
        var limit = threshold
        if shown(limit) > maxShown {
            var high = Int64(1) << 40
            while high - limit > 1 {
                let mid = limit + (high - limit) / 2
                if shown(mid) > maxShown { limit = mid } else { high = mid }
            }
            limit = high
        }
        let list = (0..<t.count).filter { noisy.base[$0] > limit }.map {
            (text: t.text($0), count: Double(noisy.base[$0]))
        }
        // Ties by bytes: two texts that are the same to a reader would otherwise stand in the order of their rows.
        return list.sorted {
            $0.count != $1.count ? $0.count > $1.count : $0.text.utf8.lexicographicallyPrecedes($1.text.utf8)
        }
    }

    /// A schema has room for 65 534 levels, one of which is for all others.
    private static let maxShown = 65_533

    private func wipe() {
        own?.wipe()
        elsewhere?.dismiss()
    }
}
