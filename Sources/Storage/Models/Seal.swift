// Appends and checks the last line of our files: the SHA-256 of all bytes before it.
// HDF5 ignores what follows its own end, so the file is an ordinary HDF5 file. The seal is checked before anything in
// the file is used. It shows damage; it does not stop an adversary, who can write a seal too, so a sealed file is read
// with the same care as any other.
//
//   "\nflip-sha256 " + 64 hexadecimal digits + "\n"          check it with: head -c -78 FILE | sha256sum

import Basics
import Glibc

enum Seal {
    private static let mark = Array("\nflip-sha256 ".utf8)
    static let length = mark.count + 65

    enum Verdict { case intact, broken, absent }

    static func line(_ digest: String) -> [UInt8] { mark + Array(digest.utf8) + [UInt8(ascii: "\n")] }

    /// `bytes` with its seal behind it.
    static func seal(_ bytes: Buffer<UInt8>) throws -> Buffer<UInt8> {
        let sealed = try Buffer<UInt8>(count: bytes.count + length, for: "the file's bytes")
        sealed.base.update(from: bytes.base, count: bytes.count)
        var sha = SHA256()
        withExtendedLifetime(bytes) { sha.update(bytes.view) }
        for (i, b) in line(sha.hexDigest()).enumerated() { sealed[bytes.count + i] = b }
        return sealed
    }

    /// The verdict, and the bytes without the seal when there is one.
    static func check(_ bytes: UnsafeRawBufferPointer) -> (Verdict, UnsafeRawBufferPointer) {
        guard bytes.count > length else { return (.absent, bytes) }
        let content = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - length)])
        let tail = UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - length)...])
        guard tail.prefix(mark.count).elementsEqual(mark) else { return (.absent, bytes) }
        var sha = SHA256()
        sha.update(content)
        return (tail.elementsEqual(line(sha.hexDigest())) ? .intact : .broken, content)
    }

    // MARK: files too large for memory

    /// Appends the seal of everything in `file`, which another descriptor may have written.
    static func seal(_ file: AtomicFile) throws {
        var sha = SHA256()
        let size = lseek(file.descriptor, 0, SEEK_END)
        guard size >= 0 else { throw ioFailure(file.path, "write") }
        try read(file.descriptor, file.path, count: Int(size)) { sha.update($0) }
        guard lseek(file.descriptor, 0, SEEK_END) >= 0 else { throw ioFailure(file.path, "write") }
        try line(sha.hexDigest()).withUnsafeBytes { try file.write($0) }
    }

    /// The verdict on an open file; `path` is for messages.
    static func check(_ descriptor: Int32, _ path: String) throws -> Verdict {
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size > length else { return .absent }
        var tail: [UInt8] = []
        try read(descriptor, path, from: size - length, count: length) { tail.append(contentsOf: $0) }
        guard tail.starts(with: mark) else { return .absent }
        var sha = SHA256()
        try read(descriptor, path, count: size - length) { sha.update($0) }
        return tail == line(sha.hexDigest()) ? .intact : .broken
    }

    private static func read(_ descriptor: Int32, _ path: String, from start: Int = 0, count: Int,
        _ body: (UnsafeRawBufferPointer) -> Void) throws {
        let piece = try Buffer<UInt8>(count: 1 << 20, for: "a file")
        var at = 0
        while at < count {
            let n = pread(descriptor, piece.base, min(piece.count, count - at), off_t(start + at))
            if n < 0, errno == EINTR { continue }
            guard n > 0 else { throw ioFailure(path, "read", n < 0 ? errno : EIO) }
            body(UnsafeRawBufferPointer(start: piece.base, count: n))
            at += n
        }
    }
}
