// Reads one attribute of an object in a file from outside: a small number, a boolean, or texts.

import Basics
import FileFormat

struct AttributeReader {
    let name: String
    let type: ElementType
    let shape: [Int]
    private let attribute: Attribute
    private let object: FormatObject
    private let path: String
    private let file: FileReader

    /// The attribute `name` of `object`, which is at `path`. At most 1 MiB.
    /// - Throws: `.format` when it is missing, too large, or of a type or shape that is not read.
    init(_ name: String, of object: FormatObject, _ path: String, _ file: FileReader) throws {
        let place = "\(path), attribute \(name)"
        guard let attribute = object.attribute(name) else { throw file.failure(place, "is missing") }
        type = try Guards(file: file).type(attribute.type, place)
        guard let shape = attribute.shape, shape.count <= 8 else {
            throw file.failure(place, "a shape that is not supported")
        }
        guard let count = elementCount(shape), count <= (1 << 20) / type.memorySize else {
            throw file.failure(place, "is too large")
        }
        (self.name, self.shape, self.attribute, self.object, self.path, self.file) =
            (name, shape, attribute, object, place, file)
    }

    private var count: Int { shape.reduce(1, *) }       // checked above
    private func failure(_ rule: String) -> Failure { file.failure(path, rule) }

    /// The bytes in memory: numbers in their own width, booleans as bytes, fixed text with its padding.
    func bytes() throws -> Buffer<UInt8> {
        let size = type.memorySize
        guard !type.isVariableText, attribute.elementSize == size, attribute.bytes.count == count * size else {
            throw failure("cannot be read")
        }
        let buffer = try Buffer<UInt8>(count: attribute.bytes.count, for: "an attribute")
        attribute.bytes.withUnsafeBufferPointer {
            if let base = $0.baseAddress { buffer.base.update(from: base, count: $0.count) }
        }
        toHost(buffer.base, count, attribute.type)
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
            try file.reading(path) { try object.texts(attribute, maxBytes: maxBytes, add) }
            guard out.count == count else { throw failure("cannot be read") }
        default: throw failure("must be text")
        }
        return out
    }

    func number<T: Stored>(as _: T.Type = T.self) throws -> T {
        guard type == .number(T.numberType), count == 1 else { throw failure("must be one \(T.numberType.name)") }
        let bytes = try bytes()
        return withExtendedLifetime(bytes) { UnsafeRawPointer(bytes.base).loadUnaligned(as: T.self) }
    }
}

extension FormatObject {
    func attribute(_ name: String) -> Attribute? { attributes.first { $0.name.elementsEqual(name.utf8) } }
}
