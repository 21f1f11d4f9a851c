// The latent diffusion's network: a small MLP on the flattened latent with EDM preconditioning (arXiv 2206.00364v2).
//
//     let denoiser = try Denoiser(shape: DenoiserShape(latent: 8), seed: 3)
//     let scratch = try DenoiserScratch(denoiser)                     // one per worker
//     denoiser.clippedGradientSum(z, count: n, noise: e, levels: u, clips: C, into: sum, scratch)
//         // sum: Float [P], overwritten
//         // z: [n][L] latents; e: [n][M][L] and u: [n][M] standard normals,
//         // M = shape.noiseLevels of each row, averaged before the clip
//     denoiser.gradientSum(z, count: n, noise: e, levels: u, into: sum, scratch)        // released rows only
//     denoiser.sample(normals, count: n, into: z, scratch)     // [n][L] each: Heun's method, given the normals
//
// A row's loss is the mean over its M levels and L numbers of the weighted squared error of the denoised latent.
// Read next: Denoiser+Gradient.swift, Denoiser+Sampling.swift.

import Basics
import Compute
import Glibc

/// Public configuration of a denoiser, range-checked once.
package struct DenoiserShape: Sendable, Equatable {
    /// L: numbers of a latent, 1 ... 65536.
    package var latent: Int
    /// h: hidden width, 1 ... 8192.
    package var width = 64
    /// Hidden layers, the first from the latent, the others residual: 1 ... 64.
    package var layers = 2
    /// Q: sines and cosines of the level, 1 ... 256 each.
    package var frequencies = 8
    /// Standard deviation of the data, a public constant (never that of encoded rows): above 0.
    package var sigmaData: Float = 1
    /// log sigma of training levels is N(levelMean, levelSpread^2).
    package var levelMean: Float = -0.6
    package var levelSpread: Float = 1.2
    /// M: levels a row, averaged before the clip: 1 ... 256.
    package var noiseLevels = 8

    /// - Parameter latent: L; all other figures have defaults.
    package init(latent: Int) { self.latent = latent }

    /// - Throws: `.argument` naming the first figure that is out of range.
    package func check() throws {
        func need(_ ok: Bool, _ rule: String) throws { if !ok { throw Failure(.argument, "denoiser shape: " + rule) } }
        try need((1 ... 65536).contains(latent), "the latent must have 1 to 65536 numbers")
        try need((1 ... 8192).contains(width), "width must be 1 to 8192")
        try need((1 ... 64).contains(layers), "layers must be 1 to 64")
        try need((1 ... 256).contains(frequencies), "frequencies must be 1 to 256")
        try need((1e-3 ... 1e3).contains(sigmaData), "sigma_data must be 0.001 to 1000")
        try need((-10 ... 10).contains(levelMean), "noise levels must have a log mean of -10 to 10")
        try need((0 ... 10).contains(levelSpread), "noise levels must have a log standard deviation of 0 to 10")
        try need((1 ... 256).contains(noiseLevels), "noise_levels must be 1 to 256")
        try need(latent * width * 2 + width * width * layers <= 1 << 28,
                 "the network must have at most 268435456 weights")
    }
}

