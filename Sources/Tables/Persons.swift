// A person may have several rows. Before anything else happens each person is cut down to at most k of them, by a choice that looks at that
// person's rows alone: who else is in the table, and in what order rows stand, changes nothing. Who a row belongs to is then forgotten.

import Basics

/// Who a row belongs to: half a SHA-256, so that two persons are told apart whatever their names.
struct PersonKey: BitwiseCopyable, Equatable {
    var high: UInt64 = 0, low: UInt64 = 0

    init() {}
    init(_ text: UnsafeBufferPointer<UInt8>) {
        var sha = SHA256()
        sha.update(UnsafeRawBufferPointer(text))
        self.init(sha)
    }
    init(_ number: Int64) {
        var sha = SHA256()
        withUnsafeBytes(of: number.littleEndian) { sha.update($0) }
        self.init(sha)
    }
    init(_ sha: SHA256) {
        sha.digest.withUnsafeBytes { (high, low) = ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) }
    }
}

/// The persons of rows that are being read: grows like the table.
final class PersonList {
    private var keys: Buffer<PersonKey>
    private(set) var count = 0

    init() throws { keys = try Buffer(count: 1024, for: "the persons of rows") }

    func append(_ text: UnsafeBufferPointer<UInt8>) throws { try append(PersonKey(text)) }

    func append(_ key: PersonKey) throws {
        if count == keys.count {
            let larger = try Buffer<PersonKey>(count: count + count / 2, for: "the persons of rows")
            larger.base.update(from: keys.base, count: count)
            keys = larger
        }
        keys.base[count] = key
        count += 1
    }

    subscript(i: Int) -> PersonKey { keys.base[i] }
}

extension Table {
    package static let mostRowsPerPerson = 1024

    /// At most `most` rows of each person, in a table of its own that remembers only the bound.
    ///
    /// # Guarantee
    /// Which rows of a person are kept is a function of that person's rows alone: the `most` rows whose digest together with the person's comes first.
    /// Equal rows are alike. Falsifier: PersonsTests (permutations, other persons added and removed; a mutant that keeps the first rows it meets up
    /// to a total).
    /// - Parameters:
    ///   - person: for each row, any number that stands for its person.
    ///   - most: k, 1 … 1024.
    /// - Throws: `.argument`, `.noMemory`; `.state` for a table that is not complete or was bounded before.
    package func bounded(persons person: UnsafePointer<Int64>, most: Int) throws -> Table {
        let list = try PersonList()
        for i in 0..<rows { try list.append(PersonKey(person[i])) }
        return try bounded(list, most: most)
    }

    func bounded(_ persons: PersonList, most: Int) throws -> Table {
        try requireComplete()
        guard (1...Self.mostRowsPerPerson).contains(most) else { throw Failure(.argument, "max_rows_per_person: must be from 1 to \(Self.mostRowsPerPerson)") }
        guard rowsPerPerson == 0 else { throw Failure(.state, "the table was bounded to \(rowsPerPerson) rows a person before") }
        let (kept, count) = try keptRows(persons, rows, most: most) { row in
            var sha = SHA256()
            for column in columns {
                let bytes = column.storage.bytes
                sha.update(UnsafeRawBufferPointer(start: column.base + row * bytes, count: bytes))
            }
            return PersonKey(sha)
        }
        let out = try Table(schema: schema, rows: count)
        for (j, column) in columns.enumerated() {
            let bytes = column.storage.bytes
            try out.fill(j) { target in
                for i in 0..<count { (target.base + i * bytes).copyMemory(from: column.base + Int(kept[i]) * bytes, byteCount: bytes) }
            }
        }
        out.rowsPerPerson = most
        return out
    }
}

/// Numbers of the rows that are kept, ascending: of each person the `most` whose digest, taken together with the person's, comes first.
/// - Parameter digest: of one row's cells.
func keptRows(_ persons: PersonList, _ rows: Int, most: Int, digest: (Int) -> PersonKey) throws -> (rows: Buffer<UInt32>, count: Int) {
    let order = try Buffer<Place>(count: rows, for: "the persons of rows")
    for i in 0..<rows { order.base[i] = Place(high: persons[i].high, low: persons[i].low, row: UInt32(truncatingIfNeeded: i)) }
    sort(order.base, rows)
    // Kept rows move to the front of `order`.
    var kept = 0, first = 0
    while first < rows {
        var end = first + 1
        while end < rows, order.base[end].high == order.base[first].high, order.base[end].low == order.base[first].low { end += 1 }
        if end - first > most {
            for i in first..<end {
                var sha = SHA256()
                let own = digest(Int(order.base[i].row))
                for word in [order.base[i].high, order.base[i].low, own.high, own.low] { withUnsafeBytes(of: word) { sha.update($0) } }
                let rank = PersonKey(sha)
                (order.base[i].high, order.base[i].low) = (rank.high, rank.low)
            }
            sort(order.base + first, end - first)
        }
        for i in first..<min(end, first + most) {
            order.base[kept] = order.base[i]
            kept += 1
        }
        first = end
    }
    for i in 0..<kept { (order.base[i].high, order.base[i].low) = (0, 0) }
    sort(order.base, kept)                               // rows stay in their order
    let out = try Buffer<UInt32>(count: kept, for: "the persons of rows")
    for i in 0..<kept { out[i] = order.base[i].row }
    return (out, kept)
}

private struct Place: BitwiseCopyable {
    var high: UInt64, low: UInt64, row: UInt32

    @inline(__always) static func < (a: Place, b: Place) -> Bool {
        a.high != b.high ? a.high < b.high : a.low != b.low ? a.low < b.low : a.row < b.row
    }
}

/// Heapsort (Williams 1964): in place, as the memory was checked beforehand.
private func sort(_ p: UnsafeMutablePointer<Place>, _ n: Int) {
    func sink(_ start: Int, _ end: Int) {
        var i = start
        let x = p[i]
        while true {
            var child = 2 * i + 1
            if child >= end { break }
            if child + 1 < end, p[child] < p[child + 1] { child += 1 }
            if !(x < p[child]) { break }
            p[i] = p[child]
            i = child
        }
        p[i] = x
    }
    guard n > 1 else { return }
    for i in stride(from: n / 2 - 1, through: 0, by: -1) { sink(i, n) }
    for end in stride(from: n - 1, to: 0, by: -1) {
        (p[0], p[end]) = (p[end], p[0])
        sink(0, end)
    }
}
