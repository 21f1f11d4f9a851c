// Reads one data set of a file, whole or by rows; GroupReader opens it.

import Basics
import FileFormat
import Glibc

/// A data set that passed the guards.
final class DataSetReader {
    let path: String
    let type: ElementType
    /// Empty for a scalar.
    let shape: [Int]
    /// Where its header is in the file, in the terms of an object reference.
    let address: Int
    private let data: StoredData
    private let file: FileReader

    init(_ object: FormatObject, path: String, file: FileReader) throws {
        let data = try file.reading(path) { try object.data() }
        (type, shape) = (try Guards(file: file).examine(data, path), data.shape)
        (self.data, address, self.path, self.file) = (data, object.address, path, file)
    }

    func failure(_ rule: String) -> Failure { file.failure(path, rule) }

    /// Reads all of it, row-major, in the memory layout of `type` (numbers in their own width, booleans as bytes, fixed
    /// text one after the other), into room for the product of `shape`.
    func readAll(_ target: UnsafeMutableRawPointer) throws { try read(0, elementCount(shape) ?? 0, target) }

    /// Reads rows `start ..< start + count` in the memory layout of `type`.
    func readRows(_ start: Int, _ count: Int, _ target: UnsafeMutableRawPointer) throws {
        try checkRows(start, count)
        try read(start, count, target)
    }

    /// Reads rows as numbers of another type: integers that do not fit become the nearest that do.
    func readRows<T: Stored>(_ start: Int, _ count: Int, as target: UnsafeMutablePointer<T>) throws {
        let source: NumberType
        switch type {
        case .number(let number): source = number
        case .enumeration(let list): source = list.type
        default: throw failure("must hold numbers")
        }
        guard !source.isFloat || T.numberType.isFloat else { throw failure("must hold integers") }
        try checkRows(start, count)
        if source == T.numberType { return try read(start, count, target) }
        let block = 8192, values = try Buffer<UInt8>(count: min(block, max(count, 1)) * source.size, for: "a column")
        for first in stride(from: 0, to: count, by: block) {
            let n = min(block, count - first)
            try read(start + first, n, values.base)
            convert(source, values.base, n, to: target + first)
        }
    }

    private func checkRows(_ start: Int, _ count: Int) throws {
        guard count >= 0, start >= 0, count <= rows, start <= rows - count, shape.count <= 1 else {
            throw failure("has too few rows")
        }
    }

    private func read(_ start: Int, _ count: Int, _ target: UnsafeMutableRawPointer) throws {
        guard !type.isVariableText, data.elementSize == type.memorySize else { throw failure("cannot be read") }
        try file.reading(path) { try data.read(start, count, into: target) }
        toHost(target, count, data.type)
    }

    /// Texts `start ..< start + count`, each at most `maxBytes` long, handed out one after the other without their
    /// padding. A null pointer in the file counts as an empty text. The scalar text is number 0.
    func readTexts(_ start: Int, _ count: Int, maxBytes: Int, _ body: (UnsafeBufferPointer<UInt8>) throws
        -> Void) throws {
        guard count > 0 else { return }
        try checkRows(start, count)
        switch type {
        case .fixedText(let size, let spaces, _):
            let (bytes, overflow) = size.multipliedReportingOverflow(by: count)
            guard size <= max(maxBytes, 1), !overflow else { throw failure("text longer than \(maxBytes) bytes") }
            let buffer = try Buffer<UInt8>(count: bytes, for: "text")
            try read(start, count, buffer.base)
            for i in 0..<count { try body(trimmed(buffer.base + i * size, size, spaces)) }
        case .variableText: try file.reading(path) { try data.readTexts(start, count, maxBytes: maxBytes, body) }
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
}

/// A text of fixed length without its padding.
func trimmed(_ base: UnsafePointer<UInt8>, _ size: Int, _ spaces: Bool) -> UnsafeBufferPointer<UInt8> {
    var n = UnsafeRawPointer(base).withMemoryRebound(to: CChar.self, capacity: size) { strnlen($0, size) }
    while spaces, n > 0, base[n - 1] == UInt8(ascii: " ") { n -= 1 }
    return UnsafeBufferPointer(start: base, count: n)
}
