// The token of one column: table[level] + offset.

/// y[a] = table[level[lane] * A + a] + offset[a]. Levels must lie inside the table. y: [A] vectors.
package func gather(_ table: UnsafePointer<Float>, _ level: UnsafePointer<Int32>, _ offset: UnsafePointer<Float>,
                    _ y: UnsafeMutablePointer<Float>, _ A: Int) {
    var lane = 0
    while lane < laneCount {
        let row = table + Int(level[lane]) &* A
        var a = 0
        while a < A { y[a &* laneCount &+ lane] = row[a] + offset[a]; a = a &+ 1 }
        lane = lane &+ 1
    }
}

/// dTable[level[lane] * A + a] += c[lane] dy[a][lane]. dy: [A] vectors.
package func scatter(_ dy: UnsafePointer<Float>, _ level: UnsafePointer<Int32>, _ c: UnsafePointer<Float>,
                     _ dTable: UnsafeMutablePointer<Float>, _ A: Int) {
    var lane = 0
    while lane < laneCount {
        let row = dTable + Int(level[lane]) &* A, w = c[lane]
        if w != 0 {
            var a = 0
            while a < A { row[a] = row[a] + w * dy[a &* laneCount &+ lane]; a = a &+ 1 }
        }
        lane = lane &+ 1
    }
}
