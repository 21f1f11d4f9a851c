// Reads whole files, and puts the system's errors into words.
// Every system call is repeated when a signal interrupts it. Writing is in AtomicFile.swift.

import Glibc

/// The system's text for an error number, such as "No space left on device".
package func errorText(_ number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        buffer.initialize(repeating: 0)
        guard strerror_r(number, buffer.baseAddress!, 255) == 0 else { return "error \(number)" }
        return String(cString: buffer.baseAddress!)
    }
}

/// The failure of a system call on `path`; takes the present `errno` unless another number is given.
package func ioFailure(_ path: String, _ doing: String, _ number: Int32 = errno) -> Failure {
    Failure(.io, "\(path): cannot \(doing): \(errorText(number))")
}

/// Calls `body` until it is not interrupted by a signal.
@inline(__always) func retrying(_ body: () -> Int) -> Int {
    while true {
        let r = body()
        if r >= 0 || errno != EINTR { return r }
    }
}

/// A path that the system can be asked for: not empty, without a NUL (which would cut it short).
package func checkPath(_ path: String) throws {
    guard !path.isEmpty else { throw Failure(.argument, "the path is empty") }
    guard !path.utf8.contains(0) else { throw Failure(.argument, "the path contains a NUL character") }
}

/// Whether there is anything of that name, a broken link included.
package func fileExists(_ path: String) -> Bool {
    var info = stat()
    return lstat(path, &info) == 0
}

/// Names of what is in a folder, sorted; nil when the path is no folder.
/// - Throws: `.io` for a folder that cannot be read.
package func folderContents(_ path: String) throws -> [String]? {
    try checkPath(path)
    guard let folder = opendir(path) else {
        guard errno == ENOTDIR || errno == ENOENT else { throw ioFailure(path, "read") }
        return nil
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        names.append(withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) })
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
}

/// An open file, read from start to end. Closed with its owner.
package final class InputFile {
    package let path: String
    /// Bytes in the file when it was opened; 0 when unknown (a pipe).
    package let size: Int
    private let descriptor: Int32

    /// - Throws: `.io` naming the path and the system's reason, also when it is a folder.
    package init(_ path: String) throws {
        try checkPath(path)
        let fd = Int32(retrying { Int(open(path, O_RDONLY | O_CLOEXEC)) })
        guard fd >= 0 else { throw ioFailure(path, "open") }
        var info = stat()
        guard fstat(fd, &info) == 0 else {
            let number = errno
            close(fd)
            throw ioFailure(path, "read", number)
        }
        guard info.st_mode & S_IFMT != S_IFDIR else {
            close(fd)
            throw ioFailure(path, "read", EISDIR)
        }
        self.path = path
        size = info.st_mode & S_IFMT == S_IFREG ? Int(info.st_size) : 0
        descriptor = fd
    }

    deinit { close(descriptor) }

    /// Up to `count` bytes to `target`; 0 at the end of the file.
    package func read(into target: UnsafeMutableRawPointer, count: Int) throws -> Int {
        let n = retrying { Glibc.read(descriptor, target, count) }
        guard n >= 0 else { throw ioFailure(path, "read") }
        return n
    }
}

/// A whole file. `bytes.count` may be larger than the file: only the first `count` bytes are it.
/// - Throws: `.io`; `.format` when the file is longer than `limit` bytes.
package func readFile(_ path: String, limit: Int = 1 << 30) throws -> (bytes: Buffer<UInt8>, count: Int) {
    let file = try InputFile(path)
    guard file.size <= limit else { throw Failure(.format, "\(path): longer than \(limit) bytes") }
    // one more, to meet the end without growing
    var bytes = try Buffer<UInt8>(count: max(file.size, 4095) + 1, for: "a file")
    var count = 0
    while true {
        if count == bytes.count {
            let larger = try Buffer<UInt8>(count: count * 2, for: "a file")
            larger.base.update(from: bytes.base, count: count)
            bytes = larger
        }
        let n = try file.read(into: bytes.base + count, count: bytes.count - count)
        if n == 0 { return (bytes, count) }
        count += n
        guard count <= limit else { throw Failure(.format, "\(path): longer than \(limit) bytes") }
    }
}

/// A whole text file.
/// - Throws: as `readFile`, and `.format` when it is not UTF-8.
package func readText(_ path: String, limit: Int = 16 << 20) throws -> String {
    let (bytes, count) = try readFile(path, limit: limit)
    let view = UnsafeBufferPointer(start: UnsafePointer(bytes.base), count: count)
    guard isUTF8(view) else { throw Failure(.format, "\(path): not UTF-8") }
    return String(decoding: view, as: UTF8.self)
}
