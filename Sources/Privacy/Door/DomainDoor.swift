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

    private let columns: [Column]
    private let bins: [Buffer<Int64>?]
    private let texts: [TextCounts?]
    /// The row that each column was counted for last.
    private var counted: [Int]
    private var rows = 0
    private var isOver = false

    /// - Throws: `.argument`, `.noMemory`.
    package init(_ columns: [Column]) throws {
        guard !columns.isEmpty, columns.count <= 1 << 16 else {
            throw Failure(.argument, "domain: there must be a column")
        }
        self.columns = columns
        bins = try columns.map { column in
            guard case .bins(let n) = column else { return nil }
            guard (1...65_536).contains(n) else { throw Failure(.argument, "domain: a grid has 1 to 65536 cells") }
            return try Buffer(count: n, for: "a histogram")
        }
        let seed = try SecureRandom().next()
        texts = try columns.map { $0 == .levels ? try TextCounts(seed: seed) : nil }
        counted = columns.map { _ in -1 }
    }

    deinit { wipe() }

    /// Counts the present row in a cell of a grid. A second count of one row in one column, and a cell outside the
    /// grid, add nothing.
    package func add(bin: Int, column j: Int) {
        guard counted.indices.contains(j), counted[j] != rows, let b = bins[j], bin >= 0, bin < b.count else { return }
        counted[j] = rows
        b.base[bin] += 1
    }

    /// Counts the present row by the text it holds; longer ones than `longestText` count nowhere.
    /// - Throws: `.schema` when there are too many different ones; `.noMemory`.
    package func add(level: UnsafeBufferPointer<UInt8>, column j: Int) throws {
        guard counted.indices.contains(j), counted[j] != rows, let t = texts[j], level.count <= Self.longestText else {
            return
        }
        counted[j] = rows
        try t.add(level)
    }

    /// - Throws: `.schema` for too many rows.
    package func endRow() throws {
        guard rows < 1 << 29 else {
            throw Failure(.schema, "the table has too many rows: they must be fewer than 536870912")
        }
        rows += 1
    }

    /// Whether there was a row at all: a loader refuses a table without one.
    package var isEmpty: Bool { rows == 0 }

    /// The one release: charged, made durable, then drawn. The counts are gone afterwards, whatever happened.
    /// - Parameters:
    ///   - selection: δ_sel, shared equally by the columns of texts; above 0 where there is one.
    ///   - durable: called with the charged ledger before anything is drawn.
    /// - Throws: `.budget`, `.argument`, `.noMemory`, `.entropy`, what `durable` throws.
    package func release(name: String, ledger: inout Ledger, noiseMultiplier: Double, selection: Double,
        random: SecureRandom,
                         durable: (Ledger) throws -> Void) throws -> Released {
        guard !isOver else { throw Failure(.state, "domain: released before") }
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
        isOver = true
        defer { wipe() }
        if random.isDeterministic { ledger.assume(Ledger.notPrivate) }
        // All memory first: what cannot be had is not charged for.
        let noisy = try texts.map {
            try $0.map { try Buffer<Int64>(count: max($0.count, 1), for: "noisy counts of texts") }
        }
        defer { for case let b? in noisy { explicit_bzero(b.base, b.count * 8) } }
        try ledger.charge(.init(name: name,
            groups: [.init(group: ledger.groups[0], samplingRate: 1, noiseMultiplier: noiseMultiplier)],
            sensitivity: ledger.accountant == .renyi ? nil : square.squareRoot()))
        if textColumns > 0 { try ledger.charge(.init(name: "\(name), levels", selection: selection)) }
        try durable(ledger)
        try random.beginRelease()

        let total = Double(Int64(rows) + noise.sample(random.stream(.domain, 0)))
        var grids: [[Double]] = [], levels: [[(text: String, count: Double)]] = []
        for j in columns.indices {
            let stream = random.stream(.domain, j + 1)
            grids.append(bins[j].map { b in (0..<b.count).map { Double(b.base[$0] + noise.sample(stream)) } } ?? [])
            guard let t = texts[j], let own = noisy[j] else {
                levels.append([])
                continue
            }
            for i in 0..<t.count { own.base[i] = t.counts.base[i] + noise.sample(stream) }
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
        for case let b? in bins { explicit_bzero(b.base, b.count * 8) }
        for t in texts { t?.wipe() }
        rows = 0
    }
}

