// Made-up numbers in lanes, and one lane of them as doubles.

import Basics
@testable import Compute

struct Random {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    /// In (-1, 1).
    mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
    }
}

/// `count` vectors of a kernel table.
final class Vectors {
    let buffer: Buffer<Float>
    let lanes: Int
    let count: Int
    var base: UnsafeMutablePointer<Float> { buffer.base }

    init(_ kernels: Kernels, _ count: Int, _ random: inout Random, scale: Float = 1) throws {
        lanes = kernels.lanes
        self.count = count
        buffer = try Buffer(count: count * kernels.lanes, for: "a test")
        for i in 0 ..< buffer.count { buffer[i] = scale * random.next() }
    }

    convenience init(zeros kernels: Kernels, _ count: Int) throws {
        var r = Random(0)
        try self.init(kernels, count, &r, scale: 0)
    }

    subscript(i: Int, lane: Int) -> Float {
        get { buffer[i * lanes + lane] }
        set { buffer[i * lanes + lane] = newValue }
    }

    func lane(_ l: Int) -> [Double] { (0 ..< count).map { Double(self[$0, l]) } }
}

/// The largest difference, relative to the largest number wanted.
func distance(_ got: [Double], _ want: [Double]) -> Double {
    var worst = 0.0, size = 1e-9
    for (g, w) in zip(got, want) {
        if !(abs(g - w) <= worst) { worst = abs(g - w) }
        size = max(size, abs(w))
    }
    return got.count == want.count ? worst / size : .infinity
}

/// d(f . r) / dx by central differences.
func slopes(_ x: [Double], _ r: [Double], _ f: ([Double]) -> [Double]) -> [Double] {
    x.indices.map { i in
        var up = x, down = x
        up[i] += 1e-5
        down[i] -= 1e-5
        return zip(zip(f(up), f(down)), r).reduce(0) { $0 + ($1.0.0 - $1.0.1) * $1.1 } / 2e-5
    }
}
