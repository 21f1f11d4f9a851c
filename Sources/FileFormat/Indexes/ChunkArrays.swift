// Reads the indexes of chunks since HDF5 1.10: fixed arrays and extensible arrays.
// A fixed array belongs to a data set that cannot grow, an extensible array to one that can. Both list entries by the
// number of the chunk, in pages when they are long.

import Basics

/// Where a chunk is.
struct ChunkPlace {
    let address: Int
    let stored: Int
    /// Bit i: the filter i was left out.
    let mask: Int
}

/// How an entry of an array is laid out.
struct ChunkEntry {
    /// Bytes of a chunk without filters; nil where the entry says how many it has.
    let plain: Int?
    /// Bytes of an entry.
    let size: Int

    /// nil for a chunk that was never written.
    func read(_ c: inout Cursor) throws -> ChunkPlace? {
        var entry = try c.part(size)
        guard let address = try entry.address() else { return nil }
        if let plain { return ChunkPlace(address: address, stored: plain, mask: 0) }
        guard let stored = Int(exactly: try entry.number(entry.left - 4)) else {
            throw entry.damaged("has a chunk beyond all files")
        }
        return ChunkPlace(address: address, stored: stored, mask: try entry.word())
    }

    /// - Parameter isFiltered: what the data set says, which the array must say too.
    static func make(client: Int, size: Int, isFiltered: Bool, plain: Int, _ c: Cursor) throws -> ChunkEntry {
        guard client == (isFiltered ? 1 : 0), isFiltered ? (13...20).contains(size) : size == 8 else {
            throw c.damaged("has impossible entries")
        }
        return ChunkEntry(plain: isFiltered ? nil : plain, size: size)
    }
}

enum FixedArray {
    /// Calls `body` with the number and place of every chunk that was written, of `count`.
    static func each(_ address: Int, count: Int, isFiltered: Bool, plain: Int, _ source: ByteSource,
        _ body: (Int, ChunkPlace) throws -> Void) throws {
        var c = try source.checked(address, 28, "an index of chunks")
        try c.expect("FAHD")
        try c.expect(version: 0)
        let entry = try ChunkEntry.make(client: c.byte(), size: c.byte(), isFiltered: isFiltered, plain: plain, c)
        let pageBits = try c.byte(), maxCount = try c.length()
        guard let block = try c.address() else { return }
        guard maxCount >= count, maxCount <= 1 << 32, (1...32).contains(pageBits) else {
            throw c.damaged("has impossible sizes")
        }
        let perPage = 1 << pageBits, head = 6 + 8
        guard maxCount > perPage else {
            var c = try source.checked(block, head + maxCount * entry.size + 4, "an index of chunks")
            try begin(&c, address)
            for i in 0..<count { if let place = try entry.read(&c) { try body(i, place) } }
            return
        }
        let pages = (maxCount + perPage - 1) / perPage, marks = (pages + 7) / 8
        c = try source.checked(block, head + marks + 4, "an index of chunks")
        try begin(&c, address)
        let written = try c.array(marks)
        var at = block + head + marks + 4
        for page in 0..<pages {
            let first = page * perPage, entries = min(perPage, maxCount - first)
            guard first < count else { return }
            // The highest bit of a byte is the first page.
            if written[page / 8] >> (7 - page % 8) & 1 == 1 {
                var c = try source.checked(at, entries * entry.size + 4, "an index of chunks")
                for i in first..<min(first + entries, count) {
                    if let place = try entry.read(&c) { try body(i, place) }
                }
            }
            at += entries * entry.size + 4
        }
    }

    private static func begin(_ c: inout Cursor, _ header: Int) throws {
        try c.expect("FADB")
        try c.expect(version: 0)
        try c.skip(1)
        guard try c.address() == header else { throw c.damaged("belongs to another data set") }
    }
}