/// Different texts with their counts: a hash table with open addressing in memory that is checked and wiped.
private final class TextCounts {
    private struct Entry: BitwiseCopyable {
        var start = 0, length = 0
        var hash: UInt64 = 0
    }
    private(set) var count = 0
    private(set) var counts: Buffer<Int64>
    private var entries: Buffer<Entry>
    private var bytes: Buffer<UInt8>, used = 0
    /// Places in `entries`, from 1; 0 is free. A power of two, at most half full.
    private var table: Buffer<UInt32>
    /// Secret, so that nobody can choose texts that meet.
    private let seed: UInt64

    init(seed: UInt64) throws {
        self.seed = seed
        (counts, entries) = (try Buffer(count: 64, for: "texts"), try Buffer(count: 64, for: "texts"))
        (bytes, table) = (try Buffer(count: 1024, for: "texts"), try Buffer(count: 128, for: "texts"))
    }

    func add(_ text: UnsafeBufferPointer<UInt8>) throws {
        let h = hash(text)
        var i = Int(truncatingIfNeeded: h) & (table.count - 1)
        while table.base[i] != 0 {
            let e = Int(table.base[i]) - 1
            if entries.base[e].hash == h, entries.base[e].length == text.count, text.isEmpty
                || memcmp(bytes.base + entries.base[e].start, text.baseAddress!, text.count) == 0 {
                counts.base[e] += 1
                return
            }
            i = (i + 1) & (table.count - 1)
        }
        guard count < DomainDoor.maxTexts else { throw Failure(.schema,
            "a column has more than \(DomainDoor.maxTexts) different texts: it holds no levels; "
                + "leave it out") }
        if count == counts.count {
            counts = try Self.grown(counts, count)
            entries = try Self.grown(entries, count)
        }
        while used + text.count > bytes.count { bytes = try Self.grown(bytes, used) }
        if let p = text.baseAddress { memcpy(bytes.base + used, p, text.count) }
        entries.base[count] = Entry(start: used, length: text.count, hash: h)
        counts.base[count] = 1
        (used, count) = (used + text.count, count + 1)
        table.base[i] = UInt32(count)
        if 2 * count > table.count { try rehash() }
    }

    func text(_ i: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: bytes.base + entries.base[i].start, count: entries.base[i].length),
            as: UTF8.self)
    }

    func wipe() {
        explicit_bzero(counts.base, counts.count * 8)
        explicit_bzero(bytes.base, bytes.count)
        explicit_bzero(entries.base, entries.count * MemoryLayout<Entry>.stride)
        explicit_bzero(table.base, table.count * 4)
        (count, used) = (0, 0)
    }

    private static func grown<T>(_ old: Buffer<T>, _ kept: Int) throws -> Buffer<T> {
        let new = try Buffer<T>(count: 2 * old.count, for: "texts")
        new.base.update(from: old.base, count: kept)
        explicit_bzero(old.base, old.count * MemoryLayout<T>.stride)
        return new
    }

    private func rehash() throws {
        let new = try Buffer<UInt32>(count: 2 * table.count, for: "texts")
        for e in 0..<count {
            var i = Int(truncatingIfNeeded: entries.base[e].hash) & (new.count - 1)
            while new.base[i] != 0 { i = (i + 1) & (new.count - 1) }
            new.base[i] = UInt32(e + 1)
        }
        table = new
    }

    private func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var h = seed ^ UInt64(truncatingIfNeeded: text.count)
        for b in text {
            let m = (h ^ UInt64(b)).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
            h = m.high ^ m.low
        }
        return h
    }
}
