// The descriptor behind an HDF5 file on disk, for the driver in CHDF5/disk.h.

import Basics
import CHDF5
import Glibc

final class DiskFile {
    let state: UnsafeMutablePointer<flip_h5_disk>
    private let owned: Bool

    /// Writes to a descriptor that stays the caller's.
    init(writing descriptor: Int32) {
        state = .allocate(capacity: 1)
        state.initialize(to: flip_h5_disk(descriptor: descriptor, writable: 1, error: 0, first: nil, last: nil))
        owned = false
    }

    /// Opens the regular file at `path` for reading.
    /// - Throws: `.io`, also while another program writes it and says so with a lock.
    init(reading path: String) throws {
        try checkRegular(path)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ioFailure(path, "open") }
        // HDF5 locks files it writes; where the file system has no locks there is nothing to ask.
        if flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK {
            close(descriptor)
            throw Failure(.io, "\(path): in use by a program that writes it")
        }
        state = .allocate(capacity: 1)
        state.initialize(to: flip_h5_disk(descriptor: descriptor, writable: 0, error: 0, first: nil, last: nil))
        owned = true
    }

    deinit {
        if owned { close(state.pointee.descriptor) }
        flip_h5_disk_empty(state)
        state.deallocate()
    }

    /// The driver's number in the library. Used with the library's lock held only.
    private nonisolated(unsafe) static var driver: hid_t = -1

    /// Makes files opened with the property list `access` go through this descriptor. Call within `Library.call`.
    func use(in access: hid_t) -> Bool {
        Self.driver = flip_h5fd_driver(Self.driver)
        return Self.driver >= 0 && flip_h5p_disk(access, Self.driver, state) >= 0
    }

    var descriptor: Int32 { state.pointee.descriptor }
    /// The error number of the first write that failed; 0 while all is well.
    var error: Int32 { state.pointee.error }
}
