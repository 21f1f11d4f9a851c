// Reads the header of a group or data set: a list of messages, in one block and its continuations.

import Basics

/// One message of a header.
struct Message {
    enum Kind: Int {
        case nothing = 0, dataSpace, linkInfo, dataType, oldFill, fill, link, external, layout, bogus, groupInfo,
            filters
        case attribute, comment, oldTime, sharedTable, continuation, symbolTable, time, treeSizes, driver, attributeInfo
        case references, fileSpace
    }
    let kind: Kind
    /// The content is a reference to a message elsewhere.
    let isShared: Bool
    let content: Cursor
}

struct ObjectHeader {
    private(set) var messages: [Message] = []
    static let maxMessages = 100_000
    private static let maxBlocks = 10_000, maxBytes = 64 << 20

    init(_ source: ByteSource, _ address: Int) throws {
        let first = try source.structure(address, min(16, max(0, source.size - address)), "an object header")
        var probe = first
        let isNew = (try? probe.expect("OHDR")) != nil
        var waiting: [(start: Int, count: Int)] = [], seen = Set<Int>(), total = 0
        isNew ? try readNew(source, address, &waiting) : try readOld(source, address, first, &waiting)
        // Continuations may name continuations; each block is read once.
        while let block = waiting.popLast() {
            guard seen.insert(block.start).inserted, seen.count <= Self.maxBlocks else {
                throw BrokenRule("damaged: an object header continues in itself")
            }
            // Blocks do not overlap, so together they are no longer than the file.
            total += min(block.count, source.size)
            guard total <= min(source.size, Self.maxBytes) else {
                throw BrokenRule("damaged: an object header is beyond all sizes")
            }
            let what = "a continuation of an object header"
            if isNew {
                var c = try source.checked(block.start, block.count, what)
                try c.expect("OCHK")
                try add(&c, &waiting, new: true)
            } else {
                var c = try source.structure(block.start, block.count, what)
                try add(&c, &waiting, new: false)
            }
        }
    }

    func first(_ kind: Message.Kind) -> Message? { messages.first { $0.kind == kind } }

    private var hasCreationOrder = false

    private mutating func readOld(_ source: ByteSource, _ address: Int, _ prefix: Cursor,
        _ waiting: inout [(start: Int, count: Int)]) throws {
        var c = prefix
        try c.expect(version: 1)
        try c.skip(1 + 2 + 4)
        let size = try c.word()
        var body = try source.structure(address + 16, size, "an object header")
        try add(&body, &waiting, new: false)
    }

    private mutating func readNew(_ source: ByteSource, _ address: Int,
        _ waiting: inout [(start: Int, count: Int)]) throws {
        var c = try source.structure(address, min(64, source.size - address), "an object header")
        try c.expect("OHDR")
        try c.expect(version: 2)
        let flags = try c.byte()
        guard flags & 0xC0 == 0 else { throw c.unknown("has unknown flags") }
        hasCreationOrder = flags & 4 != 0
        if flags & 0x20 != 0 { try c.skip(16) }
        if flags & 0x10 != 0 { try c.skip(4) }
        guard let size = Int(exactly: try c.number(1 << (flags & 3))), size < 1 << 40 else {
            throw c.damaged("is beyond all files")
        }
        let start = c.position
        var body = try source.checked(address, start + size + 4, "an object header")
        try body.skip(start)
        try add(&body, &waiting, new: true)
    }

    private mutating func add(_ c: inout Cursor, _ waiting: inout [(start: Int, count: Int)], new: Bool) throws {
        let prefix = new ? 4 + (hasCreationOrder ? 2 : 0) : 8
        while c.left >= prefix {                    // what is shorter is a gap
            let code = try new ? c.byte() : c.short()
            let size = try c.short(), flags = try c.byte()
            try c.skip(prefix - (new ? 4 : 5))      // reserved, or the order of creation
            var content = try c.part(size, "a message of an object header")
            guard let kind = Message.Kind(rawValue: code) else {
                // Bit 7: whoever does not know the message must not use the object.
                if flags & 0x80 != 0 { throw content.unknown("is of the unknown kind \(code)") }
                continue
            }
            switch kind {
            case .nothing, .bogus: break
            case .continuation:
                let start = try content.requiredAddress(), count = try content.length()
                waiting.append((start, count))
            default:
                messages.append(Message(kind: kind, isShared: flags & 2 != 0, content: content))
                guard messages.count <= Self.maxMessages else {
                    throw BrokenRule("has more than \(Self.maxMessages) messages in its header")
                }
            }
        }
    }
}
