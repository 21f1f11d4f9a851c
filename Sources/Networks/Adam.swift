// Adam (arXiv 1412.6980) over one flat vector, and the moving average of weights. Functions of released values: free.

import Basics
import Compute
import Glibc

package final class Adam {
    package let count: Int
    /// Moments of the gradient and steps done: what a checkpoint stores.
    package let first: Buffer<Float>, second: Buffer<Float>
    package var steps: Int
    private let beta1: Float, beta2: Float, epsilon: Float
    private let kernels: Kernels

    /// - beta1, beta2: in [0, 1). - Throws: `.argument`, `.noMemory`.
    package init(count: Int, beta1: Float = 0.9, beta2: Float = 0.98, epsilon: Float = 1e-8, kernels: Kernels = .current) throws {
        guard (0 ..< 1).contains(beta1), (0 ..< 1).contains(beta2), epsilon > 0 else {
            throw Failure(.argument, "Adam's decay rates must be in [0, 1) and its epsilon above 0")
        }
        self.count = count
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.kernels = kernels
        steps = 0
        first = try Buffer(count: count, for: "the optimiser")
        second = try Buffer(count: count, for: "the optimiser")
    }

    /// weights[count] move by `rate` against gradient[count].
    package func step(_ weights: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, rate: Float) {
        steps += 1
        let c1 = 1 - pow(Double(beta1), Double(steps)), c2 = 1 - pow(Double(beta2), Double(steps))
        kernels.adamStep(weights, first.base, second.base, gradient, rate, beta1, beta2, Float(c1), Float(c2), epsilon, count)
    }
}

/// average = k average + (1 - k) weights, with k = min(keep, (1 + step) / (10 + step)) so that early weights fade; step counts from 0.
package func averageWeights(_ average: UnsafeMutablePointer<Float>, _ weights: UnsafePointer<Float>, count: Int, keep: Float, step: Int) {
    Kernels.current.averageStep(average, weights, min(keep, Float(1 + step) / Float(10 + step)), count)
}
