// Reads fractal heaps, where groups with many links and objects with many attributes keep them.
// Objects are found by identifiers. The blocks form a table whose rows double in size.

import Basics

final class FractalHeap {
    private let source: ByteSource
    private let header: Int
    private let idLength: Int, flags: Int
    private let width: Int, startSize: Int, maxDirect: Int, heapBits: Int
    private let root: Int?, rootRows: Int
    private let hugeTree: Int?
    private let maxManaged: Int
    private var blocks: [Int: Cursor] = [:], kept = 0
    private lazy var hugePlaces = Result { try self.readHugePlaces() }
    private static let what = "a fractal heap"

    init(_ source: ByteSource, _ address: Int) throws {
        // The fields have a fixed size unless the heap is filtered, which no writer of links and attributes does.
        var c = try source.checked(address, 146, Self.what)
        try c.expect("FRHP")
        try c.expect(version: 0)
        idLength = try c.short()
        guard try c.short() == 0 else { throw c.unknown("is packed with filters") }
        flags = try c.byte()
        maxManaged = try c.word()
        try c.skip(8)
        hugeTree = try c.address()
        try c.skip(8 + 8 + 8 + 8 + 8 + 8 + 8 + 8 + 8 + 8)
        width = try c.short()
        startSize = try c.length()
        maxDirect = try c.length()
        heapBits = try c.short()
        try c.skip(2)
        root = try c.address()
        rootRows = try c.short()
        func isPower(_ x: Int) -> Bool { x > 0 && x & (x - 1) == 0 }
        guard isPower(width), width <= 1024, isPower(startSize), isPower(maxDirect), startSize <= maxDirect,
            maxDirect <= 16 << 20,
              (1...63).contains(heapBits), rootRows <= 64, (2...64).contains(idLength), maxManaged > 0 else {
            throw c.damaged("has impossible sizes")
        }
        (self.source, header) = (source, address)
    }

    private var offsetWidth: Int { (heapBits + 7) / 8 }
    /// The width of a length in an identifier.
    private var lengthWidth: Int { min((maxDirect.logarithm + 7) / 8, maxManaged.logarithm / 8 + 1) }
    private var firstBits: Int { startSize.logarithm + width.logarithm }
    private var directRows: Int { maxDirect.logarithm - startSize.logarithm + 2 }
    private func blockSize(_ row: Int) throws -> Int {
        let shift = max(0, row - 1)
        guard startSize.logarithm + shift < 62 else {
            throw BrokenRule("damaged: \(Self.what) has a block beyond all files")
        }
        return startSize << shift
    }

    /// The object of the identifier that `id` begins with.
    func object(_ id: inout Cursor) throws -> Cursor {
        var id = try id.part(idLength, "an identifier in a fractal heap")
        let head = try id.byte()
        guard head >> 6 == 0 else { throw id.unknown("is of version \(head >> 6)") }
        switch head >> 4 & 3 {
        case 0:
            let offset = try id.number(offsetWidth), length = try id.number(lengthWidth)
            guard let offset = Int(exactly: offset), let length = Int(exactly: length), length > 0 else {
                throw id.damaged("has an impossible place")
            }
            return try managed(offset, length)
        case 1: return try huge(id)
        case 2:
            let isLong = idLength - 1 > 16
            let length = isLong ? (head & 15) << 8 | (try id.byte()) : head & 15
            return try id.part(length + 1, "a small object of a fractal heap")
        default: throw id.unknown("is of an unknown kind")
        }
    }

    private func huge(_ id: Cursor) throws -> Cursor {
        var id = id
        if idLength - 1 >= 16 {
            let address = try id.requiredAddress(), length = try id.length()
            return try source.structure(address, length, "a large object of a fractal heap")
        }
        let key = try id.number(min(8, id.left))
        guard let place = try hugePlaces.get()[key] else { throw id.damaged("names a large object that is not there") }
        return try source.structure(place.address, place.length, "a large object of a fractal heap")
    }

    /// The large objects by their numbers.
    private func readHugePlaces() throws -> [UInt64: (address: Int, length: Int)] {
        guard let hugeTree else { return [:] }
        var places: [UInt64: (address: Int, length: Int)] = [:]
        try NewTree(source, hugeTree).each { kind, record in
            guard kind == 1 else { throw record.unknown("lists large objects in an unknown way") }
            let address = try record.requiredAddress(), length = try record.length()
            places[try record.number(8)] = (address, length)
        }
        return places
    }

    private func managed(_ offset: Int, _ length: Int) throws -> Cursor {
        guard var address = root else { throw BrokenRule("damaged: \(Self.what) names an object though it is empty") }
        var start = 0, rows = rootRows, size = startSize
        if rows == 0 { return try inBlock(address, start, startSize, offset, length) }
        // Each step goes to a smaller table, so this ends.
        while rows > 0 {
            let within = offset - start
            guard within >= 0 else { throw BrokenRule("damaged: \(Self.what) has an impossible place") }
            let row = within < startSize << width.logarithm ? 0 : within.logarithm - firstBits + 1
            guard row < rows else { throw BrokenRule("damaged: \(Self.what) names an object beyond its end") }
            size = try blockSize(row)
            let rowStart = row == 0 ? 0 : 1 << within.logarithm
            let column = (within - rowStart) / size
            guard column < width else { throw BrokenRule("damaged: \(Self.what) has an impossible place") }
            let entry = row * width + column
            let child = try self.child(address, rows, entry)
            start += rowStart + column * size
            if row < directRows { return try inBlock(child, start, size, offset, length) }
            let childRows = size.logarithm - firstBits + 1
            guard childRows < rows, childRows > 0 else {
                throw BrokenRule("damaged: \(Self.what) has an impossible table")
            }
            (address, rows) = (child, childRows)
        }
        throw BrokenRule("damaged: \(Self.what) has an impossible table")
    }

    /// The address in an indirect block of `rows` rows.
    private func child(_ address: Int, _ rows: Int, _ entry: Int) throws -> Int {
        let count = 5 + 8 + offsetWidth + rows * width * 8 + 4
        let key = -1 - address
        let block = try blocks[key] ?? source.checked(address, count, "a table of a fractal heap")
        keep(key, block)
        var c = block
        try c.expect("FHIB")
        try c.expect(version: 0)
        guard try c.address() == header else { throw c.damaged("belongs to another heap") }
        try c.skip(offsetWidth + 8 * entry)
        return try c.requiredAddress()
    }

    private func inBlock(_ address: Int, _ start: Int, _ size: Int, _ offset: Int, _ length: Int) throws -> Cursor {
        let block = try blocks[address] ?? source.structure(address, size, "a block of a fractal heap")
        keep(address, block)
        var c = block
        try c.expect("FHDB")
        try c.expect(version: 0)
        guard try c.address() == header, try c.number(offsetWidth) == UInt64(start) else {
            throw c.damaged("belongs to another place")
        }
        guard offset - start >= c.position else { throw c.damaged("holds an object in its own head") }
        try c.skip(offset - start - c.position)
        return try c.part(length, "an object of a fractal heap")
    }

    private func keep(_ key: Int, _ block: Cursor) {
        if blocks[key] == nil {
            if kept + block.end > 64 << 20 { (blocks, kept) = ([:], 0) }
            kept += block.end
        }
        blocks[key] = block
    }
}
