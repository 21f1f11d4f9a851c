// Opens an HDF5 file from outside for reading.
// Nothing in the file is believed: FileFormat reads it without the HDF5 library, and Guards.swift says what else is
// refused and why. Model files are copied into memory first, so that they cannot change between check and use. Data
// sets may be larger than memory and are read in place.

import Basics
import FileFormat
import Glibc

/// What a file may ask of us.
package struct Limits: Sendable {
    /// Bytes of a file that is read into memory.
    package var fileBytes = 1 << 30
    /// Bytes of one data set in memory.
    package var elementBytes = 1 << 40
    /// Bytes of one chunk.
    package var chunkBytes = 64 << 20
    /// Groups and data sets opened, and the nesting of groups.
    package var objects = 100_000
    package var depth = 16
    package init() {}
}

/// A file being read. Closed with its last user.
package final class FileReader {
    /// What may be in it: `model` files hold numbers in one piece and text of fixed length only.
    enum Kind { case model, dataSet }

    /// The name used in messages.
    let name: String
    let kind: Kind
    let limits: Limits
    private let format: FormatFile
    private let disk: InputDescriptor?
    private var objects = 0

    /// A model or checkpoint in memory. `bytes` is copied.
    /// - Throws: `.format` when it is not HDF5.
    package init(bytes: UnsafeRawBufferPointer, name: String, limits: Limits = Limits()) throws {
        try checkSignature(bytes, name)
        let copy = try Buffer<UInt8>(count: bytes.count, for: "a file")
        if let base = bytes.baseAddress {
            UnsafeMutableRawPointer(copy.base).copyMemory(from: base, byteCount: bytes.count)
        }
        format = try Self.reading(name) { try FormatFile(ByteSource(copy, count: copy.count)) }
        (self.name, self.limits, kind, disk) = (name, limits, .model, nil)
    }

    /// A data set file, read in place.
    /// - Throws: `.io` naming the system's reason; `.format` when it is not HDF5.
    package init(dataSet path: String, limits: Limits = Limits()) throws {
        let disk = try InputDescriptor(path)
        let start = try disk.findStart()
        // A file of ours is checked before anything in it is used; others have no seal.
        if try Seal.check(disk.descriptor, path) == .broken {
            throw Failure(.format, "\(path): damaged: its bytes are not those that were written")
        }
        let source = ByteSource(descriptor: disk.descriptor, base: start, size: disk.size, path: path)
        format = try Self.reading(path) { try FormatFile(source) }
        (name, self.limits, kind, self.disk) = (path, limits, .dataSet, disk)
    }

    package func root() throws -> GroupReader {
        try GroupReader(object(format.root, "/"), path: "/", depth: 0, file: self)
    }

    /// The object whose header is at `address`; `path` is its place, for messages.
    func object(_ address: Int, _ path: String) throws -> FormatObject {
        try countObject()
        return try reading(path) { try format.object(address) }
    }

    /// Runs `body`; a rule of the format that is broken at `path` becomes a failure that names file and place.
    func reading<R>(_ path: String, _ body: () throws -> R) throws -> R {
        do { return try body() } catch let broken as BrokenRule { throw failure(path, broken.rule) }
    }

    private static func reading<R>(_ name: String, _ body: () throws -> R) throws -> R {
        do { return try body() } catch let broken as BrokenRule { throw Failure(.format, "\(name): \(broken.rule)") }
    }

    /// Counts an object that is about to be opened.
    func countObject() throws {
        objects += 1
        guard objects <= limits.objects else { throw Failure(.format, "\(name): more than \(limits.objects) objects") }
    }

    /// A file that breaks a rule at `path`.
    func failure(_ path: String, _ rule: String) -> Failure { Failure(.format, "\(name), \(quoted(path)): \(rule)") }
}

/// - Throws: `.format` when `bytes` do not begin as an HDF5 file does.
func checkSignature(_ bytes: UnsafeRawBufferPointer, _ name: String) throws {
    guard !bytes.isEmpty else { throw Failure(.format, "\(name): the file is empty") }
    guard FormatFile.findStart({ $0 == 0 ? Array(bytes.prefix(8)) : nil }) == 0 else {
        throw Failure(.format, "\(name): not an HDF5 file")
    }
}

/// A regular file that is open for reading, locked against writers while it is. Closed with its owner.
final class InputDescriptor {
    let descriptor: Int32
    let size: Int
    private let path: String

    /// - Throws: `.io`, also while another program writes it and says so with a lock.
    init(_ path: String) throws {
        try checkRegular(path)
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ioFailure(path, "open") }
        self.path = path
        size = Int(lseek(descriptor, 0, SEEK_END))
        guard size >= 0 else { throw ioFailure(path, "read") }
        // HDF5 locks files it writes; where the file system has no locks there is nothing to ask.
        if flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK {
            throw Failure(.io, "\(path): in use by a program that writes it")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Where the HDF5 part begins: at 0, or behind a user block (MATLAB 7.3: at 512).
    /// - Throws: `.io`; `.format` when it begins nowhere.
    func findStart() throws -> Int {
        guard size > 0 else { throw Failure(.format, "\(path): the file is empty") }
        let start = try FormatFile.findStart { place in
            guard place <= size - 8 else { return nil }
            var head = [UInt8](repeating: 0, count: 8), done = 0
            while done < head.count {                        // the system may give less than was asked for
                let n = head.withUnsafeMutableBytes {
                    pread(descriptor, $0.baseAddress! + done, $0.count - done, off_t(place + done))
                }
                if n < 0, errno == EINTR { continue }
                guard n > 0 else { throw ioFailure(path, "read", n < 0 ? errno : EIO) }
                done += n
            }
            return head
        }
        guard let start else { throw Failure(.format, "\(path): not an HDF5 file") }
        return start
    }
}

/// A file on a disk, not a folder, pipe or device (which could block or never end).
func checkRegular(_ path: String) throws {
    try checkPath(path)
    var info = stat()
    guard stat(path, &info) == 0 else { throw ioFailure(path, "open") }
    if info.st_mode & S_IFMT == S_IFDIR { throw ioFailure(path, "read", EISDIR) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw Failure(.io, "\(path): cannot read: not a regular file") }
}
