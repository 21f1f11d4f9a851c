// The denoiser against PyTorch's automatic differentiation, and its sampler against the same recursion there.

import Compute
import XCTest
@testable import Networks

final class DenoiserTests: XCTestCase {
    func testAgainstAutomaticDifferentiation() throws {
        for kernels in Kernels.available {
            for name in ["denoiser", "denoiser_one_level"] { try compare(name, kernels) }
        }
    }

    private func compare(_ name: String, _ kernels: Kernels) throws {
        let f = try Fixture(name)
        var shape = DenoiserShape(latent: f.int("latent"))
        shape.width = f.int("width")
        shape.layers = f.int("layers")
        shape.frequencies = f.int("frequencies")
        shape.noiseLevels = f.int("levels")
        shape.sigmaData = f.numbers("sigmadata")[0]
        let d = try Denoiser(shape: shape, seed: 0, kernels: kernels), scratch = try DenoiserScratch(d)
        let place = "\(name) \(kernels.name)"
        f.fill(d.parameters)
        let n = f.int("rows"), P = d.parameters.trainable, L = shape.latent, M = shape.noiseLevels
        let z = f.numbers("z"), e = f.numbers("noise"), u = f.numbers("u")
        var sum = [Float](repeating: 7, count: P), losses = [Float](repeating: 0, count: n), norms = losses
        d.clippedGradientSum(z, count: n, noise: e, levels: u, clips: [Float](repeating: f.numbers("clip")[0],
            count: n), into: &sum, losses: &losses, scratch)
        XCTAssertLessThan(distance(sum, f.numbers("clipped")), 3e-5, place)
        XCTAssertLessThan(distance(losses, f.numbers("losses")), 1e-5, place)
        d.perExampleNorms(z, count: n, noise: e, levels: u, norms: &norms, scratch)
        XCTAssertLessThan(distance(norms, f.numbers("norms")), 1e-4, place)
        for i in 0 ..< n {
            d.gradientSum(Array(z[i * L ..< (i + 1) * L]), count: 1, noise: Array(e[i * M * L ..< (i + 1) * M * L]),
                          levels: Array(u[i * M ..< (i + 1) * M]), into: &sum, scratch)
            XCTAssertLessThan(distance(sum, f.numbers("gradient\(i)")), 3e-5, "\(place) row \(i)")
        }
        var drawn = [Float](repeating: 0, count: n * L)
        d.sample(z, count: n, steps: f.int("steps"), into: &drawn, scratch)
        XCTAssertLessThan(distance(drawn, f.numbers("sample")), 2e-5, place)
    }
}
