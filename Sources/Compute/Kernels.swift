// The kernels with labels: one table for each instruction set, picked when first used.
// The kernels themselves are in Sources/Kernels, compiled once per instruction set. All tables give the same bits.
// Shapes and formulas stand beside each kernel.

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

/// Constants and functions without state. An activation is [M][A] vectors, that is [M][A][lanes] floats: one row a
/// lane.
package struct Kernels: @unchecked Sendable {
    /// "avx512", "avx2" or "baseline".
    package let name: String
    /// Rows side by side in one vector.
    package let lanes: Int
    let table: flip_kernels

    /// The fastest table of this machine.
    package static let current: Kernels = available[0]

    /// All tables that this machine can run, the fastest first.
    package static let available: [Kernels] = {
        let baseline = Kernels(name: "baseline", lanes: KernelsBaseline.laneCount, table: KernelsBaseline.table)
        #if arch(x86_64)
        let set = flip_instruction_set()
        guard set > 0 else { return [baseline] }
        let avx2 = Kernels(name: "avx2", lanes: KernelsAVX2.laneCount, table: KernelsAVX2.table)
        guard set > 1 else { return [avx2, baseline] }
        return [Kernels(name: "avx512", lanes: KernelsAVX512.laneCount, table: KernelsAVX512.table), avx2, baseline]
        #else
        return [baseline]
        #endif
    }()
}

/// Rows of vectors that are read: [rows][features] with the next row `stride` vectors further on.
package struct LaneRows {
    package let base: Floats
    package let stride: Int

    package init(_ base: Floats, stride: Int) { (self.base, self.stride) = (base, stride) }

    var raw: flip_rows { flip_rows(base: base, stride: stride) }
}

/// The weights of a linear layer, [inputs][outputs] numbers, in the direction in which a product uses them.
package struct LinearWeights {
    let raw: flip_weights

    /// From inputs to outputs: y = x W.
    package static func forward(_ w: Floats, inputs: Int, outputs: Int) -> LinearWeights {
        LinearWeights(raw: flip_weights(weights: w, inputs: inputs, outputs: outputs, input_step: outputs,
                                        output_step: 1))
    }

    /// From the layer's outputs back to its inputs: dx = dy Wᵀ. `inputs` and `outputs` are those of the layer.
    package static func backward(_ w: Floats, inputs: Int, outputs: Int) -> LinearWeights {
        LinearWeights(raw: flip_weights(weights: w, inputs: outputs, outputs: inputs, input_step: 1,
                                        output_step: outputs))
    }
}

extension Kernels {
    /// f of an activation layer: max(x, 0); x Φ(x) (arXiv 1606.08415, exact form); x / (1 + e⁻ˣ) (arXiv 1702.03118).
    package enum Activation: Int, Sendable { case relu = 0, gelu = 1, silu = 2 }

    /// Where the sums of a linear product start.
    package enum Start {
        case zero
        /// At one number for each output.
        case bias(Floats)
        /// At what the output holds.
        case output
    }

    /// What becomes of the sums of a linear product.
    package enum Finish {
        case plain
        /// Negative sums become zero: ReLU.
        case rectified
        /// Sums stay where the gate, laid out as the output, is above zero: ReLU's way back.
        case gated(Floats)
    }

    // MARK: layers

    /// y = start + x W, then `finish`. x: [rows][inputs] vectors; y: [rows][outputs] vectors, rows `stride` vectors
    /// apart.
    package func linear(_ x: LaneRows, _ w: LinearWeights, to y: MutableFloats, stride: Int, rows: Int,
                        start: Start = .zero, finish: Finish = .plain) {
        var bias = w.raw.weights, gate = Floats(y)
        let from: FlipStart, then: FlipFinish
        switch start {
        case .zero: from = .zero
        case .bias(let b): (from, bias) = (.bias, b)
        case .output: from = .output
        }
        switch finish {
        case .plain: then = .plain
        case .rectified: then = .rectified
        case .gated(let g): (then, gate) = (.gated, g)
        }
        table.linear(x.raw, w.raw, bias, from, y, stride, rows, then, gate)
    }

