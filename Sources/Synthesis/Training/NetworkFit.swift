// A network being fitted to released sums of gradients: weights, Adam's moments, moving average. All of it is a
// function of released values, so updates, averages and copies are free.

import Basics
import Compute
import Networks
import Storage

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

    /// One Adam update with a released sum of clipped gradients, overwritten by its mean. `divisor`: expected rows in a
    /// batch.
    func update(sum: Buffer<Float>, divisor: Double, learningRate: Double, decay: Double) {
        let P = average.count, scale = Float(1 / divisor)
        for i in 0..<P { sum.base[i] *= scale }
        let step = adam.steps
        adam.step(network.parameters.base, gradient: sum.base, learningRate: learningRate)
        averageWeights(average.base, network.parameters.base, count: P, decay: Float(decay), step: step)
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

extension NetworkFit {
    func write(to root: GroupWriter, _ name: String) throws {
        try root.group(name) { g in
            try g.group("weights") { try network.parameters.write(to: $0) }
            try g.tensor("average", shape: [average.count], average)
            try g.tensor("adam_first", shape: [average.count], adam.first)
            try g.tensor("adam_second", shape: [average.count], adam.second)
            try g.scalar("updates", Int64(adam.steps))
        }
    }

    func read(from root: GroupReader, _ name: String) throws {
        let g = try root.group(name)
        try network.parameters.read(from: g.group("weights"))
        for (part, target) in [("average", average), ("adam_first", adam.first), ("adam_second", adam.second)] {
            try g.tensor(part, shape: [target.count], into: target.base)
            for i in 0..<target.count where !target.base[i].isFinite {
                throw Failure(.format, "\(name): a value is not finite")
            }
        }
        let updates = try g.scalar("updates", as: Int64.self)
        guard (0...1_000_000).contains(updates) else { throw Failure(.format, "\(name): updates out of range") }
        adam.steps = Int(updates)
    }
}
