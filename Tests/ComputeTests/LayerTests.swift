// Norms, attention, activations, posterior and heads against their definitions in double precision.
// Backward passes are compared with central differences of the definition.

import Basics
import XCTest
@testable import Compute

final class LayerTests: XCTestCase {
    // MARK: slow obvious twins, one lane

    static func norm(_ x: [Double], _ A: Int, _ gain: [Double]?, _ bias: [Double]?) -> [Double] {
        stride(from: 0, to: x.count, by: A).flatMap { m -> [Double] in
            let row = x[m ..< m + A], mean = row.reduce(0, +) / Double(A)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(A)
            return (0 ..< A).map {
                (x[m + $0] - mean) / (variance + 1e-5).squareRoot() * (gain?[$0] ?? 1) + (bias?[$0] ?? 0)
            }
        }
    }

    static func attention(_ qkv: [Double], _ T: Int, _ H: Int, _ e: Int) -> [Double] {
        let d = H * e
        var out = [Double](repeating: 0, count: T * d)
        for h in 0 ..< H {
            for t in 0 ..< T {
                let s = (0 ..< T).map { u in
                    (0 ..< e).reduce(0.0) { $0 + qkv[t * 3 * d + h * e + $1]
                        * qkv[u * 3 * d + d + h * e + $1] } / Double(e).squareRoot()
                }
                let w = s.map { exp($0) }, sum = w.reduce(0, +)
                for j in 0 ..< e {
                    out[t * d + h * e + j] = (0 ..< T).reduce(0) {
                        $0 + w[$1] / sum * qkv[$1 * 3 * d + 2 * d + h * e + j]
                    }
                }
            }
        }
        return out
    }

    static func activation(_ x: Double, _ kind: Kernels.Activation) -> Double {
        switch kind {
        case .relu: return max(x, 0)
        case .gelu: return x * 0.5 * erfc(-x / 2.0.squareRoot())
        case .silu: return x / (1 + exp(-x))
        }
    }

    // MARK: tests

    /// Picked rows are added in the order of the picks, and added to; rows of any length.
    func testPickedRows() throws {
        for k in Kernels.available {
            for K in [1, 2, 16, 17, 40] {
                var random = Random(UInt64(K))
                let width = Kernels.paddedRow(K), rows = 7, picks = 3
                let table = try Buffer<Float>(count: rows * width, for: "a test")
                for r in 0 ..< rows { for j in 0 ..< K { table[r * width + j] = random.next() } }
                let start = try Buffer<Int32>(count: picks * k.lanes, for: "a test")
                for i in 0 ..< start.count { start[i] = Int32((i * 5 + i / 3) % rows * width) }
                let y = try Vectors(k, K, &random), before = (0 ..< k.lanes).map(y.lane)
                let memory = try Buffer<Float>(count: k.rowMemory(K), for: "a test")
                k.addRows(table.base, starts: start.base, count: picks, to: y.base, memory: memory.base, levels: K)
                let sums = try Buffer<Float>(count: rows * width, for: "a test"), used = k.lanes - 1
                k.addToRows(y.base, starts: start.base, count: picks, of: sums.base, memory: memory.base, levels: K,
                            used: used)
                var want = [Float](repeating: 0, count: rows * width)
                for l in 0 ..< k.lanes {
                    for j in 0 ..< K {
                        var sum: Float = 0
                        for i in 0 ..< picks { sum += table[Int(start[i * k.lanes + l]) + j] }
                        XCTAssertEqual(y[j, l], Float(before[l][j]) + sum, k.name)
                        if l < used { for i in 0 ..< picks { want[Int(start[i * k.lanes + l]) + j] += y[j, l] } }
                    }
                }
                XCTAssertEqual(Array(sums), want, k.name)
            }
        }
    }

