// Writes one data set that grows by rows, a whole chunk at a time, packed with stock filters.
// The filters are shuffle, deflate and Fletcher-32. Each chunk is written once, so that the file's bytes depend on the
// content and the chunk's size alone.

import Basics
import CHDF5

final class RowWriter {
    private let file: FileWriter
    private let path: String
    private let data: Handle
    private let memory: Handle
    private let chunk: Buffer<UInt8>
    private let chunkRows: Int
    private let size: Int
    private var waiting = 0
    private var written = 0

    /// The data set `name` in `group`, with AnnData's encoding marks.
    init(_ group: GroupWriter, _ name: String, _ type: ElementType, chunkRows: Int,
        encoding: (String, String) = ("array", "0.2.0"),
         units: String? = nil) throws {
        try group.checkName(name)
        (file, path, self.chunkRows, size) = (group.file, Name.join(group.path, name), chunkRows, type.memorySize)
        let data = Handle(H5Dclose) {
            let space = flip_h5s_simple(1, [0], 1)
            defer { H5Sclose(space) }
            let creation = flip_h5p_dataset_create()
            defer { H5Pclose(creation) }
            guard let fileType = type.handle(memory: false), H5Pset_obj_track_times(creation, false) >= 0,
                  H5Pset_chunk(creation, 1, [hsize_t(chunkRows)]) >= 0, H5Pset_shuffle(creation) >= 0,
                  H5Pset_deflate(creation, 4) >= 0, H5Pset_fletcher32(creation) >= 0,
                  H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0 else { return -1 }
            return H5Dcreate2(group.handle.id, name, fileType.id, space, 0, creation, 0)
        }
        guard let data, let memory = type.handle(memory: true) else {
            throw group.file.failure(Name.join(group.path, name))
        }
        (self.data, self.memory) = (data, memory)
        chunk = try Buffer<UInt8>(count: chunkRows * size, for: "a column")
        try group.encoding(encoding.0, encoding.1, of: data)
        if let units { try group.write(attribute: "units", text: [units], scalar: true, of: data) }
    }

    /// Appends `count` rows: `fill(target, start, n)` puts rows `start ..< start + n` of them at `target`, in the
    /// memory layout of the type.
    func append(_ count: Int, _ fill: (UnsafeMutableRawPointer, Int, Int) -> Void) throws {
        var start = 0
        while start < count {
            let n = min(count - start, chunkRows - waiting)
            fill(chunk.base + waiting * size, start, n)
            (start, waiting) = (start + n, waiting + n)
            if waiting == chunkRows { try flush() }
        }
    }

    private func flush() throws {
        let (start, count) = (written, waiting)
        guard count > 0 else { return }
        (written, waiting) = (written + count, 0)
        let result: herr_t = Library.call {
            guard H5Dset_extent(data.id, [hsize_t(written)]) >= 0 else { return -1 }
            let fileSpace = H5Dget_space(data.id), memorySpace = flip_h5s_simple(1, [hsize_t(count)], 0)
            defer {
                H5Sclose(fileSpace)
                H5Sclose(memorySpace)
            }
            guard flip_h5s_rows(fileSpace, hsize_t(start), hsize_t(count)) >= 0 else { return -1 }
            return flip_h5d_write(data.id, memory.id, memorySpace, fileSpace, chunk.base)
        }
        guard result >= 0 else { throw file.failure(path) }
    }

    func finish() throws {
        try flush()
        guard data.close() else { throw file.failure(path) }
    }
}
