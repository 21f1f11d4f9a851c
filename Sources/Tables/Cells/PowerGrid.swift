// The public grid on which bounds are released under a budget: zero and powers of two with either sign.
// The grid is the same for every table.

import Basics

package struct PowerGrid: Sendable, Equatable {
    /// Whole numbers have no cells below one.
    package let isWhole: Bool
    private let first: Int
    private static let last = 59

    package init(_ type: FieldType) {
        isWhole = type != .number
        first = isWhole ? 0 : -20
    }

    private var side: Int { Self.last - first + 1 }
    /// Cells in the order of their values: 2 · side + 1.
    package var count: Int { 2 * side + 1 }

    /// The cell of a finite number: of 2^e ≤ |x| < 2^(e+1). Smaller ones are zero, larger ones in the last cell of
    /// their side.
    package func cell(_ x: Double) -> Int {
        let m = x.magnitude
        guard m >= (isWhole ? 1 : 0x1p-20) else { return side }
        return place(min(Int(m.exponent), Self.last), negative: x < 0)
    }

    package func cell(_ x: Int64) -> Int {
        guard x != 0 else { return side }
        return place(min(63 - x.magnitude.leadingZeroBitCount, Self.last), negative: x < 0)
    }

    private func place(_ e: Int, negative: Bool) -> Int { negative ? side - 1 - (e - first) : side + 1 + (e - first) }

    /// The least and the largest number of a cell; for whole numbers whole.
    package func bounds(_ cell: Int) -> (low: Double, high: Double) {
        guard cell != side else { return (0, 0) }
        let e = first + (cell > side ? cell - side - 1 : side - 1 - cell),
            power = Double(sign: .plus, exponent: e, significand: 1)
        let high = isWhole ? 2 * power - 1 : 2 * power
        return cell > side ? (power, high) : (-high, -power)
    }

    package func wholeBounds(_ cell: Int) -> (low: Int64, high: Int64) {
        guard cell != side else { return (0, 0) }
        let e = first + (cell > side ? cell - side - 1 : side - 1 - cell), low = Int64(1) << Int64(e),
            high = low + (low - 1)
        return cell > side ? (low, high) : (-high, -low)
    }
}