    func testNorm() throws {
        for k in Kernels.available {
            var random = Random(1)
            for (M, A) in [(1, 1), (3, 4), (5, 7)] {
                for affine in [false, true] {
                    let x = try Vectors(k, M * A, &random, scale: 2), dy = try Vectors(k, M * A, &random)
                    let hat = try Vectors(zeros: k, M * A), out = try Vectors(zeros: k, M * A)
                    let rstd = try Vectors(zeros: k, M)
                    let gain = (0 ..< A).map { _ in 1 + random.next() }, bias = (0 ..< A).map { _ in random.next() }
                    gain.withUnsafeBufferPointer { gain in
                        bias.withUnsafeBufferPointer { bias in
                            k.normForward(LaneRows(x.base, stride: A),
                                          affine: affine ? (gain.baseAddress!, bias.baseAddress!) : nil, hat: hat.base,
                                          out: out.base, rstd: rstd.base, rows: M, features: A)
                        }
                    }
                    let g = affine ? gain.map(Double.init) : nil, b = affine ? bias.map(Double.init) : nil
                    let dx = try Vectors(k, M * A, &random), before = dx.lane(1)
                    gain.withUnsafeBufferPointer {
                        k.normBackward(dy: dy.base, hat: hat.base, rstd: rstd.base, gain: affine ? $0.baseAddress : nil,
                                       adding: Floats(dx.base), to: dx.base, rows: M, features: A)
                    }
                    XCTAssertLessThan(distance((affine ? out : hat).lane(1), LayerTests.norm(x.lane(1), A, g, b)), 2e-6)
                    let want = slopes(x.lane(1), dy.lane(1)) { LayerTests.norm($0, A, g, b) }
                    XCTAssertLessThan(distance(zip(dx.lane(1), before).map(-), want), A == 1 ? 1e-2 : 1e-5)
                    let grad = try Vectors(zeros: k, 2 * A), square = try Vectors(zeros: k, 1)
                    k.normGradient(dy: dy.base, hat: hat.base, to: grad.base, square: square.base, tokens: M,
                                   features: A)
                    let d = dy.lane(0), h = hat.lane(0)
                    let wanted = (0 ..< A).map { a in (0 ..< M).reduce(0) { $0 + d[$1 * A + a] * h[$1 * A + a] } }
                        + (0 ..< A).map { a in (0 ..< M).reduce(0) { $0 + d[$1 * A + a] } }
                    XCTAssertLessThan(distance(grad.lane(0), wanted), 1e-5)
                    XCTAssertEqual(Double(square[0, 0]), wanted.reduce(0) { $0 + $1 * $1 }, accuracy: 1e-4)
                }
            }
        }
    }

    func testAttention() throws {
        for k in Kernels.available {
            var random = Random(2)
            for (T, H, e) in [(1, 1, 1), (2, 2, 3), (7, 1, 4), (15, 2, 2), (5, 3, 5), (47, 1, 2)] {
                let d = H * e, qkv = try Vectors(k, 3 * T * d, &random, scale: 1.5)
                let dout = try Vectors(k, T * d, &random)
                let weights = try Vectors(zeros: k, H * T * T), out = try Vectors(zeros: k, T * d)
                let dqkv = try Vectors(k, 3 * T * d, &random), scores = try Vectors(zeros: k, T * T)
                k.attentionForward(qkv: qkv.base, weights: weights.base, out: out.base, tokens: T, heads: H, width: e)
                k.attentionBackward(dout: dout.base, qkv: qkv.base, weights: weights.base, dqkv: dqkv.base,
                                    scores: scores.base, tokens: T, heads: H, width: e)
                XCTAssertLessThan(distance(out.lane(2), LayerTests.attention(qkv.lane(2), T, H, e)), 2e-6)
                let want = slopes(qkv.lane(2), dout.lane(2)) { LayerTests.attention($0, T, H, e) }
                XCTAssertLessThan(distance(dqkv.lane(2), want), 1e-5, "\(T) \(H) \(e)")
            }
        }
    }

    func testActivations() throws {
        for k in Kernels.available {
            let n = 4001
            for kind in [Kernels.Activation.relu, .gelu, .silu] {
                let x = try Vectors(zeros: k, n), y = try Vectors(zeros: k, n), dy = try Vectors(zeros: k, n)
                for i in 0 ..< n {
                    x[i, 1] = Float(i - n / 2) * 0.005 + 1e-4
                    dy[i, 1] = 1
                }
                k.activationForward(x.base, y.base, kind, n)
                k.activationBackward(x.base, dy.base, kind, n)
                for i in 0 ..< n {
                    let v = Double(x[i, 1])
                    XCTAssertEqual(Double(y[i, 1]), LayerTests.activation(v, kind), accuracy: 4e-7 * max(1, abs(v)))
                    XCTAssertEqual(Double(dy[i, 1]), slopes([v], [1]) { [LayerTests.activation($0[0], kind)] }[0],
                                   accuracy: 1e-6 * max(1, abs(v)))
                }
            }
        }
    }

