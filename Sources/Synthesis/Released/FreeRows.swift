// Rows that networks learn from in place of private ones: an endless supply, made from what was released. Row k of a
// seed is always the same.

protocol FreeRows: AnyObject, Sendable {
    /// Nil where networks see every column.
    var groupShares: GroupShares? { get }

    /// Writes the columns that networks see of row `k` of `seed` to codes[t * stride] and, when wanted, a second draw
    /// that they are to reconstruct to targets[t * stride].
    /// - Parameter group: the row's; nil: drawn by its share.
    /// - Returns: the group, 0 where there are none.
    @discardableResult
    func draw(seed: UInt64, row k: UInt64, group: Int?, codes: UnsafeMutablePointer<UInt16>,
              targets: UnsafeMutablePointer<UInt16>?, stride: Int) -> Int
}
