// Why a value is missing: each reason that the schema labels is a state of its own beside the values of a field.
// A field with levels has its reasons among its levels; what is here is for numbers, dates, times and booleans.
//
// In a column that counts offsets, reason r is the pattern behind the last offset. Among doubles it is a not-a-number
// whose payload is r + 1. To whoever does not ask for reasons, such a cell is missing like any other.

import Basics

package enum MissingReason {
    /// At most so many reasons in a field.
    static let most = 1000
    private static let quiet: UInt64 = 0x7FF8_0000_0000_0000

    /// The not-a-number that stands for a reason.
    @inline(__always) package static func number(_ reason: Int) -> Double {
        Double(bitPattern: quiet | UInt64(truncatingIfNeeded: reason + 1))
    }

    /// The reason that a not-a-number stands for; nil for any other number, and for a value that is missing and nothing
    /// else.
    @inline(__always) package static func of(_ x: Double) -> Int? {
        let payload = x.bitPattern ^ quiet
        return payload > 0 && payload <= UInt64(most) ? Int(payload) - 1 : nil
    }

    /// A reason as `Column.offset` gives it: below the offset of a cell that is missing and nothing else.
    @inline(__always) package static func offset(_ reason: Int) -> Int64 { missingOffset - 1 - Int64(reason) }

    /// The reason of an offset; nil for a value and for a cell that is missing and nothing else.
    @inline(__always) package static func of(offset: Int64) -> Int? {
        offset < missingOffset ? Int(missingOffset - 1 - offset) : nil
    }
}

extension Field {
    /// Texts that say why a value is missing, each a state of its own beside the values; none of a field with levels,
    /// where they are levels.
    package var reasons: [String] {
        if case .categorical = kind { return [] }
        return form.reasons
    }

    /// For each reason its value, where its text is a value of the field's type, as bits: of a double its own, of a
    /// whole value those of an Int64. So it stands in the columns of hosts.
    package var reasonValues: [UInt64?] {
        reasons.map { text in type == .boolean ? nil : withText(text) { Domain.key(type, $0, $1) } }
    }
}

extension Column {
    /// Why the value of a row is missing: a place in `field.reasons`. Nil where it is there, or missing and nothing
    /// else.
    package func reason(_ row: Int) -> Int? {
        guard hasReasons else { return nil }
        if storage == .float64 { return MissingReason.of(base.load(fromByteOffset: row &* 8, as: Double.self)) }
        return MissingReason.of(offset: offset(row))
    }
}

extension Table {
    /// For each row a place in the field's `reasons`, or -1.
    /// - Throws: `.argument` for an unknown column, or rows outside the table; `.state`.
    package func getReasons(_ name: String, first: Int, count: Int, _ reasons: UnsafeMutablePointer<Int32>) throws {
        let column = try self.column(name)
        try checkRange(first, count)
        try requireComplete()
        for i in 0..<count { reasons[i] = column.reason(first + i).map { Int32($0) } ?? -1 }
    }
}