    func testPosterior() throws {
        for k in Kernels.available {
            var random = Random(4)
            let L = 6, beta: Float = 0.3
            let mu = try Vectors(k, L, &random), v = try Vectors(k, L, &random, scale: 2)
            let noise = try Vectors(k, L, &random), z = try Vectors(zeros: k, L)
            v[0, 1] = -7
            v[1, 1] = 2.5
            let sigma = try Vectors(zeros: k, L), kl = try Vectors(zeros: k, 1), dz = try Vectors(k, L, &random)
            let dv = try Vectors(zeros: k, L)
            k.posteriorForward(mean: mu.base, logVariance: v.base, noise: noise.base, z: z.base,
                               standardDeviation: sigma.base, divergence: kl.base, latent: L)
            let r = dz.lane(1), e = noise.lane(1)
            /// z, then KL
            func twin(_ x: [Double]) -> [Double] {
                let w = x[L...].map { min(max($0, -6), 2) }
                var z: [Double] = [], kl = 0.0
                for i in 0 ..< L {
                    z.append(x[i] + exp(w[i] / 2) * e[i])
                    kl += 0.5 * (x[i] * x[i] + exp(w[i]) - 1 - w[i])
                }
                return z + [kl]
            }
            let x = mu.lane(1) + v.lane(1), want = twin(x)
            XCTAssertLessThan(distance(z.lane(1) + [Double(kl[0, 1])], want), 1e-6)
            k.posteriorBackward(mean: mu.base, logVariance: v.base, noise: noise.base, standardDeviation: sigma.base,
                                beta: beta, dz: dz.base, dLogVariance: dv.base, latent: L)
            XCTAssertLessThan(distance(dz.lane(1) + dv.lane(1), slopes(x, r + [Double(beta)], twin)), 1e-5)
            XCTAssertEqual(dv[0, 1], 0)
            XCTAssertEqual(dv[1, 1], 0)
        }
    }

    func testHeads() throws {
        for k in Kernels.available {
            var random = Random(5)
            for K in [1, 2, 7, 33] {
                let x = try Vectors(k, K, &random, scale: 9), loss = try Vectors(zeros: k, 1)
                let label = try Buffer<Int32>(count: k.lanes)
                for l in 0 ..< k.lanes { label[l] = Int32(l % K) }
                let raw = x.lane(5), at = Int(label[5])
                k.crossEntropy(x.base, label.base, loss.base, K)
                func twin(_ x: [Double]) -> [Double] { [log(x.reduce(0) { $0 + exp($1) }) - x[at]] }
                XCTAssertEqual(Double(loss[0, 5]), twin(raw)[0], accuracy: 2e-6 * max(1, twin(raw)[0]))
                for (got, want) in zip(x.lane(5), slopes(raw, [1], twin)) { XCTAssertEqual(got, want, accuracy: 1e-6) }
                let y = try Vectors(k, K, &random, scale: 30), want = y.lane(0).map { exp($0) }
                k.softmax(y.base, K)
                XCTAssertLessThan(distance(y.lane(0), want.map { $0 / want.reduce(0, +) }), 1e-5)
            }
        }
    }

    func testDrawnLevels() throws {
        for k in Kernels.available {
            let shares: [Float] = [0.1, 0, 0.4, 0.5], uniform = try Vectors(zeros: k, 1)
            let level = try Buffer<Int32>(count: k.lanes)
            for (u, want) in [(0, 0), (0.0999, 0), (0.1001, 2), (0.4999, 2), (0.5001, 3), (0.999_999_9, 3),
                (1, 3)] as [(Float, Int32)] {
                let x = try Vectors(zeros: k, 4)
                for i in 0 ..< 4 { x[i, 0] = shares[i] == 0 ? -200 : Float(log(Double(shares[i]))) + 3 }
                uniform[0, 0] = u
                k.drawLevel(x.base, uniform.base, level.base, 4)
                XCTAssertEqual(level[0], want, "\(u)")
            }
        }
    }

    func testEmbedding() throws {
        for k in Kernels.available {
            var random = Random(7)
            let table = (0 ..< 12).map { _ in random.next() }, offset: [Float] = [1, 2, 3]
            let level = try Buffer<Int32>(count: k.lanes)
            for l in 0 ..< k.lanes { level[l] = Int32(l % 4) }
            let y = try Vectors(zeros: k, 3), c = try Vectors(k, 1, &random)
            k.gather(table, level.base, offset, y.base, 3)
            XCTAssertEqual(y[2, 5], table[1 * 3 + 2] + 3)
            var d = [Float](repeating: 0, count: 12)
            c[0, 6] = 0
            y[1, 6] = .nan
            k.scatter(y.base, level.base, c.base, &d, 3)
            let want = (0 ..< k.lanes).filter { $0 % 4 == 2 && $0 != 6 }.reduce(0.0) {
                $0 + Double(c[0, $1]) * Double(y[1, $1])
            }
            XCTAssertEqual(Double(d[2 * 3 + 1]), want, accuracy: 1e-5)
        }
    }
}