enum ExtensibleArray {
    /// Calls `body` with the number and place of every chunk that was written, of `count`.
    static func each(_ address: Int, count: Int, isFiltered: Bool, plain: Int, _ source: ByteSource,
        _ body: (Int, ChunkPlace) throws -> Void) throws {
        let what = "an index of chunks"
        var c = try source.checked(address, 12 + 6 * 8 + 8 + 4, what)
        try c.expect("EAHD")
        try c.expect(version: 0)
        let entry = try ChunkEntry.make(client: c.byte(), size: c.byte(), isFiltered: isFiltered, plain: plain, c)
        let bits = try c.byte(), inIndex = try c.byte(), minEntries = try c.byte(), pointers = try c.byte(),
            pageBits = try c.byte()
        try c.skip(6 * 8)
        guard let index = try c.address() else { return }
        func isPower(_ x: Int) -> Bool { x > 0 && x & (x - 1) == 0 }
        guard (1...64).contains(bits), isPower(minEntries), isPower(pointers), pointers >= 2, pageBits <= 32,
            minEntries.logarithm <= bits else {
            throw c.damaged("has impossible sizes")
        }
        // Super block u holds 2^(u/2) data blocks of 2^((u+1)/2) times the least number of entries; the first ones
        // stand in the index block.
        func blocks(_ u: Int) -> Int { 1 << (u / 2) }
        func entries(_ u: Int) -> Int { minEntries << ((u + 1) / 2) }
        let superBlocks = 1 + bits - minEntries.logarithm, inline = 2 * pointers.logarithm
        guard superBlocks <= 60, inline <= superBlocks else { throw c.damaged("has impossible sizes") }
        let blockCount = 2 * (pointers - 1)
        let size = 6 + 8 + inIndex * entry.size + blockCount * 8 + (superBlocks - inline) * 8 + 4
        c = try source.checked(index, size, what)
        try begin(&c, "EAIB", address)
        var next = 0
        for _ in 0..<inIndex {
            let place = try entry.read(&c)
            if let place, next < count { try body(next, place) }
            next += 1
        }
        let offsetWidth = (bits + 7) / 8, perPage = 1 << pageBits

        func dataBlock(_ block: Int?, _ u: Int, pages marks: [UInt8], from bit: Int) throws {
            let total = entries(u), first = next
            next += total
            guard let block, first < count else { return }
            let head = 6 + 8 + offsetWidth
            guard total > perPage else {
                var c = try source.checked(block, head + total * entry.size + 4, what)
                try begin(&c, "EADB", address)
                // The place that the block gives itself counts blocks twice that stand in the index block, so it says
                // nothing.
                try c.skip(offsetWidth)
                for i in first..<min(first + total, count) { if let place = try entry.read(&c) { try body(i, place) } }
                return
            }
            var c = try source.checked(block, head + 4, what)
            try begin(&c, "EADB", address)
            for page in 0..<total / perPage {
                let start = first + page * perPage
                guard start < count else { break }
                guard (bit + page) / 8 < marks.count else { throw c.damaged("has pages where none can be") }
                guard marks[(bit + page) / 8] >> (7 - (bit + page) % 8) & 1 == 1 else { continue }
                var c = try source.checked(block + head + 4 + page * (perPage * entry.size + 4), 
                                           perPage * entry.size + 4, what)
                for i in start..<min(start + perPage, count) {
                    if let place = try entry.read(&c) { try body(i, place) }
                }
            }
        }

        for u in 0..<inline { for _ in 0..<blocks(u) { try dataBlock(c.address(), u, pages: [], from: 0) } }
        for u in inline..<superBlocks {
            guard next < count else { return }
            guard let block = try c.address() else {
                next += blocks(u) * entries(u)
                continue
            }
            let pages = entries(u) > perPage ? entries(u) / perPage : 0, marksEach = (pages + 7) / 8
            var s = try source.checked(block, 6 + 8 + offsetWidth + blocks(u) * (marksEach + 8) + 4, what)
            try begin(&s, "EASB", address)
            try s.skip(offsetWidth)
            let marks = try s.array(blocks(u) * marksEach)
            for i in 0..<blocks(u) { try dataBlock(s.address(), u, pages: marks, from: 8 * marksEach * i) }
        }
    }

    private static func begin(_ c: inout Cursor, _ signature: String, _ header: Int) throws {
        try c.expect(signature)
        try c.expect(version: 0)
        try c.skip(1)
        guard try c.address() == header else { throw c.damaged("belongs to another data set") }
    }
}
