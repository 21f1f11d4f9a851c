// Writes and reads the container of models, checkpoints and budgets: kind, format version, digest, seal.
// What is inside is the caller's matter (Synthesis).
//
//   /         attributes  encoding-type "dict", encoding-version "0.1.0"
//                         flip-format          "flip-model", "flip-checkpoint" or "flip-budget"
//                         flip-format-version  "1.0"   of the layout
//                         flip-min-reader      "1.0"   the oldest layout version whose readers may read this file
//                         flip-writer          "libflip 1.0.0", for people only
//   /digest   text        64 hexadecimal digits over the content, see ContentDigest.swift
//   behind the HDF5 part: the seal, see Seal.swift. It is checked first; a file without one is not parsed.
//
// When the layout changes, raise `formatVersion`: the minor number when older readers can ignore what is new, the major
// number and `minimumReader` when they cannot. Keep a file of every released version in the tests.

import Basics

package enum ModelFile {
    package enum Kind: String, Sendable {
        case model = "flip-model", checkpoint = "flip-checkpoint", budget = "flip-budget"
    }

    /// A layout version, "major.minor".
    package struct Version: Comparable, Sendable {
        package let major: Int, minor: Int
        package init(_ major: Int, _ minor: Int) { (self.major, self.minor) = (major, minor) }
        init?(_ text: String) {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2,
                parts.allSatisfy({ (1...5).contains($0.utf8.count)
                && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
                  let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
            (self.major, self.minor) = (major, minor)
        }
        package static func < (a: Version, b: Version) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
        package var text: String { "\(major).\(minor)" }
    }

    package static let formatVersion = Version(1, 0)
    package static let minimumReader = Version(1, 0)
    package static let writer = "libflip " + libraryVersion

    // MARK: writing

    /// A file of the content that `body` puts into the root group. Equal content gives equal bytes.
    package static func bytes(_ kind: Kind, _ body: (GroupWriter) throws -> Void) throws -> Buffer<UInt8> {
        let file = try FileWriter()
        try file.root { root in
            try root.encoding("dict", "0.1.0")
            try root.attribute("flip-format", kind.rawValue)
            try root.attribute("flip-format-version", formatVersion.text)
            try root.attribute("flip-min-reader", minimumReader.text)
            try root.attribute("flip-writer", writer)
            try body(root)
        }
        let content = try file.snapshot()
        let digest = try withExtendedLifetime(content) {
            try ContentDigest.of(FileReader(bytes: content.view, name: "the new file").root())
        }
        try file.root { try $0.string("digest", digest) }
        return try Seal.seal(file.image())
    }

    /// Writes such a file to `path`. It appears there complete and flushed to the disk, or not at all, and what was
    /// there stays.
    package static func write(_ kind: Kind, to path: String, _ body: (GroupWriter) throws -> Void) throws {
        try writeVerified(bytes(kind, body), to: path)
    }

    // MARK: reading

    /// Opens a file and hands its root to `body`, after kind, version and digest were found right.
    /// - Throws: `.io`; `.format` when it is not such a file or is damaged; `.version` when it needs a newer library.
    package static func read<R>(_ kind: Kind, _ path: String, limits: Limits = Limits(), _ body: (GroupReader) throws
        -> R) throws -> R {
        let (bytes, count) = try load(path, limits)
        return try withExtendedLifetime(bytes) {
            try read(kind, bytes: UnsafeRawBufferPointer(start: bytes.base, count: count), name: path, limits: limits,
                body)
        }
    }

    /// Opens a file that is in memory, as the function above; `name` is for messages.
    package static func read<R>(_ kind: Kind, bytes: UnsafeRawBufferPointer, name: String = "the model",
        limits: Limits = Limits(),
                                _ body: (GroupReader) throws -> R) throws -> R {
        guard bytes.count <= limits.fileBytes else {
            throw Failure(.format, "\(name): longer than \(limits.fileBytes) bytes")
        }
        let root = try open(bytes, name, limits)
        let cover = try Cover(root, name)
        guard cover.kind == kind else {
            throw Failure(.format, "\(name): is a \(cover.kind.rawValue) file, not a \(kind.rawValue) file")
        }
        try cover.checkVersion(name)
        guard try cover.digest == ContentDigest.of(root) else {
            throw Failure(.format, "\(name): damaged: its digest does not match its content")
        }
        return try body(root)
    }

    /// The root group, once the seal was found right.
    static func open(_ bytes: UnsafeRawBufferPointer, _ name: String, _ limits: Limits) throws -> GroupReader {
        try checkSignature(bytes, name)
        let (verdict, content) = Seal.check(bytes)
        switch verdict {
        case .intact: return try FileReader(bytes: content, name: name, limits: limits).root()
        case .broken: throw Failure(.format, "\(name): damaged: its bytes are not those that were written")
        case .absent:
            throw Failure(.format,
                "\(name): not a model or checkpoint of libflip, or cut short, or rewritten by another program")
        }
    }

    static func load(_ path: String, _ limits: Limits) throws -> (bytes: Buffer<UInt8>, count: Int) {
        try checkRegular(path)
        return try readFile(path, limit: limits.fileBytes)
    }
}

/// What the root says about the file.
struct Cover {
    let kind: ModelFile.Kind
    let version: ModelFile.Version, minimumReader: ModelFile.Version
    let writer: String
    let digest: String

    init(_ root: GroupReader, _ name: String) throws {
        guard root.hasAttribute("flip-format"),
            let kind = ModelFile.Kind(rawValue: try root.attribute("flip-format", maxBytes: 64)) else {
            throw Failure(.format, "\(name): an HDF5 file, but not a model or checkpoint of libflip")
        }
        guard let version = ModelFile.Version(try root.attribute("flip-format-version", maxBytes: 64)),
              let reader = ModelFile.Version(try root.attribute("flip-min-reader", maxBytes: 64)) else {
            throw Failure(.format, "\(name): its format version is not \"major.minor\"")
        }
        (self.kind, self.version, minimumReader) = (kind, version, reader)
        writer = root.hasAttribute("flip-writer") ? try root.attribute("flip-writer", maxBytes: 256) : ""
        digest = root.has("digest") ? try root.string("digest", maxBytes: 64) : ""
    }

    func checkVersion(_ name: String) throws {
        let ours = ModelFile.formatVersion
        guard version.major <= ours.major, minimumReader <= ours else {
            let needed = max(minimumReader, ModelFile.Version(version.major, 0))
            throw Failure(.version, "\(name): written in format \(version.text), which needs a reader of "
                + "\(needed.text); this library reads up to \(ours.text): use a newer release")
        }
    }
}
