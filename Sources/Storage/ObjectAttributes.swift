// The attributes of one open object, asked for by name: what readers of columns need, without opening the object again for each.

import Basics
import CHDF5

struct ObjectAttributes {
    private let handle: Handle
    private let path: String
    private let file: FileReader

    init(_ handle: Handle, _ path: String, _ file: FileReader) { (self.handle, self.path, self.file) = (handle, path, file) }

    func has(_ name: String) -> Bool { Name.isValid(name) && Library.call { H5Aexists(handle.id, name) } > 0 }

    func text(_ name: String) throws -> String { try reader(name).text(maxBytes: 256) }

    /// One number of any type as a double; nil when the attribute holds something else.
    func number(_ name: String) throws -> Double? {
        let attribute = try reader(name)
        guard attribute.shape.isEmpty || attribute.shape == [1], case .number(let type) = attribute.type else { return nil }
        switch type {
        case .float32: return Double(try attribute.number(as: Float.self))
        case .float64: return try attribute.number(as: Double.self)
        case .int8: return Double(try attribute.number(as: Int8.self))
        case .int16: return Double(try attribute.number(as: Int16.self))
        case .int32: return Double(try attribute.number(as: Int32.self))
        case .int64: return Double(try attribute.number(as: Int64.self))
        case .uint8: return Double(try attribute.number(as: UInt8.self))
        case .uint16: return Double(try attribute.number(as: UInt16.self))
        case .uint32: return Double(try attribute.number(as: UInt32.self))
        case .uint64: return Double(try attribute.number(as: UInt64.self))
        }
    }

    /// The address of the object that the attribute refers to, nil when the attribute is no object reference. It is only compared with
    /// addresses of objects that were opened by name, never followed.
    func reference(_ name: String) -> UInt64? {
        guard Name.isValid(name) else { return nil }
        var address: UInt64 = 0
        return Library.call { flip_h5a_reference(handle.id, name, &address) } >= 0 ? address : nil
    }

    func failure(_ rule: String) -> Failure { file.failure(path, rule) }

    private func reader(_ name: String) throws -> AttributeReader { try AttributeReader(name, of: handle, path, file) }
}
