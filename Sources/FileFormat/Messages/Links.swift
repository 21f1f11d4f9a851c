// Reads the members of a group, whichever way it keeps them.
// A symbol table, link messages in the header, or link messages in a fractal heap.

import Basics

/// A name in a group.
package struct Link {
    package enum Target: Equatable {
        /// The address of the object's header.
        case object(Int)
        /// A soft, external or user-defined link, which is not followed.
        case elsewhere
    }
    package let name: [UInt8]
    package let target: Target

    static let maxCount = 100_000

    static func links(_ header: ObjectHeader, _ source: ByteSource) throws -> [Link] {
        if let table = header.first(.symbolTable) { return try unique(SymbolTable.links(table, source)) }
        var links: [Link] = []
        for message in header.messages where message.kind == .link {
            guard !message.isShared else { throw BrokenRule("has a link that is kept elsewhere, which is not read") }
            var c = message.content
            links.append(try read(&c))
        }
        if let info = header.first(.linkInfo) {
            var c = info.content
            try c.expect(version: 0)
            let flags = try c.byte()
            if flags & 1 != 0 { try c.skip(8) }
            if let heapAddress = try c.address(), let tree = try c.address() {
                let heap = try FractalHeap(source, heapAddress)
                try NewTree(source, tree).each { kind, record in
                    guard kind == 5 else { throw record.unknown("lists links in an unknown way") }
                    try record.skip(4)
                    var object = try heap.object(&record)
                    links.append(try read(&object))
                    guard links.count <= maxCount else { throw BrokenRule("has more than \(maxCount) members") }
                }
            }
        }
        return try unique(links)
    }

    private static func unique(_ links: [Link]) throws -> [Link] {
        guard links.reduce(0, { $0 + $1.name.count }) <= 64 << 20 else {
            throw BrokenRule("has more than 64 MiB of names")
        }
        guard Set(links.map(\.name)).count == links.count else { throw BrokenRule("damaged: a group has a name twice") }
        return links
    }

    private static func read(_ c: inout Cursor) throws -> Link {
        try c.expect(version: 1)
        let flags = try c.byte()
        guard flags & 0xE0 == 0 else { throw c.unknown("is a link with unknown flags") }
        let kind = try flags & 8 != 0 ? c.byte() : 0
        if flags & 4 != 0 { try c.skip(8) }
        if flags & 16 != 0 { try c.skip(1) }
        guard let length = Int(exactly: try c.number(1 << (flags & 3))), length > 0 else {
            throw c.damaged("has a link without a name")
        }
        let name = try c.array(length)
        return Link(name: name, target: kind == 0 ? .object(try c.requiredAddress()) : .elsewhere)
    }
}
