// Holds the descriptor behind an HDF5 file being written to the disk, for the driver in CHDF5/disk.h.

import Basics
import CHDF5
import Glibc

final class DiskFile {
    let state: UnsafeMutablePointer<flip_h5_disk>

    /// Writes to a descriptor that stays the caller's.
    init(writing descriptor: Int32) {
        state = .allocate(capacity: 1)
        state.initialize(to: flip_h5_disk(descriptor: descriptor, error: 0, first: nil, last: nil))
    }

    deinit {
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

    /// The error number of the first write that failed; 0 while all is well.
    var error: Int32 { state.pointee.error }
}
