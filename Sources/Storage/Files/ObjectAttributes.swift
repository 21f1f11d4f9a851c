// Gives access by name to the attributes of one open object, without opening it again for each.

import Basics
import FileFormat

struct ObjectAttributes {
    private let object: FormatObject
    private let path: String
    private let file: FileReader

    init(_ object: FormatObject, _ path: String, _ file: FileReader) {
        (self.object, self.path, self.file) = (object, path, file)
    }

    func has(_ name: String) -> Bool { object.attribute(name) != nil }

    func text(_ name: String) throws -> String { try reader(name).text(maxBytes: 256) }

    /// One number of any type as a double; nil when the attribute holds something else.
    func number(_ name: String) throws -> Double? {
        let attribute = try reader(name)
        guard attribute.shape.isEmpty || attribute.shape == [1], case .number(let type) = attribute.type else {
            return nil
        }
        let bytes = try attribute.bytes()
        var value = 0.0
        convert(type, bytes.base, 1, to: &value)
        return value
    }

    /// The address of the object that the attribute refers to, nil when the attribute is no object reference. It is
    /// only compared with addresses of objects that were opened by name, never followed.
    func reference(_ name: String) -> Int? {
        guard let attribute = object.attribute(name), attribute.type == .objectReference,
            attribute.bytes.count == 8 else {
            return nil
        }
        return Int(exactly: attribute.bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    func failure(_ rule: String) -> Failure { file.failure(path, rule) }

    private func reader(_ name: String) throws -> AttributeReader { try AttributeReader(name, of: object, path, file) }
}
