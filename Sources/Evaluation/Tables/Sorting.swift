// Sorting in memory that was checked beforehand.
// The standard library's sort allocates its own memory and ends the process where there is none.

import Basics

/// Sorts keys[0 ..< count] in ascending order, a byte at a time from the lowest (Knuth, TAOCP 3, 5.2.5). `spare` has as
/// much room.
func sortKeys(_ keys: Buffer<UInt64>, _ count: Int, spare: Buffer<UInt64>) {
    var from = keys.base, to = spare.base
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { places in
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            for k in 0..<256 { places[k] = 0 }
            for i in 0..<count { places[Int(from[i] >> shift & 255)] &+= 1 }
            if places.contains(count) { continue }      // one value for all
            var sum = 0
            for k in 0..<256 { (places[k], sum) = (sum, sum + places[k]) }
            for i in 0..<count {
                let k = Int(from[i] >> shift & 255)
                to[places[k]] = from[i]
                places[k] &+= 1
            }
            swap(&from, &to)
        }
    }
    if from != keys.base { keys.base.update(from: from, count: count) }
}

func sortKeys(_ keys: Buffer<UInt64>, _ count: Int) throws {
    sortKeys(keys, count, spare: try Buffer(count: count, for: "an evaluation"))
}

/// A whole number that grows with x, which is no NaN; equal numbers have equal ones.
@inline(__always) func ascending(_ x: Float) -> UInt32 {
    let bits = (x + 0).bitPattern                       // -0 becomes 0
    return bits >> 31 == 0 ? bits | 1 << 31 : ~bits
}

@inline(__always) func ascending(_ x: Double) -> UInt64 {
    let bits = (x + 0).bitPattern
    return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
}

/// The number that `ascending` made a key of.
@inline(__always) func fromAscending(_ key: UInt64) -> Double {
    Double(bitPattern: key >> 63 == 1 ? key & ~(1 << 63) : ~key)
}
