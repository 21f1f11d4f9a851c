// Says which HDF5 library this was compiled for and runs with.

import CHDF5

/// The releases this was compiled for and runs with, "major.minor.release".
package func hdf5Versions() -> (compiled: String, loaded: String) {
    var major: UInt32 = 0, minor: UInt32 = 0, release: UInt32 = 0
    _ = Library.call { flip_h5_matches(&major, &minor, &release) }
    return ("\(H5_VERS_MAJOR).\(H5_VERS_MINOR).\(H5_VERS_RELEASE)", "\(major).\(minor).\(release)")
}
