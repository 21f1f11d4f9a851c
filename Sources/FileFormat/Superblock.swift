// Reads the start of a file (superblock 0 to 3).
// Versions 0 and 1: HDF5 before 1.8 and every writer that asks for the earliest format; 2: HDF5 1.8; 3: HDF5 1.10.

import Basics

struct Superblock {
    /// Where the header of the root group is.
    let root: Int
    /// The first bytes of every file.
    static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    init(_ source: ByteSource) throws {
        let what = "the superblock"
        var c = try source.structure(0, min(source.size, 96), what)
        guard try c.array(8) == Self.signature else { throw BrokenRule("not an HDF5 file") }
        let version = try c.byte()
        let end: Int
        switch version {
        case 0, 1:
            // Versions of free-space information, root entry and shared messages are 0 in every file.
            guard try c.byte() == 0, try c.byte() == 0, try c.byte() == 0, try c.byte() == 0 else {
                throw c.unknown("names unknown parts")
            }
            try Self.checkSizes(&c)
            try c.skip(1 + 4 + 4 + (version == 1 ? 4 : 0))
            // as the file was written; a user block may have been put before it
            _ = try c.address()
            _ = try c.address()
            end = try c.requiredAddress()
            guard try c.address() == nil else { throw c.unknown("names a driver for several files") }
            try c.skip(8)
            root = try c.requiredAddress()
        case 2, 3:
            c = try source.checked(0, 48, what)
            try c.skip(9)
            try Self.checkSizes(&c)
            let flags = try c.byte()
            guard flags & 0x05 == 0 else {
                throw BrokenRule("was not closed by the program that wrote it: close it, or clear its mark with "
                    + "h5clear -s")
            }
            _ = try c.address()
            try Self.checkExtension(c.address(), source)
            end = try c.requiredAddress()
            root = try c.requiredAddress()
        default: throw c.unknown("is of version \(version)")
        }
        // The end counts from the start of the file, or from its base: HDF5 writes the same where there is no user
        // block.
        guard end <= source.size || end - source.base <= source.size else {
            throw BrokenRule("cut short: \(end) bytes were written, \(source.size) are there")
        }
    }

    private static func checkSizes(_ c: inout Cursor) throws {
        let (offsets, lengths) = (try c.byte(), try c.byte())
        guard offsets == 8, lengths == 8 else {
            throw c.unknown("has addresses of \(offsets) and lengths of \(lengths) bytes instead of 8")
        }
    }

    /// What the extension may say: sizes of B-tree nodes, and how free space is kept, which does not matter to a
    /// reader.
    private static func checkExtension(_ address: Int?, _ source: ByteSource) throws {
        guard let address else { return }
        for message in try ObjectHeader(source, address).messages {
            switch message.kind {
            case .sharedTable: throw BrokenRule("shares messages between objects, which this release does not read")
            case .driver: throw BrokenRule("is one of several files, which this release does not read")
            default: break
            }
        }
    }
}
