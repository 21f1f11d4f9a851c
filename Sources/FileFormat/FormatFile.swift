// Opens a file in HDF5's format and its objects, without the HDF5 library.
// Nothing in the file is believed: every structure is read into memory of its own, every read is checked against the
// structure's end, every walk ends. What is not known is refused by name.
//
// The format is that of the HDF5 File Format Specification, versions 1.0 to 4.0. What is read is what writers of tables
// use; see docs/FORMATS.md.

import Basics

package final class FormatFile {
    private let source: ByteSource
    private let texts: GlobalHeap
    /// The objects that were opened last.
    private var objects: [Int: FormatObject] = [:]
    /// The address of the root group.
    package let root: Int

    /// - Throws: `BrokenRule` when it is not an HDF5 file, or one that is cut short.
    package init(_ source: ByteSource) throws {
        (self.source, texts) = (source, GlobalHeap(source))
        root = try Superblock(source).root
    }

    /// The object whose header is at `address`.
    package func object(_ address: Int) throws -> FormatObject {
        if let known = objects[address] { return known }
        let object = try FormatObject(address, source, texts)
        if objects.count >= 64 { objects.removeAll() }
        objects[address] = object
        return object
    }

    /// Where the HDF5 part of an open file begins: at 0 or behind a user block, at 512, 1024, 2048, …
    /// - Parameter read: gives 8 bytes at a place, or nil beyond the end.
    package static func findStart(_ read: (Int) throws -> [UInt8]?) rethrows -> Int? {
        var place = 0
        while let bytes = try read(place) {
            if bytes == Superblock.signature { return place }
            place = place == 0 ? 512 : place * 2
            if place > 1 << 60 { return nil }
        }
        return nil
    }
}

/// A group or data set.
package final class FormatObject {
    package enum Kind { case group, dataSet, other }
    package let address: Int
    package let kind: Kind
    package let attributes: [Attribute]
    private let header: ObjectHeader
    private let source: ByteSource
    private let texts: GlobalHeap
    private var known: [Link]?

    init(_ address: Int, _ source: ByteSource, _ texts: GlobalHeap) throws {
        header = try ObjectHeader(source, address)
        (self.address, self.source, self.texts) = (address, source, texts)
        let isGroup = header.first(.symbolTable) != nil || header.first(.linkInfo) != nil
            || header.first(.groupInfo) != nil
        kind = isGroup ? .group : header.first(.layout) != nil ? .dataSet : .other
        attributes = try Attribute.attributes(header, source)
    }

    /// The members of a group.
    package func links() throws -> [Link] {
        if let known { return known }
        let links = try Link.links(header, source)
        known = links
        return links
    }

    package func data() throws -> StoredData { try StoredData(header, source, texts) }

    /// The texts of an attribute of variable length, handed out one after the other.
    package func texts(_ attribute: Attribute, maxBytes: Int, 
                       _ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws {
        guard case .variableText = attribute.type else { throw BrokenRule("must be text") }
        try attribute.bytes.withUnsafeBytes { bytes in
            for i in 0..<bytes.count / 16 {
                try texts.text(UnsafeRawBufferPointer(rebasing: bytes[16 * i..<16 * i + 16]), maxBytes: maxBytes, body)
            }
        }
    }
}
