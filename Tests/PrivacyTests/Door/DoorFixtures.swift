// Small doors and maps that several tests use.

import Basics
@testable import Privacy
import Synchronization

/// A door over small rows with a budget that refuses nothing.
func door(cells: [[Int]], cellCounts: [Int], groups: [String] = ["all"], groupOf: [Int] = [], epsilon: Double = 1e16,
    random: SecureRandom? = nil) throws -> Door {
    let t = try PrivateTable(rows: cells.first?.count ?? groupOf.count, cellCounts: cellCounts, groups: groups)
    for (j, c) in cells.enumerated() {
        try t.fill(column: j) { p in for (i, v) in c.enumerated() { p[i] = UInt16(v) } }
    }
    if groups.count > 1 { try t.fillGroups { p in for (i, v) in groupOf.enumerated() { p[i] = Int32(v) } } }
    let ledger = try Ledger(epsilon: epsilon, delta: 1e-5, order: 2, groups: groups)
    return try Door(table: t, budget: ledger.budget, ledger: ledger, random: random ?? SecureRandom())
}

/// Counts the cells of column 0: vectors of norm 1.
func oneHot(_ rows: MicroBatch, _ worker: Int, _ out: ClippedSum) {
    var v = [Float](repeating: 0, count: out.length)
    for i in 0..<rows.count { v[Int(rows.columns[0][i])] += 1 }
    out.add(v)
}

/// A value that workers share.
final class Locked<Value>: @unchecked Sendable {
    private var value: Value
    private let turn = Mutex(())
    init(_ v: Value) { value = v }
    func with<R>(_ body: (inout Value) -> R) -> R { turn.withLock { _ in body(&value) } }
}
