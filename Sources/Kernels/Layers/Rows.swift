// Rows of one table that every lane picks for itself: added to what the lane holds, or added to by it.
// A row of the table is padded to whole blocks of 16 numbers, so that it is a row of vectors on every machine. The sums
// are elementwise along the row, in the order of the picks: all instruction sets give the same bits.

/// y[k][lane] += sum over i of table[start[i][lane] + k].
/// - table: rows of `padded(K)` numbers that start at multiples of 16; start: [count] vectors; y: [K] vectors; rows:
///   memory for [lanes][padded(K)] numbers.
package func addRows(_ table: UnsafePointer<Float>, _ start: UnsafePointer<Int32>, _ count: Int,
                     _ y: UnsafeMutablePointer<Float>, _ rows: UnsafeMutablePointer<Float>, _ K: Int) {
    let width = padded(K), pieces = width / laneCount
    var lane = 0
    while lane < laneCount {
        let row = vectors(rows + lane &* width)
        var piece = 0
        while piece < pieces {
            var sum = V.zero, i = 0
            while i < count {
                sum = sum + vectors(table + Int(start[i &* laneCount &+ lane]))[piece]
                i = i &+ 1
            }
            row[piece] = sum
            piece = piece &+ 1
        }
        lane = lane &+ 1
    }
    var k = 0
    while k < K {
        let to = y + k &* laneCount
        lane = 0
        while lane < laneCount { to[lane] = to[lane] + rows[lane &* width &+ k]; lane = lane &+ 1 }
        k = k &+ 1
    }
}

/// table[start[i][lane] + k] += x[k][lane], for every pick i of the lanes 0 ..< `used`, lane by lane.
/// - table, start, rows: as for `addRows`; x: [K] vectors.
package func addToRows(_ x: UnsafePointer<Float>, _ start: UnsafePointer<Int32>, _ count: Int,
                       _ table: UnsafeMutablePointer<Float>, _ rows: UnsafeMutablePointer<Float>, _ K: Int,
                       _ used: Int) {
    let width = padded(K), pieces = width / laneCount
    var k = 0
    while k < width {
        var lane = 0
        while lane < laneCount {
            rows[lane &* width &+ k] = k < K ? x[k &* laneCount &+ lane] : 0
            lane = lane &+ 1
        }
        k = k &+ 1
    }
    var lane = 0
    while lane < used {
        let row = vectors(rows + lane &* width)
        var i = 0
        while i < count {
            let to = vectors(table + Int(start[i &* laneCount &+ lane]))
            var piece = 0
            while piece < pieces { to[piece] = to[piece] + row[piece]; piece = piece &+ 1 }
            i = i &+ 1
        }
        lane = lane &+ 1
    }
}

/// K rounded up to whole blocks of 16.
@inline(__always) private func padded(_ K: Int) -> Int { (K &+ 15) & ~15 }
