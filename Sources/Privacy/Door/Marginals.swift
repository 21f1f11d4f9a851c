// Requests for histograms and marginals, and how their tables lie in memory; no row is seen here.
// Everything here is public; counting is the door's.

import Basics

/// One histogram over the cells of a column: the first `body` cells merged by `divisor`, then the others one by one.
package struct HistogramRequest: Sendable, Equatable {
    package let column: Int, divisor: Int, body: Int
    /// What a row adds to its cell, 1 … 2²⁰; the noise in counts is that of the release divided by it.
    package let weight: Int
    package init(column: Int, divisor: Int = 1, body: Int, weight: Int = 1) {
        (self.column, self.divisor, self.body, self.weight) = (column, divisor, body, weight)
    }
}

/// One table over the codes of one to three columns.
package struct MarginalRequest: Sendable, Equatable {
    /// Distinct columns of the private table, 1 … 3; the table is row-major in this order.
    package let columns: [Int]
    /// What a row adds to its cell, 1 … 2²⁰; the noise in rows is that of the release divided by it.
    package let weight: Int
    package init(columns: [Int], weight: Int = 1) { (self.columns, self.weight) = (columns, weight) }
}

/// What each cell of a column counts as; public.
package struct ColumnCodes: Sendable {
    /// [cells of the column], each below `count`.
    package let map: Buffer<UInt16>
    /// Codes, 1 … 65536.
    package let count: Int
    package init(map: Buffer<UInt16>, count: Int) { (self.map, self.count) = (map, count) }
}

/// Bytes that `Door.releaseMarginals` has at once, the released tables included. It does not depend on the rows.
/// - Throws: `.argument` when the requests are refused by the release as well.
package func marginalMemory(requests: [MarginalRequest], codes: [ColumnCodes], threads: Int) throws -> Int {
    let layout = try MarginalLayout(requests.map(\.columns), codes, threads: threads)
    return layout.bytes + layout.tables.reduce(0) { $0 + $1.cells * MemoryLayout<Double>.stride }
}

/// How tables lie in memory while they are counted: in tiles of consecutive tables, each tile one pass over the rows.
struct MarginalLayout {
    struct Table {
        /// Places of its columns in `MarginalLayout.columns`, and codes of each.
        let places: [Int], sizes: [Int]
        let cells: Int
        /// First cell in its tile.
        let start: Int
        /// Its cells in chunks of `noiseChunk` begin with this number, counted through all tables.
        let firstChunk: Int
        var chunks: Int { (cells + noiseChunk - 1) / noiseChunk }
    }

    /// Rows that are recoded at a time: two columns of them and a table fit into the first cache, all columns into the
    /// second.
    static let blockRows = 2048
    /// Tables up to this size are counted in four copies at once.
    static let laneCells = 1024
    /// One worker's places of a block's rows and four copies of a small table.
    static let sumCells = blockRows + 4 * laneCells
    /// Bytes of counts that are live at once unless somebody says otherwise; one table may be larger.
    static let usualMemory = 64 << 20
    /// Cells of all tables of a call: offsets and numbers of streams stay small.
    static let maxCells = 1 << 31

    /// Columns of the private table that take part, ascending.
    let columns: [Int]
    let tables: [Table]
    let tiles: [Range<Int>]
    let threads: Int
    /// Copies of a tile's counts: with fewer tables than threads the rows are split as well.
    let parts: Int
    /// Threads that count: no more than there are tables and copies.
    let workers: Int
    /// Cells of the largest tile.
    let tileCells: Int
    /// Where the map of each of `columns` begins in `maps`, and the cells of all.
    private let mapStarts: [Int], mapCells: Int