    /// y[n] = f(x[n]). [n] vectors.
    package func activationForward(_ x: Floats, _ y: MutableFloats, _ kind: Activation, _ n: Int) {
        table.activation_forward(x, y, kind.rawValue, n)
    }

    /// dy[n] becomes dy[n] f'(x[n]). [n] vectors.
    package func activationBackward(_ x: Floats, _ dy: MutableFloats, _ kind: Activation, _ n: Int) {
        table.activation_backward(x, dy, kind.rawValue, n)
    }

    /// Attention among tokens. qkv: [tokens][3 heads width]; weights: [heads][tokens][tokens]; out: [tokens][heads
    /// width] vectors.
    package func attentionForward(qkv: Floats, weights: MutableFloats, out: MutableFloats, tokens: Int, heads: Int,
                                  width: Int) {
        table.attention_forward(qkv, weights, out, tokens, heads, width)
    }

    /// dqkv, from dout and what `attentionForward` left. scores: memory for [tokens][tokens] vectors.
    package func attentionBackward(dout: Floats, qkv: Floats, weights: Floats, dqkv: MutableFloats,
                                   scores: MutableFloats, tokens: Int, heads: Int, width: Int) {
        table.attention_backward(dout, qkv, weights, dqkv, scores, tokens, heads, width)
    }

    /// Layer norm: hat [rows][features] and rstd [rows]; with gain and bias, [features] numbers each, also out = hat
    /// gain + bias.
    package func normForward(_ x: LaneRows, affine: (gain: Floats, bias: Floats)?, hat: MutableFloats,
                             out: MutableFloats, rstd: MutableFloats, rows: Int, features: Int) {
        let none = x.base
        table.norm_forward(x.raw, affine?.gain ?? none, affine?.bias ?? none, affine != nil, hat, out, rstd, rows,
                           features)
    }

    /// dx = (base +) what dy is by the norm's input. base may be dx.
    package func normBackward(dy: Floats, hat: Floats, rstd: Floats, gain: Floats?, adding base: Floats?,
                              to dx: MutableFloats, rows: Int, features: Int) {
        table.norm_backward(dy, hat, rstd, gain ?? dy, gain != nil, base ?? Floats(dx), base != nil, dx, rows, features)
    }

    /// Gradients of gain and bias of one block, [2 features] vectors; square += their squares.
    package func normGradient(dy: Floats, hat: Floats, to gradient: MutableFloats, square: MutableFloats, tokens: Int,
                              features: Int) {
        table.norm_gradient(dy, hat, gradient, square, tokens, features)
    }

    /// y = table[level] + offset, lane by lane. Levels must lie inside the table, [levels][width] numbers. y: [width]
    /// vectors.
    package func gather(_ rows: Floats, _ level: Labels, _ offset: Floats, _ y: MutableFloats, _ width: Int) {
        table.gather(rows, level, offset, y, width)
    }

    /// dTable[level] += factor dy, lane by lane. dy: [width] vectors.
    package func scatter(_ dy: Floats, _ level: Labels, _ factor: Floats, _ dTable: MutableFloats, _ width: Int) {
        table.scatter(dy, level, factor, dTable, width)
    }

    /// y[k][lane] += the sum of the rows of a table that the lane picks. start: [count] vectors, where rows begin:
    /// multiples of 16, each row padded to whole blocks of 16 numbers. y: [levels] vectors. rows: memory for
    /// `rowMemory(levels)` numbers.
    package func addRows(_ rows: Floats, starts: Labels, count: Int, to y: MutableFloats, memory: MutableFloats,
                         levels: Int) {
        table.add_rows(rows, starts, count, y, memory, levels)
    }

    /// The rows that the first `used` lanes pick += x[k][lane], lane by lane. Shapes as for `addRows`.
    package func addToRows(_ x: Floats, starts: Labels, count: Int, of rows: MutableFloats, memory: MutableFloats,
                           levels: Int, used: Int) {
        table.add_to_rows(x, starts, count, rows, memory, levels, used)
    }

    /// Numbers of a padded row of a table, and of the memory for one row a lane.
    package static func paddedRow(_ levels: Int) -> Int { (levels + 15) & ~15 }
    package func rowMemory(_ levels: Int) -> Int { Self.paddedRow(levels) * lanes }

