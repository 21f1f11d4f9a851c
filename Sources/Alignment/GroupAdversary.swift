// A classifier that looks for the group in the latent, and the encoder's gradient that makes it fail.
// For released or generated rows only. Three linear layers L → 96 → 96 → G with GELU between them (arXiv 1606.08415),
// trained beside the encoder by Adam, as in adversarial representations (arXiv 1511.05897v3, 1801.07593v1).
//
//     let adversary = try GroupAdversary(groups: G, latent: L, capacity: 1024, seed: 7)
//     let found = try adversary.train(z, groups: s, count: n, steps: 3)    // cross-entropy before the last step, nats
//     let hinge = try adversary.gradient(z, groups: s, count: n, weight: 12, into: dz)  // dz [n][L] += d loss / d z
//
// Every group of the batch weighs the same, whatever its size, so to know nothing costs H = log A nats with A groups in
// the batch. The encoder's loss is relu(H - CE + margin). Groups with fewer than two rows, rows with a number that is
// not finite and rows without a group take no part. Deterministic: the same seed and batches give the same classifier.

import Basics
import Compute
import Glibc

package struct GroupAdversaryOptions: Sendable {
    /// Hidden width, 1 ... 4096.
    package var width = 96
    package var learningRate: Float = 2e-3
    package var beta1: Float = 0.5, beta2: Float = 0.99
    /// Nats by which the classifier must be worse than knowing nothing before the hinge term ends.
    package var margin = 0.02
    package init() {}
}

