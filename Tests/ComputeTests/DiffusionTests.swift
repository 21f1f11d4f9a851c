// Levels, features and steps of the diffusion's kernels against the formulas of arXiv 2206.00364, table 1.

import Basics
import XCTest
@testable import Compute

final class DiffusionTests: XCTestCase {
    func testLevels() throws {
        for k in Kernels.available {
            var random = Random(1)
            let M = 3, L = 4, Q = 2, s0 = 0.7, frequencies: [Float] = [0.5, 4]
            let z = try Vectors(k, L, &random), e = try Vectors(k, M * L, &random)
            let u = try Vectors(k, M, &random, scale: 3)
            let input = try Vectors(zeros: k, M * L), target = try Vectors(zeros: k, M * L)
            let features = try Vectors(zeros: k, M * 2 * Q)
            k.diffuse(z: z.base, noise: e.base, levels: u.base, .init(logMean: -0.6, logSpread: 1.2,
                sigmaData: Float(s0)), frequencies: frequencies, input: input.base, target: target.base,
                features: features.base, count: M, latent: L, frequencyCount: Q)
            for m in 0 ..< M {
                let s = exp(-0.6 + 1.2 * Double(u[m, 2])), r = (s * s + s0 * s0).squareRoot()
                for i in 0 ..< L {
                    let row = Double(z[i, 2]), x = row + s * Double(e[m * L + i, 2])
                    XCTAssertEqual(Double(input[m * L + i, 2]), x / r, accuracy: 2e-6)
                    // the target of F solves skip x + scale F = z
                    XCTAssertEqual(Double(target[m * L + i, 2]), (row - s0 * s0 / (r * r) * x) / (s * s0 / r),
                                   accuracy: 2e-5)
                }
                for q in 0 ..< Q {
                    XCTAssertEqual(Double(features[m * 2 * Q + q, 2]), sin(1.5 * Double(frequencies[q]) * log(s)),
                                   accuracy: 3e-6)
                    XCTAssertEqual(Double(features[m * 2 * Q + Q + q, 2]), cos(1.5 * Double(frequencies[q]) * log(s)),
                                   accuracy: 3e-6)
                }
            }
            let one = try Vectors(zeros: k, 2 * Q)
            for log: Float in [-4, -1.1, 0, 0.3, 3, 100] {
                k.timeFeatures(log, frequencies, one.base, Q)
                XCTAssertEqual(Double(one[1, 0]), sin(6 * Double(log)), accuracy: 1e-6)
                XCTAssertEqual(Double(one[Q + 1, 0]), cos(6 * Double(log)), accuracy: 1e-6)
            }
        }
    }

    func testErrorAndSteps() throws {
        for k in Kernels.available {
            var random = Random(2)
            let N = 5, y = try Vectors(k, N, &random), target = try Vectors(k, N, &random)
            let loss = try Vectors(zeros: k, 1)
            let a = y.lane(1), b = target.lane(1)
            func twin(_ x: [Double]) -> [Double] {
                [zip(x, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(N)]
            }
            k.squaredError(y.base, target.base, loss.base, N)
            XCTAssertEqual(Double(loss[0, 1]), twin(a)[0], accuracy: 1e-6)
            XCTAssertLessThan(distance(y.lane(1), slopes(a, [1], twin)), 1e-5)
            let d = try Vectors(zeros: k, N), moved = try Vectors(zeros: k, N)
            k.flowSlope(x: y.base, f: target.base, skip: 0.25, scale: 0.5, sigma: 2, to: d.base, latent: N)
            k.flowStep(x: y.base, slope: d.base, slope2: d.base, step: -0.5, to: moved.base, latent: N)
            let x = y.lane(1), slope = zip(x, b).map { ($0 - (0.25 * $0 + 0.5 * $1)) / 2 }
            XCTAssertLessThan(distance(d.lane(1), slope), 1e-6)
            XCTAssertLessThan(distance(moved.lane(1), zip(x, slope).map { $0 - 0.5 * $1 }), 1e-6)
        }
    }
}
