// Converts numbers from a file's byte order to the machine's, and from one type to another.

import FileFormat
import Tables

/// Puts `count` elements of the file's type `type` into the machine's byte order, in place.
func toHost(_ elements: UnsafeMutableRawPointer, _ count: Int, _ type: DataType) {
    let size: Int, isBig: Bool
    switch type {
    case .integer(let n, _, let big): (size, isBig) = (n, big)
    case .float(let n, let big): (size, isBig) = (n, big)
    case .enumeration(let n, _, let big, _): (size, isBig) = (n, big)
    default: return
    }
    guard isBig != (Int16(1).bigEndian == 1), size > 1 else { return }
    let bytes = elements.assumingMemoryBound(to: UInt8.self)
    for i in 0..<count {
        let element = bytes + i * size
        for j in 0..<size / 2 { (element[j], element[size - 1 - j]) = (element[size - 1 - j], element[j]) }
    }
}

/// `count` numbers of the type `source`, which lie one after the other. Integers that do not fit become the nearest
/// that do; a target of floating point takes integers rounded to nearest. Floating point to integers is not converted.
func convert<T: Stored>(_ source: NumberType, _ values: UnsafeRawPointer, _ count: Int,
    to target: UnsafeMutablePointer<T>) {
    func integers<S: FixedWidthInteger>(_: S.Type) {
        let target = UnsafeMutableRawPointer(target)
        for i in 0..<count {
            let value = values.loadUnaligned(fromByteOffset: i * MemoryLayout<S>.stride, as: S.self)
            func store<U: Stored>(_ value: U) {
                target.storeBytes(of: value, toByteOffset: i * MemoryLayout<U>.stride, as: U.self)
            }
            switch T.numberType {
            case .float32: store(Float(value))
            case .float64: store(Double(value))
            case .int8: store(Int8(clamping: value))
            case .int16: store(Int16(clamping: value))
            case .int32: store(Int32(clamping: value))
            case .int64: store(Int64(clamping: value))
            case .uint8: store(UInt8(clamping: value))
            case .uint16: store(UInt16(clamping: value))
            case .uint32: store(UInt32(clamping: value))
            case .uint64: store(UInt64(clamping: value))
            case .float16: break                     // no type of Swift is stored so
            }
        }
    }
    func floats<S: BitwiseCopyable>(_: S.Type, _ double: (S) -> Double) {
        let target = UnsafeMutableRawPointer(target)
        for i in 0..<count {
            let value = double(values.loadUnaligned(fromByteOffset: i * MemoryLayout<S>.stride, as: S.self))
            if T.numberType == .float32 { target.storeBytes(of: Float(value), toByteOffset: 4 * i, as: Float.self) }
            if T.numberType == .float64 { target.storeBytes(of: value, toByteOffset: 8 * i, as: Double.self) }
        }
    }
    switch source {
    case .float16: floats(UInt16.self, doubleOfHalf)
    case .float32: floats(Float.self, Double.init)
    case .float64: floats(Double.self) { $0 }
    case .int8: integers(Int8.self)
    case .int16: integers(Int16.self)
    case .int32: integers(Int32.self)
    case .int64: integers(Int64.self)
    case .uint8: integers(UInt8.self)
    case .uint16: integers(UInt16.self)
    case .uint32: integers(UInt32.self)
    case .uint64: integers(UInt64.self)
    }
}
