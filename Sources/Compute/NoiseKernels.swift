// The kernels that noise is made with, picked like those of the networks (Kernels.swift). All give the same bits.

import CProcessor
import KernelsBaseline
#if arch(x86_64)
import KernelsAVX2
import KernelsAVX512
#endif

package struct NoiseKernels: Sendable {
    /// (words, out, half): see Kernels/Noise/Gaussian.swift.
    package let boxMuller: @Sendable (UnsafePointer<UInt64>, UnsafeMutablePointer<Double>, Int) -> Void
    /// (key, counter, nonce, nonce, out): see Kernels/Noise/KeyStream.swift. Nil where vectors are short: the caller
    /// has a twin for those.
    package let keyStream: (@Sendable (UnsafePointer<UInt32>, UInt64, UInt32, UInt32, UnsafeMutablePointer<UInt32>)
                            -> Void)?

    /// The fastest of this machine.
    package static let current: NoiseKernels = available[0]

    /// All that this machine can run, the fastest first.
    package static let available: [NoiseKernels] = {
        let baseline = NoiseKernels(boxMuller: { KernelsBaseline.boxMuller($0, $1, $2) }, keyStream: nil)
        #if arch(x86_64)
        let avx2 = NoiseKernels(boxMuller: { KernelsAVX2.boxMuller($0, $1, $2) },
                                keyStream: { KernelsAVX2.keyStream($0, $1, $2, $3, $4) })
        let avx512 = NoiseKernels(boxMuller: { KernelsAVX512.boxMuller($0, $1, $2) },
                                  keyStream: { KernelsAVX512.keyStream($0, $1, $2, $3, $4) })
        switch flip_instruction_set() {
        case 2: return [avx512, avx2, baseline]
        case 1: return [avx2, baseline]
        default: return [baseline]
        }
        #else
        return [baseline]
        #endif
    }()
}
