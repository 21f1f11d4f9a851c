// The different texts of a column, as long as they are few: what a schema is guessed from.

import Basics

/// A set of byte strings that stops growing at `limit`.
final class LevelSet {
    private struct Place: BitwiseCopyable {
        var start = 0, count = -1                        // count -1: free
        var hash: UInt64 = 0
    }
    /// Longer texts are no levels.
    static let longest = 200

    private let limit: Int
    private let places: Buffer<Place>
    private let mask: Int
    private var bytes: [UInt8] = []
    private(set) var count = 0
    /// More than `limit` different texts, or one that is too long: the set is not kept up any more.
    private(set) var isOver = false

    init(limit: Int) throws {
        self.limit = limit
        var size = 16
        while size < 2 * (limit + 1) { size *= 2 }
        mask = size - 1
        places = try Buffer<Place>(count: size, for: "the levels of a column")
        for i in 0..<size { places[i] = Place() }
    }

    func insert(_ p: UnsafePointer<UInt8>, _ n: Int) {
        guard !isOver else { return }
        let h = TextTable.hash(p, n)
        var i = Int(truncatingIfNeeded: h) & mask
        while places.base[i].count >= 0 {
            if places.base[i].hash == h, places.base[i].count == n, holds(places.base[i].start, p, n) { return }
            i = (i + 1) & mask
        }
        guard count < limit, n <= LevelSet.longest else {
            isOver = true
            bytes = []
            return
        }
        places[i] = Place(start: bytes.count, count: n, hash: h)
        bytes.append(contentsOf: UnsafeBufferPointer(start: p, count: n))
        count += 1
    }

    private func holds(_ start: Int, _ p: UnsafePointer<UInt8>, _ n: Int) -> Bool {
        bytes.withUnsafeBufferPointer { all in (0..<n).allSatisfy { all[start + $0] == p[$0] } }
    }

    /// The texts in the order of their bytes, which tells nothing of the order of rows.
    var sorted: [String] {
        let taken = (0...mask).map { places[$0] }.filter { $0.count >= 0 }
        let texts = taken.map { bytes[$0.start..<$0.start + $0.count] }
        return texts.sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
    }
}
