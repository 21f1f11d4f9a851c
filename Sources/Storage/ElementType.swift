// The types of data we write and accept: numbers of the usual widths, booleans as h5py writes them (an enumeration FALSE = 0, TRUE = 1
// over a byte), text of fixed or variable length; read only, in data sets: other enumerations (levels of R's hdf5r and of PyTables) and
// single bits (booleans of PyTables). Everything else in a file (compounds, references, sequences of variable length, committed types)
// is refused before anything of it is read.

import Basics
import CHDF5

/// A number type in files and memory; the raw value is the shim's `kind`.
package enum NumberType: Int32, CaseIterable, Sendable {
    case float32 = 0, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64

    /// The name numpy gives it, also used in the content digest.
    package var name: String {
        switch self {
        case .float32: "float32"
        case .float64: "float64"
        case .int8: "int8"
        case .int16: "int16"
        case .int32: "int32"
        case .int64: "int64"
        case .uint8: "uint8"
        case .uint16: "uint16"
        case .uint32: "uint32"
        case .uint64: "uint64"
        }
    }

    /// Bytes of one element.
    package var size: Int {
        switch self {
        case .int8, .uint8: 1
        case .int16, .uint16: 2
        case .float32, .int32, .uint32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    var isFloat: Bool { self == .float32 || self == .float64 }
    var isSigned: Bool { rawValue < NumberType.uint8.rawValue }
    var memory: hid_t { flip_h5t_memory(rawValue) }
    /// Little-endian, on every machine.
    var file: hid_t { flip_h5t_file(rawValue, 0) }
}

/// A Swift number that files can hold.
package protocol Stored: BitwiseCopyable { static var numberType: NumberType { get } }
extension Float: Stored { package static var numberType: NumberType { .float32 } }
extension Double: Stored { package static var numberType: NumberType { .float64 } }
extension Int8: Stored { package static var numberType: NumberType { .int8 } }
extension Int16: Stored { package static var numberType: NumberType { .int16 } }
extension Int32: Stored { package static var numberType: NumberType { .int32 } }
extension Int64: Stored { package static var numberType: NumberType { .int64 } }
extension UInt8: Stored { package static var numberType: NumberType { .uint8 } }
extension UInt16: Stored { package static var numberType: NumberType { .uint16 } }
extension UInt32: Stored { package static var numberType: NumberType { .uint32 } }
extension UInt64: Stored { package static var numberType: NumberType { .uint64 } }

/// What a data set or attribute in a file holds.
enum ElementType: Equatable {
    case number(NumberType)
    /// One byte per element in memory, 0 or 1 (checked where it is read).
    case boolean
    /// Text of `size` bytes; `spaces` when padded with spaces, otherwise with zeros. `ascii`: marked so in the file, which must match in
    /// memory; the bytes are checked to be UTF-8 either way.
    case fixedText(size: Int, spaces: Bool = false, ascii: Bool = false)
    case variableText(ascii: Bool = false)
    /// One byte per element in memory, 0 or 1 (checked where it is read).
    case bits
    case enumeration(Enumeration)

    var name: String {
        switch self {
        case .number(let n): n.name
        case .boolean, .bits: "bool"
        case .fixedText, .variableText: "string"
        case .enumeration: "enumeration"
        }
    }

    var isInteger: Bool {
        if case .number(let type) = self { return !type.isFloat }
        return false
    }

    /// Whether it is one that libflip never writes.
    var isForeign: Bool {
        switch self {
        case .bits, .enumeration: true
        default: false
        }
    }

    var isVariableText: Bool {
        if case .variableText = self { return true }
        return false
    }

    /// Bytes of one element in memory.
    var memorySize: Int {
        switch self {
        case .number(let n): n.size
        case .boolean, .bits: 1
        case .enumeration(let list): list.type.size
        case .fixedText(let size, _, _): size
        case .variableText: MemoryLayout<UnsafeMutablePointer<CChar>?>.size
        }
    }

    /// The type of a data set or attribute, given the handle of its type; nil for types we refuse.
    static func of(_ type: hid_t) -> ElementType? {
        Library.call {
            guard H5Tcommitted(type) == 0 else { return nil }
            switch H5Tget_class(type) {
            case H5T_INTEGER, H5T_FLOAT:
                // Equality covers size, order, sign, precision, offset and the layout of a float.
                for n in NumberType.allCases {
                    for big: Int32 in [0, 1] where H5Tequal(type, flip_h5t_file(n.rawValue, big)) > 0 { return .number(n) }
                }
                return nil
            case H5T_ENUM:
                return isBoolean(type) ? .boolean : Enumeration(type).map { .enumeration($0) }
            case H5T_BITFIELD:
                return H5Tequal(type, flip_h5t_bits(0)) > 0 || H5Tequal(type, flip_h5t_bits(1)) > 0 ? .bits : nil
            case H5T_STRING:
                let variable = H5Tis_variable_str(type)
                guard variable >= 0 else { return nil }
                let ascii = H5Tget_cset(type) == H5T_CSET_ASCII
                if variable > 0 { return .variableText(ascii: ascii) }
                let size = H5Tget_size(type)
                guard size > 0, size <= 1 << 30 else { return nil }
                return .fixedText(size: size, spaces: H5Tget_strpad(type) == H5T_STR_SPACEPAD, ascii: ascii)
            default:
                return nil
            }
        }
    }

    private static func isBoolean(_ type: hid_t) -> Bool {
        guard H5Tget_size(type) == 1, H5Tget_nmembers(type) == 2 else { return false }
        for (i, name) in ["FALSE", "TRUE"].enumerated() {
            guard let text = H5Tget_member_name(type, UInt32(i)) else { return false }
            defer { H5free_memory(text) }
            var value: Int8 = -1
            guard String(cString: text) == name, H5Tget_member_value(type, UInt32(i), &value) >= 0, Int(value) == i else { return false }
        }
        return true
    }

    /// A new handle of the type to give to the library: as laid out in files, or in memory.
    func handle(memory: Bool) -> Handle? {
        switch self {
        case .number(let n): Handle(H5Tclose) { H5Tcopy(memory ? n.memory : n.file) }
        case .boolean: Handle(H5Tclose) { Self.makeBoolean() }
        case .bits: Handle(H5Tclose) { H5Tcopy(flip_h5t_bits(0)) }
        case .enumeration(let list): Handle(H5Tclose) { H5Tcopy(memory ? list.type.memory : list.type.file) }
        case .fixedText(let size, let spaces, let ascii): Handle(H5Tclose) { flip_h5t_text(size, spaces ? 1 : 0, ascii ? 1 : 0) }
        case .variableText(let ascii): Handle(H5Tclose) { flip_h5t_text(0, 0, ascii ? 1 : 0) }
        }
    }

    private static func makeBoolean() -> hid_t {
        let type = H5Tenum_create(flip_h5t_file(NumberType.int8.rawValue, 0))
        guard type >= 0 else { return -1 }
        for (value, name) in [(Int8(0), "FALSE"), (1, "TRUE")] {
            var value = value
            guard H5Tenum_insert(type, name, &value) >= 0 else {
                H5Tclose(type)
                return -1
            }
        }
        return type
    }
}

/// What a type that is refused is, for messages.
func describe(unsupported type: hid_t) -> String {
    Library.call {
        guard H5Tcommitted(type) <= 0 else { return "a committed (named) data type, which is not supported" }
        switch H5Tget_class(type) {
        case H5T_COMPOUND: return "records (a compound data type), which are not supported: store one data set a column"
        case H5T_REFERENCE: return "references, which are not supported"
        case H5T_VLEN, H5T_ARRAY: return "a list in each cell, which is not supported"
        case H5T_TIME: return "HDF5's time type, which is not supported: store numbers with the attribute \"units\""
        case H5T_FLOAT: return "floating-point numbers that are not of 32 or 64 bits, which are not supported"
        default: return "a data type that is not supported"
        }
    }
}
