// One data set of a file being read, whole or by rows. Opening it is GroupReader's matter.

import Basics
import CHDF5
import Glibc

/// A data set that passed the guards.
final class DataSetReader {
    let path: String
    let type: ElementType
    /// Empty for a scalar.
    let shape: [Int]
    private let handle: Handle
    private let file: FileReader

    init(_ object: Handle, path: String, file: FileReader) throws {
        (handle, self.path, self.file) = (object, path, file)
        (type, shape) = try Guards(file: file).examine(object.id, path)
    }

    /// Where its header is in the file, in the terms of an object reference; 0 when that cannot be had.
    var address: UInt64 { Library.call { flip_h5o_address(handle.id) } }

    func failure(_ rule: String) -> Failure { file.failure(path, rule) }

    /// Reads all of it, row-major, in the memory layout of `type` (numbers in their own width, booleans as bytes, fixed text one after
    /// the other), into room for the product of `shape`.
    func readAll(_ target: UnsafeMutableRawPointer) throws {
        guard let memory = type.handle(memory: true) else { throw failure("cannot be read") }
        try readAll(memory.id, target)
    }

    /// Reads rows `start ..< start + count` in the memory layout of `type`.
    func readRows(_ start: Int, _ count: Int, _ target: UnsafeMutableRawPointer) throws {
        guard let memory = type.handle(memory: true) else { throw failure("cannot be read") }
        try readRows(start, count, memory.id, target)
    }

    /// Reads rows as numbers of another type; what does not fit becomes the nearest that does.
    func readRows<T: Stored>(_ start: Int, _ count: Int, as target: UnsafeMutablePointer<T>) throws {
        switch type {
        case .number, .enumeration: break
        default: throw failure("must hold numbers")
        }
        try readRows(start, count, T.numberType.memory, target)
    }

    private func readRows(_ start: Int, _ count: Int, _ memory: hid_t, _ target: UnsafeMutableRawPointer) throws {
        guard count > 0 else { return }
        guard start >= 0, count <= rows, start <= rows - count else { throw failure("has too few rows") }
        guard select(start, count, { flip_h5d_read(handle.id, memory, $0, $1, target) }) >= 0 else { throw failure("cannot be read") }
    }

    private func readAll(_ memory: hid_t, _ target: UnsafeMutableRawPointer) throws {
        guard elementCount(shape) != 0 else { return }
        guard Library.call({ flip_h5d_read(handle.id, memory, 0, 0, target) }) >= 0 else { throw failure("cannot be read") }
    }

    /// Texts `start ..< start + count`, each at most `maxBytes` long, handed out one after the other without their padding. A null
    /// pointer in the file counts as an empty text. The scalar text is number 0.
    func readTexts(_ start: Int, _ count: Int, maxBytes: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws {
        guard count > 0 else { return }
        guard start >= 0, count <= rows, start <= rows - count else { throw failure("has too few rows") }
        guard let memory = type.handle(memory: true) else { throw failure("cannot be read") }
        switch type {
        case .fixedText(let size, let spaces, _):
            let (bytes, overflow) = size.multipliedReportingOverflow(by: count)
            guard size <= max(maxBytes, 1), !overflow else { throw failure("text longer than \(maxBytes) bytes") }
            let buffer = try Buffer<UInt8>(count: bytes, for: "text")
            try readRows(start, count, memory.id, buffer.base)
            for i in 0..<count { try body(trimmed(buffer.base + i * size, size, spaces)) }
        case .variableText:
            let pointers = try Buffer<UnsafeMutablePointer<CChar>?>(count: count, for: "text")
            defer { for i in 0..<count { free(pointers[i]) } }
            let result = select(start, count) { flip_h5d_read_texts(handle.id, memory.id, $0, $1, pointers.base, 256 << 20) }
            guard result >= 0 else { throw failure("cannot be read") }
            for i in 0..<count {
                let length = pointers[i].map { strnlen($0, maxBytes + 1) } ?? 0
                guard length <= maxBytes else { throw failure("text longer than \(maxBytes) bytes") }
                try body(UnsafeBufferPointer(start: UnsafeRawPointer(pointers[i])?.assumingMemoryBound(to: UInt8.self), count: length))
            }
        default: throw failure("must be text")
        }
    }

    /// Up to `maxCount` texts, `maxBytes` in all, checked to be UTF-8.
    func texts(maxCount: Int, maxBytes: Int) throws -> [String] {
        guard shape.count <= 1, rows <= maxCount else { throw failure("must be a list of at most \(maxCount) texts") }
        var out: [String] = [], total = 0
        try readTexts(0, rows, maxBytes: maxBytes) { bytes in
            guard isUTF8(bytes) else { throw failure("text that is not UTF-8") }
            total += bytes.count
            guard total <= maxBytes else { throw failure("text longer than \(maxBytes) bytes") }
            out.append(String(decoding: bytes, as: UTF8.self))
        }
        return out
    }

    /// 1 for a scalar.
    private var rows: Int { shape.isEmpty ? 1 : shape[0] }

    /// Calls `read` with the spaces in memory and file that stand for the rows; 0 is all.
    private func select(_ start: Int, _ count: Int, _ read: (hid_t, hid_t) -> herr_t) -> herr_t {
        Library.call {
            if start == 0, count == rows { return read(0, 0) }
            guard shape.count == 1 else { return -1 }
            let fileSpace = H5Dget_space(handle.id), memorySpace = flip_h5s_simple(1, [hsize_t(count)], 0)
            defer {
                H5Sclose(fileSpace)
                H5Sclose(memorySpace)
            }
            guard flip_h5s_rows(fileSpace, hsize_t(start), hsize_t(count)) >= 0 else { return -1 }
            return read(memorySpace, fileSpace)
        }
    }
}

/// A text of fixed length without its padding.
func trimmed(_ base: UnsafePointer<UInt8>, _ size: Int, _ spaces: Bool) -> UnsafeBufferPointer<UInt8> {
    var n = UnsafeRawPointer(base).withMemoryRebound(to: CChar.self, capacity: size) { strnlen($0, size) }
    while spaces, n > 0, base[n - 1] == UInt8(ascii: " ") { n -= 1 }
    return UnsafeBufferPointer(start: base, count: n)
}
