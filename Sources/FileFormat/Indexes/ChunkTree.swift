// Reads the index of chunks in the earliest format: a B-tree of version 1.

import Basics

enum ChunkTree {
    private static let maxNodes = 1 << 20

    /// Calls `body` with the offset in elements, address, stored bytes and filter mask of every chunk.
    static func each(_ address: Int, rank: Int, _ source: ByteSource, 
                     _ body: ([Int], ChunkPlace) throws -> Void) throws {
        var waiting = [(address: address, level: -1)], seen = Set<Int>()
        let keySize = 8 + 8 * (rank + 1)
        while let node = waiting.popLast() {
            guard seen.insert(node.address).inserted, seen.count <= maxNodes else {
                throw BrokenRule("damaged: an index of chunks leads back into itself")
            }
            var c = try source.structure(node.address, 24, "an index of chunks")
            try c.expect("TREE")
            guard try c.byte() == 1 else { throw c.damaged("is one of another kind") }
            let level = try c.byte(), count = try c.short()
            guard node.level < 0 ? level <= 32 : level == node.level else {
                throw c.damaged("has a node at an impossible depth")
            }
            var fields = try source.structure(node.address + 24, count * (keySize + 8), "an index of chunks")
            for _ in 0..<count {
                let stored = try fields.word(), mask = try fields.word()
                let offset = try (0..<rank).map { _ in try fields.length() }
                try fields.skip(8)
                let child = try fields.requiredAddress()
                if level > 0 {
                    waiting.append((child, level - 1))
                } else {
                    try body(offset, ChunkPlace(address: child, stored: stored, mask: mask))
                }
            }
        }
    }
}