package final class Denoiser: @unchecked Sendable {
    package let shape: DenoiserShape
    package let parameters: Parameters
    let kernels: Kernels
    let input: LinearLayer, time: LinearLayer, hidden: [LinearLayer], output: LinearLayer
    /// 0.5 to 4 in equal ratios.
    let frequencies: Buffer<Float>

    /// A network with starting weights from a public seed.
    /// - Throws: `.argument` for a shape out of range, `.noMemory`.
    package init(shape: DenoiserShape, seed: UInt64, kernels: Kernels = .current) throws {
        try shape.check()
        let L = shape.latent, h = shape.width, Q = shape.frequencies
        var plan = ParameterPlan()
        plan.want("input", [L, h], scale: 1 / Float(L).squareRoot())
        plan.want("input.bias", [h], scale: 0)
        plan.want("time", [2 * Q, h], scale: 1 / Float(2 * Q).squareRoot())
        for l in 1 ..< max(shape.layers, 1) {
            plan.want("hidden.\(l)", [h, h], scale: 1 / Float(h).squareRoot())
            plan.want("hidden.\(l).bias", [h], scale: 0)
        }
        plan.want("output", [h, L], scale: 0.05 / Float(h).squareRoot())
        plan.want("output.bias", [L], scale: 0)
        plan.finish()
        let done = plan
        func linear(_ name: String, _ A: Int, _ N: Int) -> LinearLayer {
            LinearLayer(weight: done.offset(name), bias: done.offset(name + ".bias"), inputs: A, outputs: N)
        }
        input = linear("input", L, h)
        time = linear("time", 2 * Q, h)
        hidden = (1 ..< max(shape.layers, 1)).map { linear("hidden.\($0)", h, h) }
        output = linear("output", h, L)
        parameters = try Parameters(plan)
        plan.fill(parameters, seed: seed)
        frequencies = try Buffer(count: Q, for: "frequencies")
        for q in 0 ..< Q { frequencies[q] = Float(0.5 * exp(log(8.0) * Double(q) / Double(max(Q - 1, 1)))) }
        self.shape = shape
        self.kernels = kernels
    }

    /// A network of the shape of `other` around weights of its own.
    /// - Throws: `.argument` when they are not laid out for it.
    package init(_ other: Denoiser, parameters: Parameters) throws {
        guard parameters.tensors == other.parameters.tensors else {
            throw Failure(.argument, "weights of another network shape")
        }
        shape = other.shape
        kernels = other.kernels
        input = other.input
        time = other.time
        hidden = other.hidden
        output = other.output
        frequencies = other.frequencies
        self.parameters = parameters
    }

    /// Scaled inputs and features -> F, for M levels: h = f(c x A + a + t B), then h + f(h W + b) layer by layer, then
    /// the output map.
    func forward(_ s: DenoiserScratch, _ M: Int) {
        let w = parameters.base, h = shape.width
        kernels.apply(input, w, s.at(s.input), s.at(s.pre[0]), rows: M)
        kernels.apply(time, w, s.at(s.features), s.at(s.pre[0]), rows: M, adds: true)
        kernels.activationForward(s.at(s.pre[0]), s.at(s.state[0]), .silu, M * h)
        for (l, layer) in hidden.enumerated() {
            kernels.apply(layer, w, s.at(s.state[l]), s.at(s.pre[l + 1]), rows: M)
            kernels.activationForward(s.at(s.pre[l + 1]), s.at(s.state[l + 1]), .silu, M * h)
            kernels.add(s.at(s.state[l]), s.at(s.state[l + 1]), M * h)
        }
        kernels.apply(output, w, s.at(s.state[hidden.count]), s.at(s.out), rows: M)
    }
}

/// One worker's memory for a denoiser: one block of rows, M levels each. Two threads must not share one.
package final class DenoiserScratch {
    private let arena: Buffer<Float>
    private let lanes: Int
    let gradients: RowGradients
    let z: Int, noise: Int, levels: Int, input: Int, target: Int, features: Int
    /// Before and after each hidden layer's activation, and the gradient before it.
    let pre: [Int], state: [Int], dpre: [Int]
    let dstate: Int, out: Int, loss: Int, slope: Int, slope2: Int, moved: Int

    /// - Throws: `.noMemory`.
    package init(_ d: Denoiser) throws {
        let M = d.shape.noiseLevels, L = d.shape.latent, h = d.shape.width, Q = d.shape.frequencies
        var plan = ArenaPlan()
        z = plan.take(L)
        noise = plan.take(M * L)
        levels = plan.take(M)
        input = plan.take(M * L)
        target = plan.take(M * L)
        features = plan.take(M * 2 * Q)
        pre = (0 ... d.hidden.count).map { _ in plan.take(M * h) }
        state = (0 ... d.hidden.count).map { _ in plan.take(M * h) }
        dpre = (0 ... d.hidden.count).map { _ in plan.take(M * h) }
        dstate = plan.take(M * h)
        out = plan.take(M * L)
        loss = plan.take(1)
        slope = plan.take(L)
        slope2 = plan.take(L)
        moved = plan.take(L)
        lanes = d.kernels.lanes
        arena = try Buffer(count: plan.vectors * lanes, for: "a worker's activations")
        let sink = RowGradientPlan(trainable: d.parameters.trainable)
        var kept: [Range<Int>] = []
        for layer in [d.input, d.time, d.output] + d.hidden {
            if sink.keeps(layer, M) { kept.append(layer.weight ..< layer.weight + layer.inputs * layer.outputs) }
            if layer.bias >= 0 { kept.append(layer.bias ..< layer.bias + layer.outputs) }
        }
        gradients = try RowGradients(d.kernels, sink, keptRanges: kept, largestSide: M * max(L, h, 2 * Q), tokens: M,
                                     layers: d.hidden.count + 3)
    }

    /// The vectors of a slot.
    func at(_ slot: Int) -> UnsafeMutablePointer<Float> { arena.base + slot * lanes }
}
