// Adam and the moving average against their formulas.
// Also on lengths that are no multiple of a vector and off its alignment.

import CProcessor
import XCTest
@testable import Compute

final class OptimiserTests: XCTestCase {
    private func factors(_ rate: Float, beta2: Float, corrections c1: Float, _ c2: Float) -> flip_adam {
        flip_adam(rate: rate, beta1: 0.9, beta2: beta2, correction1: c1, correction2: c2, epsilon: 1e-8)
    }

    func testAdam() {
        for k in Kernels.available {
            for P in [1, 7, 8, 16, 37] {
                var random = Random(3)
                var w = (0 ... P).map { _ in random.next() }, m = w.map { $0 * 0.1 }, v = w.map { $0 * $0 * 0.2 }
                let g = (0 ... P).map { _ in random.next() }
                let w0 = w.map(Double.init), m0 = m.map(Double.init), v0 = v.map(Double.init)
                w.withUnsafeMutableBufferPointer { w in
                    m.withUnsafeMutableBufferPointer { m in
                        v.withUnsafeMutableBufferPointer { v in
                            g.withUnsafeBufferPointer {
                                k.adamStep(w.baseAddress! + 1, first: m.baseAddress! + 1, second: v.baseAddress! + 1,
                                           gradient: $0.baseAddress! + 1,
                                           factors(0.02, beta2: 0.98, corrections: 0.271, 0.0588), count: P)
                            }
                        }
                    }
                }
                XCTAssertEqual(w[0], Float(w0[0]))
                for i in 1 ... P {
                    let gi = Double(g[i]), mi = 0.9 * m0[i] + 0.1 * gi, vi = 0.98 * v0[i] + 0.02 * gi * gi
                    XCTAssertEqual(Double(m[i]), mi, accuracy: 1e-6)
                    XCTAssertEqual(Double(v[i]), vi, accuracy: 1e-6)
                    XCTAssertEqual(Double(w[i]), w0[i] - 0.02 * (mi / 0.271) / ((vi / 0.0588).squareRoot() + 1e-8),
                                   accuracy: 2e-6)
                }
            }
        }
    }

    func testAdamStandsStillWithoutGradient() {
        for k in Kernels.available {
            var w: [Float] = [1, -2, 3], m: [Float] = [0, 0, 0], v = m
            k.adamStep(&w, first: &m, second: &v, gradient: [0, 0, 0],
                       factors(0.1, beta2: 0.999, corrections: 0.1, 0.001), count: 3)
            XCTAssertEqual(w, [1, -2, 3])
        }
    }

    func testAverage() {
        for k in Kernels.available {
            var a = (0 ..< 21).map { Float($0) }
            k.averageStep(&a, [Float](repeating: 2, count: 21), 0.75, 21)
            for i in 0 ..< 21 { XCTAssertEqual(a[i], 0.75 * Float(i) + 0.5, accuracy: 1e-6) }
        }
    }

    /// A step of parts is a step of all, whatever the parts; the corrections of both kinds differ in their last bits
    /// alone.
    func testStepsOfParts() throws {
        let n = 100
        var random = Random(7)
        let start = (0 ..< n).map { _ in random.next() }
        func run(_ correction: Adam.BiasCorrection, parts: [Range<Int>]?) throws -> [Float] {
            var w = start
            let adam = try Adam(count: n, correction: correction)
            for step in 0 ..< 5 {
                let g = w.map { $0 - Float(step) * 0.1 }
                guard let parts else {
                    adam.step(&w, gradient: g, learningRate: 0.01)
                    continue
                }
                adam.begin(learningRate: 0.01)
                for part in parts { adam.move(&w, gradient: g, part) }
            }
            XCTAssertEqual(adam.steps, 5)
            return w
        }
        let whole = try run(.ofExactRates, parts: nil)
        XCTAssertEqual(whole, try run(.ofExactRates, parts: [64 ..< 100, 0 ..< 16, 16 ..< 64]))
        for (a, b) in zip(whole, try run(.ofRoundedRates, parts: nil)) { XCTAssertEqual(a, b, accuracy: 1e-6) }
    }

    /// The double-precision step against the formula, with moments rounded to 32 bits between steps.
    func testDoublePrecision() throws {
        let n = 9, adam = try Adam(count: n, beta1: 0.9, beta2: 0.99, correction: .ofExactRates)
        var w = (0 ..< n).map { Float($0) * 0.1 }, m = [Float](repeating: 0, count: n), v = m, twin = w
        for step in 1 ... 4 {
            adam.begin(learningRate: 0.03)
            w.withUnsafeMutableBufferPointer { w in
                let base = w.baseAddress!
                adam.moveInDouble(base, 2 ..< n, epsilon: 1e-3) { Double(base[$0]) - 0.5 }
            }
            for i in 2 ..< n {
                let g = Double(twin[i]) - 0.5, a = 0.9 * Double(m[i]) + 0.1 * g, b = 0.99 * Double(v[i]) + 0.01 * g * g
                (m[i], v[i]) = (Float(a), Float(b))
                let c1 = 1 - pow(0.9, Double(step)), c2 = 1 - pow(0.99, Double(step))
                twin[i] -= Float(0.03 * (a / c1) / ((b / c2).squareRoot() + 1e-3))
            }
        }
        XCTAssertEqual(w, twin)
    }
}
