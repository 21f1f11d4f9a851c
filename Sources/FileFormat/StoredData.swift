// Reads elements of a data set by their numbers, in the file's representation.

import Basics

package final class StoredData {
    package let type: DataType
    /// Bytes of one element.
    package let elementSize: Int
    /// None for a scalar.
    package let shape: [Int]
    private let source: ByteSource
    private let layout: Layout
    private let filters: Filters
    private let fill: [UInt8]?
    private var places: Buffer<Place>?
    private let texts: GlobalHeap
    private lazy var workspace = try? Filters.Workspace()
    /// The chunk that is in `workspace`: readers that go through a data set in pieces smaller than a chunk unpack it
    /// once.
    private var lastChunk: (number: Int, elements: UnsafeRawBufferPointer)?

    /// Where a chunk is, in memory that may be had or not; `stored` 0 where it was never written.
    private struct Place: BitwiseCopyable { var address: Int, stored: Int, mask: Int }

    package enum Kind { case compact, contiguous, chunked }
    package var kind: Kind {
        switch layout {
        case .compact: .compact
        case .contiguous, .virtual: .contiguous
        case .chunked: .chunked
        }
    }

    init(_ header: ObjectHeader, _ source: ByteSource, _ texts: GlobalHeap) throws {
        guard let typeMessage = header.first(.dataType), let spaceMessage = header.first(.dataSpace),
            let layoutMessage = header.first(.layout) else {
            throw BrokenRule("damaged: a data set without a type, shape or layout")
        }
        guard header.first(.external) == nil else {
            throw BrokenRule("its data is in another file (external storage), which is not read")
        }
        guard !spaceMessage.isShared, !layoutMessage.isShared else {
            throw BrokenRule("has a shape that is kept elsewhere, which is not read")
        }
        if let message = header.first(.filters) {
            guard !message.isShared else { throw BrokenRule("has filters that are kept elsewhere, which is not read") }
            var c = message.content
            filters = try Filters(&c)
        } else {
            filters = .none
        }
        var c = layoutMessage.content
        layout = try Layout.read(&c, hasFilters: !filters.filters.isEmpty)
        if case .virtual = layout {
            throw BrokenRule("its data is in other files (a virtual data set), which is not read")
        }
        guard filters.areKnown else {
            throw BrokenRule("a filter other than shuffle, deflate (gzip) and Fletcher-32; save it with "
                + "compression=\"gzip\" or none")
        }
        (type, elementSize) = try DataType.read(typeMessage)
        c = spaceMessage.content
        guard let shape = try DataSpace.read(&c), shape.count <= 8 else {
            throw BrokenRule("a shape that is not supported")
        }
        self.shape = shape
        fill = try FillValue.read(header)
        (self.source, self.texts) = (source, texts)
        if let fill, fill.count != elementSize, elementSize > 0 {
            throw BrokenRule("damaged: a fill value of another size than its elements")
        }
    }

    /// The number of elements; nil beyond an address space.
    package var count: Int? {
        var n = 1
        for d in shape {
            let (product, overflow) = n.multipliedReportingOverflow(by: d)
            if overflow { return nil }
            n = product
        }
        return n
    }

    /// The product of the chunk's dimensions in elements; nil beyond an address space or when there are no chunks.
    package var chunkElements: Int? {
        guard case .chunked(let chunks) = layout else { return nil }
        var n = 1
        for d in chunks.shape {
            let (product, overflow) = n.multipliedReportingOverflow(by: d)
            if overflow { return nil }
            n = product
        }
        return n
    }

    /// Bytes that the file holds for the elements.
    package func storedBytes() throws -> Int {
        switch layout {
        case .compact(let c): return c.left
        case .contiguous(let address):
            guard let address else { return 0 }
            return max(0, source.size - address)
        case .chunked:
            let places = try chunkPlaces()
            var total = 0
            for i in 0..<places.count { total = total &+ places[i].stored }
            return max(0, total)
        case .virtual: return 0
        }
    }

    /// Elements `start ..< start + count` in row-major order into `target`, which has room for them.
    /// - Throws: `BrokenRule`; `Failure` for reading and memory.
    package func read(_ start: Int, _ count: Int, into target: UnsafeMutableRawPointer) throws {
        guard count > 0 else { return }
        guard start >= 0, let total = self.count, count <= total, start <= total - count, elementSize > 0,
              !total.multipliedReportingOverflow(by: elementSize).overflow else {
            throw BrokenRule("damaged: elements beyond the shape")
        }
        switch layout {
        case .compact(let c):
            let bytes = c.left
            guard bytes >= total * elementSize else {
                throw BrokenRule("damaged: fewer elements in the header than the shape says")
            }
            try c.withBytes(c.position + start * elementSize, count * elementSize) {
                target.copyMemory(from: $0.baseAddress!, byteCount: $0.count)
            }
        case .contiguous(let address):
            guard let address else { return fill(target, count) }
            let (offset, overflow) = address.addingReportingOverflow(start * elementSize)
            guard !overflow else { throw BrokenRule("damaged: the data is beyond the end of the file") }
            try source.read(offset, count * elementSize, into: target, "the data")
        case .chunked(let chunks):
            try readChunks(chunks, start, count, total, target)
        case .virtual: throw BrokenRule("a virtual data set, which is not read")
        }
    }

    private func readChunks(_ chunks: Layout.Chunks, _ start: Int, _ count: Int, _ total: Int,
        _ target: UnsafeMutableRawPointer) throws {
        guard let workspace else { throw Failure(.noMemory, "not enough memory for a chunk") }
        let places = try chunkPlaces(), size = chunks.shape[0]
        let (bytes, overflow) = size.multipliedReportingOverflow(by: elementSize)
        guard !overflow else { throw BrokenRule("damaged: a chunk beyond all files") }
        var at = start
        while at < start + count {
            let number = at / size, first = number * size, n = min(start + count - at, size - (at - first))
            let out = target + (at - start) * elementSize, place = places[number]
            if place.stored == 0 {
                fill(out, n)
            } else {
                if lastChunk?.number != number {
                    lastChunk = nil
                    let isEdge = size > total - first && chunks.leavesEdgesPlain
                    let elements = try filters.chunk(source, place.address, stored: place.stored, expected: bytes,
                                                     mask: isEdge ? -1 : place.mask, workspace)
                    lastChunk = (number, elements)
                }
                if let elements = lastChunk?.elements.baseAddress {
                    out.copyMemory(from: elements + (at - first) * elementSize, byteCount: n * elementSize)
                }
            }
            at += n
        }
    }

    private func fill(_ target: UnsafeMutableRawPointer, _ count: Int) {
        guard let fill else {
            target.initializeMemory(as: UInt8.self, repeating: 0, count: count * elementSize)
            return
        }
        for i in 0..<count {
            let place = target + i * elementSize
            fill.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: elementSize) }
        }
    }

    /// The places of all chunks by their number; read once.
    private func chunkPlaces() throws -> Buffer<Place> {
        if let places { return places }
        guard case .chunked(let chunks) = layout, chunks.shape.count == 1, shape.count == 1 else {
            throw BrokenRule("chunks of more than one dimension, which are not read")
        }
        let size = chunks.shape[0], count = shape[0] == 0 ? 0 : (shape[0] - 1) / size + 1
        guard count <= 1 << 24 else { throw BrokenRule("has more than \(1 << 24) chunks") }
        let places = try Buffer<Place>(count: count, for: "an index of chunks")
        let isFiltered = !filters.filters.isEmpty, (plain, overflow) = size.multipliedReportingOverflow(by: elementSize)
        guard !overflow, plain <= 1 << 40 else { throw BrokenRule("damaged: a chunk beyond all files") }
        var total = 0
        func put(_ number: Int, _ place: ChunkPlace) throws {
            guard number >= 0, number < count else { return }        // behind the end: the data set was made shorter
            guard place.stored > 0, place.stored <= source.size, place.address <= source.size - place.stored else {
                throw BrokenRule("damaged: a chunk is beyond the end of the file")
            }
            guard isFiltered || place.stored == plain else {
                throw BrokenRule("damaged: a chunk of another size than its data set says")
            }
            guard places[number].stored == 0 else { throw BrokenRule("damaged: a chunk is there twice") }
            // Chunks do not overlap, so together they are no longer than the file.
            total += place.stored
            guard total <= source.size else { throw BrokenRule("damaged: chunks overlap") }
            places[number] = Place(address: place.address, stored: place.stored, mask: place.mask)
        }
        if let address = chunks.address {
            switch chunks.index {
            case .tree: try ChunkTree.each(address, rank: 1, source) { offset, place in
                guard offset[0] % size == 0 else { throw BrokenRule("damaged: a chunk between the places of chunks") }
                try put(offset[0] / size, place)
            }
            case .single(let stored, let mask):
                try put(0, ChunkPlace(address: address, stored: stored ?? plain, mask: mask))
            case .implicit:
                guard !isFiltered else { throw BrokenRule("damaged: chunks without an index that have filters") }
                guard count <= source.size / max(1, plain), address <= source.size else {
                    throw BrokenRule("damaged: a chunk is beyond the end of the file")
                }
                for i in 0..<count { try put(i, ChunkPlace(address: address + i * plain, stored: plain, mask: 0)) }
            case .fixedArray:
                try FixedArray.each(address, count: count, isFiltered: isFiltered, plain: plain, source, put)
            case .extensibleArray:
                try ExtensibleArray.each(address, count: count, isFiltered: isFiltered, plain: plain, source, put)
            }
        }
        self.places = places
        return places
    }

    /// The texts `start ..< start + count` of a data set of variable length, each at most `maxBytes` long.
    package func readTexts(_ start: Int, _ count: Int, maxBytes: Int, 
                           _ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws {
        guard case .variableText = type, elementSize == 16 else { throw BrokenRule("must be text") }
        let block = min(count, 4096), elements = try Buffer<UInt8>(count: max(1, block) * 16, for: "text")
        for first in stride(from: start, to: start + count, by: max(1, block)) {
            let n = min(block, start + count - first)
            try read(first, n, into: elements.base)
            for i in 0..<n {
                try texts.text(UnsafeRawBufferPointer(start: elements.base + 16 * i, count: 16), maxBytes: maxBytes,
                    body)
            }
        }
    }
}
