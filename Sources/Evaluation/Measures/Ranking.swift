// What a score is worth: the area under its ROC curve, and whom it selects.

import Basics

/// The probability that a row of label 1 has a higher score than one of label 0, ties counting half (Mann and Whitney
/// 1947).
/// - Parameter first: the label of scores[0] is labels[first].
/// - Returns: nil without rows of both labels.
func areaUnderROC(_ scores: Buffer<Float>, _ labels: Buffer<UInt8>, first: Int = 0) throws -> Double? {
    let n = scores.count
    let keys = try Buffer<UInt64>(count: n, for: "an evaluation")
    for i in 0..<n { keys.base[i] = UInt64(ascending(scores.base[i])) << 1 | UInt64(labels.base[first + i]) }
    try sortKeys(keys, n)
    var ones = 0.0, zeros = 0.0, wins = 0.0, i = 0
    while i < n {
        let score = keys.base[i] >> 1
        var tied = (zeros: 0.0, ones: 0.0)
        while i < n, keys.base[i] >> 1 == score {
            if keys.base[i] & 1 == 1 { tied.ones += 1 } else { tied.zeros += 1 }
            i += 1
        }
        wins += tied.ones * (zeros + 0.5 * tied.zeros)
        ones += tied.ones
        zeros += tied.zeros
    }
    return ones > 0 && zeros > 0 ? wins / (ones * zeros) : nil
}

/// 1 for the `count` rows of highest score; who wins a tie is decided by a fixed public shuffle.
func select(_ scores: Buffer<Float>, count: Int) throws -> Buffer<UInt8> {
    let n = scores.count
    let out = try Buffer<UInt8>(count: n, for: "an evaluation")
    let keys = try Buffer<UInt64>(count: n, for: "an evaluation")
    let order = try publicOrder(n, seed: 0x7469_6573)
    for k in 0..<n { keys.base[k] = UInt64(ascending(scores.base[Int(order.base[k])])) << 32 | UInt64(k) }
    try sortKeys(keys, n)
    for k in max(0, n - count) ..< n { out.base[Int(order.base[Int(keys.base[k] & 0xFFFF_FFFF)])] = 1 }
    return out
}
