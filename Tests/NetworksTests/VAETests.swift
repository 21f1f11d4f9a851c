// The VAE against PyTorch's automatic differentiation.
// Encodings, logits, losses, every row's gradient, lengths, clipped sums.

import Compute
import XCTest
@testable import Networks

final class VAETests: XCTestCase {
    static let fixtures = ["vae_default", "vae_pooled_global", "vae_pooled_head", "vae_pooled_network",
        "vae_tokens_global", "vae_tokens_head", "vae_tokens_network", "vae_tokens_two_blocks", "vae_inner_products"]

    func testAgainstAutomaticDifferentiation() throws {
        for kernels in Kernels.available {
            for name in VAETests.fixtures { try compare(name, kernels) }
        }
    }

    private func compare(_ name: String, _ kernels: Kernels) throws {
        let f = try Fixture(name), vae = try VAE(shape: f.shape, seed: 0, kernels: kernels)
        let scratch = try VAEScratch(vae)
        let place = "\(name) \(kernels.name)"
        f.fill(vae.parameters)
        let hooks = try ActivationHooks(vae, decoded: true, logits: true)
        let n = f.int("rows"), P = vae.parameters.trainable, Z = vae.latentCount
        let cells = f.ints("cells").map { UInt16($0) }, noise = f.numbers("noise"), beta = f.numbers("beta")[0]
        let clips = [Float](repeating: f.numbers("clip")[0], count: n)
        XCTAssertEqual(f.numbers("gradient0").count, P, place)
        cells.withUnsafeBufferPointer { c in
            let rows = CodeRows(bins: c.baseAddress!, stride: n, count: n)
            var sum = [Float](repeating: 7, count: P), losses = [Float](repeating: 0, count: n), norms = losses
            losses.withUnsafeMutableBufferPointer {
                vae.clippedGradientSum(rows, noise: noise, clips: clips, beta: beta, into: &sum,
                                       options: .init(losses: $0.baseAddress), scratch)
            }
            XCTAssertLessThan(distance(sum, f.numbers("clipped")), 2e-5, place)
            XCTAssertLessThan(distance(losses, f.numbers("losses")), 1e-5, place)
            vae.perExampleNorms(rows, noise: noise, beta: beta, norms: &norms, scratch)
            XCTAssertLessThan(distance(norms, f.numbers("norms")), 1e-4, place)
            for i in 0 ..< n {
                let one = CodeRows(bins: c.baseAddress! + i, stride: n, count: 1)
                vae.gradientSum(one, noise: Array(noise[i * Z ..< (i + 1) * Z]), beta: beta, into: &sum, scratch)
                let want = f.numbers("gradient\(i)")
                XCTAssertLessThan(distance(sum, want), 2e-5, "\(place) row \(i)")
                // every layer on its own: a small layer's error must not hide behind a large one
                for t in vae.parameters.tensors where t.trainable {
                    let part = Array(want[t.offset ..< t.offset + t.count])
                    sum.withUnsafeBufferPointer {
                        XCTAssertLessThan(distance($0.baseAddress! + t.offset, part), 2e-4, "\(place) \(t.name)")
                    }
                }
            }
            // Terms of the caller's own at every hook: linear everywhere, and half the squares of the means.
            vae.clippedGradientSum(rows, noise: noise, clips: clips, beta: beta, into: &sum,
                                   options: .init(hooks: hooks), scratch) { first, m in
                for (key, d, width) in [("dmean", hooks.dMean, Z), ("dlogvariance", hooks.dLogVariance, Z),
                    ("ddecoded", hooks.dDecoded, hooks.decodedCount), ("dlogits", hooks.dLogits, hooks.logitCount)] {
                    let a = f.numbers(key)
                    for i in 0 ..< m * width { d.base[i] += a[first * width + i] }
                }
                for i in 0 ..< m * Z { hooks.dMean.base[i] += hooks.mean.base[i] }
            }
            XCTAssertLessThan(distance(sum, f.numbers("tapped")), 3e-5, place)
            var mean = [Float](repeating: 0, count: n * Z), variance = mean
            vae.encode(rows, mean: &mean, logVariance: &variance, scratch)
            XCTAssertLessThan(distance(mean, f.numbers("mean")), 1e-5, place)
            if variance.count == f.numbers("logvariance").count {
                XCTAssertLessThan(distance(variance, f.numbers("logvariance")), 1e-5, place)
            }
            var logits = [Float](repeating: 0, count: n * vae.shape.totalLevels)
            vae.decodeLogits(f.numbers("mean"), count: n, into: &logits, scratch)
            XCTAssertLessThan(distance(logits, f.numbers("logits")), 1e-5, place)
            var tokens = [Float](repeating: 0, count: vae.tokenCount(rows: n)), again = logits.map { _ in Float(0) }
            vae.decodeTokens(f.numbers("mean"), count: n, into: &tokens, scratch)
            vae.logits(ofTokens: tokens, count: n, into: &again, scratch)
            XCTAssertEqual(again, logits, place)
        }
    }
}
