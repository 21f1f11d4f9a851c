// At most k rows of each person: which rows stay depends on the contents of that person's rows alone.
// Who a row belongs to is then forgotten. Neither the other persons in the table nor the order of its rows nor the
// number or name that stands for a person has a say.

import Basics

/// Half a SHA-256: of who a row belongs to, so that two persons are told apart whatever their names, or of what a row
/// holds.
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
        sha.digest.withUnsafeBytes {
            (high, low) = ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }
}

/// The persons of rows that are being read: grows like the table.
final class PersonList {
    private var keys: Buffer<PersonKey>
    private(set) var count = 0

    init() throws { keys = try Buffer(count: 1024, for: "the persons of rows") }

    func append(_ text: UnsafeBufferPointer<UInt8>) throws { try append(PersonKey(text)) }

    func append(_ key: PersonKey) throws {
        guard count < 1 << 31 else { throw Failure(.schema, "the rows of persons are too many to be bounded here") }
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
    package static let maxRowsPerPerson = 1024

    /// At most `maxRows` rows of each person, in a table of its own that remembers only the bound.
    ///
    /// # Guarantee
    /// The rows kept of a person, as a multiset of contents, are a function of the contents of that person's rows
    /// alone. Adding or removing a person therefore moves the bounded table by at most `maxRows` rows, whatever numbers
    /// a host gives to the persons that follow. Falsifier: PersonsTests (a person added at the front, in the middle and
    /// at the end, relabelled persons, permuted rows; a mutant whose choice knows the number fails).
    /// - Parameters:
    ///   - person: for each row, a number that is equal for rows of one person. It groups rows and does nothing else.
    ///   - maxRows: k, 1 … 1024.
    /// - Throws: `.argument`, `.noMemory`; `.state` for a table that is not complete or was bounded before.
    package func bounded(persons person: UnsafePointer<Int64>, maxRows: Int) throws -> Table {
        let list = try PersonList()
        for i in 0..<rows { try list.append(PersonKey(person[i])) }
        return try bounded(list, maxRows: maxRows)
    }

    func bounded(_ persons: PersonList, maxRows: Int) throws -> Table {
        try requireComplete()
        guard (1...Self.maxRowsPerPerson).contains(maxRows) else {
            throw Failure(.argument, "max_rows_per_person: must be from 1 to \(Self.maxRowsPerPerson)")
        }
        guard rowsPerPerson == 0 else {
            throw Failure(.state, "the table was bounded to \(rowsPerPerson) rows a person before")
        }
        let (kept, count) = try keptRows(persons, rows, maxRows: maxRows) { row in
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
                for i in 0..<count {
                    (target.base + i * bytes).copyMemory(from: column.base + Int(kept[i]) * bytes, byteCount: bytes)
                }
                target.replaced = column.replaced
            }
        }
        (out.rowsPerPerson, out.dropped) = (maxRows, dropped)
        return out
    }
}

/// Numbers of the rows that are kept, ascending. A person with at most `maxRows` rows keeps them all; of another one
/// those `maxRows` rows are kept whose rank comes first.
///
/// The rank of a row is the SHA-256 of three things: the digests of all rows of the person in ascending order, the
/// row's own digest, and the number of equal rows counted before it. All three are functions of contents, so that no
/// code, name or place enters. The first one keeps persons with different rows from all choosing the same content; the
/// last one keeps a content in proportion to how often the person has it.
/// - Parameter digest: of one row's cells.
func keptRows(_ persons: PersonList, _ rows: Int, maxRows: Int,
              digest: (Int) -> PersonKey) throws -> (rows: Buffer<UInt32>, count: Int) {
    let order = try Buffer<Place>(count: rows, for: "the persons of rows")
    for i in 0..<rows { order.base[i] = Place(key: persons[i], row: UInt32(truncatingIfNeeded: i)) }
    sort(order.base, rows)
    // Kept rows move to the front of `order`.
    var kept = 0, first = 0
    while first < rows {
        var end = first + 1
        while end < rows, order.base[end].key == order.base[first].key { end += 1 }
        if end - first > maxRows { rank(order.base + first, end - first, digest) }
        for i in first..<min(end, first + maxRows) {
            order.base[kept] = order.base[i]
            kept += 1
        }
        first = end
    }
    for i in 0..<kept { order.base[i].key = PersonKey() }
    sort(order.base, kept)                               // rows stay in their order
    let out = try Buffer<UInt32>(count: kept, for: "the persons of rows")
    for i in 0..<kept { out[i] = order.base[i].row }
    return (out, kept)
}

/// Sorts the `n` rows of one person by their rank, as `keptRows` defines it.
private func rank(_ rows: UnsafeMutablePointer<Place>, _ n: Int, _ digest: (Int) -> PersonKey) {
    for i in 0..<n { rows[i].key = digest(Int(rows[i].row)) }
    sort(rows, n)
    var all = SHA256()
    for i in 0..<n { all.update(rows[i].key) }
    let person = PersonKey(all)
    var previous = PersonKey(), equal: UInt64 = 0
    for i in 0..<n {
        let own = rows[i].key
        equal = i > 0 && own == previous ? equal + 1 : 0
        previous = own
        var sha = SHA256()
        sha.update(person)
        sha.update(own)
        withUnsafeBytes(of: equal.littleEndian) { sha.update($0) }
        rows[i].key = PersonKey(sha)
    }
    sort(rows, n)
}

extension SHA256 {
    fileprivate mutating func update(_ key: PersonKey) {
        for word in [key.high.littleEndian, key.low.littleEndian] { withUnsafeBytes(of: word) { update($0) } }
    }
}

/// A row with what it is sorted by; rows with equal keys stay in the order of the table.
private struct Place: BitwiseCopyable {
    var key: PersonKey, row: UInt32

    @inline(__always) static func < (a: Place, b: Place) -> Bool {
        if a.key.high != b.key.high { return a.key.high < b.key.high }
        return a.key.low != b.key.low ? a.key.low < b.key.low : a.row < b.row
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
