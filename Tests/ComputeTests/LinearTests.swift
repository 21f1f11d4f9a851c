// Linear layers and their weights' gradients against loops that say what they compute.

import Basics
import XCTest
@testable import Compute

final class LinearTests: XCTestCase {
    func testLinearIsTheSumInOrder() throws {
        for k in Kernels.available {
            var random = Random(1)
            for M in [1, 2, 3, 4, 5, 6, 7, 9, 11] {
                for (A, N) in [(1, 1), (3, 4), (5, 9), (8, 13), (2, 17)] {
                    for transposed in [false, true] {
                        for start in 0 ... 2 {
                            let xs = A + 2, ys = N + 1, si = transposed ? 1 : N, sj = transposed ? A : 1
                            let x = try Vectors(k, M * xs, &random), y = try Vectors(k, M * ys, &random)
                            let w = (0 ..< A * N).map { _ in random.next() }, b = (0 ..< N).map { _ in random.next() }
                            let before = (0 ..< M * ys).map { y[$0, 3] }, gate = try Vectors(k, M * ys, &random)
                            let after = (M + A + start) % 3
                            w.withUnsafeBufferPointer { w in
                                b.withUnsafeBufferPointer { b in
                                    let weights = transposed ? LinearWeights.backward(w.baseAddress!, inputs: N,
                                        outputs: A) : .forward(w.baseAddress!, inputs: A, outputs: N)
                                    k.linear(LaneRows(x.base, stride: xs), weights, to: y.base, stride: ys, rows: M,
                                             start: [.zero, .bias(b.baseAddress!), .output][start],
                                             finish: [.plain, .rectified, .gated(gate.base)][after])
                                }
                            }
                            for m in 0 ..< M {
                                for j in 0 ..< N {
                                    var s = start == 2 ? before[m * ys + j] : start == 1 ? b[j] : 0
                                    for i in 0 ..< A { s = s.addingProduct(x[m * xs + i, 3], w[i * si + j * sj]) }
                                    if after == 1 && !(s > 0) || after == 2 && !(gate[m * ys + j, 3] > 0) { s = 0 }
                                    XCTAssertEqual(y[m * ys + j, 3], s, "\(k.name) \(M) \(A) \(N) \(start)")
                                }
                                XCTAssertEqual(y[m * ys + N, 3], before[m * ys + N], "written past a row")
                            }
                        }
                    }
                }
            }
        }
    }

    func testRowGradient() throws {
        for k in Kernels.available {
            var random = Random(2)
            for (T, A, N) in [(1, 1, 1), (3, 4, 5), (15, 6, 9), (7, 9, 4)] {
                let x = try Vectors(k, T * A, &random), d = try Vectors(k, T * N, &random)
                let g = try Vectors(k, A * N, &random)
                let square = try Vectors(zeros: k, 1)
                k.rowGradient(LaneRows(x.base, stride: A), LaneRows(d.base, stride: N), to: g.base, square: square.base,
                              tokens: T, inputs: A, outputs: N)
                for l in [0, k.lanes - 1] {
                    let want = outer(x.lane(l), d.lane(l), T, A, N)
                    XCTAssertLessThan(distance(g.lane(l), want), 1e-6)
                    XCTAssertEqual(Double(square[0, l]), want.reduce(0) { $0 + $1 * $1 },
                                   accuracy: 1e-5 * Double(T * A * N))
                }
                var direct: Float = 0
                for a in 0 ..< A {
                    for n in 0 ..< N {
                        direct = 0
                        for t in 0 ..< T { direct = direct.addingProduct(x[t * A + a, 2], d[t * N + n, 2]) }
                        XCTAssertEqual(g[a * N + n, 2], direct)
                    }
                }
            }
        }
    }

    private func outer(_ x: [Double], _ d: [Double], _ T: Int, _ A: Int, _ N: Int) -> [Double] {
        (0 ..< A * N).map { an in (0 ..< T).reduce(0) { $0 + x[$1 * A + an / N] * d[$1 * N + an % N] } }
    }

