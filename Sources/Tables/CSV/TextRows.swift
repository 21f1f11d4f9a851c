// Rows as texts, for whoever has no whole schema yet: of a CSV file (RawRows) or of a stream (ArrowTexts).

import Basics

package protocol TextRows {
    /// Calls `body` for every row that counts, with its number: the line of a file, from 1 in a stream. `cell(j)` is
    /// the text of column j, nil where there is none; valid until the next row. Where nothing is refused, `flawed` is
    /// called before `body` for each column whose cell is no text at all.
    func forEach(flawed: (_ column: Int) -> Void,
                 _ body: (_ number: Int, _ cell: (Int) throws -> UnsafeBufferPointer<UInt8>?) throws -> Void) throws
}
