// True counts as a release meets them: counted from the rows of this process, or added up elsewhere.
// Which counts a release needs is public (`CountRequest`). What they are is never seen outside this module.

import Basics
import Glibc

/// The tables of counts that one release needs; public.
package struct CountRequest: Sendable {
    /// Columns of each table, 1 to 3 of them.
    package let tables: [[Int]]
    /// For every column of the rows, used or not, what its cells count as.
    package let codes: [ColumnCodes]
    /// Groups whose rows are counted as well; 0: none are.
    package let groups: Int
    /// Columns whose domain is to be released (DomainDoor); there are no tables then.
    package let domain: [DomainDoor.Column]

    package init(tables: [[Int]], codes: [ColumnCodes], groups: Int = 0) {
        (self.tables, self.codes, self.groups, domain) = (tables, codes, groups, [])
    }

    /// What `DomainDoor.release` needs.
    /// - Throws: `.argument` for a grid without cells or with too many.
    package init(domain: [DomainDoor.Column]) throws {
        for case .bins(let n) in domain where !(1...65_536).contains(n) {
            throw Failure(.argument, "domain: a grid has 1 to 65536 cells")
        }
        (tables, codes, groups, self.domain) = ([], [], 0, domain)
    }

    /// What `Door.releaseHistograms` needs: the finest cells of every column that a request names, from which coarser
    /// histograms are merged, and the groups' counts.
    /// - Throws: `.noMemory`.
    package init(histograms: [HistogramRequest], cellCounts: [Int], groups: Int) throws {
        var seen = Set<Int>()
        tables = histograms.filter { seen.insert($0.column).inserted }.map { [$0.column] }
        codes = try cellCounts.map(ColumnCodes.init(cells:))
        self.groups = groups
        domain = []
    }

    /// How the tables lie in memory; nil when there are none.
    func layout(threads: Int) throws -> MarginalLayout? {
        tables.isEmpty ? nil : try MarginalLayout(tables, codes, threads: threads)
    }

    /// Whether `other` asks for the same counts.
    func isSame(as other: CountRequest) -> Bool {
        tables == other.tables && groups == other.groups && domain == other.domain && codes.count == other.codes.count
            && zip(codes, other.codes).allSatisfy { $0.isSame(as: $1) }
    }
}

extension ColumnCodes {
    /// Each cell is its own code.
    package init(cells: Int) throws {
        let map = try Buffer<UInt16>(count: cells, for: "codes of columns")
        for c in 0..<cells { map.base[c] = UInt16(truncatingIfNeeded: c) }
        self.init(map: map, count: cells)
    }

    fileprivate func isSame(as other: ColumnCodes) -> Bool {
        count == other.count && map.count == other.map.count
            && (map === other.map || memcmp(map.base, other.map.base, map.count * MemoryLayout<UInt16>.stride) == 0)
    }
}

/// Counts of consecutive cells; a cell is below 2⁴⁰.
struct CellCounts: @unchecked Sendable {
    private let narrow: UnsafePointer<UInt32>?, wide: UnsafePointer<UInt64>?
    init(_ p: UnsafePointer<UInt32>) { (narrow, wide) = (p, nil) }
    init(_ p: UnsafePointer<UInt64>) { (narrow, wide) = (nil, p) }

    @inline(__always) subscript(i: Int) -> Int64 {
        if let narrow { return Int64(narrow[i]) }
        return wide.map { Int64(bitPattern: $0[i]) } ?? 0
    }
    static func + (a: CellCounts, n: Int) -> CellCounts {
        a.narrow.map { CellCounts($0 + n) } ?? a.wide.map { CellCounts($0 + n) } ?? a
    }
}

/// Where the counts of one release come from.
enum TrueCounts {
    /// Rows of this process, counted tile by tile; nil: the release has no tables.
    case table(PrivateTable, TableCounts?)
    case sums(Sums)

    /// The counts of one tile, valid until the next call.
    /// - Throws: `.cancelled`.
    func count(_ layout: MarginalLayout, _ tile: Range<Int>) throws -> CellCounts {
        switch self {
        case .table(_, let counts?):
            try counts.count(tile)
            return CellCounts(counts.base)
        case .sums(let sums): return sums.cells + layout.firstCell(tile)
        case .table(_, nil): throw Failure(.internal, "counts of no table")
        }
    }

    /// Rows of each group. out: [n], overwritten.
    func groups(_ n: Int, into out: UnsafeMutablePointer<Int64>) {
        switch self {
        case .table(let table, _): table.countGroups(n, into: out)
        case .sums(let sums): for g in 0..<n { out[g] = sums.groups[g] }
        }
    }

    /// No true count of this process outlives its release; an answer is wiped by `Door.dismissAnswer`.
    func wipe() {
        if case .table(_, let counts?) = self { counts.wipe() }
    }
}

extension PrivateTable {
    func countGroups(_ n: Int, into out: UnsafeMutablePointer<Int64>) {
        for g in 0..<n { out[g] = 0 }
        guard let groupOf else { return out[0] = Int64(rows) }
        for i in 0..<rows { out[Int(groupOf.base[i])] += 1 }
    }
}
