// Reads where the elements of a data set are (data layout message 1 to 5).

import Basics

enum Layout {
    /// In the message itself.
    case compact(Cursor)
    /// In one piece; nil when nothing was written yet.
    case contiguous(Int?)
    case chunked(Chunks)
    /// In other files (a virtual data set).
    case virtual

    struct Chunks {
        /// Elements along each dimension.
        let shape: [Int]
        let index: ChunkIndex
        /// Where the index begins; nil when nothing was written yet.
        let address: Int?
        /// Chunks that reach beyond the shape are stored without filters.
        var leavesEdgesPlain = false
    }

    /// How the places of chunks are found.
    enum ChunkIndex {
        case tree
        /// One chunk; its stored size and the filters left out, where there are filters.
        case single(size: Int?, mask: Int)
        case implicit
        case fixedArray
        case extensibleArray
    }

    static func read(_ c: inout Cursor, hasFilters: Bool) throws -> Layout {
        let version = try c.byte()
        switch version {
        case 1, 2: return try readOld(&c)
        case 3, 4, 5: return try readNew(&c, version)
        default: throw c.unknown("has a storage layout of version \(version)")
        }
    }

    private static func readOld(_ c: inout Cursor) throws -> Layout {
        let rank = try c.byte(), kind = try c.byte()
        try c.skip(5)
        guard rank <= 33, kind <= 2 else { throw c.damaged("has an unknown storage layout") }
        let address = try kind == 0 ? nil : c.address()
        var shape: [Int] = []
        for _ in 0..<rank { shape.append(try c.word()) }
        switch kind {
        case 0: return .compact(try c.part(c.word(), "the data in a header"))
        case 1: return .contiguous(address)
        default:
            // The last one is the size of an element.
            guard rank >= 2, shape.allSatisfy({ $0 > 0 }) else { throw c.damaged("has chunks without a size") }
            return .chunked(Chunks(shape: Array(shape.dropLast()), index: .tree, address: address))
        }
    }

    private static func readNew(_ c: inout Cursor, _ version: Int) throws -> Layout {
        let kind = try c.byte()
        switch kind {
        case 0: return .compact(try c.part(c.short(), "the data in a header"))
        case 1: return .contiguous(try c.address())
        case 2 where version == 3:
            let rank = try c.byte(), address = try c.address()
            guard (2...33).contains(rank) else { throw c.damaged("has chunks of \(rank) dimensions") }
            var shape: [Int] = []
            for _ in 0..<rank { shape.append(try c.word()) }
            guard shape.allSatisfy({ $0 > 0 }) else { throw c.damaged("has chunks without a size") }
            return .chunked(Chunks(shape: Array(shape.dropLast()), index: .tree, address: address))
        case 2: return .chunked(try readChunks(&c))
        case 3: return .virtual
        default: throw c.unknown("has a storage layout of the unknown class \(kind)")
        }
    }

    private static func readChunks(_ c: inout Cursor) throws -> Chunks {
        let flags = try c.byte(), rank = try c.byte(), width = try c.byte()
        guard (2...33).contains(rank), (1...8).contains(width), flags & ~3 == 0 else {
            throw c.damaged("has an unknown storage layout")
        }
        var shape: [Int] = []
        for _ in 0..<rank {
            guard let size = Int(exactly: try c.number(width)), size > 0 else {
                throw c.damaged("has chunks without a size")
            }
            shape.append(size)
        }
        let index: ChunkIndex
        switch try c.byte() {
        case 1:
            let isFiltered = flags & 2 != 0
            index = .single(size: try isFiltered ? c.length() : nil, mask: try isFiltered ? c.word() : 0)
        case 2: index = .implicit
        case 3: try c.skip(1); index = .fixedArray
        case 4: try c.skip(5); index = .extensibleArray
        case 5: throw c.unknown("has chunks that may grow along several dimensions")
        case let kind: throw c.unknown("has an index of chunks of the unknown kind \(kind)")
        }
        return Chunks(shape: Array(shape.dropLast()), index: index, address: try c.address(),
            leavesEdgesPlain: flags & 1 != 0)
    }
}
