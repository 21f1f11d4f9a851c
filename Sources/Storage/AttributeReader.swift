// One attribute of an object in a file somebody gave us: small numbers, booleans, texts.

import Basics
import CHDF5
import Glibc

final class AttributeReader {
    let name: String
    let type: ElementType
    let shape: [Int]
    private let handle: Handle
    private let path: String
    private let file: FileReader

    /// The attribute `name` of `object`, which is at `path`. At most 1 MiB.
    init(_ name: String, of object: Handle, _ path: String, _ file: FileReader) throws {
        let place = "\(path), attribute \(name)"
        guard Name.isValid(name), let handle = Handle(H5Aclose, { H5Aopen(object.id, name, 0) }) else {
            throw file.failure(place, "is missing")
        }
        let guards = Guards(file: file)
        shape = try guards.shape(place) { H5Aget_space(handle.id) }
        type = try guards.type(place) { H5Aget_type(handle.id) }
        guard let count = elementCount(shape), count <= (1 << 20) / type.memorySize else { throw file.failure(place, "is too large") }
        (self.name, self.handle, self.path, self.file) = (name, handle, place, file)
    }

    private var count: Int { shape.reduce(1, *) }       // checked above
    private func failure(_ rule: String) -> Failure { file.failure(path, rule) }

    /// The bytes in memory: numbers in their own width, booleans as bytes, fixed text with its padding.
    func bytes() throws -> Buffer<UInt8> {
        guard !type.isVariableText, let memory = type.handle(memory: true) else { throw failure("cannot be read") }
        let buffer = try Buffer<UInt8>(count: count * type.memorySize, for: "an attribute")
        guard count == 0 || Library.call({ H5Aread(handle.id, memory.id, buffer.base) }) >= 0 else { throw failure("cannot be read") }
        return buffer
    }

    func text(maxBytes: Int) throws -> String {
        guard shape.isEmpty || shape == [1] else { throw failure("must be one text") }
        return try texts(maxBytes: maxBytes)[0]
    }

    func texts(maxBytes: Int) throws -> [String] {
        guard shape.count <= 1 else { throw failure("must be a list of texts") }
        var out: [String] = [], total = 0
        func add(_ bytes: UnsafeBufferPointer<UInt8>) throws {
            total += bytes.count
            guard total <= maxBytes else { throw failure("longer than \(maxBytes) bytes") }
            guard isUTF8(bytes) else { throw failure("text that is not UTF-8") }
            out.append(String(decoding: bytes, as: UTF8.self))
        }
        switch type {
        case .fixedText(let size, let spaces, _):
            let buffer = try bytes()
            for i in 0..<count { try add(trimmed(buffer.base + i * size, size, spaces)) }
        case .variableText:
            guard let memory = type.handle(memory: true) else { throw failure("cannot be read") }
            let pointers = try Buffer<UnsafeMutablePointer<UInt8>?>(count: count, for: "an attribute")
            guard count == 0 || Library.call({ H5Aread(handle.id, memory.id, pointers.base) }) >= 0 else { throw failure("cannot be read") }
            defer {
                Library.call {
                    let space = H5Aget_space(handle.id)
                    flip_h5a_reclaim(memory.id, space, pointers.base)
                    H5Sclose(space)
                }
            }
            for i in 0..<count {
                let length = pointers[i].map { strlen(UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) } ?? 0
                try add(UnsafeBufferPointer(start: pointers[i], count: length))
            }
        default: throw failure("must be text")
        }
        return out
    }

    func number<T: Stored>(as _: T.Type = T.self) throws -> T {
        guard type == .number(T.numberType), count == 1 else { throw failure("must be one \(T.numberType.name)") }
        let bytes = try bytes()
        return withExtendedLifetime(bytes) { UnsafeRawPointer(bytes.base).loadUnaligned(as: T.self) }
    }

    func boolean() throws -> Bool {
        guard type == .boolean, count == 1 else { throw failure("must be true or false") }
        return try bytes()[0] != 0
    }
}
