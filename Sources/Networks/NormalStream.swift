// Standard normal numbers from a public seed, for starting weights alone.
// Not for privacy: noise comes from the secret generator.

import Glibc

/// Box-Muller on SplitMix64 (Steele, Lea and Flood 2014), a counter put through a mixing function.
package struct NormalStream {
    private var counter: UInt64
    private var spare: Float?

    /// Streams of one seed are independent of one another.
    package init(seed: UInt64, stream: UInt64) {
        counter = NormalStream.mix(seed ^ NormalStream.mix(stream &+ 0x9e37_79b9_7f4a_7c15))
    }

    /// A standard normal number.
    package mutating func next() -> Float {
        if let s = spare {
            spare = nil
            return s
        }
        let radius = (-2 * log(uniform())).squareRoot(), angle = 2 * Double.pi * uniform()
        spare = Float(radius * sin(angle))
        return Float(radius * cos(angle))
    }

    /// In (0, 1].
    package mutating func uniform() -> Double {
        counter &+= 0x9e37_79b9_7f4a_7c15
        return (Double(NormalStream.mix(counter) >> 11) + 1) * 0x1p-53
    }

    private static func mix(_ x: UInt64) -> UInt64 {
        var z = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
