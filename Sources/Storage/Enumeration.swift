// Enumerations of other writers: names for the integers in a data set, such as the levels of a factor that R's hdf5r wrote.

import CHDF5

struct Enumeration: Equatable {
    struct Member: Equatable {
        let name: String
        let value: Int64
    }
    /// The integers in memory.
    let type: NumberType
    let members: [Member]

    /// Reads the members of the open type `type`. Call with the library's lock held.
    /// - Returns: nil unless it has 1 to 65 536 members with names in UTF-8, no name or value twice, over integers that fit 64 signed bits.
    init?(_ type: hid_t) {
        let base = H5Tget_super(type), count = H5Tget_nmembers(type)
        defer { H5Tclose(base) }
        guard base >= 0, (1...65_536).contains(count) else { return nil }
        // hdf5r marks as many bits as its levels need, in the low end of the integer.
        let size = H5Tget_size(base), precision = H5Tget_precision(base), isSigned = H5Tget_sign(base) == H5T_SGN_2
        let isBig = H5Tget_order(base) == H5T_ORDER_BE
        guard H5Tget_class(base) == H5T_INTEGER, isBig || H5Tget_order(base) == H5T_ORDER_LE, H5Tget_offset(base) == 0,
              precision == size * 8 || !isSigned && (1..<size * 8).contains(precision),
              let number = [NumberType.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32].first(where: {
                  $0.size == size && $0.isSigned == isSigned
              }) else { return nil }
        var members: [Member] = [], names = Set<String>(), values = Set<Int64>()
        for i in 0..<UInt32(count) {
            guard let text = H5Tget_member_name(type, i) else { return nil }
            defer { H5free_memory(text) }
            var bytes = [UInt8](repeating: 0, count: 8)
            guard let name = String(validatingCString: text), H5Tget_member_value(type, i, &bytes) >= 0 else { return nil }
            let value = Self.integer(bytes[..<size], number, isBig)
            guard names.insert(name).inserted, values.insert(value).inserted else { return nil }
            members.append(Member(name: name, value: value))
        }
        (self.type, self.members) = (number, members)
    }

    /// The integer that `bytes` stand for in a file.
    private static func integer(_ bytes: ArraySlice<UInt8>, _ type: NumberType, _ isBig: Bool) -> Int64 {
        let ordered = isBig ? Array(bytes) : bytes.reversed()
        var bits: UInt64 = 0
        for byte in ordered { bits = bits << 8 | UInt64(byte) }
        switch type {
        case .int8: return Int64(Int8(truncatingIfNeeded: bits))
        case .int16: return Int64(Int16(truncatingIfNeeded: bits))
        case .int32: return Int64(Int32(truncatingIfNeeded: bits))
        default: return Int64(truncatingIfNeeded: bits)
        }
    }
}
