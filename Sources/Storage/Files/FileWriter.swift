// Creates an HDF5 file, in memory for models and checkpoints, on the disk for data sets.
// Equal content gives equal bytes: no times, no addresses, fixed chunk sizes, the oldest format version that serves.
// What is put into the file goes through GroupWriter.

import Basics
import CHDF5
import Glibc

/// How text is stored. Fixed length can be read without HDF5's global heap, where the library's memory errors live, and
/// is what our model files use; variable length is what AnnData prescribes for data sets.
enum TextLayout { case fixed, variable }

/// A file being written. Close with `image()` or `close()`.
package final class FileWriter {
    /// The name used in messages.
    let name: String
    let text: TextLayout
    private let file: Handle
    /// Where it goes; nil when it is built in memory.
    private let disk: DiskFile?

    /// In memory.
    package convenience init() throws { try self.init(name: "the new file", text: .fixed, disk: nil) }

    /// To an empty file that is open for writing.
    convenience init(_ target: AtomicFile) throws {
        try self.init(name: target.path, text: .variable, disk: DiskFile(writing: target.descriptor))
    }

    private init(name: String, text: TextLayout, disk: DiskFile?) throws {
        try Library.check()
        let access = Handle(H5Pclose, flip_h5p_file_access), creation = Handle(H5Pclose, flip_h5p_file_create)
        guard let access, let creation else { throw Failure(.internal, "HDF5: no property list") }
        let file = Handle(H5Fclose) {
            guard flip_h5p_bounds(access.id) >= 0, H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG) >= 0,
                  H5Pset_obj_track_times(creation.id, false) >= 0 else { return -1 }
            let ready = disk.map { $0.use(in: access.id) } ?? (H5Pset_fapl_core(access.id, 1 << 20, false) >= 0)
            return !ready ? -1 : flip_h5f_create(uniqueName(), creation.id, access.id)
        }
        guard let file else { throw ioFailure(name, "write", errno == 0 ? EIO : errno) }
        (self.name, self.text, self.file, self.disk) = (name, text, file, disk)
    }

    deinit { file.close() }       // while the disk is there

    /// Runs `body` on the root group.
    package func root<R>(_ body: (GroupWriter) throws -> R) throws -> R {
        guard let handle = Handle(H5Gclose, { H5Gopen2(file.id, "/", 0) }) else {
            throw Failure(.state, "\(name): already closed")
        }
        let result = try body(GroupWriter(handle, path: "/", file: self))
        guard handle.close() else { throw failure("/") }
        return result
    }

    /// The bytes of the file as it is now; it may be written on. Only for files in memory.
    package func snapshot() throws -> Buffer<UInt8> {
        guard disk == nil else { throw Failure(.state, "\(name): is not in memory") }
        let size = Library.call { H5Fflush(file.id, H5F_SCOPE_LOCAL) < 0 ? -1 : H5Fget_file_image(file.id, nil, 0) }
        guard size > 0 else { throw failure("/") }
        let bytes = try Buffer<UInt8>(count: size, for: "the file's bytes")
        guard Library.call({ H5Fget_file_image(file.id, bytes.base, size) }) == size else { throw failure("/") }
        return bytes
    }

    /// The bytes of the file, which is then closed. Only for files in memory.
    package func image() throws -> Buffer<UInt8> {
        let bytes = try snapshot()
        guard file.close() else { throw failure("/") }
        return bytes
    }

    /// Completes a file on disk. The bytes are then with the system, not yet surely on the disk.
    func close() throws {
        let closed = file.close()
        try checkDisk()
        guard closed else { throw failure("/") }
    }

    /// Closes a file that is not wanted.
    func discard() { file.close() }

    /// - Throws: the reason of the first write that the disk refused. HDF5 does not know of it (CHDF5/disk.h), so ask
    ///   after every batch.
    func checkDisk() throws {
        if let error = disk?.error, error != 0 { throw ioFailure(name, "write", error) }
    }

    /// A failed write of the object at `path`.
    func failure(_ path: String) -> Failure {
        if let error = disk?.error, error != 0 { return ioFailure(name, "write", error) }
        return Failure(.io, "\(name): HDF5 could not write \(quoted(path))")
    }
}

private let nameLock: UnsafeMutablePointer<UInt64> = {
    let p = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    p.initialize(to: 0)
    return p
}()

/// A name for a file in memory. HDF5 takes two open files in memory of one name for the same file, also across the
/// libraries and hosts in a process, so each gets its own. Call with the library's lock held.
func uniqueName() -> String {
    nameLock.pointee &+= 1
    return "libflip-\(getpid())-\(UInt(bitPattern: nameLock))-\(nameLock.pointee)"
}
