// Reads B-trees of version 2: records that say where things are in a fractal heap.

import Basics

struct NewTree {
    private let source: ByteSource
    private let kind: Int, nodeSize: Int, recordSize: Int, depth: Int
    private let root: Int?, rootCount: Int
    let count: Int
    private static let maxDepth = 32
    private static let what = "a B-tree"

    init(_ source: ByteSource, _ address: Int) throws {
        var c = try source.checked(address, 38, Self.what)
        try c.expect("BTHD")
        try c.expect(version: 0)
        kind = try c.byte()
        nodeSize = try c.word()
        recordSize = try c.short()
        depth = try c.short()
        try c.skip(2)
        root = try c.address()
        rootCount = try c.short()
        count = try c.length()
        guard nodeSize >= 64, nodeSize <= 16 << 20, recordSize > 0, recordSize < nodeSize, depth <= Self.maxDepth else {
            throw c.damaged("has impossible sizes")
        }
        self.source = source
    }

    /// How many records a node of each depth may hold, and the widths of its counts.
    private struct Level { let maxRecords: Int, pointer: Int, total: Int, totalWidth: Int }

    private func levels() throws -> [Level] {
        let leaf = (nodeSize - 10) / recordSize
        guard leaf > 0 else { throw BrokenRule("damaged: \(Self.what) has impossible sizes") }
        let countWidth = leaf.logarithm / 8 + 1
        var levels = [Level(maxRecords: leaf, pointer: 0, total: leaf, totalWidth: 0)]
        for _ in 0..<depth {
            let below = levels[levels.count - 1]
            let pointer = 8 + countWidth + below.totalWidth
            let maxRecords = (nodeSize - 10 - pointer) / (recordSize + pointer)
            guard maxRecords > 0 else { throw BrokenRule("damaged: \(Self.what) has impossible sizes") }
            let (product, overflow) = (maxRecords + 1).multipliedReportingOverflow(by: below.total)
            guard !overflow, product < Int.max - maxRecords else {
                throw BrokenRule("damaged: \(Self.what) has impossible sizes")
            }
            levels.append(Level(maxRecords: maxRecords, pointer: pointer, total: product + maxRecords,
                totalWidth: (product + maxRecords).logarithm / 8 + 1))
        }
        return levels
    }

    /// Hands every record to `body`, with the kind of tree.
    func each(_ body: (Int, inout Cursor) throws -> Void) throws {
        guard let root else { return }
        let levels = try levels()
        var waiting = [(address: root, count: rootCount, depth: depth)], seen = Set<Int>()
        let countWidth = levels[0].maxRecords.logarithm / 8 + 1
        while let node = waiting.popLast() {
            guard seen.insert(node.address).inserted, seen.count <= 1 << 20 else {
                throw BrokenRule("damaged: \(Self.what) leads back into itself")
            }
            let level = levels[node.depth]
            guard node.count <= level.maxRecords else {
                throw BrokenRule("damaged: \(Self.what) has a node with too many records")
            }
            let used = 6 + node.count * recordSize + (node.depth > 0 ? (node.count + 1) * level.pointer : 0)
            var c = try source.checked(node.address, used + 4, "a node of a B-tree")
            try c.expect(node.depth > 0 ? "BTIN" : "BTLF")
            try c.expect(version: 0)
            guard try c.byte() == kind else { throw c.damaged("belongs to another tree") }
            for _ in 0..<node.count {
                var record = try c.part(recordSize, "a record of a B-tree")
                try body(kind, &record)
            }
            guard node.depth > 0 else { continue }
            for _ in 0...node.count {
                let address = try c.requiredAddress(), count = Int(try c.number(countWidth))
                try c.skip(levels[node.depth - 1].totalWidth)
                waiting.append((address, count, node.depth - 1))
            }
        }
    }
}
