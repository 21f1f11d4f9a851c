// How numbers are written in a field's cells: decimal sign, sign between groups of digits, text around them.
// Table Schema: `decimalChar`, `groupChar`, `bareNumber`.

import Basics

/// `decimalChar`, `groupChar` and `bareNumber` of a field. The standard ones are a point, none, and no text around the
/// number.
package struct NumberText: Equatable, Sendable {
    package var decimal: String
    package var group: String
    /// False: text before and behind the number is not looked at, such as a currency or a percent sign.
    package var isBare: Bool

    package init(decimal: String = ".", group: String = "", isBare: Bool = true) {
        (self.decimal, self.group, self.isBare) = (decimal, group, isBare)
    }

    package static let standard = NumberText()

    /// Calls `body` with the number as plain text: a point, no groups, nothing around it. A point that is neither sign
    /// stays in the text in a form that no number has.
    func withPlain<R>(_ p: UnsafePointer<UInt8>, _ count: Int,
                      _ body: (UnsafePointer<UInt8>, Int) throws -> R) rethrows -> R {
        if self == .standard { return try body(p, count) }
        var cell = UnsafeBufferPointer(start: p, count: count)[...]
        if !isBare {
            let starts = { (b: UInt8) in b &- 0x30 < 10 || b == UInt8(ascii: "-") || b == UInt8(ascii: "+") }
            while let b = cell.first, !starts(b) { cell = cell.dropFirst() }
            while let b = cell.last, b &- 0x30 >= 10 { cell = cell.dropLast() }
        }
        let decimal = Array(self.decimal.utf8), group = Array(self.group.utf8)
        var plain: [UInt8] = []
        plain.reserveCapacity(cell.count + 1)
        var behind = false
        while let b = cell.first {
            if cell.starts(with: decimal) {
                plain.append(UInt8(ascii: "."))
                behind = true
                cell = cell.dropFirst(decimal.count)
            } else if !group.isEmpty, !behind, !plain.isEmpty, cell.starts(with: group) {
                cell = cell.dropFirst(group.count)
            } else {
                plain.append(b == UInt8(ascii: ".") ? UInt8(ascii: "?") : b)
                cell = cell.dropFirst()
            }
        }
        plain.append(0)                                  // an address even for an empty text
        return try plain.withUnsafeBufferPointer { try body($0.baseAddress ?? p, plain.count - 1) }
    }

    /// Plain text as it stands in a cell of the field. Groups and text around the number are not written.
    func text(_ plain: String) -> String {
        if decimal == "." { return plain }
        return plain.split(separator: ".", omittingEmptySubsequences: false).joined(separator: decimal)
    }
}
