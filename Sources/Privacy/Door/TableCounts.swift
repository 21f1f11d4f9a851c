// True tables of counts, one tile of them after the other: the one place where rows are counted.
// A door that has the rows counts them here, and so does a worker that adds up sums for a door elsewhere.

import Basics
import Compute
import Glibc

/// True tables, one tile of them after the other.
final class TableCounts: @unchecked Sendable {
    /// Whose rows are counted; a worker counts one table after the other.
    var table: PrivateTable
    private let layout: MarginalLayout, cancelFlag: CancelFlag
    /// [parts, tileCells]; at most 2²⁹ in a cell.
    private let counts: Buffer<UInt32>
    private let maps: Buffer<UInt16>
    /// For each worker [columns, blockRows].
    private let blocks: [Buffer<UInt16>]
    /// For each worker the places of a block's rows in a table, and four copies of a small one.
    private let sums: [Buffer<UInt32>]
    static let stopped = Failure(.cancelled, "the release was cancelled; it stays charged")

    init(_ table: PrivateTable, _ layout: MarginalLayout, _ codes: [ColumnCodes], _ cancelFlag: CancelFlag) throws {
        (self.table, self.layout, self.cancelFlag) = (table, layout, cancelFlag)
        maps = try layout.maps(codes, cellCounts: table.cellCounts)
        counts = try Buffer(count: layout.countCells, for: "tables of counts")
        blocks = try (0..<layout.workers).map { _ in try Buffer(count: layout.blockCells, for: "a block of codes") }
        sums = try blocks.map { _ in try Buffer(count: MarginalLayout.sumCells, for: "a block of codes") }
    }

    /// Counts of the tile that was counted last: [tileCells].
    var base: UnsafePointer<UInt32> { UnsafePointer(counts.base) }

    /// Calls `work` for 0 ..< count, shared by the layout's workers.
    /// - Throws: `.cancelled`.
    static func forEach(_ count: Int, _ layout: MarginalLayout, _ cancelFlag: CancelFlag,
                        _ work: (_ place: Int) -> Void) throws {
        let queue = WorkQueue(count)
        Workers.run(threads: min(layout.threads, max(count, 1))) { _ in
            while let place = queue.take() {
                if cancelFlag.take() { return queue.stop(stopped) }
                work(place)
            }
        }
        if let error = queue.failure { throw error }
    }

    /// One pass over the rows. Every worker recodes a block of rows at a time and adds it to its own tables: whole
    /// numbers, so how the work is split changes nothing.
    /// - Throws: `.cancelled`.
    func count(_ tile: Range<Int>) throws {
        memset(counts.base, 0, counts.count * MemoryLayout<UInt32>.stride)
        let queue = WorkQueue(0)
        Workers.run(threads: layout.workers) { worker in
            guard let (tables, part) = layout.share(tile, worker: worker) else { return }
            let codes = blocks[worker].base, to = counts.base + part * layout.tileCells
            let places = sums[worker].base, lanes = places + MarginalLayout.blockRows
            var isUsed = [Bool](repeating: false, count: layout.columns.count)
            for k in tables { for place in layout.tables[k].places { isUsed[place] = true } }
            var first = part * table.rows / layout.parts
            let end = (part + 1) * table.rows / layout.parts
            while first < end, queue.failure == nil {
                if cancelFlag.take() { return queue.stop(Self.stopped) }
                let n = min(MarginalLayout.blockRows, end - first)
                for place in isUsed.indices where isUsed[place] {
                    recode(place, first, n, into: codes + place * MarginalLayout.blockRows)
                }
                for k in tables { add(layout.tables[k], codes, n, places, lanes, to + layout.tables[k].start) }
                first += n
            }
        }
        if let error = queue.failure { throw error }
        for part in 1..<max(layout.parts, 1) {
            for c in 0..<layout.tileCells { counts.base[c] &+= counts.base[part &* layout.tileCells &+ c] }
        }
    }

    private func recode(_ place: Int, _ first: Int, _ n: Int, into codes: UnsafeMutablePointer<UInt16>) {
        let map = maps.base + layout.mapStart(place)
        switch table.columns[layout.columns[place]] {
        case .narrow(let c): for i in 0..<n { codes[i] = map[Int(c.base[first &+ i])] }
        case .wide(let c): for i in 0..<n { codes[i] = map[Int(c.base[first &+ i])] }
        case nil: break
        }
    }

    /// codes: [columns, blockRows], the first n of each; cells: [t.cells]; places: [blockRows]; lanes: [4, laneCells],
    /// zero before and after.
    private func add(_ t: MarginalLayout.Table, _ codes: UnsafePointer<UInt16>, _ n: Int,
        _ places: UnsafeMutablePointer<UInt32>,
                     _ lanes: UnsafeMutablePointer<UInt32>, _ cells: UnsafeMutablePointer<UInt32>) {
        let a = codes + t.places[0] * MarginalLayout.blockRows
        for i in 0..<n { places[i] = UInt32(a[i]) }
        for k in 1..<t.places.count {
            let b = codes + t.places[k] * MarginalLayout.blockRows, width = UInt32(truncatingIfNeeded: t.sizes[k])
            for i in 0..<n { places[i] = places[i] &* width &+ UInt32(b[i]) }
        }
        let stride = MarginalLayout.laneCells
        guard t.cells <= stride, n >= t.cells else {
            for i in 0..<n { cells[Int(places[i])] &+= 1 }
            return
        }
        // Rows that meet in one cell wait for each other: four copies of a small table, and rows of one cell are four
        // times as fast.
        var i = 0
        while i &+ 4 <= n {
            lanes[Int(places[i])] &+= 1
            lanes[stride &+ Int(places[i &+ 1])] &+= 1
            lanes[2 &* stride &+ Int(places[i &+ 2])] &+= 1
            lanes[3 &* stride &+ Int(places[i &+ 3])] &+= 1
            i &+= 4
        }
        while i < n {
            lanes[Int(places[i])] &+= 1
            i &+= 1
        }
        for c in 0..<t.cells {
            cells[c] &+= (lanes[c] &+ lanes[stride &+ c]) &+ (lanes[2 &* stride &+ c] &+ lanes[3 &* stride &+ c])
            for l in 0..<4 { lanes[l &* stride &+ c] = 0 }
        }
    }

    /// No true count outlives its release.
    func wipe() {
        wiped(counts)
        blocks.forEach(wiped)
        sums.forEach(wiped)
    }
}