    /// z = mean + e^(logVariance / 2) noise; divergence += KL from N(0, I). [latent] vectors; divergence: one vector.
    package func posteriorForward(mean: Floats, logVariance: Floats, noise: Floats, z: MutableFloats,
                                  standardDeviation: MutableFloats, divergence: MutableFloats, latent: Int) {
        table.posterior_forward(mean, logVariance, noise, z, standardDeviation, divergence, latent)
    }

    /// dz becomes dmean; dLogVariance is written. beta: weight of the divergence.
    package func posteriorBackward(mean: Floats, logVariance: Floats, noise: Floats, standardDeviation: Floats,
                                   beta: Float, dz: MutableFloats, dLogVariance: MutableFloats, latent: Int) {
        table.posterior_backward(mean, logVariance, noise, standardDeviation, beta, dz, dLogVariance, latent)
    }

    // MARK: heads

    /// loss += −log softmax(x)[label]; x becomes the gradient. x: [levels] vectors; label, loss: one vector.
    package func crossEntropy(_ x: MutableFloats, _ label: Labels, _ loss: MutableFloats, _ levels: Int) {
        table.cross_entropy(x, label, loss, levels)
    }

    /// The first level whose cumulated probability exceeds the lane's uniform number. x: [levels] vectors, overwritten.
    package func drawLevel(_ x: MutableFloats, _ uniform: Floats, _ level: MutableLabels, _ levels: Int) {
        table.draw_level(x, uniform, level, levels)
    }

    /// x becomes softmax(x). x: [levels] vectors.
    package func softmax(_ x: MutableFloats, _ levels: Int) { table.softmax(x, levels) }

    // MARK: diffusion

    /// Public constants of the noise levels: log σ is N(logMean, logSpread²); the standard deviation of the data.
    package struct NoiseLevels {
        let raw: flip_levels

        package init(logMean: Float, logSpread: Float, sigmaData: Float) {
            raw = flip_levels(log_mean: logMean, log_spread: logSpread, sigma_data: sigmaData)
        }
    }

    /// Inputs, targets and features of one block at `count` levels each. z: [latent]; noise, input, target:
    /// [count][latent]; levels: [count]; features: [count][2 frequencyCount] vectors; frequencies: numbers.
    package func diffuse(z: Floats, noise: Floats, levels: Floats, _ constants: NoiseLevels, frequencies: Floats,
                         input: MutableFloats, target: MutableFloats, features: MutableFloats, count: Int, latent: Int,
                         frequencyCount: Int) {
        table.diffuse(z, noise, levels, constants.raw, frequencies, input, target, features, count, latent,
                      frequencyCount)
    }

    /// Features [2 frequencyCount] of one level, the same in all lanes.
    package func timeFeatures(_ logSigma: Float, _ frequencies: Floats, _ features: MutableFloats,
                              _ frequencyCount: Int) {
        table.time_features(logSigma, frequencies, features, frequencyCount)
    }

    /// loss += mean of (y − target)²; y becomes its gradient. [n] vectors.
    package func squaredError(_ y: MutableFloats, _ target: Floats, _ loss: MutableFloats, _ n: Int) {
        table.squared_error(y, target, loss, n)
    }

    /// slope = (x − D) / sigma with D = skip x + scale f. [latent] vectors.
    package func flowSlope(x: Floats, f: Floats, skip: Float, scale: Float, sigma: Float, to slope: MutableFloats,
                           latent: Int) {
        table.flow_slope(x, f, skip, scale, sigma, slope, latent)
    }

    /// y = x + step (slope + slope2) / 2. [latent] vectors.
    package func flowStep(x: Floats, slope: Floats, slope2: Floats, step: Float, to y: MutableFloats, latent: Int) {
        table.flow_step(x, slope, slope2, step, y, latent)
    }

    // MARK: gradients of rows

    /// Every lane's own gradient of a layer's weights, [inputs][outputs] vectors; square += their squares.
    package func rowGradient(_ x: LaneRows, _ dy: LaneRows, to gradient: MutableFloats, square: MutableFloats,
                             tokens: Int, inputs: Int, outputs: Int) {
        table.row_gradient(x.raw, dy.raw, gradient, square, tokens, inputs, outputs)
    }

