// A loaded table behind the door: small whole numbers that only this module can read.
// Rows stay here. They are read by the door (Door.swift), are counted (TableCounts.swift) and, where the door is in
// another process, digested (RowDigest.swift).

import Basics
import Glibc

/// A loaded table as small whole numbers: row i has cell c_j(i) in 0 ..< cellCounts[j] of every column j, and a group.
/// It cannot be printed, encoded, compared or copied, and nothing outside this module can read it.
package final class PrivateTable {
    /// Public: sizes of the grids and names of the groups. The row count is private.
    package let cellCounts: [Int]
    package let groups: [String]
    var rows: Int
    enum Cells { case narrow(Buffer<UInt8>), wide(Buffer<UInt16>) }
    var columns: [Cells?]
    /// Group of each row; nil when there is one group.
    var groupOf: Buffer<UInt16>?
    var isTaken = false

    /// - Parameters:
    ///   - rows: 0 ..< 2²⁹.
    ///   - cellCounts: cells of each column, 1 … 65536.
    ///   - groups: names of all declared groups, 1 … 65536, whether or not anybody is in them.
    /// - Throws: `.argument`; `.noMemory`.
    package init(rows: Int, cellCounts: [Int], groups: [String]) throws {
        guard rows >= 0, rows < FixedPoint.maxRows else { throw Failure(.argument, "table: too many rows") }
        guard cellCounts.allSatisfy({ (1...65_536).contains($0) }) else {
            throw Failure(.argument, "table: a column must have 1 to 65536 cells")
        }
        guard (1...65_536).contains(groups.count) else {
            throw Failure(.argument, "table: there must be 1 to 65536 groups")
        }
        (self.rows, self.cellCounts, self.groups) = (rows, cellCounts, groups)
        columns = cellCounts.map { _ in nil }
    }

    /// Lets `body` write the cell of every row of column j: [rows]. A number outside the column's cells becomes its
    /// last cell.
    /// - Throws: `.state` when the column is full already; `.noMemory`; what `body` throws.
    package func fill(column j: Int, _ body: (UnsafeMutablePointer<UInt16>) throws -> Void) throws {
        guard columns.indices.contains(j), columns[j] == nil, !isTaken else {
            throw Failure(.state, "table: each column is filled once")
        }
        let cells = try Buffer<UInt16>(count: rows, for: "private rows")
        try body(cells.base)
        let last = cellCounts[j] - 1
        for i in 0..<rows { cells.base[i] = UInt16(min(Int(cells.base[i]), last)) }
        guard last < 256 else { return columns[j] = .wide(cells) }
        let narrow = try Buffer<UInt8>(count: rows, for: "private rows")
        for i in 0..<rows { narrow.base[i] = UInt8(truncatingIfNeeded: cells.base[i]) }
        columns[j] = .narrow(narrow)
    }

    /// Lets `body` write the group of every row: [rows], 0 ..< groups.count. Anything else becomes the nearest of
    /// these. Not needed with one group.
    package func fillGroups(_ body: (UnsafeMutablePointer<Int32>) throws -> Void) throws {
        guard groupOf == nil, !isTaken else { throw Failure(.state, "table: groups are filled once") }
        let given = try Buffer<Int32>(count: rows, for: "private rows")
        try body(given.base)
        guard groups.count > 1 else { return }
        let stored = try Buffer<UInt16>(count: rows, for: "private rows")
        for i in 0..<rows { stored.base[i] = UInt16(max(0, min(Int(given.base[i]), groups.count - 1))) }
        groupOf = stored
    }
}

/// Overwrites memory that held something of rows. A plain loop before the memory is given back could be left out by the
/// compiler.
func wiped<T>(_ b: Buffer<T>) { explicit_bzero(b.base, b.count * MemoryLayout<T>.stride) }
