// Gaussian noise on exact fixed-point sums, and rounding to a public grid.

import Basics
import Compute
import Glibc

/// One block of a joint release: what its rows may add and what noise hides them.
package struct SumBlock: Sendable, Equatable {
    /// Numbers in the block.
    package let length: Int
    /// Largest L2 norm that one row of each group adds to the block; above 0.
    package let clips: [Double]
    /// ν: standard deviation of the noise in every number of the block, in the unit of `clips`; above 0.
    package let noise: Double
    package init(length: Int, clips: [Double], noise: Double) {
        (self.length, self.clips, self.noise) = (length, clips, noise)
    }
}

/// Noise multiplier of a joint release for each group: σ_g = (Σ_k (C^k_g / ν^k)²)^(−1/2).
///
/// Blocks from one batch are one mechanism: scale each by its noise and the joint vector has noise 1 and moves by (Σ_k
/// (C^k_g / ν^k)²)^(1/2) with one row of group g. Rounded down. Falsifier: DoorTests (joint release against one block).
package func jointNoiseMultipliers(_ blocks: [SumBlock], groups: Int) -> [Double] {
    (0..<groups).map { g in
        if blocks.count == 1 { return blocks[0].noise / blocks[0].clips[g] }
        let s = blocks.reduce(0.0) { $0 + ($1.clips[g] / $1.noise) * ($1.clips[g] / $1.noise) }
        return (1 / s.squareRoot()) * (1 - 0x1p-50)
    }
}

/// Public steps of one block, functions of its clips and its noise alone.
struct FixedPoint {
    /// Room that the noise has beyond its nominal standard deviation: the release uses ν(1 + η). It holds what 32-bit
    /// arithmetic in a map, the rounding of micro-batches and that of the norm can add to a row's share.
    ///
    /// One row more moves all rows behind it to other places in their micro-batches, each of which is rounded by
    /// itself: the rounding of a sum of n rows in micro-batches of m moves by about m √n. Measured at most 0.4e-3 C for
    /// 2¹⁷ rows and m = 64 (docs/PRIVACY.md); beyond these η grows as m √n. Falsifier:
    /// NeighbourTests.testRoundingStaysInsideTheHeadroom.
    static let headroom = 1e-3
    /// η for a batch of so many expected rows, a public number.
    static func headroom(expectedRows n: Double, microBatch m: Int = 64) -> Double {
        headroom * max(1, Double(m) / 64 * (n / 131_072).squareRoot())
    }
    /// Rows of a table and of a micro-batch are bounded so that no sum leaves 64 bits.
    static let maxRows = 1 << 29, maxMicroBatch = 4096

    /// Sums are whole multiples of this power of two: at most 2⁻³² of the largest clip, so 2²⁹ rows stay below 2⁶².
    let step: Double
    /// Released values are multiples of this power of two: between 2⁻¹⁷ and 2⁻¹⁶ of the noise.
    let grid: Double
    /// ν(1 + η) in steps.
    private(set) var standardDeviation: Double

    /// - Throws: `.argument` when a number is out of range or the ratios are too wide for 64 bits.
    init(_ block: SumBlock, expectedRows: Double = 0, microBatch: Int = 64) throws {
        guard block.length > 0, block.length <= 1 << 31 else {
            throw Failure(.argument, "release: a block must have at least one number")
        }
        guard let most = block.clips.max(), let least = block.clips.min(), least >= 1e-20, most <= 1e20,
            block.noise >= 1e-20 else {
            throw Failure(.argument, "release: clipping norms and noise must be between 1e-20 and 1e20")
        }
        guard most <= 1e4 * least, block.noise <= 2e6 * most else {
            throw Failure(.argument, "release: clipping norms and noise are too far apart")
        }
        step = Self.powerOfTwo(most) * 0x1p-32
        grid = max(Self.powerOfTwo(block.noise) * 0x1p-16, step)
        guard expectedRows >= 0, expectedRows <= Double(Self.maxRows) else {
            throw Failure(.argument, "release: the expected rows of a batch are out of range")
        }
        standardDeviation = block.noise * (1 + Self.headroom(expectedRows: expectedRows, microBatch: microBatch)) / step
    }

    /// For tests alone, through `Door.noiseScale`: other noise on the same grid.
    func scaled(_ factor: Double) -> FixedPoint {
        var f = self
        f.standardDeviation *= factor
        return f
    }

    /// The largest power of two that is at most x.
    private static func powerOfTwo(_ x: Double) -> Double { Double(sign: .plus, exponent: x.exponent, significand: 1) }
}

/// Noise in chunks, each from a stream of its own, so that the number of threads changes nothing.
let noiseChunk = 1024

/// out = round((sum + noise) / grid) · grid for one block.
///
/// With an ideal Gaussian this is post-processing of the Gaussian mechanism: the sum is a whole number of steps, so
/// rounding sum plus noise is adding the rounded noise. What is not ideal is the generator, 53 bits of radius and
/// angle: mitigated by sums of four.
struct NoiseTask: @unchecked Sendable {
    /// [count], in steps of `format`.
    let sum: UnsafePointer<Int64>
    let count: Int
    let format: FixedPoint
    let random: SecureRandom
    /// Number of the first chunk's stream; no other block of the release has a number in firstStream ..< firstStream +
    /// chunks.
    let firstStream: Int
    /// [count].
    let out: UnsafeMutablePointer<Float>

    var chunks: Int { (count + noiseChunk - 1) / noiseChunk }

    func run(_ chunk: Int) {
        // A power of two, so a shift; half of it rounds to nearest.
        let shift = Int64((format.grid / format.step).exponent), half: Int64 = shift > 0 ? 1 << (shift - 1) : 0
        let from = chunk * noiseChunk, n = min(noiseChunk, count - from)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: noiseChunk) { scratch in
            guard let z = scratch.baseAddress else { return }
            // Noise and the released value together are the raw sum.
            defer { explicit_bzero(z, noiseChunk * MemoryLayout<Double>.stride) }
            fillFourSample(random.stream(.noise, firstStream + chunk), z, n)
            for i in 0..<n {
                // |z| < 18: within 2⁶¹ for every ratio that FixedPoint admits. To the nearest step, by truncation and
                // one step down below zero: the library's rounding is a call on some processors.
                let x = z[i] * format.standardDeviation + 0.5, t = Int64(x)
                let noisy = sum[from &+ i] &+ (t &- (Double(t) > x ? 1 : 0))
                out[from &+ i] = Float(Double((noisy &+ half) &>> shift) * format.grid)
            }
        }
    }
}
