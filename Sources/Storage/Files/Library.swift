// Guards every call of the HDF5 library, which writes files: one lock, no printing, its version compared first.
// The lock is needed because HDF5 need not be built for threads. None of the library's process-wide settings is
// changed: a host may use the same library. A host whose other threads call a library that is not built for threads
// must keep them apart from ours itself.

import Basics
import CHDF5
import Glibc

enum Library {
    private static let mutex: UnsafeMutablePointer<pthread_mutex_t> = {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
        pthread_mutex_init(mutex, &attributes)
        pthread_mutexattr_destroy(&attributes)
        return mutex
    }()

    /// Runs `body` with the library to itself and its error printing off. Afterwards `errno` is what `body` left, 0 if
    /// nothing failed in the system, so that a failed call can name its reason.
    static func call<T>(_ body: () throws -> T) rethrows -> T {
        pthread_mutex_lock(mutex)
        var handler = flip_h5_handler()
        flip_h5_silence(&handler)
        errno = 0
        defer {
            let cause = errno
            flip_h5_restore(&handler)
            pthread_mutex_unlock(mutex)
            errno = cause
        }
        return try body()
    }

    /// - Throws: `.unsupported` when the loaded library is not one that this was compiled for.
    static func check() throws {
        var major: UInt32 = 0, minor: UInt32 = 0, release: UInt32 = 0
        guard call({ flip_h5_matches(&major, &minor, &release) }) == 1 else {
            throw Failure(.unsupported, "the HDF5 library that was loaded is \(major).\(minor).\(release); "
                + "\(H5_VERS_MAJOR).\(H5_VERS_MINOR).\(H5_VERS_RELEASE) or a later release of "
                + "\(H5_VERS_MAJOR).\(H5_VERS_MINOR) is needed")
        }
    }
}

/// An open HDF5 object, closed with its owner. `close()` closes early and says whether that worked; writers must use
/// it, because a failed close is a failed write.
final class Handle {
    private(set) var id: hid_t
    private let closer: (hid_t) -> herr_t

    /// - Returns: nil when `make` fails.
    init?(_ closer: @escaping (hid_t) -> herr_t, _ make: () -> hid_t) {
        let id = Library.call(make)
        guard id >= 0 else { return nil }
        (self.id, self.closer) = (id, closer)
    }

    deinit { _ = close() }

    @discardableResult
    func close() -> Bool {
        guard id >= 0 else { return true }
        let old = id
        id = -1
        return Library.call { closer(old) } >= 0
    }
}
