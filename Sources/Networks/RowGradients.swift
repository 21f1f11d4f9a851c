// The clipped sum of per-row gradients, layer by layer, for one block of rows (one row a lane).
// No gradient per row is kept in memory unless it is small:
// - a layer with few weights used at many tokens keeps each lane's gradient (the sum over tokens) and adds its squared
//   length;
// - any other layer gets the squared length from inner products (2110.05679, 2210.00038) and remembers input and output
//   gradient.
// Once all squared lengths are there, a lane's factor is min(weight, C / length), zero when the length is not finite,
// and each layer adds its weighted gradients to the sum. Lanes with a zero factor are cleared first, so that 0 times
// not-a-number cannot show.

import Basics
import Compute

/// Which layers keep their rows' gradients.
struct RowGradientPlan {
    /// P: gradients with an offset below are wanted.
    let trainable: Int

    /// Whether a layer used at T tokens keeps gradients: reading them once is then cheaper than T^2 / 2 inner products.
    func keeps(_ layer: LinearLayer, _ T: Int) -> Bool {
        let A = layer.inputs, N = layer.outputs
        return T > 1 && 16 * A * N < T * T * (A + N)
    }
}

/// A layer whose weighted product comes after the factors are known. x: [M][A] row stride xs; dy: [M][N] row stride ds.
struct GradientSite: BitwiseCopyable {
    let x: UnsafeMutablePointer<Float>, xs: Int
    let dy: UnsafeMutablePointer<Float>, ds: Int
    let M: Int, A: Int, N: Int, offset: Int

    var inputs: LaneRows { LaneRows(x, stride: xs) }
    var gradients: LaneRows { LaneRows(dy, stride: ds) }
}

/// One worker's collector; reused block after block.
final class RowGradients {
    let kernels: Kernels
    let plan: RowGradientPlan
    /// Lane gradients of the layers that keep them, at the weights' own offsets: [P] vectors.
    private let kept: Buffer<Float>
    /// Offsets of kept gradients: from[i] ..< to[i].
    private var ranges: [Range<Int>] = []
    private let sites: Buffer<GradientSite>
    private var siteCount = 0
    /// One vector each: squared length, factor; and lanes that count.
    let square: Buffer<Float>, factor: Buffer<Float>, keep: Buffer<Int32>
    /// Room for a weighted layer's smaller side, and for bands of Gram matrices.
    private let small: Buffer<Float>, bands: Buffer<Float>
    /// Whether squared lengths are wanted in this pass.
    var clips = true

