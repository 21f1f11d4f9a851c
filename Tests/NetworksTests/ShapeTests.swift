// Configuration is refused before anything is sized by it.
// Weights lie where the directory says and start as documented.

import Basics
import XCTest
@testable import Networks

final class ShapeTests: XCTestCase {
    private func refused(_ change: (inout VAEShape) -> Void, _ word: String) {
        var s = VAEShape(levels: [3, 4])
        change(&s)
        XCTAssertThrowsError(try VAE(shape: s, seed: 0)) { error in
            let f = error as? Failure
            XCTAssertEqual(f?.code, .argument)
            XCTAssertTrue(f?.message.contains(word) ?? false, f?.message ?? "")
        }
    }

    func testVAEShapesOutOfRange() {
        refused({ $0.levels = [] }, "columns")
        refused({ $0.levels = [3, 0] }, "levels")
        refused({ $0.levels = [65537] }, "levels")
        refused({ $0.levels = Array(repeating: 65536, count: 100) }, "together")
        refused({ $0.width = 0 }, "width")
        refused({ $0.width = .max }, "width")
        refused({ $0.heads = 3 }, "heads")
        refused({ $0.heads = 0 }, "heads")
        refused({ $0.feedForward = -1 }, "feed_forward")
        refused({ $0.encoderBlocks = 65 }, "blocks")
        refused({ $0.latent = .pooled(0) }, "latent")
        refused({ $0.logVarianceStart = .nan }, "log-variance")
        refused({ $0.encoderGain = .infinity }, "gains")
        refused({ $0.width = 1024; $0.feedForward = 8192; $0.encoderBlocks = 64; $0.decoderBlocks = 64 }, "weights")
    }

    func testDenoiserShapesOutOfRange() {
        let changes: [(inout DenoiserShape) -> Void] = [{ $0.latent = 0 }, { $0.width = 0 }, { $0.layers = 0 },
            { $0.frequencies = 0 }, { $0.sigmaData = .nan }, { $0.sigmaData = 0 }, { $0.levelMean = .infinity },
            { $0.levelSpread = -1 }, { $0.noiseLevels = 0 }, { $0.latent = 65536; $0.width = 8192 }, ]
        for change in changes {
            var s = DenoiserShape(latent: 4)
            change(&s)
            XCTAssertThrowsError(try Denoiser(shape: s, seed: 0)) { XCTAssertEqual(($0 as? Failure)?.code, .argument) }
        }
    }

    func testSmallestShapesWork() throws {
        var s = VAEShape(levels: [1])
        s.width = 1
        s.heads = 1
        s.feedForward = 1
        s.encoderBlocks = 0
        s.decoderBlocks = 0
        s.latent = .perToken
        let vae = try VAE(shape: s, seed: 0), scratch = try VAEScratch(vae)
        var sum = [Float](repeating: .nan, count: vae.parameters.trainable)
        let cell: [UInt16] = [0]
        cell.withUnsafeBufferPointer {
            vae.clippedGradientSum(CodeRows(bins: $0.baseAddress!, stride: 1, count: 1), noise: [0.5], clips: [1],
                                   beta: 1, into: &sum, scratch)
            XCTAssertTrue(sum.allSatisfy(\.isFinite))
            // no rows: a sum of nothing
            vae.clippedGradientSum(CodeRows(bins: $0.baseAddress!, stride: 1, count: 0), noise: [], clips: [], beta: 1,
                                   into: &sum, scratch)
        }
        XCTAssertTrue(sum.allSatisfy { $0 == 0 })
    }

    func testTrainableWeightsComeFirstAndFillTheVector() throws {
        var s = VAEShape(levels: [3, 4])
        s.logVariance = .network
        s.affineNorm = true
        for trains in [false, true] {
            s.trainsEmbeddings = trains
            s.trainsLogVariance = trains
            let p = try VAE(shape: s, seed: 1).parameters
            var next = 0
            for t in p.tensors {
                XCTAssertEqual(t.offset, next)
                XCTAssertEqual(t.trainable, next < p.trainable, t.name)
                next += t.count
            }
            XCTAssertEqual(next, p.count)
            XCTAssertEqual(Set(p.tensors.map(\.name)).count, p.tensors.count)
            XCTAssertEqual(p.tensor("embedding")?.trainable, trains)
            XCTAssertEqual(p.tensor("variance.0.qkv")?.trainable, trains)
        }
    }

    func testStartingWeights() throws {
        var s = VAEShape(levels: Array(repeating: 20, count: 20))
        s.width = 16
        s.feedForward = 64
        let a = try VAE(shape: s, seed: 1), b = try VAE(shape: s, seed: 1), c = try VAE(shape: s, seed: 2)
        func numbers(_ v: VAE, _ name: String) -> [Float] {
            guard let t = v.parameters.tensor(name) else { return [] }
            return (0 ..< t.count).map { v.parameters.base[t.offset + $0] }
        }
        XCTAssertEqual(numbers(a, "head"), numbers(b, "head"))
        XCTAssertNotEqual(numbers(a, "head"), numbers(c, "head"))
        for (name, scale) in [("embedding", 0.5), ("offset", 0.3), ("encoder.0.qkv", 0.25), ("encoder.0.down", 0.0625),
            ("decoder.0.out", 0.125), ("mean", 2 / 320.0.squareRoot()), ("fromlatent", 1 / 8.0.squareRoot()),
            ("head", 0.175)] {
            let x = numbers(a, name), mean = x.reduce(0, +) / Float(x.count)
            let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(x.count)).squareRoot()
            XCTAssertEqual(Double(deviation) / scale, 1, accuracy: 0.2, name)
            XCTAssertEqual(Double(mean) / scale, 0, accuracy: 0.2, name)
        }
        XCTAssertEqual(numbers(a, "logvariance.bias"), Array(repeating: -2, count: 8))
        XCTAssertEqual(Set(numbers(a, "head.bias")), [0])
    }

    func testOtherWeightsAndHeadBiases() throws {
        let vae = try VAE(shape: VAEShape(levels: [2, 3]), seed: 1)
        let other = try VAE(shape: VAEShape(levels: [3, 3]), seed: 1)
        try vae.setHeadBiases([[1, 2], [3, 4, 5]])
        let bias = try XCTUnwrap(vae.parameters.pointer("head.bias"))
        XCTAssertEqual((0 ..< 5).map { bias[$0] }, [1, 2, 3, 4, 5])
        XCTAssertThrowsError(try vae.setHeadBiases([[1, 2, 3], [4, 5]]))
        XCTAssertThrowsError(try vae.setHeadBiases([[1, .nan], [3, 4, 5]]))
        let copy = try vae.parameters.copy()
        copy.base[0] = 99
        XCTAssertNotEqual(vae.parameters.base[0], 99)
        XCTAssertEqual(try VAE(vae, parameters: copy).parameters.base[0], 99)
        XCTAssertThrowsError(try VAE(other, parameters: copy))
    }
}
