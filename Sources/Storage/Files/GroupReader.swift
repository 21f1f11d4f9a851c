// Takes attributes, texts, numbers and groups out of a group of a file from outside.
// The caller says what it expects (type, shape, length); the file is only compared with it. GroupWriter is the
// counterpart.

import Basics
import FileFormat

/// A group of a file being read.
package final class GroupReader {
    /// Where it is in the file.
    package let path: String
    let file: FileReader
    private let object: FormatObject
    private let members: [[UInt8]: Link.Target]
    private let depth: Int

    init(_ object: FormatObject, path: String, depth: Int, file: FileReader) throws {
        let links = try file.reading(path) { try object.links() }
        // FileFormat refuses a name twice
        members = Dictionary(uniqueKeysWithValues: links.map { ($0.name, $0.target) })
        (self.object, self.path, self.depth, self.file) = (object, path, depth, file)
    }

    // MARK: what is there

    /// True when `name` is a group or data set of this group (links to elsewhere do not count).
    package func has(_ name: String) -> Bool {
        Name.isValid(name) && members[Array(name.utf8)].map { $0 != .elsewhere } ?? false
    }

    /// The names in this group, in the order of their bytes.
    /// - Throws: `.format` when one is not a valid name or there are too many.
    package func names() throws -> [String] {
        try list(Array(members.keys))
    }

    /// The group `name`.
    package func group(_ name: String) throws -> GroupReader {
        let object = try open(name)
        guard object.kind == .group else { throw failure(name, "must be a group") }
        guard depth < file.limits.depth else { throw failure(name, "nested too deeply") }
        return try GroupReader(object, path: Name.join(path, name), depth: depth + 1, file: file)
    }

    func isGroup(_ name: String) throws -> Bool { try open(name).kind == .group }

    func data(_ name: String) throws -> DataSetReader {
        let object = try open(name)
        guard object.kind == .dataSet else { throw failure(name, "must be a data set") }
        return try DataSetReader(object, path: Name.join(path, name), file: file)
    }

    // MARK: data sets

    /// One text of at most `maxBytes` bytes.
    package func string(_ name: String, maxBytes: Int = 16 << 20) throws -> String {
        let data = try data(name)
        guard data.shape.isEmpty else { throw data.failure("must be one text") }
        return try data.texts(maxCount: 1, maxBytes: maxBytes)[0]
    }

    /// A list of texts, `maxBytes` in all.
    package func strings(_ name: String, maxCount: Int = 1 << 16, maxBytes: Int = 16 << 20) throws -> [String] {
        let data = try data(name)
        guard data.shape.count == 1 else { throw data.failure("must be a list of texts") }
        return try data.texts(maxCount: maxCount, maxBytes: maxBytes)
    }

    package func scalar<T: Stored>(_ name: String, as type: T.Type = T.self) throws -> T {
        let values = try tensor(name, shape: [], as: type)
        return values[0]
    }

    /// Numbers of exactly the given type and shape, row-major.
    package func tensor<T: Stored>(_ name: String, shape: [Int], as type: T.Type = T.self) throws -> Buffer<T> {
        guard let count = elementCount(shape) else {
            throw Failure(.argument, "\(quoted(name)): the shape is too large")
        }
        let data = try tensorData(name, shape, type)    // before the memory is taken
        let values = try Buffer<T>(count: count, for: "a tensor")
        try data.readAll(values.base)
        return values
    }

    /// Numbers of exactly the given type and shape into room that the caller has.
    package func tensor<T: Stored>(_ name: String, shape: [Int], into target: UnsafeMutablePointer<T>) throws {
        try tensorData(name, shape, T.self).readAll(target)
    }

    private func tensorData<T: Stored>(_ name: String, _ shape: [Int], _: T.Type) throws -> DataSetReader {
        let data = try data(name)
        guard data.type == .number(T.numberType) else {
            throw data.failure("must hold \(T.numberType.name), holds \(data.type.name)")
        }
        guard data.shape == shape else {
            throw data.failure("must have the shape \(text(shape)), has \(text(data.shape))")
        }
        return data
    }

    // MARK: attributes

    package func hasAttribute(_ name: String) -> Bool { object.attribute(name) != nil }
    package func attribute(_ name: String, maxBytes: Int = 64 << 10) throws -> String {
        try AttributeReader(name, of: object, path, file).text(maxBytes: maxBytes)
    }
    package func attributes(_ name: String, maxBytes: Int = 1 << 20) throws -> [String] {
        try AttributeReader(name, of: object, path, file).texts(maxBytes: maxBytes)
    }
    package func attributeDouble(_ name: String) throws -> Double {
        try AttributeReader(name, of: object, path, file).number()
    }

    /// The attributes of the element `name`.
    func attributes(of name: String) throws -> ObjectAttributes {
        ObjectAttributes(try open(name), Name.join(path, name), file)
    }

    /// The attributes of this group, or of the element `name` in it, in the order of their names.
    func allAttributes(of name: String? = nil) throws -> [AttributeReader] {
        let object = try name.map { try open($0) } ?? object, path = name.map { Name.join(self.path, $0) } ?? self.path
        return try list(object.attributes.map(\.name)).map { try AttributeReader($0, of: object, path, file) }
    }

    // MARK: parts

    func failure(_ name: String, _ rule: String) -> Failure { file.failure(Name.join(path, name), rule) }

    /// Opens what `name` is in this group, if it is an object of this file under this very name.
    private func open(_ name: String) throws -> FormatObject {
        guard Name.isValid(name) else { throw file.failure(path, "\(quoted(name)) cannot be a name in an HDF5 file") }
        guard let target = members[Array(name.utf8)] else { throw failure(name, "is missing") }
        guard case .object(let address) = target else {
            throw failure(name, "a link to somewhere else, which is not followed")
        }
        return try file.object(address, Name.join(path, name))
    }

    /// Names that may be used, sorted.
    private func list(_ all: [[UInt8]]) throws -> [String] {
        guard all.count <= file.limits.objects else { throw file.failure(path, "has too many members") }
        return try all.map { bytes in
            guard (1...255).contains(bytes.count) else {
                throw file.failure(path, "has a member with a name that is not allowed")
            }
            guard bytes.withUnsafeBufferPointer(isUTF8) else {
                throw file.failure(path, "has a member with a name that is not UTF-8")
            }
            let name = String(decoding: bytes, as: UTF8.self)
            guard Name.isValid(name) else { throw file.failure(path, "has a member with a name that is not allowed") }
            return name
        }.sorted(by: Name.before)
    }
}

/// "3,4", or "scalar".
func text(_ shape: [Int]) -> String { shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: ",") }
