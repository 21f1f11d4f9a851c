// Draws a Poisson batch: every row independently, with its group's rate, anew for every release.

import Glibc

/// P(selected) = ⌊q · 2⁶⁴⌋ / 2⁶⁴: never above the rate that the ledger holds.
struct BernoulliThreshold {
    /// The first eight bits, and the 56 that decide when those are equal.
    let high: UInt8, rest: UInt64
    let always: Bool

    /// - Parameter q: in [0, 1].
    init(rate q: Double) {
        always = q >= 1
        // Scaling by a power of two is exact; below 1 the product is below 2⁶⁴.
        let t = q > 0 && q < 1 ? UInt64(q * 0x1p64) : 0
        (high, rest) = (UInt8(t >> 56), t & (1 << 56 - 1))
    }

    /// A comparison of 64 random bits with the threshold, of which the last 56 are drawn only when the first eight do
    /// not decide.
    @inline(__always)
    func select(_ byte: UInt8, _ ties: RandomStream) -> Bool {
        always || byte < high || (byte == high && ties.next() >> 8 < rest)
    }
}

/// Draws a batch.
///
/// # Guarantee
/// Row i is selected with probability `thresholds[group i]`, independently of all others: each has random bits of its
/// own, and none are kept between calls. Falsifier: PoissonBatchTests (marginals, pairs, run lengths; a mutant that
/// fixes the batch size).
/// - Parameters:
///   - groups: [rows], indices into `thresholds`; nil when there is one group.
///   - out: room for [rows].
/// - Returns: how many were selected; their numbers are in `out`, ascending.
func drawPoissonBatch(rows: Int, groups: UnsafePointer<UInt16>?, thresholds: [BernoulliThreshold], random: RandomStream,
    ties: RandomStream,
                      into out: UnsafeMutablePointer<UInt32>) -> Int {
    let chunk = RandomStream.bufferBytes
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: chunk) { scratch in
        guard let bytes = scratch.baseAddress, let only = thresholds.first else { return 0 }
        defer { explicit_bzero(bytes, chunk) }
        var count = 0, start = 0
        while start < rows {
            let n = min(chunk, rows - start)
            random.fillBytes(bytes, chunk)
            if let groups {
                for i in 0..<n where thresholds[Int(groups[start + i])].select(bytes[i], ties) {
                    out[count] = UInt32(truncatingIfNeeded: start + i)
                    count += 1
                }
            } else {
                for i in 0..<n where only.select(bytes[i], ties) {
                    out[count] = UInt32(truncatingIfNeeded: start + i)
                    count += 1
                }
            }
            start += n
        }
        return count
    }
}