    func testGramNormIsAnUpperBoundCloseToTheLength() throws {
        for k in Kernels.available {
            var random = Random(3)
            for (T, A, N) in [(1, 3, 5), (2, 1, 1), (5, 4, 7), (6, 3, 3), (15, 8, 16), (17, 2, 9)] {
                let slack = Float(A + N + T) * 0x1p-23
                for cancels in [false, true] where T > 1 || !cancels {
                    let x = try Vectors(k, T * A, &random), d = try Vectors(k, T * N, &random)
                    let square = try Vectors(zeros: k, 1)
                    let scratch = try Vectors(zeros: k, 10 * (T + 4))
                    if cancels {
                        // equal inputs and output gradients that add up to nearly nothing
                        for i in A ..< T * A { for l in 0 ..< k.lanes { x[i, l] = x[i % A, l] } }
                        for n in 0 ..< N {
                            for l in 0 ..< k.lanes {
                                d[(T - 1) * N + n, l] = -(0 ..< T - 1).reduce(0) { $0 + d[$1 * N + n, l] }
                            }
                        }
                    }
                    k.gramNorm(LaneRows(x.base, stride: A), LaneRows(d.base, stride: N), slack: slack,
                               scratch: scratch.base, square: square.base, tokens: T, inputs: A, outputs: N)
                    for l in 0 ..< k.lanes {
                        let want = outer(x.lane(l), d.lane(l), T, A, N).reduce(0) { $0 + $1 * $1 }
                        XCTAssertGreaterThanOrEqual(Double(square[0, l]), want * (1 - 3e-7))
                        if !cancels { XCTAssertEqual(Double(square[0, l]) / want, 1, accuracy: 2e-3) }
                    }
                }
            }
        }
    }

    func testWeightedSums() throws {
        for k in Kernels.available {
            var random = Random(4)
            for (M, A, N) in [(1, 1, 1), (1, 3, 20), (15, 8, 12), (4, 5, 7), (3, 4, 4)] {
                let x = try Vectors(k, M * A, &random), d = try Vectors(k, M * N, &random)
                let c = try Vectors(k, 1, &random)
                var out = (0 ..< A * N).map { _ in random.next() }
                let before = out.map(Double.init), scaled = try Vectors(zeros: k, M * A)
                k.scaled(LaneRows(x.base, stride: A), by: c.base, to: scaled.base, rows: M, columns: A)
                k.weightedGradient(LaneRows(scaled.base, stride: A), LaneRows(d.base, stride: N), to: &out, rows: M,
                                   inputs: A, outputs: N)
                var want = before
                for l in 0 ..< k.lanes {
                    for (i, v) in outer(x.lane(l), d.lane(l), M, A, N).enumerated() { want[i] += v * Double(c[0, l]) }
                }
                XCTAssertLessThan(distance(out.map(Double.init), want), 2e-6)
            }
            for P in [1, 7, 8, 19] {
                let g = try Vectors(k, P, &random), c = try Vectors(k, 1, &random)
                let keep = try Buffer<Int32>(count: k.lanes)
                for l in 0 ..< k.lanes { keep[l] = l % 3 == 1 ? 0 : 1 }
                for p in 0 ..< P { g[p, 1] = p % 2 == 0 ? .nan : .infinity }
                var out = (0 ..< P).map { _ in random.next() }
                let before = out
                k.weightedLanes(g.base, c.base, keep.base, &out, P)
                let want = (0 ..< P).map { p in
                    (0 ..< k.lanes).reduce(Double(before[p])) {
                        keep[$1] == 0 ? $0 : $0 + Double(g[p, $1]) * Double(c[0, $1])
                    }
                }
                XCTAssertLessThan(distance(out.map(Double.init), want), 1e-6)
            }
        }
    }

    func testSmallLoops() throws {
        for k in Kernels.available {
            var random = Random(5)
            let x = try Vectors(k, 12, &random), y = try Vectors(k, 12, &random), square = try Vectors(zeros: k, 1)
            let was = y.lane(1)
            k.add(x.base, y.base, 12)
            XCTAssertLessThan(distance(y.lane(1), zip(was, x.lane(1)).map(+)), 1e-6)
            k.addNumbers([1, 2, 3], y.base, 3)
            XCTAssertEqual(Double(y[2, 0]), Double(x[2, 0]) + Double(y[2, 0] - x[2, 0] - 3) + 3, accuracy: 1e-6)
            k.sumSquares(LaneRows(x.base, stride: 4), square.base, rows: 3, columns: 2)
            let v = x.lane(2)
            XCTAssertEqual(Double(square[0, 2]), [0, 1, 4, 5, 8, 9].reduce(0) { $0 + v[$1] * v[$1] }, accuracy: 1e-6)
            let bias = try Vectors(zeros: k, 4), length = try Vectors(zeros: k, 1)
            k.rowBias(LaneRows(x.base, stride: 4), to: bias.base, square: length.base, tokens: 3, outputs: 4)
            XCTAssertEqual(Double(bias[1, 0]), Double(x[1, 0]) + Double(x[5, 0]) + Double(x[9, 0]), accuracy: 1e-6)
            k.multiply(x.base, 2, y.base, 12)
            XCTAssertEqual(y[7, 1], 2 * x[7, 1])
            let keep = try Buffer<Int32>(count: k.lanes)
            keep[0] = 1
            x[3, 1] = .nan
            k.clear(x.base, keep.base, 12)
            XCTAssertEqual(x[3, 1], 0)
            XCTAssertNotEqual(x[3, 0], 0)
        }
    }
}