    /// - Parameters:
    ///   - threads: 1 … 1024.
    ///   - memory: bytes of counts that may be live at once.
    ///   - exactly: a table that does not fit into `memory` is refused; otherwise it is a tile of its own.
    /// - Throws: `.argument` when columns are unknown or repeated, sizes out of range or the tables too large.
    init(_ requests: [[Int]], _ codes: [ColumnCodes], threads: Int, memory: Int = usualMemory,
        exactly: Bool = false) throws {
        guard (1...1024).contains(threads), !requests.isEmpty, requests.count < 1 << 20 else {
            throw Failure(.argument, "marginals: there must be requests, and 1 to 1024 threads")
        }
        var isUsed = [Bool](repeating: false, count: codes.count)
        for r in requests {
            guard (1...3).contains(r.count), Set(r).count == r.count, r.allSatisfy(codes.indices.contains) else {
                throw Failure(.argument, "marginals: a request must name one to three different columns")
            }
            for j in r { isUsed[j] = true }
        }
        columns = codes.indices.filter { isUsed[$0] }
        var place = [Int](repeating: 0, count: codes.count), starts: [Int] = [], cells = 0
        for (p, j) in columns.enumerated() {
            guard (1...65_536).contains(codes[j].count), (1...65_536).contains(codes[j].map.count) else {
                throw Failure(.argument, "marginals: a column must have 1 to 65536 codes")
            }
            place[j] = p
            starts.append(cells)
            cells += codes[j].map.count
        }
        (mapStarts, mapCells) = (starts, cells)
        let room = memory / MemoryLayout<UInt32>.stride
        var tables: [Table] = [], tiles: [Range<Int>] = [], first = 0, start = 0, chunk = 0, all = 0, most = 0
        for (k, r) in requests.enumerated() {
            // At most 2⁴⁸: no overflow.
            let sizes = r.map { codes[$0].count }, n = sizes.reduce(1, *)
            all += min(n, Self.maxCells + 1)
            guard all <= Self.maxCells else {
                throw Failure(.argument, "marginals: the tables have more than 2^31 cells")
            }
            guard !exactly || n <= room else {
                throw Failure(.argument, "marginals: a table does not fit into the memory allowed")
            }
            if start > 0, start + n > room {
                tiles.append(first..<k)
                (first, start) = (k, 0)
            }
            tables.append(Table(places: r.map { place[$0] }, sizes: sizes, cells: n, start: start, firstChunk: chunk))
            start += n
            most = max(most, start)
            chunk += (n + noiseChunk - 1) / noiseChunk
        }
        tiles.append(first..<requests.count)
        (self.tables, self.tiles, self.threads, tileCells) = (tables, tiles, threads, most)
        parts = max(1, min(threads / requests.count, room / most))
        workers = min(threads, requests.count) * parts
    }

    /// Bytes while counting: counts, blocks of codes and maps.
    var bytes: Int {
        (countCells + workers * Self.sumCells) * MemoryLayout<UInt32>.stride
            + (workers * blockCells + mapCells) * MemoryLayout<UInt16>.stride
    }
    var countCells: Int { parts * tileCells }
    var blockCells: Int { columns.count * Self.blockRows }

    /// Copies of the maps, one after the other, checked: what is in them cannot change under a release.
    /// - Throws: `.argument` when a map is not of its column or a code is out of range; `.noMemory`.
    func maps(_ codes: [ColumnCodes], cellCounts: [Int]) throws -> Buffer<UInt16> {
        guard codes.count == cellCounts.count, columns.allSatisfy({ codes[$0].map.count == cellCounts[$0] }) else {
            throw Failure(.argument, "marginals: every cell of a column must have a code")
        }
        let maps = try Buffer<UInt16>(count: mapCells, for: "codes of columns")
        for (j, start) in zip(columns, mapStarts) {
            for c in 0..<cellCounts[j] {
                let code = codes[j].map.base[c]
                guard Int(code) < codes[j].count else { throw Failure(.argument, "marginals: a code is out of range") }
                maps.base[start + c] = code
            }
        }
        return maps
    }
    func mapStart(_ place: Int) -> Int { mapStarts[place] }

    /// The tables of a tile that one worker counts, and its part of the rows; nil when there is nothing for it.
    func share(_ tile: Range<Int>, worker: Int) -> (tables: Range<Int>, part: Int)? {
        let slices = min(threads, tile.count), slice = worker % slices, part = worker / slices
        guard part < parts else { return nil }
        return (tile.lowerBound + slice * tile.count / slices ..< tile.lowerBound + (slice + 1) * tile.count / slices,
            part)
    }

    /// Cells of all tables before a tile: where its counts begin when all tables lie one behind the other.
    func firstCell(_ tile: Range<Int>) -> Int { tables[..<tile.lowerBound].reduce(0) { $0 + $1.cells } }
    var cells: Int { tables.reduce(0) { $0 + $1.cells } }

    /// Chunks of noise of a tile's tables.
    func chunks(_ tile: Range<Int>) -> Range<Int> {
        guard let last = tile.last else { return 0..<0 }
        return tables[tile.lowerBound].firstChunk ..< tables[last].firstChunk + tables[last].chunks
    }

    /// The table in a tile that a chunk belongs to.
    func table(_ tile: Range<Int>, chunk: Int) -> Int {
        var lo = tile.lowerBound, hi = tile.upperBound
        while hi - lo > 1 {
            let mid = (lo + hi) / 2
            if tables[mid].firstChunk <= chunk { lo = mid } else { hi = mid }
        }
        return lo
    }
}
