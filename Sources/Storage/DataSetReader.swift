// One data set of a file being read, whole or by rows. Opening it is GroupReader's matter.

import Basics
import CHDF5

/// A data set that passed the guards.
final class DataSetReader {
    let path: String
    let type: ElementType
    /// Empty for a scalar.
    let shape: [Int]
    /// Rows in one chunk; nil when stored in one piece.
    let chunkRows: Int?
    private let handle: Handle
    private let file: FileReader

    init(_ object: Handle, path: String, file: FileReader) throws {
        (handle, self.path, self.file) = (object, path, file)
        (type, shape, chunkRows) = try Guards(file: file).examine(object.id, path)
    }

    func failure(_ rule: String) -> Failure { file.failure(path, rule) }

    /// Reads all of it, row-major, as the memory layout of `type` (see `readRows`), into room for the product of `shape`.
    func readAll(_ target: UnsafeMutableRawPointer) throws {
        guard elementCount(shape) != 0 else { return }
        guard let memory = type.handle(memory: true), Library.call({ flip_h5d_read(handle.id, memory.id, 0, 0, target) }) >= 0 else {
            throw failure("cannot be read")
        }
    }

    /// Reads rows `start ..< start + count` of a data set with one dimension, as the memory layout of `type` (numbers in their own
    /// width, booleans as bytes, fixed text one after the other).
    func readRows(_ start: Int, _ count: Int, _ target: UnsafeMutableRawPointer) throws {
        guard let memory = type.handle(memory: true) else { throw failure("cannot be read") }
        try readRows(start, count, memory.id, target)
    }

    /// Rows as texts, each at most `maxBytes` long, handed out one after the other. A missing text (a null pointer) counts as empty.
    func readTexts(_ start: Int, _ count: Int, maxBytes: Int, _ body: (Int, UnsafeBufferPointer<UInt8>) throws -> Void) throws {
        if case .fixedText(let size, let spaces) = type {
            guard size <= maxBytes else { throw failure("text longer than \(maxBytes) bytes") }
            let (bytes, overflow) = size.multipliedReportingOverflow(by: count)
            guard !overflow else { throw failure("larger than this reader allows") }
            let buffer = try Buffer<UInt8>(count: bytes, for: "text")
            try readRows(start, count, buffer.base)
            for i in 0..<count { try body(i, trimmed(buffer.base + i * size, size, spaces)) }
            return
        }
        guard type == .variableText else { throw failure("must be text") }
        guard let memory = type.handle(memory: true) else { throw failure("cannot be read") }
        let pointers = try Buffer<UnsafeMutablePointer<UInt8>?>(count: count, for: "text")
        try readRows(start, count, memory.id, pointers.base)
        defer { reclaim(pointers, memory.id) }
        for i in 0..<count {
            let length = pointers[i].map { strnlen($0, maxBytes + 1) } ?? 0
            guard length <= maxBytes else { throw failure("text longer than \(maxBytes) bytes") }
            try body(i, UnsafeBufferPointer(start: pointers[i], count: length))
        }
    }

    /// Up to `maxCount` texts, checked to be UTF-8.
    func texts(maxCount: Int, maxBytes: Int) throws -> [String] {
        let count = shape.isEmpty ? 1 : shape[0]
        guard shape.count <= 1, count <= maxCount else { throw failure("must be a list of at most \(maxCount) texts") }
        var out: [String] = []
        var total = 0
        try readTexts(0, count, maxBytes: maxBytes) { _, bytes in
            guard isUTF8(bytes) else { throw failure("text that is not UTF-8") }
            total += bytes.count
            guard total <= maxBytes else { throw failure("text longer than \(maxBytes) bytes") }
            out.append(String(decoding: bytes, as: UTF8.self))
        }
        return out
    }

    private func readRows(_ start: Int, _ count: Int, _ memory: hid_t, _ target: UnsafeMutableRawPointer) throws {
        guard count > 0 else { return }
        if shape.isEmpty {
            guard start == 0, count == 1, Library.call({ flip_h5d_read(handle.id, memory, 0, 0, target) }) >= 0 else { throw failure("cannot be read") }
            return
        }
        guard shape.count == 1, start >= 0, count <= shape[0], start <= shape[0] - count else { throw failure("has too few rows") }
        let result: herr_t = Library.call {
            let fileSpace = H5Dget_space(handle.id), room = [hsize_t(count)]
            defer { H5Sclose(fileSpace) }
            let memorySpace = flip_h5s_simple(1, room, 0)
            defer { H5Sclose(memorySpace) }
            guard flip_h5s_rows(fileSpace, hsize_t(start), hsize_t(count)) >= 0 else { return -1 }
            return flip_h5d_read(handle.id, memory, memorySpace, fileSpace, target)
        }
        guard result >= 0 else { throw failure("cannot be read") }
    }

    /// Gives back the texts the library allocated.
    private func reclaim(_ pointers: Buffer<UnsafeMutablePointer<UInt8>?>, _ memory: hid_t) {
        Library.call {
            let space = flip_h5s_simple(1, [hsize_t(pointers.count)], 0)
            flip_h5d_reclaim(memory, space, pointers.base)
            H5Sclose(space)
        }
    }
}

/// A text of fixed length without its padding.
func trimmed(_ base: UnsafePointer<UInt8>, _ size: Int, _ spaces: Bool) -> UnsafeBufferPointer<UInt8> {
    var n = strnlen(base, size)
    while spaces, n > 0, base[n - 1] == UInt8(ascii: " ") { n -= 1 }
    return UnsafeBufferPointer(start: base, count: n)
}

/// Bytes before the first NUL, at most `limit`.
private func strnlen(_ base: UnsafePointer<UInt8>, _ limit: Int) -> Int {
    var n = 0
    while n < limit, base[n] != 0 { n += 1 }
    return n
}
