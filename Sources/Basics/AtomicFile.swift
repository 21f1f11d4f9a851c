// Writes a file so that a reader sees the old content or the new, never a part of it.
// The bytes go to a temporary file in the same folder, are flushed to the disk, and take the place of the old file in
// one step. On any error, or when the owner is dropped before `commit`, the temporary file is removed and the old one
// is untouched.

import Glibc

/// A file being written. The path appears only with `commit()`.
package final class AtomicFile {
    /// Where the content will be: the given path, or what it links to.
    package let path: String
    /// Where the content is until then, for libraries that open files by name. Mode 0600.
    package let temporaryPath: String
    package let descriptor: Int32
    private var open = true

    /// Creates the temporary file.
    /// - Throws: `.io` naming the path and the system's reason; also when the path is there and is not a regular file,
    ///   so that a device or a folder is never replaced.
    package init(_ path: String) throws {
        try checkPath(path)
        self.path = try Self.target(path)
        let start = UInt64(monotonicSeconds() * 1e9)
        for attempt in 0..<100 as Range<UInt64> {
            // Only has to be fresh: O_EXCL refuses a name that is there, then the next one is tried.
            let mark = String((start &+ attempt) &* 0x9E37_79B9_7F4A_7C15, radix: 16)
            let name = "\(self.path).tmp-\(getpid())-\(mark)"
            let fd = Int32(retrying { Int(Glibc.open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                0o600)) })
            if fd >= 0 {
                (temporaryPath, descriptor) = (name, fd)
                return
            }
            guard errno == EEXIST else { throw ioFailure(self.path, "write") }
        }
        throw ioFailure(self.path, "write", EEXIST)
    }

    deinit { abandon() }

    /// Appends all of `bytes`.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard open else { throw Failure(.state, "\(path): already closed") }
        try writeAll(descriptor, bytes, path)
    }

    /// Flushes, puts the new content in place and flushes the folder. After an error the old content is still there,
    /// with one exception: when only the folder's flush fails the new content is in place, but a power cut may bring
    /// back the old.
    package func commit() throws {
        guard open else { throw Failure(.state, "\(path): already closed") }
        guard retrying({ Int(fsync(descriptor)) }) == 0 else { throw failAndAbandon("write") }
        guard rename(temporaryPath, path) == 0 else { throw failAndAbandon("replace") }
        open = false
        close(descriptor)
        let folder = Self.folder(of: path)
        let fd = Int32(retrying { Int(Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) })
        guard fd >= 0 else { throw ioFailure(folder, "open") }
        defer { close(fd) }
        // Some file systems cannot flush a folder and say so with EINVAL; there is nothing more to do there.
        guard retrying({ Int(fsync(fd)) }) == 0 || errno == EINVAL else { throw ioFailure(folder, "write") }
    }

    /// Gives up: removes the temporary file. Does nothing after `commit`.
    package func abandon() {
        guard open else { return }
        open = false
        unlink(temporaryPath)
        close(descriptor)
    }

    /// All of `bytes` as the whole content of `path`.
    package static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
        let file = try AtomicFile(path)
        try file.write(bytes)
        try file.commit()
    }

    package static func write(_ text: String, to path: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0), to: path) }
    }

    // MARK: paths

    private func failAndAbandon(_ doing: String) -> Failure {
        let failure = ioFailure(path, doing)
        abandon()
        return failure
    }

    /// `path` itself, or what it points to when it is a link: a link stays a link.
    static func target(_ path: String) throws -> String {
        var info = stat()
        guard lstat(path, &info) == 0 else {
            if errno == ENOENT { return path }
            throw ioFailure(path, "write")
        }
        var real = path
        if info.st_mode & S_IFMT == S_IFLNK {
            guard let resolved = realpath(path, nil) else { throw ioFailure(path, "write") }
            defer { free(resolved) }
            real = String(cString: resolved)
            guard stat(real, &info) == 0 else { throw ioFailure(path, "write") }
        }
        if info.st_mode & S_IFMT == S_IFDIR { throw ioFailure(path, "write", EISDIR) }
        guard info.st_mode & S_IFMT == S_IFREG else { throw Failure(.io, "\(path): cannot write: not a regular file") }
        return real
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// Writes all of `bytes`, however small the pieces the system takes.
package func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String) throws {
    guard var p = bytes.baseAddress else { return }
    var left = bytes.count
    while left > 0 {
        let n = retrying { Glibc.write(descriptor, p, left) }
        guard n >= 0 else { throw ioFailure(path, "write") }
        guard n > 0 else { throw ioFailure(path, "write", EIO) }
        p += n
        left -= n
    }
}
