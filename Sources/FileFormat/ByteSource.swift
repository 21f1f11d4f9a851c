// Reads the bytes of a file by place, from a descriptor piece by piece, or from memory.
// Places count from the superblock's base, behind a user block if there is one.

import Basics
import Glibc

package final class ByteSource {
    private enum Storage {
        case descriptor(Int32, path: String)
        case memory(Buffer<UInt8>)
    }
    private let storage: Storage
    /// Where in the file place 0 is.
    let base: Int
    /// Bytes from the base to the end of the file.
    package let size: Int
    /// A structure larger than this is refused before it is read.
    private static let maxStructure = 64 << 20

    /// - Parameters:
    ///   - descriptor: of an open file, which must outlive this object.
    ///   - base: where in the file place 0 is.
    ///   - path: for messages.
    package init(descriptor: Int32, base: Int, size: Int, path: String) {
        (storage, self.base, self.size) = (.descriptor(descriptor, path: path), base, size - base)
    }

    package init(_ bytes: Buffer<UInt8>, count: Int) {
        (storage, base, size) = (.memory(bytes), 0, min(count, bytes.count))
    }

    /// Fills `target` with the bytes `start ..< start + count`.
    /// - Throws: `BrokenRule` beyond the end of the file; `Failure` of code `.io`.
    func read(_ start: Int, _ count: Int, into target: UnsafeMutableRawPointer, _ what: String) throws {
        guard start >= 0, count >= 0, count <= size, start <= size - count else {
            throw BrokenRule("damaged: \(what) is beyond the end of the file")
        }
        switch storage {
        case .memory(let bytes): target.copyMemory(from: bytes.base + start, byteCount: count)
        case .descriptor(let descriptor, let path):
            var done = 0
            while done < count {
                let n = pread(descriptor, target + done, count - done, off_t(base + start + done))
                if n < 0, errno == EINTR { continue }
                guard n > 0 else { throw ioFailure(path, "read", n < 0 ? errno : EIO) }
                done += n
            }
        }
    }

    /// The structure `what` of `count` bytes at `start`.
    func structure(_ start: Int, _ count: Int, _ what: String) throws -> Cursor {
        guard count <= Self.maxStructure else {
            throw BrokenRule("damaged: \(what) is larger than \(Self.maxStructure >> 20) MiB")
        }
        let bytes = try Buffer<UInt8>(count: max(count, 0), for: "a structure of a file")
        try read(start, count, into: bytes.base, what)
        return Cursor(bytes, 0..<bytes.count, what)
    }

    /// A structure whose last four bytes are the checksum of the others, without them.
    func checked(_ start: Int, _ count: Int, _ what: String) throws -> Cursor {
        guard count >= 4, count <= Self.maxStructure else {
            throw BrokenRule("damaged: \(what) is of an impossible size")
        }
        let bytes = try Buffer<UInt8>(count: count, for: "a structure of a file")
        try read(start, count, into: bytes.base, what)
        var sum = Cursor(bytes, count - 4..<count, what)
        guard try sum.number(4) == UInt64(lookup3(UnsafeRawBufferPointer(start: bytes.base, count: count - 4))) else {
            throw BrokenRule("damaged: \(what) does not have its checksum")
        }
        return Cursor(bytes, 0..<count - 4, what)
    }
}
