// Whole numbers of an Arrow array straight into a column, where the field is a range of them and every cell lies in it.

extension ArrowView {
    /// Stores each cell as its distance from the first value of a range without steps, and all ones for a missing one.
    /// - Parameters:
    ///   - bytes: of a cell, which is signed.
    ///   - base: memory of a column; `row` is the place of the first cell.
    /// - Returns: false for a domain of another kind, and where a cell is outside it, or is missing and must not be:
    ///   what was stored then means nothing.
    func copyRange(bytes: Int, _ domain: Domain, required: Bool, to base: UnsafeMutableRawPointer,
                   _ storage: CellStorage, row: Int) -> Bool {
        guard domain.tag == .whole, domain.step == 1, domain.missing.isEmpty else { return false }
        switch bytes {
        case 4: return copy(Int32.self, domain, required, base, storage, row)
        case 8: return copy(Int64.self, domain, required, base, storage, row)
        default: return false
        }
    }

    @inline(__always)
    private func copy<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type, _ domain: Domain, _ required: Bool,
                                                              _ base: UnsafeMutableRawPointer, _ storage: CellStorage,
                                                              _ row: Int) -> Bool {
        switch storage {
        case .uint8: return copy(T.self, UInt8.self, domain, required, base, row)
        case .uint16: return copy(T.self, UInt16.self, domain, required, base, row)
        case .uint32: return copy(T.self, UInt32.self, domain, required, base, row)
        case .uint64: return copy(T.self, UInt64.self, domain, required, base, row)
        case .float64: return false
        }
    }

    @inline(__always)
    private func copy<T: FixedWidthInteger & BitwiseCopyable, U: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type, _: U.Type, _ domain: Domain, _ required: Bool, _ base: UnsafeMutableRawPointer, _ row: Int) -> Bool {
        let first = domain.origin, values = UInt64(bitPattern: domain.count)
        var outside = false
        for i in 0..<count {
            // Modulo 2^64: below `values` exactly when the cell is in the range, whose end does not overflow.
            let distance = UInt64(bitPattern: Int64(truncatingIfNeeded: load(i, as: T.self)) &- first)
            let here = isValid(i), cell = here ? U(truncatingIfNeeded: distance) : U.max
            outside = outside || (here ? distance >= values : required)
            base.storeBytes(of: cell, toByteOffset: (row &+ i) &* MemoryLayout<U>.size, as: U.self)
        }
        return !outside
    }
}