    /// - largestSide: the largest M * min(A, N) of any layer; tokens: the largest M; layers: how many products there
    ///   are at most.
    init(_ kernels: Kernels, _ plan: RowGradientPlan, keptRanges: [Range<Int>], largestSide: Int, tokens: Int,
         layers: Int) throws {
        self.kernels = kernels
        self.plan = plan
        let W = kernels.lanes
        for r in keptRanges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = ranges.last, last.upperBound == r.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound ..< r.upperBound
            }
            else { ranges.append(r) }
        }
        kept = try Buffer(count: (ranges.last?.upperBound ?? 0) * W, for: "gradients of a block")
        sites = try Buffer(count: layers, for: "layers")
        square = try Buffer(count: W, for: "lengths")
        factor = try Buffer(count: W, for: "factors")
        keep = try Buffer(count: W, for: "lanes")
        bands = try Buffer(count: 10 * (tokens + 4) * W, for: "inner products")
        small = try Buffer(count: max(largestSide, 1) * W, for: "a weighted layer")
    }

    func begin(clips: Bool) {
        siteCount = 0
        self.clips = clips
        for l in 0 ..< kernels.lanes { square[l] = 0 }
    }

    /// The gradient of `layer` from its inputs and its output gradients; `dy` must last until `finish` unless the layer
    /// keeps.
    func linear(_ layer: LinearLayer, _ x: UnsafeMutablePointer<Float>, _ dy: UnsafeMutablePointer<Float>, _ T: Int) {
        guard layer.weight < plan.trainable else { return }
        let A = layer.inputs, N = layer.outputs
        if plan.keeps(layer, T) {
            kernels.rowGradient(LaneRows(x, stride: A), LaneRows(dy, stride: N),
                                to: kept.base + layer.weight * kernels.lanes, square: square.base, tokens: T, inputs: A,
                                outputs: N)
        } else {
            product(GradientSite(x: x, xs: A, dy: dy, ds: N, M: T, A: A, N: N, offset: layer.weight))
        }
        if layer.bias >= 0 { bias(layer.bias, dy, T, N) }
    }

    /// A weight used once a row (M = 1) or too large to keep.
    func product(_ site: GradientSite) {
        if clips {
            // Inner products of length A + N, T^2 of them: what rounding can hide, in units of the lengths' product.
            let slack = Float(site.A + site.N + site.M) * 0x1p-23
            kernels.gramNorm(site.inputs, site.gradients, slack: slack, scratch: bands.base, square: square.base,
                             tokens: site.M, inputs: site.A, outputs: site.N)
        }
        sites.base[siteCount] = site
        siteCount += 1
    }

    /// Biases at `offset`: the sum over T rows of dy, [T][N] vectors.
    func bias(_ offset: Int, _ dy: UnsafeMutablePointer<Float>, _ T: Int, _ N: Int) {
        kernels.rowBias(LaneRows(dy, stride: N), to: kept.base + offset * kernels.lanes, square: square.base, tokens: T,
                        outputs: N)
    }

    /// Gain and bias of a norm.
    func norm(_ layer: NormLayer, _ dy: UnsafeMutablePointer<Float>, _ hat: UnsafeMutablePointer<Float>, _ T: Int,
              _ A: Int) {
        guard layer.affine, layer.gain < plan.trainable else { return }
        kernels.normGradient(dy: dy, hat: hat, to: kept.base + layer.gain * kernels.lanes, square: square.base,
                             tokens: T, features: A)
    }

    /// Numbers used once a row: dy is the gradient, [N] vectors.
    func numbers(_ offset: Int, _ dy: UnsafeMutablePointer<Float>, _ N: Int) { bias(offset, dy, 1, N) }

    /// Sets the factors of the first `rows` lanes (the others are padding and count nothing).
    /// - clips, weights: per row, or nil for no clip and weight 1.
    func setFactors(rows: Int, clips: UnsafePointer<Float>?, weights: UnsafePointer<Float>?) {
        for l in 0 ..< kernels.lanes {
            var c: Float = 0
            if l < rows {
                c = weights?[l] ?? 1
                let length = square[l].squareRoot()
                if let bound = clips?[l] {
                    // Comparisons are false for not-a-number, so anything odd leaves zero.
                    if !(length < .infinity) || !(bound > 0) { c = 0 } else if length * c > bound { c = bound / length }
                }
                if !(c > 0 && c < .infinity) { c = 0 }
            }
            factor[l] = c
            keep[l] = c > 0 ? 1 : 0
        }
    }

    /// Adds the weighted gradients of the block to `into`, [P].
    func finish(into: UnsafeMutablePointer<Float>) {
        let W = kernels.lanes
        var whole = true
        for l in 0 ..< W where keep[l] == 0 { whole = false }
        for i in 0 ..< siteCount {
            let s = sites.base[i]
            if !whole {
                for m in 0 ..< s.M {
                    kernels.clear(s.x + m * s.xs * W, keep.base, s.A)
                    kernels.clear(s.dy + m * s.ds * W, keep.base, s.N)
                }
            }
            if s.A <= s.N {
                kernels.scaled(s.inputs, by: factor.base, to: small.base, rows: s.M, columns: s.A)
                kernels.weightedGradient(LaneRows(small.base, stride: s.A), s.gradients, to: into + s.offset, rows: s.M,
                                         inputs: s.A, outputs: s.N)
            } else {
                kernels.scaled(s.gradients, by: factor.base, to: small.base, rows: s.M, columns: s.N)
                kernels.weightedGradient(s.inputs, LaneRows(small.base, stride: s.N), to: into + s.offset, rows: s.M,
                                         inputs: s.A, outputs: s.N)
            }
        }
        for r in ranges {
            kernels.weightedLanes(kept.base + r.lowerBound * W, factor.base, keep.base, into + r.lowerBound, r.count)
        }
    }
}
