// A row gets to the bit what it would get alone, in any company, in any number, on every instruction set.

import Basics
import Compute
import XCTest
@testable import Networks

/// Made-up rows of a shape.
struct MadeRows {
    let shape: VAEShape, count: Int
    var bins: [UInt16] = [], noise: [Float] = [], uniforms: [Float] = []

    init(_ shape: VAEShape, _ count: Int, seed: UInt64 = 5) {
        self.shape = shape
        self.count = count
        var r = NormalStream(seed: seed, stream: 9)
        for k in shape.levels { for _ in 0 ..< count { bins.append(UInt16(min(Int(r.uniform() * Double(k)), k - 1))) } }
        noise = (0 ..< count * shape.latentCount).map { _ in r.next() }
        uniforms = (0 ..< count * shape.columns).map { _ in Float(r.uniform()) * 0.9999 }
    }

    /// The rows at these places, in this order.
    func picked(_ at: [Int]) -> MadeRows {
        var m = MadeRows(shape, 0)
        m = MadeRows(shape, at.count)
        let Z = shape.latentCount, T = shape.columns
        m.bins = (0 ..< T).flatMap { t in at.map { bins[t * count + $0] } }
        m.noise = at.flatMap { noise[$0 * Z ..< ($0 + 1) * Z] }
        m.uniforms = at.flatMap { uniforms[$0 * T ..< ($0 + 1) * T] }
        return m
    }

    func with<R>(_ body: (CodeRows) throws -> R) rethrows -> R {
        try bins.withUnsafeBufferPointer { try body(CodeRows(bins: $0.baseAddress!, stride: count, count: count)) }
    }
}

/// Every kind of layer, small.
func smallShapes() -> [VAEShape] {
    var pooled = VAEShape(levels: [3, 2, 4])
    pooled.trainsEmbeddings = true
    pooled.trainsLogVariance = true
    var tokens = VAEShape(levels: [3, 5])
    tokens.width = 4
    tokens.heads = 1
    tokens.feedForward = 10
    tokens.activation = .relu
    tokens.latent = .perToken
    tokens.logVariance = .network
    tokens.affineNorm = true
    tokens.biases = true
    tokens.trainsEmbeddings = true
    tokens.trainsLogVariance = true
    var head = VAEShape(levels: [2])
    head.width = 5
    head.heads = 5
    head.logVariance = .head
    head.trainsLogVariance = true
    head.latent = .pooled(3)
    return [pooled, tokens, head]
}

final class RowsTests: XCTestCase {
    func testARowIsTheSameInAnyCompany() throws {
        for shape in smallShapes() {
            let vae = try VAE(shape: shape, seed: 3), scratch = try VAEScratch(vae), all = MadeRows(shape, 40)
            let whole = try results(vae, scratch, all)
            for count in [1, 15, 16, 17] {
                for start in [0, 7, 23] {
                    let part = try results(vae, scratch, all.picked(Array(start ..< start + count)))
                    for i in 0 ..< count { XCTAssertEqual(part[i], whole[start + i], "\(count) rows from \(start)") }
                }
            }
        }
    }

    func testInstructionSetsAgreeToTheBit() throws {
        for shape in smallShapes() {
            let rows = MadeRows(shape, 19)
            let got = try Kernels.available.map { kernels -> [[Float]] in
                let vae = try VAE(shape: shape, seed: 3, kernels: kernels)
                return try results(vae, try VAEScratch(vae), rows)
            }
            for other in got { XCTAssertEqual(other, got[0]) }
        }
    }

    /// Per row: norm, loss, mean, log-variance, drawn levels.
    private func results(_ vae: VAE, _ scratch: VAEScratch, _ rows: MadeRows) throws -> [[Float]] {
        let n = rows.count, Z = vae.latentCount, T = vae.shape.columns
        var norms = [Float](repeating: 0, count: n), losses = norms, mean = [Float](repeating: 0, count: n * Z)
        var variance = mean
        var bins = [UInt16](repeating: 0, count: n * T)
        rows.with {
            vae.perExampleNorms($0, noise: rows.noise, beta: 0.5, norms: &norms, scratch)
            vae.losses($0, noise: rows.noise, beta: 0.5, losses: &losses, scratch)
            vae.encode($0, mean: &mean, logVariance: &variance, scratch)
        }
        vae.sample(rows.noise, count: n, uniforms: rows.uniforms, into: &bins, stride: n, scratch)
        return (0 ..< n).map { i in
            [norms[i], losses[i]] + mean[i * Z ..< (i + 1) * Z] + variance[i * Z ..< (i + 1) * Z] + (0 ..< T).map {
                Float(bins[$0 * n + i])
            }
        }
    }

    func testLevelsBeyondTheLastCountAsTheLast() throws {
        let shape = smallShapes()[0], vae = try VAE(shape: shape, seed: 3), scratch = try VAEScratch(vae)
        var rows = MadeRows(shape, 2)
        for t in 0 ..< shape.columns {
            rows.bins[t * 2] = .max
            rows.bins[t * 2 + 1] = UInt16(shape.levels[t] - 1)
        }
        for k in 0 ..< shape.latentCount { rows.noise[shape.latentCount + k] = rows.noise[k] }
        let r = try results(vae, scratch, rows)
        XCTAssertEqual(r[0].dropLast(shape.columns), r[1].dropLast(shape.columns))
    }

    func testSamplingFollowsTheHeads() throws {
        var shape = VAEShape(levels: [4])
        shape.latent = .pooled(1)
        let vae = try VAE(shape: shape, seed: 1), scratch = try VAEScratch(vae), n = 4000
        // a decoder that ignores z: the heads' biases alone decide
        let head = try XCTUnwrap(vae.parameters.tensor("head"))
        for i in 0 ..< head.count { vae.parameters.base[head.offset + i] = 0 }
        let shares: [Float] = [0.5, 0.25, 0.2, 0.05]
        try vae.setHeadBiases([shares.map { Float(log(Double($0))) }])
        let uniforms = (0 ..< n).map { (Float($0) + 0.5) / Float(n) }, z = [Float](repeating: 0, count: n)
        var bins = [UInt16](repeating: 9, count: n)
        vae.sample(z, count: n, uniforms: uniforms, into: &bins, stride: n, scratch)
        for k in 0 ..< 4 { XCTAssertEqual(Float(bins.filter { $0 == k }.count) / Float(n), shares[k], accuracy: 1e-3) }
        XCTAssertEqual(bins, bins.sorted())
    }
}
