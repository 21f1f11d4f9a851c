// Shuffles with fixed public seeds: which rows are set aside, who wins a tie.
// They are equal for everybody, so that figures can be compared.

import Basics

/// SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", figure 17).
struct PublicRandom {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// In 0 ..< n by Lemire's multiplication; the bias is below n / 2⁶⁴.
    mutating func below(_ n: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(n)).high) }
}

/// 0 ..< rows in an order that depends on `rows` and `seed` alone (Fisher and Yates).
func publicOrder(_ rows: Int, seed: UInt64) throws -> Buffer<Int32> {
    let order = try Buffer<Int32>(count: rows, for: "an evaluation")
    for i in 0..<rows { order.base[i] = Int32(truncatingIfNeeded: i) }
    var random = PublicRandom(seed: seed)
    for i in stride(from: rows - 1, to: 0, by: -1) {
        let j = random.below(i + 1)
        let kept = order.base[i]
        order.base[i] = order.base[j]
        order.base[j] = kept
    }
    return order
}
