// Writes bytes to a file and compares what arrived before they take the place of the old file.

import Basics
import Glibc

extension Buffer where Element == UInt8 {
    var view: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}

/// Replaces `path` by `bytes`, or leaves it as it was.
/// - Throws: `.io` with the system's reason, also when the disk gave back other bytes than it was given.
package func writeVerified(_ bytes: Buffer<UInt8>, to path: String) throws {
    let file = try AtomicFile(path)
    try withExtendedLifetime(bytes) { try file.write(bytes.view) }
    try flush(file)
    let piece = try Buffer<UInt8>(count: 1 << 20, for: "a file")
    let back = try InputFile(file.temporaryPath)
    var at = 0
    while case let n = try back.read(into: piece.base, count: piece.count), n > 0 {
        guard n <= bytes.count - at, memcmp(piece.base, bytes.base + at, n) == 0 else { throw unlike(path) }
        at += n
    }
    guard at == bytes.count else { throw unlike(path) }
    try file.commit()
}

/// To the disk, before it is read back.
func flush(_ file: AtomicFile) throws {
    while fsync(file.descriptor) != 0 {
        guard errno == EINTR else { throw ioFailure(file.path, "write") }
    }
}

func unlike(_ path: String) -> Failure {
    Failure(.io, "\(path): cannot write: what was read back differs from what was written")
}
