// The clip holds: one row more or less moves the sum by at most C (1 + 1e-3), whatever the weights.
// A row that cannot be computed adds exactly nothing.

import Compute
import XCTest
@testable import Networks

final class NeighbourTests: XCTestCase {
    private func sum(_ vae: VAE, _ rows: MadeRows, _ clip: Float, _ weights: [Float]? = nil) throws -> [Float] {
        var out = [Float](repeating: 0, count: vae.parameters.trainable)
        let scratch = try VAEScratch(vae), clips = [Float](repeating: clip, count: rows.count)
        rows.with { r in
            guard let weights else {
                return vae.clippedGradientSum(r, noise: rows.noise, clips: clips, beta: 0.5, into: &out, scratch)
            }
            weights.withUnsafeBufferPointer {
                vae.clippedGradientSum(r, noise: rows.noise, clips: clips, beta: 0.5, into: &out,
                                       options: .init(weights: $0.baseAddress), scratch)
            }
        }
        return out
    }

    private func length(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }.squareRoot()
    }

    func testOneRowMovesTheSumByAtMostTheClip() throws {
        var random = NormalStream(seed: 11, stream: 0)
        for shape in smallShapes() {
            for scale: Float in [0.3, 1, 6] {
                let vae = try VAE(shape: shape, seed: 3), rows = MadeRows(shape, 33)
                for i in 0 ..< vae.parameters.count { vae.parameters.base[i] = scale * random.next() }
                for clip: Float in [1e-3, 1, 50] {
                    let whole = try sum(vae, rows, clip)
                    for gone in [0, 15, 16, 32] {
                        let rest = try sum(vae, rows.picked((0 ..< 33).filter { $0 != gone }.shuffled()), clip)
                        XCTAssertLessThanOrEqual(length(whole, rest), Double(clip) * 1.001)
                    }
                }
            }
        }
    }

    func testClipBindsAndWeightsComeFirst() throws {
        let shape = smallShapes()[0], vae = try VAE(shape: shape, seed: 3), one = MadeRows(shape, 1)
        let zero = [Float](repeating: 0, count: vae.parameters.trainable)
        XCTAssertEqual(length(try sum(vae, one, 0.25), zero), 0.25, accuracy: 1e-5)
        let free = length(try sum(vae, one, 1e6), zero)
        XCTAssertGreaterThan(free, 0.5)
        XCTAssertEqual(length(try sum(vae, one, 1e6, [0.5]), zero), free / 2, accuracy: 1e-4)
        XCTAssertEqual(length(try sum(vae, one, 0.25, [0.5]), zero), 0.25, accuracy: 1e-5)
        XCTAssertEqual(try sum(vae, one, 0.25, [0]), zero)
        for bad: Float in [0, -1, .nan] { XCTAssertEqual(try sum(vae, one, bad), zero) }
    }

    func testARowThatIsNotFiniteAddsNothing() throws {
        for shape in smallShapes() {
            for bad: Float in [.nan, .infinity, 1e30] {
                let vae = try VAE(shape: shape, seed: 3)
                var rows = MadeRows(shape, 20)
                for k in 0 ..< shape.latentCount { rows.noise[4 * shape.latentCount + k] = bad }
                let others = (0 ..< 20).filter { $0 != 4 }
                var got = try sum(vae, rows, 1)
                XCTAssertTrue(got.allSatisfy(\.isFinite))
                if bad.isNaN {
                    // the same lanes in the same order, so the same bits: a cleared lane adds zeros
                    var cleared = rows
                    for k in 0 ..< shape.latentCount { cleared.noise[4 * shape.latentCount + k] = 0 }
                    var weights = [Float](repeating: 1, count: 20)
                    weights[4] = 0
                    let want = try sum(vae, cleared, 1, weights)
                    XCTAssertEqual(got, want)
                }
                XCTAssertLessThanOrEqual(length(got, try sum(vae, rows.picked(others), 1)), 1.001)
                // and with weights that are not numbers nothing at all comes out
                vae.parameters.base[vae.parameters.count - 1] = .nan
                vae.parameters.base[0] = .nan
                for i in 0 ..< vae.parameters.count { vae.parameters.base[i] = .nan }
                got = try sum(vae, rows, 1)
                XCTAssertTrue(got.allSatisfy { $0 == 0 })
            }
        }
    }

    func testDenoiserRows() throws {
        var shape = DenoiserShape(latent: 3)
        shape.width = 9
        shape.noiseLevels = 3
        let d = try Denoiser(shape: shape, seed: 1), s = try DenoiserScratch(d), n = 18
        var random = NormalStream(seed: 4, stream: 0)
        for i in 0 ..< d.parameters.count { d.parameters.base[i] = 2 * random.next() }
        var z = (0 ..< n * 3).map { _ in random.next() }
        let e = (0 ..< n * 9).map { _ in random.next() }, u = (0 ..< n * 3).map { _ in random.next() }
        func sum(_ z: [Float], _ clips: [Float]) -> [Float] {
            var out = [Float](repeating: 1, count: d.parameters.trainable)
            d.clippedGradientSum(z, count: n, noise: e, levels: u, clips: clips, into: &out, s)
            return out
        }
        let clips = [Float](repeating: 0.5, count: n), whole = sum(z, clips)
        for i in [0, 16, 17] {
            var without = clips
            without[i] = 0
            XCTAssertLessThanOrEqual(length(whole, sum(z, without)), 0.5005)
        }
        z[7] = .nan
        var without = clips
        without[2] = 0
        XCTAssertEqual(sum(z, clips), sum(z.map { $0.isNaN ? 0 : $0 }, without))
        // sampling: a row alone, in company
        z[7] = 1
        var many = [Float](repeating: 0, count: n * 3), one = [Float](repeating: 0, count: 3)
        d.sample(z, count: n, into: &many, s)
        d.sample(Array(z[51 ..< 54]), count: 1, into: &one, s)
        XCTAssertEqual(one, Array(many[51 ..< 54]))
    }
}
