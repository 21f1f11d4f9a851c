// CKA and HSIC against slow twins, and what each of them sees.

import XCTest
@testable import Basics
@testable import Evaluation

final class SimilarityTests: XCTestCase {
    private func activations(_ rows: Int, _ width: Int, seed: UInt64) -> [Float] {
        var r = PublicRandom(seed: seed)
        return (0..<rows * width).map { k in Float(Double(r.next() >> 11) * 0x1p-53 - 0.5) * Float(1 + k % width) }
    }

    /// tr(K H L H) / n² with every matrix written out: the V-statistic of Gretton et al. 2005, equation 9.
    private func slowHSIC(_ z: [Float], _ width: Int, _ groups: [Int32], _ kernel: ([Double], [Double]) -> Double)
        -> Double {
        let n = groups.count
        func row(_ i: Int) -> [Double] { (0..<width).map { Double(z[i * width + $0]) } }
        func centred(_ m: [[Double]]) -> [[Double]] {
            let rows = m.map { $0.reduce(0, +) / Double(n) }, all = rows.reduce(0, +) / Double(n)
            return (0..<n).map { i in (0..<n).map { m[i][$0] - rows[i] - rows[$0] + all } }
        }
        let k = centred((0..<n).map { i in (0..<n).map { kernel(row(i), row($0)) } })
        let l = centred((0..<n).map { i in (0..<n).map { groups[i] == groups[$0] ? 1 : 0 } })
        var sum = 0.0
        for i in 0..<n { for j in 0..<n { sum += k[i][j] * l[j][i] } }
        return sum / Double(n * n)
    }

    private func slowCKA(_ z: [Float], _ width: Int, _ groups: [Int32]) -> Double {
        func covariance(_ g: Int32) -> [Double] {
            let rows = groups.indices.filter { groups[$0] == g }, n = Double(rows.count)
            func x(_ i: Int, _ k: Int) -> Double { Double(z[i * width + k]) }
            let mean = (0..<width).map { k in rows.reduce(0.0) { $0 + x($1, k) } / n }
            return (0..<width * width).map { k in
                rows.reduce(0.0) { $0 + (x($1, k / width) - mean[k / width])
                    * (x($1, k % width) - mean[k % width]) } / n
            }
        }
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        let a = covariance(0), b = covariance(1)
        return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }

    func testAgainstSlowTwins() throws {
        let width = 3, n = 80, groups = (0..<n).map { Int32($0 % 2) }
        var z = activations(n, width, seed: 4)
        for i in stride(from: 1, to: n, by: 2) { z[i * width] += 0.7 }
        let s = try Similarity(Made.buffer(z), width: width, groups: Made.buffer(groups), groupCount: 2, threads: 1)
        XCTAssertEqual(s.pairs.count, 1)
        XCTAssertEqual(s.cka, slowCKA(z, width, groups), accuracy: 1e-9)
        XCTAssertEqual(s.hsicLinear, slowHSIC(z, width, groups) { zip($0, $1).reduce(0) { $0 + $1.0 * $1.1 } },
                       accuracy: 1e-9)
        let h = s.bandwidth
        XCTAssertEqual(s.hsicRBF, slowHSIC(z, width, groups) { a,
            b in exp(-zip(a, b).reduce(0) { $0 + pow($1.0 - $1.1, 2) } / (2 * h * h)) }, accuracy: 1e-6)
        var distances: [Double] = []
        for i in 0..<n {
            for j in 0..<i {
                distances.append((0..<width).reduce(0.0) { $0 + pow(Double(z[i * width + $1] - z[j * width + $1]),
                    2) }.squareRoot())
            }
        }
        distances.sort()
        XCTAssertEqual(h, (distances[distances.count / 2 - 1] + distances[distances.count / 2]) / 2, accuracy: 1e-5)
    }

    /// A shift of one group moves HSIC and not CKA; another covariance moves CKA and, the mean kept, not the linear
    /// HSIC.
    func testWhatEachSees() throws {
        let width = 2, n = 400, groups = (0..<n).map { Int32($0 % 2) }, z = activations(n, width, seed: 8)
        func measure(_ z: [Float]) throws -> Similarity {
            try Similarity(Made.buffer(z), width: width, groups: Made.buffer(groups), groupCount: 2, bandwidth: 1,
                           threads: 2)
        }
        var shifted = z, turned = z
        for i in stride(from: 1, to: n, by: 2) {
            shifted[i * width] += 1
            turned.swapAt(i * width, i * width + 1)
        }
        let plain = try measure(z), a = try measure(shifted), b = try measure(turned)
        XCTAssertEqual(a.cka, plain.cka, accuracy: 1e-5)
        XCTAssertGreaterThan(a.hsicLinear, plain.hsicLinear + 0.1)
        XCTAssertGreaterThan(a.hsicRBF, plain.hsicRBF + 0.01)
        XCTAssertLessThan(b.cka, plain.cka - 0.2)
        XCTAssertLessThan(b.hsicLinear, 0.01)
    }

    func testSizesOfGroupsDoNotMoveIt() throws {
        // Group 1 twice: the same rows again change no mean.
        let width = 2, z = activations(90, width, seed: 3), groups = (0..<90).map { Int32($0 < 45 ? 0 : 1) }
        let more = z + Array(z[45 * width ..< 90 * width]), moreGroups = groups + [Int32](repeating: 1, count: 45)
        let a = try Similarity(Made.buffer(z), width: width, groups: Made.buffer(groups), groupCount: 2, bandwidth: 0.5,
                               threads: 1)
        let b = try Similarity(Made.buffer(more), width: width, groups: Made.buffer(moreGroups), groupCount: 2,
                               bandwidth: 0.5, threads: 3)
        XCTAssertEqual(a.cka, b.cka, accuracy: 1e-9)
        XCTAssertEqual(a.hsicLinear, b.hsicLinear, accuracy: 1e-9)
        XCTAssertEqual(a.hsicRBF, b.hsicRBF, accuracy: 1e-9)
    }

    func testSmallGroupsAndConstants() throws {
        let groups = (0..<61).map { Int32($0 < 30 ? 0 : $0 < 60 ? 2 : 1) }
        let s = try Similarity(Made.buffer([Float](repeating: 1, count: 61)), width: 1, groups: Made.buffer(groups),
                               groupCount: 3, threads: 1)
        XCTAssertEqual(s.pairs.map { [$0.first, $0.second] }, [[0, 2]])
        XCTAssertTrue(s.cka.isNaN)
        XCTAssertEqual([s.hsicLinear, s.hsicRBF, s.bandwidth], [0, 0, 1])
        let none = try Similarity(Made.buffer([Float](repeating: 1, count: 10)), width: 1,
                                  groups: Made.buffer([Int32](repeating: 0, count: 10)), groupCount: 1, threads: 1)
        XCTAssertTrue(none.pairs.isEmpty && none.hsicLinear.isNaN)
    }
}
