// Reads what one element of a data set or attribute is (data type message 1 to 5).
// The types that a reader of tables can use are decoded; of all others only what they are.

import Basics

package enum DataType: Equatable {
    /// A number of the usual kind: all bits of it used, IEEE 754 for floating point.
    case integer(size: Int, isSigned: Bool, isBigEndian: Bool)
    case float(size: Int, isBigEndian: Bool)
    /// One byte of bits.
    case bits
    case text(size: Int, padding: Padding, isASCII: Bool)
    case variableText(isASCII: Bool)
    case enumeration(size: Int, isSigned: Bool, isBigEndian: Bool, members: [Member])
    case objectReference
    /// Another type, in words that fit after "holds".
    case other(String)

    package enum Padding: Int { case terminated = 0, zeros, spaces }

    package struct Member: Equatable {
        package let name: String
        package let value: Int64
        package init(_ name: String, _ value: Int64) { (self.name, self.value) = (name, value) }
    }

    private static let maxMembers = 65_536

    /// Reads a type and its size in bytes.
    static func read(_ message: Message) throws -> (type: DataType, size: Int) {
        if message.isShared { return (.other("a committed (named) data type, which is not supported"), 0) }
        var c = message.content
        return try read(&c)
    }

    static func read(_ c: inout Cursor) throws -> (type: DataType, size: Int) {
        let head = try c.byte(), bits = Int(try c.number(3)), size = try c.word()
        guard (1...5).contains(head >> 4) else { throw c.unknown("holds a data type of version \(head >> 4)") }
        guard size > 0 else { throw c.damaged("holds a data type without a size") }
        let order = bits & 1 == 1, version = head >> 4
        switch head & 15 {
        case 0:
            let number = try plainInteger(&c, bits, size)
            return (number.isFull ? .integer(size: size, isSigned: number.isSigned, isBigEndian: order)
                : .other("integers of unusual width, which are not supported"), size)
        case 1:
            let offset = try c.short(), precision = try c.short()
            let layout = [offset, precision, try c.byte(), try c.byte(), try c.byte(), try c.byte(), try c.word()]
            let sign = bits >> 8 & 0xFF, isImplied = bits & 0x7E == 0x20
            if isImplied, size == 2, sign == 15, layout == [0, 16, 10, 5, 0, 10, 15] {
                return (.float(size: 2, isBigEndian: order), size)
            }
            if isImplied, size == 4, sign == 31, layout == [0, 32, 23, 8, 0, 23, 127] {
                return (.float(size: 4, isBigEndian: order), size)
            }
            if isImplied, size == 8, sign == 63, layout == [0, 64, 52, 11, 0, 52, 1023] {
                return (.float(size: 8, isBigEndian: order), size)
            }
            return (.other("floating-point numbers that are not of 16, 32 or 64 bits, which are not supported"), size)
        case 2:
            return (.other("HDF5's time type, which is not supported: store numbers with the attribute \"units\""),
                size)
        case 3:
            guard let padding = Padding(rawValue: bits & 15), size <= 1 << 30, bits >> 4 & 15 <= 1 else {
                throw c.unknown("holds text of an unknown kind")
            }
            return (.text(size: size, padding: padding, isASCII: bits >> 4 & 15 == 0), size)
        case 4:
            let offset = try c.short(), precision = try c.short()
            return (size == 1 && offset == 0 && precision == 8 && bits & 6 == 0 ? .bits
                : .other("bits that do not fill one byte, which are not supported"), size)
        case 5: return (.other("opaque bytes, which are not supported"), size)
        case 6:
            return (.other("records (a compound data type), which are not supported: store one data set a column"),
                size)
        case 7:
            return (size == 8 && bits & 15 == 0 && version < 4 ? .objectReference
                : .other("references, which are not supported"), size)
        case 8: return (try enumeration(&c, count: bits & 0xFFFF, size: size, isPadded: version < 3), size)
        case 9:
            guard bits & 15 == 1 else { return (.other("a list in each cell, which is not supported"), size) }
            guard size == 16 else { throw c.damaged("holds text of variable length in \(size) bytes") }
            return (.variableText(isASCII: bits >> 8 & 15 == 0), size)
        case 10: return (.other("a list in each cell, which is not supported"), size)
        case 11: return (.other("complex numbers, which are not supported"), size)
        default: throw c.unknown("holds a data type of the unknown class \(head & 15)")
        }
    }

    /// An integer type: whether it uses all its bits, and whether only its lowest.
    private static func plainInteger(_ c: inout Cursor, _ bits: Int, _ size: Int) throws
        -> (isFull: Bool, isLow: Bool, isSigned: Bool) {
        let offset = try c.short(), precision = try c.short(), isSigned = bits & 8 != 0
        let isUsual = [1, 2, 4, 8].contains(size) && offset == 0 && bits & 6 == 0
        return (isUsual && precision == size * 8, isUsual && !isSigned && (1...size * 8).contains(precision), isSigned)
    }

    private static func enumeration(_ c: inout Cursor, count: Int, size: Int, isPadded: Bool) throws -> DataType {
        let strange = DataType.other("an enumeration of an unusual kind, which is not supported")
        let head = try c.byte(), bits = Int(try c.number(3)), baseSize = try c.word()
        guard head & 15 == 0, baseSize == size, count > 0, count <= maxMembers else { return strange }
        // R's hdf5r marks as many bits as its levels need.
        let number = try plainInteger(&c, bits, size)
        guard number.isFull || number.isLow else { return strange }
        var names: [String] = []
        for _ in 0..<count {
            let start = c.position, bytes = try c.terminated()
            if isPadded { try c.skip((bytes.count + 1).padded - (c.position - start)) }
            guard bytes.withUnsafeBufferPointer(isUTF8) else { return strange }
            names.append(String(decoding: bytes, as: UTF8.self))
        }
        let isBig = bits & 1 == 1
        var values: [Int64] = []
        for _ in 0..<count {
            let value = integer(try c.array(size), isSigned: number.isSigned, isBigEndian: isBig)
            guard let value else { return strange }
            values.append(value)
        }
        guard Set(names).count == count, Set(values).count == count else {
            throw c.damaged("holds an enumeration with a name or value twice")
        }
        return .enumeration(size: size, isSigned: number.isSigned, isBigEndian: isBig,
            members: zip(names, values).map(Member.init))
    }

    /// The integer that 1, 2, 4 or 8 bytes stand for; nil beyond 64 signed bits.
    private static func integer(_ bytes: [UInt8], isSigned: Bool, isBigEndian: Bool) -> Int64? {
        var value: UInt64 = 0
        for byte in isBigEndian ? bytes : bytes.reversed() { value = value << 8 | UInt64(byte) }
        guard isSigned else { return Int64(exactly: value) }
        let unused = 64 - 8 * bytes.count
        return Int64(truncatingIfNeeded: value << UInt64(unused)) >> Int64(unused)
    }
}
