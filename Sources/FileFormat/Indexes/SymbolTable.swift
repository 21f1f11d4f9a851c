// Reads groups of the earliest format: a B-tree of members and a local heap with their names.

import Basics

enum SymbolTable {
    private static let maxNodes = 1 << 17

    /// The members of the group whose symbol table message is `message`.
    static func links(_ message: Message, _ source: ByteSource) throws -> [Link] {
        var c = message.content
        let tree = try c.requiredAddress(), heap = try names(c.requiredAddress(), source)
        var links: [Link] = []
        var waiting = [(address: tree, level: -1)], seen = Set<Int>()
        while let node = waiting.popLast() {
            guard seen.insert(node.address).inserted, seen.count <= maxNodes else {
                throw BrokenRule("damaged: a group leads back into itself")
            }
            var c = try source.structure(node.address, 24, "a B-tree of a group")
            try c.expect("TREE")
            guard try c.byte() == 0 else { throw c.damaged("is one of another kind") }
            let level = try c.byte(), count = try c.short()
            guard node.level < 0 ? level <= 32 : level == node.level else {
                throw c.damaged("has a node at an impossible depth")
            }
            var body = try source.structure(node.address + 24, 8 + 16 * count, "a B-tree of a group")
            for _ in 0..<count {
                try body.skip(8)
                let child = try body.requiredAddress()
                if level > 0 {
                    waiting.append((child, level - 1))
                } else {
                    try read(child, heap, source, &links, &seen)
                }
            }
        }
        return links
    }

    private static func read(_ address: Int, _ heap: Cursor, _ source: ByteSource, _ links: inout [Link],
        _ seen: inout Set<Int>) throws {
        guard seen.insert(address).inserted, seen.count <= maxNodes else {
            throw BrokenRule("damaged: a group leads back into itself")
        }
        var c = try source.structure(address, 8, "a node of a group")
        try c.expect("SNOD")
        try c.expect(version: 1)
        try c.skip(1)
        let count = try c.short()
        c = try source.structure(address + 8, 40 * count, "a node of a group")
        for _ in 0..<count {
            let place = try c.length(), target = try c.address(), kind = try c.word()
            try c.skip(4 + 16)
            var name = heap
            try name.skip(place)
            let bytes = try name.terminated()
            guard kind <= 2 else { throw c.damaged("has a member of an unknown kind") }
            guard kind != 2 else {
                links.append(Link(name: bytes, target: .elsewhere))
                continue
            }
            guard let target else { throw c.damaged("has a member without an address") }
            links.append(Link(name: bytes, target: .object(target)))
            guard links.count <= Link.maxCount else { throw BrokenRule("has more than \(Link.maxCount) members") }
        }
    }

    /// The segment with the names.
    private static func names(_ address: Int, _ source: ByteSource) throws -> Cursor {
        var c = try source.structure(address, 32, "a local heap")
        try c.expect("HEAP")
        try c.expect(version: 0)
        try c.skip(3)
        let size = try c.length()
        try c.skip(8)
        return try source.structure(c.requiredAddress(), size, "a local heap")
    }
}