    /// square += an upper bound, close to it, of the squared length that `rowGradient` finds. scratch: 10 (tokens + 4)
    /// vectors.
    package func gramNorm(_ x: LaneRows, _ dy: LaneRows, slack: Float, scratch: MutableFloats, square: MutableFloats,
                          tokens: Int, inputs: Int, outputs: Int) {
        table.gram_norm(x.raw, dy.raw, slack, scratch, square, tokens, inputs, outputs)
    }

    /// Every lane's own gradient of a bias, [outputs] vectors; square += their squares.
    package func rowBias(_ dy: LaneRows, to gradient: MutableFloats, square: MutableFloats, tokens: Int, outputs: Int) {
        table.row_bias(dy.raw, gradient, square, tokens, outputs)
    }

    /// out[p] += sum over the lanes that are kept of weight gradient[p]. gradient: [n] vectors; out: [n] numbers.
    package func weightedLanes(_ gradient: Floats, _ weight: Floats, _ keep: Labels, _ out: MutableFloats, _ n: Int) {
        table.weighted_lanes(gradient, weight, keep, out, n)
    }

    /// out[a][n] += sum over rows and lanes of x[.][a] dy[.][n]. out: [inputs][outputs] numbers.
    package func weightedGradient(_ x: LaneRows, _ dy: LaneRows, to out: MutableFloats, rows: Int, inputs: Int,
                                  outputs: Int) {
        table.weighted_gradient(x.raw, dy.raw, out, rows, inputs, outputs)
    }

    // MARK: loops over vectors

    /// square += sum of squares of x[rows][columns].
    package func sumSquares(_ x: LaneRows, _ square: MutableFloats, rows: Int, columns: Int) {
        table.sum_squares(x.raw, square, rows, columns)
    }

    /// y = x times one vector. y: [rows][columns] without gaps.
    package func scaled(_ x: LaneRows, by factor: Floats, to y: MutableFloats, rows: Int, columns: Int) {
        table.scaled(x.raw, factor, y, rows, columns)
    }

    /// y[n] = factor x[n]. [n] vectors.
    package func multiply(_ x: Floats, _ factor: Float, _ y: MutableFloats, _ n: Int) {
        table.multiply(x, factor, y, n)
    }

    /// x[n] = 0 in the lanes where `keep` is zero, whatever was there. [n] vectors.
    package func clear(_ x: MutableFloats, _ keep: Labels, _ n: Int) { table.clear(x, keep, n) }

    /// y[n] += x[n]. [n] vectors.
    package func add(_ x: Floats, _ y: MutableFloats, _ n: Int) { table.add(x, y, n) }

    /// x[n] += numbers[n] in every lane. x: [n] vectors.
    package func addNumbers(_ numbers: Floats, _ x: MutableFloats, _ n: Int) { table.add_numbers(numbers, x, n) }

    // MARK: optimiser and alignment

    /// One step of Adam: see Adam.swift, which everybody but tests goes through.
    func adamStep(_ weights: MutableFloats, first: MutableFloats, second: MutableFloats, gradient: Floats,
                  _ factors: flip_adam, count: Int) {
        table.adam_step(weights, first, second, gradient, factors, count)
    }

    /// average = decay average + (1 − decay) weights. [n] numbers.
    package func averageStep(_ average: MutableFloats, _ weights: Floats, _ decay: Float, _ n: Int) {
        table.average_step(average, weights, decay, n)
    }

    /// Sums of Gaussian kernels between a block of rows, one a lane, and `count` others: see
    /// Kernels/Processes/Alignment.swift.
    package func gaussianPairs(_ z: Floats, others: Floats, count: Int, factor: Floats, rates: Floats, slopes: Floats,
                               bandwidths: Int, sum: MutableFloats, weight: MutableFloats, moved: MutableFloats,
                               latent: Int) {
        table.gaussian_pairs(z, others, count, factor, rates, slopes, bandwidths, sum, weight, moved, latent)
    }

    /// Cosines and sines of n angles, flat arrays of any alignment; |angle| < 1e4. `cosine` may be `angle`.
    package func waves(_ angle: Floats, _ cosine: MutableFloats, _ sine: MutableFloats, _ n: Int) {
        table.waves(angle, cosine, sine, n)
    }
}
