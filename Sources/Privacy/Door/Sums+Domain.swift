// Sums for a domain: cells of public grids are words as any table's; texts are a list beside them, exact and secret.
// A row is added cell by cell, as it is read.
//
//     for each column of texts, after the words of the first slice:
//     8     how many texts, or 2⁶⁴ − 1: too many
//     then for each text      8 its count      1 its length      its bytes

import Basics
import Glibc

extension CountRequest {
    /// Cells of all grids of a domain.
    var gridCells: Int {
        domain.reduce(0) { if case .bins(let n) = $1 { $0 + n } else { $0 } }
    }
}

extension Sums {
    private var presentRow: UInt64 { rows &+ 1 }

    /// The first word of column j's grid, and its cells; nil for texts.
    private func grid(at j: Int) -> (first: Int, cells: Int)? {
        guard request.domain.indices.contains(j), case .bins(let n) = request.domain[j] else { return nil }
        return (gridStarts[j], n)
    }

    // MARK: a row of the open part

    /// Counts the present row in a cell of a grid. A second count of one row in one column, and a cell outside the
    /// grid, add nothing.
    package func add(bin: Int, column j: Int) {
        guard openPart != nil, let (first, cells) = grid(at: j), countedRows[j] != presentRow, bin >= 0,
            bin < cells else { return }
        countedRows[j] = presentRow
        words.base[first + bin] &+= 1
    }

    /// Counts the present row by the text it holds; longer ones than `DomainDoor.longestText` count nowhere. A column
    /// of too many texts holds none from then on, which the door refuses.
    /// - Throws: `.noMemory`.
    package func add(level: UnsafeBufferPointer<UInt8>, column j: Int) throws {
        guard openPart != nil, texts.indices.contains(j), let t = texts[j], countedRows[j] != presentRow,
            level.count <= DomainDoor.longestText else { return }
        countedRows[j] = presentRow
        try t.add(level)
    }

    /// A cell of the rows' column j breaks the schema.
    package func addProblem(column j: Int) {
        guard openPart != nil, (0..<layout.columns).contains(j) else { return }
        words.base[layout.problems + j] &+= 1
    }

    /// Takes the text of the present row's next column into its digest; nil where there is none. In the order of the
    /// columns.
    /// - Throws: `.noMemory`.
    package func digest(_ text: UnsafeBufferPointer<UInt8>?) throws {
        let n = text?.count ?? 0, head = MemoryLayout<Int>.size
        if rowUsed + head + n > rowBytes.count {
            let larger = try Buffer<UInt8>(count: 2 * (rowUsed + head + n), for: "a digest of rows")
            larger.base.update(from: rowBytes.base, count: rowUsed)
            explicit_bzero(rowBytes.base, rowBytes.count)
            rowBytes = larger
        }
        let to = UnsafeMutableRawPointer(rowBytes.base + rowUsed)
        to.storeBytes(of: text == nil ? -1 : n.littleEndian, as: Int.self)
        if let p = text?.baseAddress { (to + head).copyMemory(from: p, byteCount: n) }
        rowUsed += head + n
    }

    /// The present row is complete.
    /// - Throws: `.schema` for too many rows.
    package func endRow() throws {
        guard openPart != nil else { return }
        guard rows < RowsElsewhere.maxRows else {
            throw Failure(.schema, "the table has too many rows: they must be fewer than 2^40")
        }
        let w = words.base
        w[layout.rows] &+= 1
        guard layout.columns > 0 else { return }
        let hash = sipHash(tag.digestKey, rowBytes.base, rowUsed)
        rowUsed = 0
        w[layout.digest] &+= hash[0]
        w[layout.digest + 1] &+= hash[1]
    }

    // MARK: for the door

    func isOverfull(_ j: Int) -> Bool { texts.indices.contains(j) && texts[j]?.isOverfull == true }

    /// The counts of column j's grid; none for texts.
    func grid(_ j: Int) -> [Int64] {
        guard let (first, cells) = grid(at: j) else { return [] }
        return (first..<first + cells).map { Int64(bitPattern: words.base[$0]) }
    }

    /// Whether no column counts more than the rows.
    var domainFits: Bool {
        func fits(_ n: Int, _ count: (Int) -> UInt64) -> Bool {
            var sum: UInt64 = 0
            for i in 0..<n {
                guard count(i) <= rows else { return false }
                sum &+= count(i)
            }
            return sum <= rows
        }
        return request.domain.indices.allSatisfy { j in
            if let t = texts[j] { return fits(t.count) { UInt64(bitPattern: t.counts.base[$0]) } }
            guard let (first, cells) = grid(at: j) else { return false }
            return fits(cells) { words.base[first + $0] }
        }
    }

    // MARK: texts as bytes

    private static var tooMany: UInt64 { .max }

    var textBytes: Int { texts.reduce(0) { sum, t in t.map { sum + 8 + 9 * $0.count + $0.size } ?? sum } }

    /// out: `textBytes` from `at` on.
    /// - Returns: where they end.
    func writeTexts(to out: UnsafeMutableRawPointer, _ start: Int) -> Int {
        var at = start
        func put(_ v: UInt64) {
            out.storeBytes(of: v.littleEndian, toByteOffset: at, as: UInt64.self)
            at += 8
        }
        for case let t? in texts {
            put(t.isOverfull ? Self.tooMany : UInt64(t.count))
            for i in 0..<t.count {
                let text = t.bytes(i)
                put(UInt64(bitPattern: t.counts.base[i]))
                out.storeBytes(of: UInt8(truncatingIfNeeded: text.count), toByteOffset: at, as: UInt8.self)
                if let p = text.baseAddress { (out + at + 1).copyMemory(from: p, byteCount: text.count) }
                at += 1 + text.count
            }
        }
        return at
    }

    /// Whether bytes are lists of texts of these columns and nothing else; every text has a length that one may have,
    /// and is UTF-8.
    func haveForm(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var at = 0, isGood = true
        for case .some in texts {
            isGood = isGood && list(bytes, &at) { text, _ in isUTF8(text) }
        }
        return isGood && at == bytes.count
    }

    /// Adds texts that `haveForm`.
    /// - Throws: `.noMemory`; these sums are then of no use.
    func addTexts(_ bytes: UnsafeRawBufferPointer) throws {
        var at = 0
        isTorn = true
        for case let t? in texts {
            var problem: (any Error)?
            let start = at
            _ = list(bytes, &at) { text, count in
                do { try t.add(text, times: count) } catch { problem = error }
                return problem == nil
            }
            if let problem { throw problem }
            if at == start + 8, bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self) == Self.tooMany {
                t.overflow()
            }
        }
        isTorn = false
    }

    /// Walks over the list of one column.
    /// - Returns: false where it is none or `body` says so.
    private func list(_ bytes: UnsafeRawBufferPointer, _ at: inout Int,
                      _ body: (UnsafeBufferPointer<UInt8>, UInt64) -> Bool) -> Bool {
        func word() -> UInt64? {
            guard bytes.count - at >= 8 else { return nil }
            defer { at += 8 }
            return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        }
        guard let n = word() else { return false }
        guard n != Self.tooMany else { return true }
        guard n <= UInt64(DomainDoor.maxTexts) else { return false }
        for _ in 0..<n {
            guard let count = word(), at < bytes.count else { return false }
            let length = Int(bytes[at])
            guard length <= DomainDoor.longestText, length < bytes.count - at else { return false }
            let text = UnsafeRawBufferPointer(rebasing: bytes[(at + 1)..<(at + 1 + length)])
            guard body(text.bindMemory(to: UInt8.self), count) else { return false }
            at += 1 + length
        }
        return true
    }
}
