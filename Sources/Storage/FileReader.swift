// An HDF5 file that somebody gave us, open for reading. Nothing in it is believed: see Guards.swift for what is refused and why.
// Model files are read into memory first and parsed there, so that they cannot change between check and use; data sets may be larger
// than memory and are read in place.

import Basics
import CHDF5
import Glibc

/// What a file may ask of us.
package struct Limits: Sendable {
    /// Bytes of a file that is read into memory.
    package var fileBytes = 1 << 30
    /// Bytes of one data set in memory.
    package var elementBytes = 1 << 40
    /// Bytes of one chunk.
    package var chunkBytes = 64 << 20
    /// Groups and data sets opened, and the nesting of groups.
    package var objects = 100_000
    package var depth = 16
    package init() {}
}

/// A file being read. Closed with its last user.
package final class FileReader {
    /// What may be in it: `model` files hold numbers in one piece and text of fixed length only.
    enum Kind { case model, dataSet }

    /// The name used in messages.
    let name: String
    let kind: Kind
    let limits: Limits
    private let file: Handle
    private let disk: DiskFile?
    private var objects = 0

    /// A model or checkpoint in memory. `bytes` is copied.
    /// - Throws: `.format` when it is not HDF5.
    package init(bytes: UnsafeRawBufferPointer, name: String, limits: Limits = Limits()) throws {
        try Library.check()
        try checkSignature(bytes, name)
        // HDF5 copies the image twice and reports memory that is not there like damage: ask first. (A compiler may drop malloc and free.)
        let (twice, overflow) = bytes.count.multipliedReportingOverflow(by: 2)
        guard !overflow, twice <= Int.max - (4 << 20), let room = mmap(nil, twice + (4 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
              room != MAP_FAILED else { throw Failure(.noMemory, "\(name): not enough memory to open it") }
        munmap(room, twice + (4 << 20))
        let file = Self.open { access in
            guard H5Pset_fapl_core(access, 1 << 20, false) >= 0 else { return false }
            return H5Pset_file_image(access, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) >= 0
        }
        guard let file else { throw damaged(name) }
        (self.name, self.file, self.limits, kind, disk) = (name, file, limits, .model, nil)
    }

    /// A data set file, read in place.
    /// - Throws: `.io` naming the system's reason; `.format` when it is not HDF5.
    package init(dataSet path: String, limits: Limits = Limits()) throws {
        try Library.check()
        let disk = try DiskFile(reading: path)
        _ = try findSignature(disk.descriptor, path)
        // A file of ours is checked before the library sees it; others have no seal.
        if try Seal.check(disk.descriptor, path) == .broken { throw Failure(.format, "\(path): damaged: its bytes are not those that were written") }
        guard let file = Self.open(disk.use) else { throw damaged(path) }
        (name, self.file, self.limits, kind, self.disk) = (path, file, limits, .dataSet, disk)
    }

    private static func open(_ driver: (hid_t) -> Bool) -> Handle? {
        guard let access = Handle(H5Pclose, flip_h5p_file_access) else { return nil }
        return Handle(H5Fclose) {
            guard driver(access.id), H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG) >= 0 else { return -1 }
            return flip_h5f_open(uniqueName(), access.id)
        }
    }

    deinit { file.close() }       // while the disk is there

    package func root() throws -> GroupReader {
        guard let handle = Handle(H5Gclose, { H5Gopen2(file.id, "/", 0) }) else { throw damaged(name) }
        return GroupReader(handle, path: "/", depth: 0, file: self)
    }

    /// Counts an object that is about to be opened.
    func countObject() throws {
        objects += 1
        guard objects <= limits.objects else { throw Failure(.format, "\(name): more than \(limits.objects) objects") }
    }

    /// A file that breaks a rule at `path`.
    func failure(_ path: String, _ rule: String) -> Failure { Failure(.format, "\(name), \(quoted(path)): \(rule)") }
}

/// Where the HDF5 file begins in an open file: at 0, or behind a user block at 512, 1024, 2048, … (MATLAB 7.3: 512).
/// - Throws: `.io`; `.format` when it begins nowhere.
func findSignature(_ descriptor: Int32, _ path: String) throws -> Int {
    let head = try Buffer<UInt8>(count: 8)
    let size = Int(lseek(descriptor, 0, SEEK_END))
    guard size != 0 else { throw Failure(.format, "\(path): the file is empty") }
    var start = 0
    while start <= size - 8 {
        let count = pread(descriptor, head.base, 8, off_t(start))
        guard count >= 0 else { throw ioFailure(path, "read") }
        if head.elementsEqual(signature) { return start }
        start = start == 0 ? 512 : start * 2
    }
    throw Failure(.format, "\(path): not an HDF5 file")
}

/// The first bytes of an HDF5 file.
private let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

/// What an object is that HDF5 does not open: a file of a newer library fails as a damaged one does.
var unreadable: String {
    "cannot be opened by HDF5 \(hdf5Versions().loaded): damaged, or written for a newer HDF5 (with h5py, libver=(\"earliest\", \"v110\") "
        + "writes for this one)"
}

/// A file that the library cannot parse.
func damaged(_ name: String) -> Failure { Failure(.format, "\(name): damaged, or not an HDF5 file") }

/// - Throws: `.format` when `bytes` do not begin as an HDF5 file does.
func checkSignature(_ bytes: UnsafeRawBufferPointer, _ name: String) throws {
    guard !bytes.isEmpty else { throw Failure(.format, "\(name): the file is empty") }
    guard bytes.prefix(8).elementsEqual(signature) else {
        throw Failure(.format, "\(name): not an HDF5 file")
    }
}

/// A file on a disk, not a folder, pipe or device (which could block or never end).
func checkRegular(_ path: String) throws {
    try checkPath(path)
    var info = stat()
    guard stat(path, &info) == 0 else { throw ioFailure(path, "open") }
    if info.st_mode & S_IFMT == S_IFDIR { throw ioFailure(path, "read", EISDIR) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw Failure(.io, "\(path): cannot read: not a regular file") }
}
