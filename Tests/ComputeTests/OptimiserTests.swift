// Adam and the moving average against their formulas, on lengths that are no multiple of a vector and off its alignment.

import XCTest
@testable import Compute

final class OptimiserTests: XCTestCase {
    func testAdam() {
        for k in Kernels.available {
            for P in [1, 7, 8, 16, 37] {
                var random = Random(3)
                var w = (0 ... P).map { _ in random.next() }, m = w.map { $0 * 0.1 }, v = w.map { $0 * $0 * 0.2 }
                let g = (0 ... P).map { _ in random.next() }
                let w0 = w.map(Double.init), m0 = m.map(Double.init), v0 = v.map(Double.init)
                w.withUnsafeMutableBufferPointer { w in m.withUnsafeMutableBufferPointer { m in v.withUnsafeMutableBufferPointer { v in
                    g.withUnsafeBufferPointer {
                        k.adamStep(w.baseAddress! + 1, m.baseAddress! + 1, v.baseAddress! + 1, $0.baseAddress! + 1, 0.02, 0.9, 0.98, 0.271, 0.0588, 1e-8, P)
                    }
                } } }
                XCTAssertEqual(w[0], Float(w0[0]))
                for i in 1 ... P {
                    let gi = Double(g[i]), mi = 0.9 * m0[i] + 0.1 * gi, vi = 0.98 * v0[i] + 0.02 * gi * gi
                    XCTAssertEqual(Double(m[i]), mi, accuracy: 1e-6)
                    XCTAssertEqual(Double(v[i]), vi, accuracy: 1e-6)
                    XCTAssertEqual(Double(w[i]), w0[i] - 0.02 * (mi / 0.271) / ((vi / 0.0588).squareRoot() + 1e-8), accuracy: 2e-6)
                }
            }
        }
    }

    func testAdamStandsStillWithoutGradient() {
        for k in Kernels.available {
            var w: [Float] = [1, -2, 3], m: [Float] = [0, 0, 0], v = m
            k.adamStep(&w, &m, &v, [0, 0, 0], 0.1, 0.9, 0.999, 0.1, 0.001, 1e-8, 3)
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
}
