// Gaussian numbers for noise and for the rows' own randomness, a block of them at a time.
// The arithmetic is in Kernels/Gaussian.swift.

import Compute

/// Normals made at a time: one for each 64-bit word of a stream's buffer.
let normalBlock = RandomStream.bufferBytes / 8

/// `normalBlock` standard normals from one buffer of the stream.
func nextNormals(_ stream: RandomStream, into out: UnsafeMutablePointer<Double>) {
    NoiseKernels.current.boxMuller(UnsafeRawPointer(stream.nextBlock()).assumingMemoryBound(to: UInt64.self), out,
        normalBlock / 2)
}

/// Standard normals, each half the sum of four: the low bits of one number then say little about the four that made it.
/// Holohan and Braghin 2021, arXiv 2107.10138, as Opacus does in its secure mode. A mitigation, not a proof. out:
/// [count].
func fillFourSample(_ stream: RandomStream, _ out: UnsafeMutablePointer<Double>, _ count: Int) {
    let quarter = normalBlock / 4
    withUnsafeTemporaryAllocation(of: Double.self, capacity: normalBlock) { block in
        guard let b = block.baseAddress else { return }
        var i = 0
        while i < count {
            nextNormals(stream, into: b)
            let m = min(quarter, count - i)
            for k in 0..<m {
                out[i &+ k] = 0.5 * ((b[k] + b[k &+ quarter]) + (b[k &+ 2 &* quarter] + b[k &+ 3 &* quarter]))
            }
            i += m
        }
    }
}