/// Not for two threads at once: it holds the memory of a batch.
package final class GroupAdversary {
    package let groups: Int, latent: Int, capacity: Int
    package let options: GroupAdversaryOptions
    /// Weights (first layer [L][h], bias [h], second [h][h], bias, third [h][G], bias) and Adam's moments, each
    /// [parameterCount]: with `steps` all there is to a checkpoint.
    package let weights: Buffer<Float>
    package var firstMoment: Buffer<Float> { adam.first }
    package var secondMoment: Buffer<Float> { adam.second }
    package var steps: Int {
        get { adam.steps }
        set { adam.steps = newValue }
    }
    private let adam: Adam
    package let parameterCount: Int

    private let kernels: Kernels
    private let gradient: Buffer<Float>
    /// A batch in lanes: inputs, sums and activations of the hidden layers, logits, gradients on the way back.
    private let z: Buffer<Float>, pre: [Buffer<Float>], state: [Buffer<Float>], logits: Buffer<Float>,
        back: [Buffer<Float>]
    private let labels: Buffer<Int32>, share: Buffer<Double>, tally: Buffer<Int32>, bias: Buffer<Float>,
        loss: Buffer<Float>
    private var blocks = 0, present = 0

    /// - groups G: 2 ... 65536; latent L: 1 ... 65536; capacity: rows of the largest batch, 1 ... 65536. - Throws:
    ///   `.argument`, `.noMemory`.
    package init(groups G: Int, latent L: Int, capacity: Int, seed: UInt64, options: GroupAdversaryOptions = .init(),
                 kernels: Kernels = .current) throws {
        let h = options.width
        guard (2 ... 65536).contains(G), (1 ... 65536).contains(L), (1 ... 65536).contains(capacity),
              (1 ... 4096).contains(h) else {
            throw Failure(.argument,
                          "the adversary needs 2 to 65536 groups, 1 to 65536 rows and numbers, "
                              + "and a width of 1 to 4096")
        }
        guard options.learningRate > 0, (0 ..< 1).contains(options.beta1), (0 ..< 1).contains(options.beta2),
              options.margin >= 0 else {
            throw Failure(.argument,
                          "the adversary's learning rate must be above 0, its decay rates in [0, 1), "
                              + "its margin at least 0")
        }
        groups = G
        latent = L
        self.capacity = capacity
        self.options = options
        self.kernels = kernels
        parameterCount = L * h + h + h * h + h + h * G + G
        weights = try Buffer(count: parameterCount, for: "the adversary")
        adam = try Adam(count: parameterCount, beta1: Double(options.beta1), beta2: Double(options.beta2),
                        kernels: kernels)
        gradient = try Buffer(count: parameterCount, for: "the adversary")
        let padded = (capacity + kernels.lanes - 1) / kernels.lanes * kernels.lanes
        func rows(_ count: Int) throws -> Buffer<Float> {
            try Buffer(count: padded * count, for: "the adversary's batch")
        }
        z = try rows(L)
        pre = [try rows(h), try rows(h)]
        state = [try rows(h), try rows(h)]
        logits = try rows(G)
        back = [try rows(h), try rows(h), try rows(L)]
        labels = try Buffer(count: padded, for: "the adversary's batch")
        share = try Buffer(count: padded, for: "the adversary's batch")
        tally = try Buffer(count: G, for: "the adversary's batch")
        bias = try Buffer(count: max(h, G) * kernels.lanes, for: "the adversary's batch")
        loss = try Buffer(count: 2 * kernels.lanes, for: "the adversary's batch")
        // Uniform in ±1/√inputs, weights and biases, as is usual for such layers.
        var random = PublicNormals(seed: seed)
        for layer in layers {
            let reach = 1 / Double(layer.inputs).squareRoot()
            for i in layer.weight ..< layer.bias + layer.outputs {
                weights[i] = Float((2 * random.uniform() - 1) * reach)
            }
        }
    }

    /// Bytes that it takes, at most.
    package static func memory(groups G: Int, latent L: Int, capacity n: Int, options: GroupAdversaryOptions = .init())
        -> Int {
        let h = options.width
        return 16 * (L * h + h * h + h * G + 2 * h + G) + (n + 16) * (4 * (2 * L + 6 * h + G) + 12) + 4 * G
    }

    private struct Layer { let weight: Int, bias: Int, inputs: Int, outputs: Int }

    private var layers: [Layer] {
        let h = options.width, second = latent * h + h, third = second + h * h + h
        return [Layer(weight: 0, bias: latent * h, inputs: latent, outputs: h),
                Layer(weight: second, bias: second + h * h, inputs: h, outputs: h),
                Layer(weight: third, bias: third + h * groups, inputs: h, outputs: groups)]
    }

    /// `steps` steps of Adam against the batch's balanced cross-entropy. - Returns: it before the last step, in nats; 0
    /// without two groups.
    package func train(_ rows: UnsafePointer<Float>, groups s: UnsafePointer<Int32>, count: Int,
                       steps wanted: Int) throws -> Double {
        guard try load(rows, s, count) else { return 0 }
        var entropy = 0.0
        for _ in 0 ..< max(wanted, 0) {
            for p in 0 ..< parameterCount { gradient[p] = 0 }
            entropy = forward(1)
            backward(trains: true)
            adam.step(weights.base, gradient: gradient.base, learningRate: Double(options.learningRate))
        }
        return entropy
    }

    /// Adds `weight` times the gradient of relu(H - CE + margin) with respect to z [count][L]; the classifier stays as
    /// it is.
    /// - Returns: relu(H - CE + margin) in nats, 0 without two groups.
    package func gradient(_ rows: UnsafePointer<Float>, groups s: UnsafePointer<Int32>, count: Int, weight: Float,
                          into: UnsafeMutablePointer<Float>) throws -> Double {
        guard try load(rows, s, count) else { return 0 }
        let hinge = log(Double(present)) - forward(-Double(weight)) + options.margin
        guard hinge > 0 else { return 0 }
        backward(trains: false)
        let W = kernels.lanes, L = latent
        for i in 0 ..< count where share[i] > 0 {
            let from = back[2].base + (i / W) * L * W + i % W
            for l in 0 ..< L where from[l * W].isFinite { into[i * L + l] += from[l * W] }
        }
        return hinge
    }

    /// Fills z, labels and shares of the loss; lanes that take no part hold zeros. - Returns: whether there are two
    /// groups.
    private func load(_ rows: UnsafePointer<Float>, _ s: UnsafePointer<Int32>, _ count: Int) throws -> Bool {
        guard (0 ... capacity).contains(count) else {
            throw Failure(.argument, "the adversary: more rows than it has room for")
        }
        let W = kernels.lanes, L = latent
        blocks = (count + W - 1) / W
        for g in 0 ..< groups { tally[g] = 0 }
        for i in 0 ..< blocks * W {
            let block = z.base + (i / W) * L * W + i % W
            var counts = i < count && s[i] >= 0 && Int(s[i]) < groups
            if counts { for l in 0 ..< L where !rows[i * L + l].isFinite { counts = false } }
            for l in 0 ..< L { block[l * W] = counts ? rows[i * L + l] : 0 }
            labels[i] = counts ? s[i] : 0
            share[i] = counts ? 1 : 0
            if counts { tally[Int(s[i])] += 1 }
        }
        present = 0
        for g in 0 ..< groups where tally[g] > 1 { present += 1 }
        for i in 0 ..< blocks * W where share[i] > 0 {
            let size = tally[Int(labels[i])]
            share[i] = size > 1 ? 1 / (Double(size) * Double(max(present, 1))) : 0
        }
        return present > 1
    }

    /// The balanced cross-entropy; logits become `factor` times its gradient.
    private func forward(_ factor: Double) -> Double {
        let W = kernels.lanes, h = options.width, w = weights.base, G = groups
        var input = z.base
        for (k, layer) in layers.enumerated() {
            let out = k < 2 ? pre[k].base : logits.base
            kernels.linear(LaneRows(input, stride: layer.inputs),
                           .forward(w + layer.weight, inputs: layer.inputs, outputs: layer.outputs), to: out,
                           stride: layer.outputs, rows: blocks, start: .bias(w + layer.bias))
            if k < 2 {
                kernels.activationForward(pre[k].base, state[k].base, .gelu, blocks * h)
                input = state[k].base
            }
        }
        var entropy = 0.0
        for block in 0 ..< blocks {
            let x = logits.base + block * G * W
            for lane in 0 ..< W { loss[lane] = 0 }
            kernels.crossEntropy(x, labels.base + block * W, loss.base, G)
            for lane in 0 ..< W {
                let part = share[block * W + lane]
                if part > 0 { entropy += part * Double(loss[lane]) }
                let scale = Float(factor * part)
                for g in 0 ..< G { x[g * W + lane] = part > 0 ? x[g * W + lane] * scale : 0 }
            }
        }
        return entropy
    }

    /// From the logits' gradient back to z's, in back[2], and to the weights' when it `trains`.
    private func backward(trains: Bool) {
        let W = kernels.lanes, h = options.width, w = weights.base
        var dy = logits.base
        for (k, layer) in layers.enumerated().reversed() {
            if trains {
                let x = k == 0 ? z.base : state[k - 1].base
                kernels.weightedGradient(LaneRows(x, stride: layer.inputs), LaneRows(dy, stride: layer.outputs),
                                         to: gradient.base + layer.weight, rows: blocks, inputs: layer.inputs,
                                         outputs: layer.outputs)
                kernels.rowBias(LaneRows(dy, stride: layer.outputs), to: bias.base, square: loss.base + W,
                                tokens: blocks, outputs: layer.outputs)
                for j in 0 ..< layer.outputs {
                    var sum: Float = 0
                    for lane in 0 ..< W { sum += bias[j * W + lane] }
                    gradient[layer.bias + j] += sum
                }
                if k == 0 { return }
            }
            let dx = k == 0 ? back[2].base : back[k - 1].base
            kernels.linear(LaneRows(dy, stride: layer.outputs), .backward(w + layer.weight, inputs: layer.inputs,
                outputs: layer.outputs), to: dx, stride: layer.inputs, rows: blocks)
            if k > 0 { kernels.activationBackward(pre[k - 1].base, dx, .gelu, blocks * h) }
            dy = dx
        }
    }
}
