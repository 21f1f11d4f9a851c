// Reads texts of variable length, which global heaps hold.
// The element of a data set is a length, the address of a heap collection and a number in it.

import Basics

final class GlobalHeap {
    private final class Collection {
        let content: Cursor
        /// Where in the content the object of a number is.
        var objects: [Int: Range<Int>] = [:]
        init(_ content: Cursor) { self.content = content }
    }
    private let source: ByteSource
    private var collections: [Int: Collection] = [:]
    private var kept = 0
    private static let maxKept = 64 << 20

    init(_ source: ByteSource) { self.source = source }

    /// Hands the bytes of the text that the 16 bytes of `element` stand for to `body`, up to the first NUL.
    /// - Throws: `BrokenRule`, also for a text longer than `maxBytes`.
    func text(_ element: UnsafeRawBufferPointer, maxBytes: Int, 
              _ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws {
        let length = Int(UInt32(littleEndian: element.loadUnaligned(as: UInt32.self)))
        let address = UInt64(littleEndian: element.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
        let number = Int(UInt32(littleEndian: element.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
        // Nothing was written, or a null pointer: an empty text.
        guard address != 0, address != .max, length > 0 else {
            return try body(UnsafeBufferPointer(start: nil, count: 0))
        }
        guard length <= maxBytes else { throw BrokenRule("text longer than \(maxBytes) bytes") }
        guard let place = Int(exactly: address) else {
            throw BrokenRule("damaged: a text is beyond the end of the file")
        }
        let collection = try self.collection(place)
        guard let range = collection.objects[number], range.count >= length else {
            throw BrokenRule("damaged: a text is not where its element says")
        }
        try collection.content.withBytes(range.lowerBound, length) { bytes in
            let end = bytes.firstIndex(of: 0) ?? bytes.count
            try body(UnsafeBufferPointer(start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count: end))
        }
    }

    private func collection(_ address: Int) throws -> Collection {
        if let found = collections[address] { return found }
        let what = "a global heap"
        var head = try source.structure(address, 16, what)
        try head.expect("GCOL")
        try head.expect(version: 1)
        try head.skip(3)
        let size = try head.length()
        guard size >= 16, size <= source.size - address else { throw head.damaged("is beyond the end of the file") }
        var c = try source.structure(address, size, what)
        let found = Collection(c)
        try c.skip(16)
        while c.left >= 16 {
            let number = try c.short()
            try c.skip(6)
            let length = try c.length()
            if number == 0 { break }                     // the free space at the end
            guard length <= c.left else { throw c.damaged("has an object that is cut short") }
            found.objects[number] = c.position..<c.position + length
            try c.skip(min(length.padded, c.left))
        }
        if kept + size > Self.maxKept { (collections, kept) = ([:], 0) }
        (collections[address], kept) = (found, kept + size)
        return found
    }
}
