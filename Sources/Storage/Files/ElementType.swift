// Lists the types of data that libflip writes and accepts.
// Numbers of the usual widths; booleans as h5py writes them (an enumeration FALSE = 0, TRUE = 1 over a byte); text of
// fixed or variable length. Read only, in data sets: other enumerations (levels of R's hdf5r and of PyTables), single
// bits (booleans of PyTables) and floating point of 16 bits. Everything else in a file is refused before anything of it
// is read.

import Basics
import CHDF5
import FileFormat
import Tables

/// A number type in files and memory; the raw value is the shim's `kind`.
package enum NumberType: Int32, CaseIterable, Sendable {
    case float32 = 0, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64
    /// Read only, in data sets: the shim does not know it.
    case float16

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
        case .float16: "float16"
        }
    }

    /// Bytes of one element.
    package var size: Int {
        switch self {
        case .int8, .uint8: 1
        case .int16, .uint16, .float16: 2
        case .float32, .int32, .uint32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    var isFloat: Bool { self == .float32 || self == .float64 || self == .float16 }
    /// The narrow type of floating point that it is.
    var narrow: NarrowFloat? { self == .float16 ? .half : self == .float32 ? .single : nil }
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
    /// Text of `size` bytes; `spaces` when padded with spaces, otherwise with zeros. `ascii`: marked so in the file,
    /// which must match in memory; the bytes are checked to be UTF-8 either way.
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
        case .bits, .enumeration, .number(.float16): true
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

    /// The type of a data set or attribute in a file; a failure that says what it is for types that are not read.
    static func of(_ type: DataType) -> Result<ElementType, BrokenRule> {
        func number(_ size: Int, isSigned: Bool) -> NumberType? {
            NumberType.allCases.first { !$0.isFloat && $0.size == size && $0.isSigned == isSigned }
        }
        switch type {
        case .integer(let size, let isSigned, _):
            if let number = number(size, isSigned: isSigned) { return .success(.number(number)) }
        case .float(let size, _): return .success(.number(size == 2 ? .float16 : size == 4 ? .float32 : .float64))
        case .bits: return .success(.bits)
        case .text(let size, let padding, let isASCII):
            return .success(.fixedText(size: size, spaces: padding == .spaces, ascii: isASCII))
        case .variableText(let isASCII): return .success(.variableText(ascii: isASCII))
        case .enumeration(let size, let isSigned, _, let members):
            if size == 1, members == [.init("FALSE", 0), .init("TRUE", 1)] { return .success(.boolean) }
            if let number = number(size, isSigned: isSigned) {
                return .success(.enumeration(Enumeration(type: number, members: members)))
            }
        case .objectReference: return .failure(BrokenRule("references, which are not supported"))
        case .other(let what): return .failure(BrokenRule(what))
        }
        return .failure(BrokenRule("a data type that is not supported"))
    }

    /// A new handle of the type to give to the library for writing: as laid out in files, or in memory; nil for types
    /// of other writers.
    func handle(memory: Bool) -> Handle? {
        switch self {
        case .number(.float16): nil
        case .number(let n): Handle(H5Tclose) { H5Tcopy(memory ? n.memory : n.file) }
        case .boolean: Handle(H5Tclose) { Self.makeBoolean() }
        case .bits, .enumeration: nil
        case .fixedText(let size, let spaces, let ascii):
            Handle(H5Tclose) { flip_h5t_text(size, spaces ? 1 : 0, ascii ? 1 : 0) }
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

/// An enumeration of another writer: names for the integers in a data set, such as the levels of a factor that R's
/// hdf5r wrote.
struct Enumeration: Equatable {
    /// The integers in memory.
    let type: NumberType
    let members: [DataType.Member]
}
