// Sums over rows of some parts, for one ask: one flat vector of 64-bit words that add modulo 2⁶⁴, bookkeeping included.
// Whatever adds vectors adds sums. Only this module can look at the words; a host sees them as bytes that are as secret
// as the rows.

import Basics
import Glibc

/// What an ask and its answers are known by.
package struct AskTag: Sendable, Equatable {
    /// Random. Sums name the ask that they are for.
    package let id: SIMD2<UInt64>
    /// For workers only: keys of the digest of rows and of the check of exported bytes.
    package let digestKey: SIMD2<UInt64>, checkKey: SIMD2<UInt64>
    /// Parts that the rows are dealt into, numbered from 0.
    package let parts: Int

    package static let maxParts = 1 << 20

    package init(id: SIMD2<UInt64>, digestKey: SIMD2<UInt64>, checkKey: SIMD2<UInt64>, parts: Int) {
        (self.id, self.digestKey, self.checkKey, self.parts) = (id, digestKey, checkKey, parts)
    }
}

/// Where what lies among the words; public, and part of the contract with hosts (docs/CLUSTER.md).
///
///     slices × parts    how often each part is in each slice
///     1                 rows
///     2                 the keyed digest of the rows
///     columns           cells that broke the schema, by column
///     groups            rows of each group
///     cells             the tables' counts, in the order of the ask
package struct SumsLayout: Sendable {
    package let parts: Int, columns: Int, groups: Int, cells: Int
    /// Pieces that hosts may send alone, so that no message is large; each has the parts in it counted on its own.
    package let slices: Int
    static let sliceWords = 2 << 20

    package init(parts: Int, columns: Int, groups: Int, cells: Int) {
        (self.parts, self.columns, self.groups, self.cells) = (parts, columns, groups, cells)
        slices = max(1, (3 + columns + groups + cells + Self.sliceWords - 1) / Self.sliceWords)
    }

    var rows: Int { slices * parts }
    var digest: Int { rows + 1 }
    var problems: Int { rows + 3 }
    var groupCounts: Int { problems + columns }
    var tables: Int { groupCounts + groups }
    package var words: Int { tables + cells }

    /// Which words slice k of n holds, n being 1 or `slices`: counts of the parts, then the rest.
    func ranges(_ k: Int, of n: Int) -> [Range<Int>] {
        guard n > 1 else { return [0..<words] }
        let rest = words - rows
        return [k * parts ..< (k + 1) * parts, rows + k * rest / n ..< rows + (k + 1) * rest / n]
    }
}

