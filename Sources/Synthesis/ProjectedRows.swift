// An endless supply of rows from a relaxed table: row k of a seed is a draw from one of the table's softmax rows, and its goals are a
// second draw from the same one. All of it is released, so every row is free.

import Basics
import Compute
import Projection

final class ProjectedRows: Sendable {
    let levels: [Int]
    /// Rows of the relaxed table.
    let count: Int
    /// [count][Σ levels]: within each column the running sums of the probabilities.
    private let running: Buffer<Float>
    private let width: Int
    private enum Purpose { static let row: UInt32 = 0x70726f6a }

    init(_ table: RelaxedTable) throws {
        (levels, count) = (table.levels, table.rows)
        width = levels.reduce(0, +)
        running = try Buffer(count: count * width, for: "the relaxed table")
        for r in 0..<count {
            var at = r * width
            for K in levels {
                var sum: Float = 0
                for b in at..<at + K {
                    sum += table.probabilities[b]
                    running[b] = sum
                }
                at += K
            }
        }
    }

    /// Writes row `k` of `seed` to codes[t * stride] and, when wanted, its second draw to goals[t * stride].
    func draw(seed: UInt64, row k: UInt64, codes: UnsafeMutablePointer<UInt16>, goals: UnsafeMutablePointer<UInt16>?, stride: Int) {
        var stream = CounterStream(seed: seed, row: k, purpose: Purpose.row)
        var at = min(Int(stream.uniformDouble() * Double(count)), count - 1) * width
        for (t, K) in levels.enumerated() {
            codes[t * stride] = level(at, K, stream.uniform())
            if let goals { goals[t * stride] = level(at, K, stream.uniform()) }
            at += K
        }
    }

    /// First level whose running sum exceeds u.
    private func level(_ at: Int, _ K: Int, _ u: Float) -> UInt16 {
        var lo = 0, hi = K - 1
        let x = u * running[at + hi]
        while lo < hi {
            let mid = (lo + hi) / 2
            if running[at + mid] > x { hi = mid } else { lo = mid + 1 }
        }
        return UInt16(lo)
    }
}
