// A network being fitted to released sums of gradients: weights, Adam's moments, moving average. All of it is a function of
// released values, so updates, averages and copies are free.

import Basics
import Compute
import Networks

final class NetworkFit<Network: TrainableNetwork> {
    let network: Network
    let adam: Adam
    /// The trainable weights' moving average.
    let average: Buffer<Float>

    init(_ network: Network) throws {
        self.network = network
        let P = network.parameters.trainable
        adam = try Adam(count: P)
        average = try Buffer(count: P, for: "averaged weights")
        average.base.update(from: network.parameters.base, count: P)
    }

    /// One Adam update with a released sum of clipped gradients, overwritten by its mean. `divisor`: expected rows in a batch.
    func update(sum: Buffer<Float>, divisor: Double, rate: Double, average most: Double) {
        let P = average.count, scale = Float(1 / divisor)
        for i in 0..<P { sum.base[i] *= scale }
        let step = adam.steps
        adam.step(network.parameters.base, gradient: sum.base, rate: Float(rate))
        averageWeights(average.base, network.parameters.base, count: P, keep: Float(most), step: step)
    }

    /// A copy of the network with the averaged weights.
    func averaged() throws -> Network {
        let weights = try network.parameters.copy()
        weights.base.update(from: average.base, count: average.count)
        return try Network(network, parameters: weights)
    }
}

/// What the fit needs to know of a network.
protocol TrainableNetwork: AnyObject {
    var parameters: Parameters { get }
    /// The same network around other weights.
    init(_ other: Self, parameters: Parameters) throws
}

extension TrainableNetwork {
    func copy() throws -> Self { try Self(self, parameters: parameters.copy()) }
}

extension VAE: TrainableNetwork {}
extension Denoiser: TrainableNetwork {}
