// Adam (Kingma and Ba, arXiv 1412.6980v9, algorithm 1) over one flat vector, and the average of weights.
//
//     let adam = try Adam(count: P)
//     adam.step(weights, gradient: g, learningRate: 1e-3)       // one step of all weights
//
// A fit that moves parts of its weights on several threads says `begin` once a step and `move` once for every part.

import Basics
import CProcessor
import Glibc

/// Two threads may `move` different parts of the weights at once; everything else is for one thread at a time.
package final class Adam: @unchecked Sendable {
    /// What the decay rates are in the bias corrections 1 - βᵗ. Both are Adam; they differ in the last bits of a step,
    /// so every fit keeps the one that its recorded results were computed with.
    package enum BiasCorrection: Sendable {
        /// The decay rates rounded to 32 bits, as the moments have them.
        case ofRoundedRates
        /// The decay rates in double precision, as they were given.
        case ofExactRates
    }

    /// Number of weights.
    package let count: Int
    /// Moving averages of the gradient and of its square, [count] each. With `steps` they are the state that a
    /// checkpoint stores.
    package let first: Buffer<Float>, second: Buffer<Float>
    /// Steps begun so far.
    package var steps = 0
    private let beta1: Double, beta2: Double, new1: Double, new2: Double, epsilon: Float
    private let correction: BiasCorrection
    private let kernels: Kernels
    /// Of the step that was begun last.
    private var learningRate = 0.0, correction1 = 1.0, correction2 = 1.0

    /// - Parameters:
    ///   - count: number of weights, at least 0.
    ///   - beta1, beta2: decay rates of the two moving averages, in [0, 1).
    ///   - epsilon: is added to the root of the second average, above 0.
    /// - Throws: `.argument` for a rate out of range, `.noMemory`.
    package init(count: Int, beta1: Double = 0.9, beta2: Double = 0.98, epsilon: Double = 1e-8,
                 correction: BiasCorrection = .ofRoundedRates, kernels: Kernels = .current) throws {
        guard (0..<1).contains(Float(beta1)), (0..<1).contains(Float(beta2)), Float(epsilon) > 0 else {
            throw Failure(.argument, "Adam's decay rates must be in [0, 1) and its epsilon above 0")
        }
        self.count = count
        (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, Float(epsilon))
        // 0.1 for 0.9, as one would write it: the difference itself is off in the last bit.
        func rest(_ beta: Double) -> Double { ((1 - beta) * 1e12).rounded() / 1e12 }
        (new1, new2) = (rest(beta1), rest(beta2))
        (self.correction, self.kernels) = (correction, kernels)
        first = try Buffer(count: count, for: "the optimiser")
        second = try Buffer(count: count, for: "the optimiser")
    }

    /// Moves all weights one step against the gradient.
    /// - Parameters:
    ///   - weights, gradient: [count].
    ///   - learningRate: above 0; rounded to 32 bits.
    package func step(_ weights: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, learningRate: Double) {
        begin(learningRate: learningRate)
        move(weights, gradient: gradient, 0..<count)
    }

    /// Begins a step, of which every part of the weights is then moved once.
    package func begin(learningRate: Double) {
        steps += 1
        self.learningRate = learningRate
        func corrected(_ beta: Double) -> Double {
            1 - pow(correction == .ofRoundedRates ? Double(Float(beta)) : beta, Double(steps))
        }
        (correction1, correction2) = (corrected(beta1), corrected(beta2))
    }

    /// Moves one part of the weights by the step that was begun, in 32 bits (Kernels/Processes/Optimiser.swift).
    /// - Parameters:
    ///   - weights, gradient: [count], of which `part` is used.
    package func move(_ weights: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, _ part: Range<Int>) {
        let at = part.lowerBound
        let factors = flip_adam(rate: Float(learningRate), beta1: Float(beta1), beta2: Float(beta2),
                                correction1: Float(correction1), correction2: Float(correction2), epsilon: epsilon)
        kernels.adamStep(weights + at, first: first.base + at, second: second.base + at, gradient: gradient + at,
                         factors, count: part.count)
    }

    /// Moves one part of the weights by the step that was begun, computed in double precision from moments stored in 32
    /// bits. For parts whose gradient is a small difference of large numbers and whose epsilon is their own.
    /// - Parameters:
    ///   - weights: [count], of which `part` is moved.
    ///   - epsilon: of this part, in place of the one given at the start, above 0.
    ///   - gradient: of the weight at a place in `part`; asked once for each, in ascending order.
    package func moveInDouble(_ weights: UnsafeMutablePointer<Float>, _ part: Range<Int>, epsilon: Double,
                              gradient: (_ place: Int) -> Double) {
        for i in part {
            let g = gradient(i)
            let m = beta1 * Double(first[i]) + new1 * g, v = beta2 * Double(second[i]) + new2 * g * g
            (first[i], second[i]) = (Float(m), Float(v))
            weights[i] -= Float(learningRate * (m / correction1) / ((v / correction2).squareRoot() + epsilon))
        }
    }
}

/// average = k average + (1 - k) weights with k = min(decay, (1 + step) / (10 + step)), so that early weights fade.
/// - Parameters:
///   - average, weights: [count].
///   - decay: in [0, 1).
///   - step: of the training, from 0.
package func averageWeights(_ average: UnsafeMutablePointer<Float>, _ weights: UnsafePointer<Float>, count: Int,
                            decay: Float, step: Int) {
    Kernels.current.averageStep(average, weights, min(decay, Float(1 + step) / Float(10 + step)), count)
}