/// # Guarantee
/// One row moves the words of each table by 1 in one cell (a grid's by 1 in at most one, the counts of a column of
/// texts by 1 for at most one text), its group's word by 1, the row count by 1, and no word of
/// another part, wherever it was dealt. Words are wiped when they were answered or refused for good and when their
/// owner is gone. Falsifiers: SumsTests.
package final class Sums {
    package let tag: AskTag
    package let request: CountRequest
    package let layout: SumsLayout
    let words: Buffer<UInt64>
    /// Texts of the columns whose domain is asked for; nil for a grid.
    let texts: [TextCounts?]
    /// Where each grid begins among the words; where it would for texts.
    let gridStarts: [Int]
    /// The row of these sums that each of those columns was counted for last.
    var countedRows: [UInt64]
    /// Texts of the present row, for its digest.
    var rowBytes: Buffer<UInt8>, rowUsed = 0
    private let marginals: MarginalLayout?
    private var counts: TableCounts?
    private var added = Set<Int>()
    /// The part that is being added; a part that fails leaves the sums broken.
    var openPart: Int?
    /// Whether texts of other sums were added by half.
    var isTorn = false
    private var isOver = false

    /// Sums of nothing.
    /// - Parameter columns: of the rows.
    /// - Throws: `.argument`, `.noMemory`.
    package init(_ request: CountRequest, _ tag: AskTag, columns: Int) throws {
        guard (1...AskTag.maxParts).contains(tag.parts) else {
            throw Failure(.argument, "parts: there must be 1 to \(AskTag.maxParts)")
        }
        marginals = try request.layout(threads: 1)
        layout = SumsLayout(parts: tag.parts, columns: columns, groups: request.groups,
                            cells: marginals?.cells ?? request.gridCells)
        words = try Buffer(count: layout.words, for: "sums of rows")
        let seed = request.domain.contains(.levels) ? try SecureRandom().next() : 0
        texts = try request.domain.map { $0 == .levels ? try TextCounts(seed: seed) : nil }
        countedRows = request.domain.map { _ in 0 }
        var start = layout.tables
        gridStarts = request.domain.map { column in
            defer { if case .bins(let n) = column { start += n } }
            return start
        }
        rowBytes = try Buffer(count: request.domain.isEmpty ? 64 : 4096, for: "a digest of rows")
        (self.tag, self.request) = (tag, request)
    }

    deinit { wipe() }

    // MARK: adding rows, where they are

    /// Begins a part; `add` its rows, then `endPart`.
    /// - Throws: `.argument` for a number out of range; `.state` for a part that is in already, and after a failure.
    package func beginPart(_ part: Int) throws {
        try requireUsable()
        guard (0..<layout.parts).contains(part) else {
            throw Failure(.argument, "part: must be from 0 to \(layout.parts - 1), as the ask says")
        }
        guard openPart == nil, added.insert(part).inserted else { throw Failure(.state, "this part was added before") }
        openPart = part
    }

    /// Adds rows of the open part. It counts them in tiles and adds the counts.
    /// - Parameter problems: cells of each column that broke the schema and were replaced.
    /// - Throws: `.argument`, `.noMemory`.
    package func add(_ rows: PrivateTable, problems: [Int]) throws {
        guard openPart != nil, rows.columns.count == layout.columns, problems.count == layout.columns,
            request.groups == 0 || rows.groups.count == request.groups else {
            throw Failure(.argument, "sums: these rows are not of the ask's table")
        }
        let w = words.base
        w[layout.rows] &+= UInt64(rows.rows)
        let digest = try rows.digest(tag.digestKey)
        w[layout.digest] &+= digest[0]
        w[layout.digest + 1] &+= digest[1]
        for (j, n) in problems.enumerated() { w[layout.problems + j] &+= UInt64(max(n, 0)) }
        if request.groups > 0 {
            let own = try Buffer<Int64>(count: request.groups, for: "sums of rows")
            rows.countGroups(request.groups, into: own.base)
            for g in 0..<request.groups { w[layout.groupCounts + g] &+= UInt64(own[g]) }
            wiped(own)
        }
        guard let marginals else { return }
        let counter = try counts ?? TableCounts(rows, marginals, request.codes, CancelFlag())
        counter.table = rows
        counts = counter
        for tile in marginals.tiles {
            try counter.count(tile)
            let to = w + layout.tables + marginals.firstCell(tile), from = counter.base
            let n = tile.reduce(0) { $0 + marginals.tables[$1].cells }
            for c in 0..<n { to[c] &+= UInt64(from[c]) }
        }
    }

    /// Only now the part counts as being in.
    package func endPart() {
        guard let part = openPart else { return }
        for k in 0..<layout.slices { words.base[k * layout.parts + part] &+= 1 }
        openPart = nil
    }

    private func requireUsable() throws {
        guard !isOver, openPart == nil, !isTorn else {
            throw Failure(.state, isOver ? "these sums were answered with, and are wiped"
                : "a part could not be added as a whole: these sums are of no use")
        }
    }

    // MARK: bytes

    private static let magic: UInt64 = 0x314d_5553_5049_4c46   // "FLIPSUM1"
    private static let headerBytes = 40, checkBytes = 16

    private func count(_ k: Int, of n: Int) -> Int { layout.ranges(k, of: n).reduce(0) { $0 + $1.count } }

    /// Bytes of slice k of n: of the ask alone, whatever the rows are, but for texts, which are all in the first.
    /// - Throws: `.argument` when n is neither 1 nor the ask's number of slices; `.state`.
    package func exportSize(_ k: Int, of n: Int) throws -> Int {
        try requireUsable()
        guard n == 1 || n == layout.slices, (0..<n).contains(k) else {
            throw Failure(.argument, "slices: must be 1 or \(layout.slices), as the ask says, and slice below it")
        }
        return Self.headerBytes + 8 * count(k, of: n) + (k == 0 ? textBytes : 0) + Self.checkBytes
    }

    /// Writes slice k of n. out: [exportSize].
    package func export(_ k: Int, of n: Int, to out: UnsafeMutableRawPointer) {
        let count = count(k, of: n)
        for (i, v) in [Self.magic, tag.id[0], tag.id[1], UInt64(k) << 32 | UInt64(n), UInt64(count)].enumerated() {
            out.storeBytes(of: v.littleEndian, toByteOffset: 8 * i, as: UInt64.self)
        }
        var at = Self.headerBytes
        for range in layout.ranges(k, of: n) {
            for i in range {
                out.storeBytes(of: words.base[i].littleEndian, toByteOffset: at, as: UInt64.self)
                at += 8
            }
        }
        if k == 0 { at = writeTexts(to: out, at) }
        let check = sipHash(tag.checkKey, out, at)
        out.storeBytes(of: check[0].littleEndian, toByteOffset: at, as: UInt64.self)
        out.storeBytes(of: check[1].littleEndian, toByteOffset: at + 8, as: UInt64.self)
    }

    /// Adds exported sums of the same ask. That a part is in both is seen when the ask is answered.
    /// - Throws: `.format` for damaged bytes; `.argument` for sums of another ask; `.state`.
    package func merge(_ bytes: UnsafeRawBufferPointer) throws {
        try requireUsable()
        func word(_ at: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        }
        let damaged = Failure(.format, "these bytes are no sums, or are damaged")
        guard let base = bytes.baseAddress, bytes.count >= Self.headerBytes + Self.checkBytes,
            word(0) == Self.magic else { throw damaged }
        guard SIMD2(word(8), word(16)) == tag.id else { throw Failure(.argument, "these are sums of another ask") }
        let k = Int(word(24) >> 32), n = Int(word(24) & 0xffff_ffff), end = bytes.count - Self.checkBytes
        guard n == 1 || n == layout.slices, k < n, word(32) == UInt64(count(k, of: n)),
            bytes.count >= Self.headerBytes + 8 * count(k, of: n) + Self.checkBytes,
            sipHash(tag.checkKey, base, end) == SIMD2(word(end), word(end + 8)) else { throw damaged }
        var at = Self.headerBytes
        let more = UnsafeRawBufferPointer(rebasing: bytes[(at + 8 * count(k, of: n))..<end])
        guard k == 0 && haveForm(more) || k > 0 && more.isEmpty else { throw damaged }
        if k == 0 { try addTexts(more) }
        for range in layout.ranges(k, of: n) {
            for i in range {
                words.base[i] &+= word(at)
                at += 8
            }
        }
    }

    /// The words themselves, for hosts that add vectors on their own.
    /// - Throws: `.state`; `.unsupported` for an ask of texts, which are no words.
    package func withWords() throws -> UnsafeMutableBufferPointer<UInt64> {
        try requireUsable()
        guard !request.domain.contains(.levels) else {
            throw Failure(.unsupported, "this ask is also for texts, which are no words: export these sums, and merge "
                + "them")
        }
        return UnsafeMutableBufferPointer(start: words.base, count: layout.words)
    }

    // MARK: for the door

    /// - Throws: `.state` when they were answered with, or a part is not whole.
    func requireWhole() throws { try requireUsable() }
    var rows: UInt64 { words.base[layout.rows] }
    var digest: SIMD2<UInt64> { SIMD2(words.base[layout.digest], words.base[layout.digest + 1]) }
    var problems: [UInt64] { (0..<layout.columns).map { words.base[layout.problems + $0] } }
    func times(part: Int, slice: Int) -> UInt64 { words.base[slice * layout.parts + part] }
    struct Groups {
        let base: UnsafePointer<UInt64>
        subscript(g: Int) -> Int64 { Int64(bitPattern: base[g]) }
    }
    var groups: Groups { Groups(base: UnsafePointer(words.base + layout.groupCounts)) }
    var cells: CellCounts { CellCounts(UnsafePointer(words.base + layout.tables)) }

    /// Whether every table, and the groups' counts, add up to the rows.
    var addsUp: Bool {
        guard request.domain.isEmpty else { return domainFits }
        func isWhole(_ first: Int, _ n: Int) -> Bool {
            var sum: UInt64 = 0
            for i in first..<first + n {
                guard words.base[i] <= rows else { return false }
                sum &+= words.base[i]
            }
            return sum == rows
        }
        guard request.groups == 0 || isWhole(layout.groupCounts, request.groups) else { return false }
        var at = layout.tables
        for t in marginals?.tables ?? [] {
            guard isWhole(at, t.cells) else { return false }
            at += t.cells
        }
        return true
    }

    /// For tests: as if nobody had been counted.
    func forget() {
        for i in layout.groupCounts..<layout.words { words.base[i] = 0 }
        guard !request.domain.isEmpty else { return }
        words.base[layout.rows] = 0
        for t in texts { t?.wipe() }
    }

    package func wipe() {
        isOver = true
        explicit_bzero(words.base, words.count * MemoryLayout<UInt64>.stride)
        explicit_bzero(rowBytes.base, rowBytes.count)
        for t in texts { t?.wipe() }
        counts?.wipe()
        counts = nil
    }
    var isWiped: Bool { words.allSatisfy { $0 == 0 } && texts.allSatisfy { $0?.count ?? 0 == 0 } }
}
