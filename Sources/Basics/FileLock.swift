// An advisory lock on a file beside the one it guards: one process or thread at a time.
// The kernel gives the lock back when its holder ends, however it ends.

import Glibc

/// Held as long as the object lives.
package final class FileLock {
    private let descriptor: Int32

    /// Takes the lock of `path`, waiting up to `seconds` for whoever holds it. The lock is a file named `path` +
    /// ".lock", which is made when it is not there, stays, and must not be removed while anybody works.
    /// - Throws: `.io`, also when it is still held after that time.
    package init(for path: String, seconds: Double = 10) throws {
        try checkPath(path)
        let name = try AtomicFile.target(path) + ".lock"
        let fd = Int32(retrying { Int(open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)) })
        guard fd >= 0 else { throw ioFailure(name, "open") }
        descriptor = fd
        let end = monotonicSeconds() + seconds
        var pause: UInt32 = 1_000
        while true {
            // Of the open file, not of the process: two threads exclude each other too, and closing another descriptor
            // gives nothing away.
            var lock = flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
            if fcntl(fd, Self.setLock, &lock) == 0 { return }
            if errno == EINTR { continue }
            guard errno == EAGAIN || errno == EACCES else { throw ioFailure(name, "lock") }
            guard monotonicSeconds() < end else {
                throw Failure(.io, "\(path): in use: somebody else has held its lock for \(short(seconds)) seconds")
            }
            usleep(pause)
            pause = min(pause * 2, 50_000)
        }
    }

    deinit { close(descriptor) }

    /// F_OFD_SETLK of Linux, which the C module does not show.
    private static let setLock: Int32 = 37
}
