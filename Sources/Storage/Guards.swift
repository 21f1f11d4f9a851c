// What a data set in a file must be before one byte of it is read. HDF5 files can name other files (external links, external storage,
// virtual data sets), load code (filter plugins), declare more than any memory holds, and hold types that confuse a reader. Each was
// tried against us; the tests are in HostileFileTests.swift.
//
// - Names: one component, looked up with the link's kind first; hard links only. No path out of a file is ever resolved.
// - Layout: external storage and virtual data sets are refused before the shape is asked for, because already that would open the
//   other files. Models hold contiguous and compact data only, so that no filter runs and nothing can be blown up.
// - Filters: shuffle, deflate and Fletcher-32 only. They are built in; no plugin is looked for.
// - Sizes: what is declared must be allocated. Deflate cannot pack better than 1032 : 1 (zlib's technical details), so a larger ratio
//   of declared to stored bytes means storage that is not there.
// - Types: see ElementType.of; equality with a type we write, not likeness.

import Basics
import CHDF5

struct Guards {
    let file: FileReader

    /// The type and shape of the open data set `data`.
    func examine(_ data: hid_t, _ path: String) throws -> (type: ElementType, shape: [Int]) {
        guard let creation = Handle(H5Pclose, { H5Dget_create_plist(data) }) else { throw file.failure(path, unreadable) }
        let chunked = try checkLayout(creation.id, path)
        try checkFilters(creation.id, path, chunked)
        let shape = try self.shape(path) { H5Dget_space(data) }
        let type = try self.type(path) { H5Dget_type(data) }
        try checkSize(data, path, type, shape)
        if chunked { try checkChunk(creation.id, path, type, rank: shape.count) }
        return (type, shape)
    }

    func type(_ path: String, _ make: () -> hid_t) throws -> ElementType {
        guard let handle = Handle(H5Tclose, make) else { throw file.failure(path, unreadable) }
        guard let type = ElementType.of(handle.id) else { throw file.failure(path, describe(unsupported: handle.id)) }
        if file.kind == .model, type.isForeign { throw file.failure(path, "\(type.name), which model files do not hold") }
        if file.kind == .model, type.isVariableText { throw file.failure(path, "text of variable length, which model files do not hold") }
        return type
    }

    /// Empty for a scalar. At most 8 dimensions.
    func shape(_ path: String, _ make: () -> hid_t) throws -> [Int] {
        guard let space = Handle(H5Sclose, make) else { throw file.failure(path, unreadable) }
        let kind = Library.call { H5Sget_simple_extent_type(space.id) }
        if kind == H5S_SCALAR { return [] }
        let rank = Library.call { H5Sget_simple_extent_ndims(space.id) }
        guard kind == H5S_SIMPLE, (1...8).contains(rank) else { throw file.failure(path, "a shape that is not supported") }
        var dims = [hsize_t](repeating: 0, count: Int(rank))
        guard Library.call({ H5Sget_simple_extent_dims(space.id, &dims, nil) }) == rank else { throw file.failure(path, "damaged") }
        return try dims.map {
            guard let d = Int(exactly: $0) else { throw file.failure(path, "larger than this reader allows") }
            return d
        }
    }

    /// - Returns: whether it is stored in chunks.
    private func checkLayout(_ creation: hid_t, _ path: String) throws -> Bool {
        let (external, layout) = Library.call { (H5Pget_external_count(creation), H5Pget_layout(creation)) }
        guard external == 0 else { throw file.failure(path, "its data is in another file (external storage), which is not read") }
        if layout == H5D_VIRTUAL { throw file.failure(path, "its data is in other files (a virtual data set), which is not read") }
        if layout == H5D_CONTIGUOUS || layout == H5D_COMPACT { return false }
        guard layout == H5D_CHUNKED, file.kind == .dataSet else { throw file.failure(path, "a storage layout that is not supported") }
        return true
    }

    private func checkFilters(_ creation: hid_t, _ path: String, _ chunked: Bool) throws {
        let count = Library.call { H5Pget_nfilters(creation) }
        guard count >= 0, count <= (chunked ? 8 : 0) else { throw file.failure(path, "filters where none may be") }
        for i in 0..<UInt32(count) {
            var flags: UInt32 = 0, settings: UInt32 = 0
            var values = 0
            let filter = Library.call { H5Pget_filter2(creation, i, &flags, &values, nil, 0, nil, &settings) }
            guard filter == 1 || filter == 2 || filter == 3 else {
                throw file.failure(path, "a filter other than shuffle, deflate (gzip) and Fletcher-32; save it with compression=\"gzip\" or none")
            }
        }
    }

    private func checkSize(_ data: hid_t, _ path: String, _ type: ElementType, _ shape: [Int]) throws {
        let declared = elementCount(shape).map { $0.multipliedReportingOverflow(by: type.memorySize) }
        guard let declared, !declared.overflow, declared.partialValue <= file.limits.elementBytes else {
            throw file.failure(path, "larger than this reader allows")
        }
        let stored = Library.call { H5Dget_storage_size(data) }
        let bytes = UInt64(declared.partialValue)
        let enough = file.kind == .model ? stored >= bytes : bytes <= 64 << 20 || bytes / 1100 <= stored
        guard enough else { throw file.failure(path, "declares more data than the file holds") }
    }

    private func checkChunk(_ creation: hid_t, _ path: String, _ type: ElementType, rank: Int) throws {
        var dims = [hsize_t](repeating: 0, count: 32)
        guard rank > 0, Library.call({ H5Pget_chunk(creation, 32, &dims) }) == rank,
              let elements = elementCount(dims[0..<rank].map { Int(clamping: $0) }),
              elements > 0, elements <= file.limits.chunkBytes / type.memorySize else {
            throw file.failure(path, "chunks larger than \(file.limits.chunkBytes >> 20) MiB")
        }
    }
}
