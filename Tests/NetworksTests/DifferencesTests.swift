// The VAE's gradient against central differences of its own loss, for every weight of small networks.
// Extra terms and row weights are included.

import Compute
import XCTest
@testable import Networks

final class DifferencesTests: XCTestCase {
    func testGradientIsTheSlopeOfTheLoss() throws { try compare(otherTargets: false) }

    func testGradientIsTheSlopeOfTheLossAgainstOtherLevels() throws { try compare(otherTargets: true) }

    private func compare(otherTargets: Bool) throws {
        for var shape in smallShapes() {
            // ReLU's kinks lie within a step of some weight; its slope has a test of its own
            if shape.activation == .relu { shape.activation = .silu }
            let vae = try VAE(shape: shape, seed: 8), scratch = try VAEScratch(vae), n = 3, Z = vae.latentCount
            let rows = MadeRows(shape, n), weights: [Float] = [1, 0.5, 2]
            let other = MadeRows(shape, n, seed: 6)
            XCTAssertNotEqual(rows.bins, other.bins)
            let added = (0 ..< n * Z).map { Float($0 % 5) * 0.1 - 0.2 }
            // off its start, where zero maps and zero biases would hide mistakes
            var random = NormalStream(seed: 3, stream: 1)
            for i in 0 ..< vae.parameters.count { vae.parameters.base[i] += 0.2 * random.next() }
            /// Weighted losses plus the linear term whose slope at mu is `added`.
            func loss() -> Double {
                var l = [Float](repeating: 0, count: n), mean = [Float](repeating: 0, count: n * Z)
                rows.with { rows1 in
                    other.with {
                        vae.losses(rows1, targets: otherTargets ? $0 : nil, noise: rows.noise, beta: 0.7, losses: &l,
                                   scratch)
                    }
                    vae.encode(rows1, mean: &mean, logVariance: nil, scratch)
                }
                return (0 ..< n).reduce(0) { s, i in
                    s + Double(weights[i]) * (Double(l[i]) + (i * Z ..< (i + 1) * Z).reduce(0) { $0
                        + Double(added[$1] * mean[$1]) })
                }
            }
            var got = [Float](repeating: 0, count: vae.parameters.trainable)
            rows.with { rows1 in
                other.with {
                    let targets = otherTargets ? $0 : nil
                    weights.withUnsafeBufferPointer { w in
                        added.withUnsafeBufferPointer { a in
                            let options = VAE.GradientOptions(weights: w.baseAddress, addedMeanGradient: a.baseAddress,
                                targets: targets)
                            vae.gradientSum(rows1, noise: rows.noise, beta: 0.7, into: &got, options: options, scratch)
                        }
                    }
                }
            }
            let size = got.map(abs).max() ?? 0
            for p in 0 ..< vae.parameters.trainable {
                let w = vae.parameters.base[p], h: Float = 4e-3
                vae.parameters.base[p] = w + h
                let up = loss()
                vae.parameters.base[p] = w - h
                let down = loss()
                vae.parameters.base[p] = w
                XCTAssertEqual(Double(got[p]), (up - down) / Double(2 * h), accuracy: 4e-3 * Double(size),
                               "weight \(p)")
            }
        }
    }

    func testAdamLowersTheLoss() throws {
        let shape = smallShapes()[0], vae = try VAE(shape: shape, seed: 8), scratch = try VAEScratch(vae)
        let rows = MadeRows(shape, 20)
        let adam = try Adam(count: vae.parameters.trainable)
        var losses = [Float](repeating: 0, count: 20), gradient = [Float](repeating: 0, count: vae.parameters.trainable)
        func total() -> Float {
            rows.with { vae.losses($0, noise: rows.noise, beta: 0.1, losses: &losses, scratch) }
            return losses.reduce(0, +)
        }
        let before = total(), average = try vae.parameters.copy()
        for step in 0 ..< 60 {
            rows.with { vae.gradientSum($0, noise: rows.noise, beta: 0.1, into: &gradient, scratch) }
            adam.step(vae.parameters.base, gradient: gradient, learningRate: 0.02)
            averageWeights(average.base, vae.parameters.base, count: average.count, decay: 0.9, step: step)
        }
        XCTAssertEqual(adam.steps, 60)
        let after = total()
        XCTAssertLessThan(after, 0.6 * before)
        let averaged = try VAE(vae, parameters: average)
        rows.with { averaged.losses($0, noise: rows.noise, beta: 0.1, losses: &losses, scratch) }
        XCTAssertLessThan(losses.reduce(0, +), 0.7 * before)
        XCTAssertThrowsError(try Adam(count: 1, beta1: 1))
        XCTAssertThrowsError(try Adam(count: 1, epsilon: 0))
        XCTAssertThrowsError(try Adam(count: -1))
    }
}
