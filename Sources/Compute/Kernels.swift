// The kernels of Sources/Kernels, compiled once per instruction set; one table of them is picked when first used. Arguments are
// described beside each kernel. All tables give the same bits.

import CProcessor
import KernelsBaseline
#if arch(x86_64)
import KernelsAVX2
import KernelsAVX512
#endif

package typealias Floats = UnsafePointer<Float>
package typealias MutableFloats = UnsafeMutablePointer<Float>
package typealias Labels = UnsafePointer<Int32>
package typealias MutableLabels = UnsafeMutablePointer<Int32>

/// A table is constants and functions without state.
package struct Kernels: @unchecked Sendable {
    /// "avx512", "avx2" or "baseline".
    package let name: String
    /// Rows side by side in one vector: activations are [M][A][lanes] floats.
    package let lanes: Int

    package let activationForward: (Floats, MutableFloats, Int, Int) -> Void
    package let activationBackward: (Floats, MutableFloats, Int, Int) -> Void
    package let attentionForward: (Floats, MutableFloats, MutableFloats, Int, Int, Int) -> Void
    package let attentionBackward: (Floats, Floats, Floats, MutableFloats, MutableFloats, Int, Int, Int) -> Void
    package let crossEntropy: (MutableFloats, Labels, MutableFloats, Int) -> Void
    package let drawLevel: (MutableFloats, Floats, MutableLabels, Int) -> Void
    package let softmax: (MutableFloats, Int) -> Void
    package let diffuse: (Floats, Floats, Floats, Float, Float, Float, Floats, MutableFloats, MutableFloats, MutableFloats, Int, Int,
                          Int) -> Void
    package let timeFeatures: (Float, Floats, MutableFloats, Int) -> Void
    package let squaredError: (MutableFloats, Floats, MutableFloats, Int) -> Void
    package let flowSlope: (Floats, Floats, Float, Float, Float, MutableFloats, Int) -> Void
    package let flowStep: (Floats, Floats, Floats, Float, MutableFloats, Int) -> Void
    package let times: (Floats, Float, MutableFloats, Int) -> Void
    package let gather: (Floats, Labels, Floats, MutableFloats, Int) -> Void
    package let scatter: (Floats, Labels, Floats, MutableFloats, Int) -> Void
    package let linear: (Floats, Int, Floats, Int, Int, Floats, Int, MutableFloats, Int, Int, Int, Int, Int, Floats) -> Void
    package let normForward: (Floats, Int, Floats, Floats, Int, MutableFloats, MutableFloats, MutableFloats, Int, Int) -> Void
    package let normBackward: (Floats, Floats, Floats, Floats, Int, Floats, MutableFloats, Int, Int, Int) -> Void
    package let normGradient: (Floats, Floats, MutableFloats, MutableFloats, Int, Int) -> Void
    package let adamStep: (MutableFloats, MutableFloats, MutableFloats, Floats, Float, Float, Float, Float, Float, Float, Int) -> Void
    package let averageStep: (MutableFloats, Floats, Float, Int) -> Void
    package let posteriorForward: (Floats, Floats, Floats, MutableFloats, MutableFloats, MutableFloats, Int) -> Void
    package let posteriorBackward: (Floats, Floats, Floats, Floats, Float, MutableFloats, MutableFloats, Int) -> Void
    package let sumSquares: (Floats, Int, MutableFloats, Int, Int) -> Void
    package let scaled: (Floats, Int, Floats, MutableFloats, Int, Int) -> Void
    package let clear: (MutableFloats, Labels, Int) -> Void
    package let add: (Floats, MutableFloats, Int) -> Void
    package let addNumbers: (Floats, MutableFloats, Int) -> Void
    package let rowGradient: (Floats, Int, Floats, Int, MutableFloats, MutableFloats, Int, Int, Int) -> Void
    package let weightedLanes: (Floats, Floats, Labels, MutableFloats, Int) -> Void
    package let weightedGradient: (Floats, Int, Floats, Int, MutableFloats, Int, Int, Int) -> Void
    package let gramNorm: (Floats, Int, Floats, Int, Float, MutableFloats, MutableFloats, Int, Int, Int) -> Void
    package let rowBias: (Floats, Int, MutableFloats, MutableFloats, Int, Int) -> Void
    package let gaussianPairs: (Floats, Floats, Int, Floats, Floats, Floats, Int, MutableFloats, MutableFloats, MutableFloats, Int) -> Void
    package let waves: (Floats, MutableFloats, MutableFloats, Int) -> Void

    /// The fastest table of this machine.
    package static let current: Kernels = available[0]

    /// All tables that this machine can run, the fastest first.
    package static let available: [Kernels] = {
        #if arch(x86_64)
        switch flip_instruction_set() {
        case 2: return [avx512, avx2, baseline]
        case 1: return [avx2, baseline]
        default: return [baseline]
        }
        #else
        return [baseline]
        #endif
    }()

    private static let baseline = Kernels(
        name: "baseline", lanes: KernelsBaseline.laneCount,
        activationForward: KernelsBaseline.activationForward, activationBackward: KernelsBaseline.activationBackward,
        attentionForward: KernelsBaseline.attentionForward, attentionBackward: KernelsBaseline.attentionBackward,
        crossEntropy: KernelsBaseline.crossEntropy, drawLevel: KernelsBaseline.drawLevel, softmax: KernelsBaseline.softmax,
        diffuse: KernelsBaseline.diffuse, timeFeatures: KernelsBaseline.timeFeatures, squaredError: KernelsBaseline.squaredError,
        flowSlope: KernelsBaseline.flowSlope, flowStep: KernelsBaseline.flowStep, times: KernelsBaseline.times,
        gather: KernelsBaseline.gather, scatter: KernelsBaseline.scatter, linear: KernelsBaseline.linear,
        normForward: KernelsBaseline.normForward, normBackward: KernelsBaseline.normBackward, normGradient: KernelsBaseline.normGradient,
        adamStep: KernelsBaseline.adamStep, averageStep: KernelsBaseline.averageStep, posteriorForward: KernelsBaseline.posteriorForward,
        posteriorBackward: KernelsBaseline.posteriorBackward, sumSquares: KernelsBaseline.sumSquares, scaled: KernelsBaseline.scaled,
        clear: KernelsBaseline.clear, add: KernelsBaseline.add, addNumbers: KernelsBaseline.addNumbers,
        rowGradient: KernelsBaseline.rowGradient, weightedLanes: KernelsBaseline.weightedLanes,
        weightedGradient: KernelsBaseline.weightedGradient, gramNorm: KernelsBaseline.gramNorm, rowBias: KernelsBaseline.rowBias,
        gaussianPairs: KernelsBaseline.gaussianPairs, waves: KernelsBaseline.waves)
    #if arch(x86_64)
    private static let avx2 = Kernels(
        name: "avx2", lanes: KernelsAVX2.laneCount,
        activationForward: KernelsAVX2.activationForward, activationBackward: KernelsAVX2.activationBackward,
        attentionForward: KernelsAVX2.attentionForward, attentionBackward: KernelsAVX2.attentionBackward,
        crossEntropy: KernelsAVX2.crossEntropy, drawLevel: KernelsAVX2.drawLevel, softmax: KernelsAVX2.softmax,
        diffuse: KernelsAVX2.diffuse, timeFeatures: KernelsAVX2.timeFeatures, squaredError: KernelsAVX2.squaredError,
        flowSlope: KernelsAVX2.flowSlope, flowStep: KernelsAVX2.flowStep, times: KernelsAVX2.times, gather: KernelsAVX2.gather,
        scatter: KernelsAVX2.scatter, linear: KernelsAVX2.linear, normForward: KernelsAVX2.normForward,
        normBackward: KernelsAVX2.normBackward, normGradient: KernelsAVX2.normGradient, adamStep: KernelsAVX2.adamStep,
        averageStep: KernelsAVX2.averageStep, posteriorForward: KernelsAVX2.posteriorForward,
        posteriorBackward: KernelsAVX2.posteriorBackward, sumSquares: KernelsAVX2.sumSquares, scaled: KernelsAVX2.scaled,
        clear: KernelsAVX2.clear, add: KernelsAVX2.add, addNumbers: KernelsAVX2.addNumbers, rowGradient: KernelsAVX2.rowGradient,
        weightedLanes: KernelsAVX2.weightedLanes, weightedGradient: KernelsAVX2.weightedGradient, gramNorm: KernelsAVX2.gramNorm,
        rowBias: KernelsAVX2.rowBias, gaussianPairs: KernelsAVX2.gaussianPairs, waves: KernelsAVX2.waves)
    private static let avx512 = Kernels(
        name: "avx512", lanes: KernelsAVX512.laneCount,
        activationForward: KernelsAVX512.activationForward, activationBackward: KernelsAVX512.activationBackward,
        attentionForward: KernelsAVX512.attentionForward, attentionBackward: KernelsAVX512.attentionBackward,
        crossEntropy: KernelsAVX512.crossEntropy, drawLevel: KernelsAVX512.drawLevel, softmax: KernelsAVX512.softmax,
        diffuse: KernelsAVX512.diffuse, timeFeatures: KernelsAVX512.timeFeatures, squaredError: KernelsAVX512.squaredError,
        flowSlope: KernelsAVX512.flowSlope, flowStep: KernelsAVX512.flowStep, times: KernelsAVX512.times, gather: KernelsAVX512.gather,
        scatter: KernelsAVX512.scatter, linear: KernelsAVX512.linear, normForward: KernelsAVX512.normForward,
        normBackward: KernelsAVX512.normBackward, normGradient: KernelsAVX512.normGradient, adamStep: KernelsAVX512.adamStep,
        averageStep: KernelsAVX512.averageStep, posteriorForward: KernelsAVX512.posteriorForward,
        posteriorBackward: KernelsAVX512.posteriorBackward, sumSquares: KernelsAVX512.sumSquares, scaled: KernelsAVX512.scaled,
        clear: KernelsAVX512.clear, add: KernelsAVX512.add, addNumbers: KernelsAVX512.addNumbers, rowGradient: KernelsAVX512.rowGradient,
        weightedLanes: KernelsAVX512.weightedLanes, weightedGradient: KernelsAVX512.weightedGradient, gramNorm: KernelsAVX512.gramNorm,
        rowBias: KernelsAVX512.rowBias, gaussianPairs: KernelsAVX512.gaussianPairs, waves: KernelsAVX512.waves)
    #endif
}
