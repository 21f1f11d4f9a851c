// Reads the attributes of an object, in its header or in a fractal heap (attribute message 1 to 3).

import Basics

/// An attribute of a file.
package struct Attribute {
    package let name: [UInt8]
    package let type: DataType
    /// Bytes of one element.
    package let elementSize: Int
    /// None for a scalar; nil for a space without elements.
    package let shape: [Int]?
    /// The elements, in the file's representation.
    package let bytes: [UInt8]

    private static let maxCount = 65_536, maxBytes = 64 << 20

    static func attributes(_ header: ObjectHeader, _ source: ByteSource) throws -> [Attribute] {
        var out: [Attribute] = [], total = 0
        func add(_ attribute: Attribute) throws {
            out.append(attribute)
            total += attribute.bytes.count + attribute.name.count
            guard out.count <= maxCount, total <= maxBytes else {
                throw BrokenRule("has more than \(maxCount) attributes or more than \(maxBytes >> 20) MiB of them")
            }
        }
        for message in header.messages where message.kind == .attribute {
            guard !message.isShared else {
                throw BrokenRule("has an attribute that is kept elsewhere, which is not read")
            }
            var c = message.content
            try add(read(&c))
        }
        if let info = header.first(.attributeInfo) {
            var c = info.content
            try c.expect(version: 0)
            let flags = try c.byte()
            if flags & 1 != 0 { try c.skip(2) }
            if let heapAddress = try c.address(), let tree = try c.address() {
                let heap = try FractalHeap(source, heapAddress)
                try NewTree(source, tree).each { kind, record in
                    guard kind == 8 else { throw record.unknown("lists attributes in an unknown way") }
                    var id = record
                    try record.skip(8)
                    guard try record.byte() & 2 == 0 else {
                        throw record.unknown("lists an attribute that is kept elsewhere")
                    }
                    var object = try heap.object(&id)
                    try add(read(&object))
                }
            }
        }
        guard Set(out.map(\.name)).count == out.count else {
            throw BrokenRule("damaged: an object has an attribute twice")
        }
        return out
    }

    private static func read(_ c: inout Cursor) throws -> Attribute {
        let version = try c.byte()
        guard (1...3).contains(version) else { throw c.unknown("is an attribute of version \(version)") }
        let flags = try c.byte(), sizes = (name: try c.short(), type: try c.short(), space: try c.short())
        if version == 3 { try c.skip(1) }
        func padded(_ n: Int) -> Int { version == 1 ? n.padded : n }
        var name = try c.part(padded(sizes.name), "the name of an attribute")
        var type = try c.part(padded(sizes.type), "an attribute"),
            space = try c.part(padded(sizes.space), "an attribute")
        let isShared = version > 1 && flags & 1 != 0
        guard version == 1 || flags & 2 == 0 else { throw c.unknown("has an attribute whose shape is kept elsewhere") }
        let text = try name.terminated()
        let (kind, size) = try isShared ? (.other("a committed (named) data type, which is not supported"), 0)
            : DataType.read(&type)
        let shape = try DataSpace.read(&space)
        guard !isShared, let shape else {
            return Attribute(name: text, type: kind, elementSize: size, shape: shape, bytes: [])
        }
        let (count, overflow) = shape.reduce((1, false)) { product, n in
            let (value, over) = product.0.multipliedReportingOverflow(by: n)
            return (value, product.1 || over)
        }
        let (bytes, tooMany) = count.multipliedReportingOverflow(by: size)
        guard !overflow, !tooMany, bytes <= c.left else { throw c.damaged("has an attribute that is cut short") }
        return Attribute(name: text, type: kind, elementSize: size, shape: shape, bytes: try c.array(bytes))
    }
}
