// Handing a table's cells to a host, a range of rows at a time.

import Basics

extension Table {
    /// Values as doubles: numbers, integers, booleans as 0 and 1, days, microseconds. Missing: NaN and `valid` 0.
    /// - Throws: `.argument` for an unknown column, one with levels, or rows outside the table.
    package func getFloat64(_ name: String, first: Int, count: Int, _ x: UnsafeMutablePointer<Double>,
                            valid: UnsafeMutablePointer<UInt8>? = nil) throws {
        let column = try readable(name, first, count)
        guard column.domain.tag != .levels, column.domain.tag != .typedLevels else { throw wrongKind(name, "codes") }
        for i in 0..<count {
            let v = column.double(first + i)
            x[i] = v
            valid?[i] = v.isNaN ? 0 : 1
        }
    }

    /// Integers, booleans as 0 and 1, days, microseconds. Missing: the least Int64 and `valid` 0.
    package func getInt64(_ name: String, first: Int, count: Int, _ x: UnsafeMutablePointer<Int64>,
                          valid: UnsafeMutablePointer<UInt8>? = nil) throws {
        let column = try readable(name, first, count)
        guard column.domain.tag == .whole || column.domain.tag == .boolean else {
            throw wrongKind(name, column.field.type == .number && column.field.levels == nil ? "doubles" : "codes")
        }
        for i in 0..<count {
            let v = column.int64(first + i)
            x[i] = v ?? .min
            valid?[i] = v == nil ? 0 : 1
        }
    }

    /// Indices into the field's levels; booleans as 0 and 1. Missing: -1.
    package func getCodes(_ name: String, first: Int, count: Int, _ codes: UnsafeMutablePointer<Int32>) throws {
        let column = try readable(name, first, count)
        guard column.field.levels != nil else { throw Failure(.argument, "column \(quoted(name)) has no levels") }
        for i in 0..<count { codes[i] = Int32(truncatingIfNeeded: column.offset(first + i)) }
    }

    private func readable(_ name: String, _ first: Int, _ count: Int) throws -> Column {
        let column = try self.column(name)
        try checkRange(first, count)
        try requireComplete()
        return column
    }

    private func wrongKind(_ name: String, _ instead: String) -> Failure {
        Failure(.argument, "column \(quoted(name)) is not of that kind: ask for \(instead)")
    }
}
