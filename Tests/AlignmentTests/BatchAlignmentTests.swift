// The batch-coupled terms against PyTorch, against slow twins, and on batches with nothing to say.

import XCTest
@testable import Alignment
@testable import Basics
@testable import Compute

final class BatchAlignmentTests: XCTestCase {
    private func options(_ f: Fixture) -> BatchAlignmentOptions {
        var o = BatchAlignmentOptions()
        o.shares = f.numbers("shares")
        o.pairing = o.shares.isEmpty ? .pairs : .shares
        o.bandwidths = f.floats("bandwidths")
        o.frequencies = f.ints("frequencies")[0]
        o.seed = UInt64(f.ints("seed")[0])
        return o
    }

    func testAgreesWithPyTorch() throws {
        for name in ["pairs", "shares", "two"] {
            let f = try Fixture(name), shape = f.ints("shape"), n = shape[0], L = shape[1], z = f.floats("z")
            let s = f.labels("groups")
            for kernels in Kernels.available {
                let alignment = try BatchAlignment(groups: shape[2], latent: L, capacity: n + 5, options: options(f),
                    kernels: kernels)
                let cases: [(String, AlignmentWeights, KeyPath<AlignmentTerms, Double>)] = [
                    ("mean", .init(mean: 2), \.mean), ("discrepancy", .init(discrepancy: 2), \.discrepancy),
                    ("fourier", .init(fourier: 2), \.fourier), ("covariance", .init(covariance: 2), \.covariance)]
                for (key, weights, value) in cases {
                    var dz = [Float](repeating: 0, count: n * L)
                    let terms = try alignment.gradient(z, groups: s, count: n, weights: weights, into: &dz)
                    XCTAssertEqual(terms[keyPath: value], f.numbers(key)[0], accuracy: 2e-6, "\(name) \(key)")
                    XCTAssertLessThan(distance(dz, f.numbers("d" + key).map { 2 * $0 }), 1e-5,
                                      "\(name) \(key) \(kernels.name)")
                }
                // Together they add up, on top of what was there.
                var dz = [Float](repeating: 1, count: n * L)
                let all = AlignmentWeights(mean: 1, discrepancy: 3, fourier: 0.5, covariance: 2)
                let terms = try alignment.gradient(z, groups: s, count: n, weights: all, into: &dz)
                var want = [Double](repeating: 1, count: n * L)
                for (key, factor) in [("dmean", 1), ("ddiscrepancy", 3), ("dfourier", 0.5),
                    ("dcovariance", 2)] as [(String, Double)] {
                    for (i, v) in f.numbers(key).enumerated() { want[i] += factor * v }
                }
                XCTAssertLessThan(distance(dz, want), 1e-5)
                XCTAssertEqual(terms.weighted(all), terms.mean + 3 * terms.discrepancy + 0.5 * terms.fourier
                               + 2 * terms.covariance, accuracy: 1e-12)
            }
        }
    }

    /// The slopes of each term, by differences of its own value, with wide rows and many groups.
    func testDifferences() throws {
        var made = Made(1)
        let n = 26, L = 3, z = made.floats(n * L), s = made.labels(n, below: 5)
        for weights in [AlignmentWeights(mean: 1), .init(discrepancy: 1), .init(fourier: 1), .init(covariance: 1)] {
            for pairing in [GroupPairing.pairs, .shares] {
                var o = BatchAlignmentOptions()
                o.pairing = pairing
                let alignment = try BatchAlignment(groups: 5, latent: L, capacity: n, options: o)
                var dz = [Float](repeating: 0, count: n * L), scrap = dz
                _ = try alignment.gradient(z, groups: s, count: n, weights: weights, into: &dz)
                let want = try differences(z, step: 4e-3) {
                    try alignment.gradient($0, groups: s, count: n, weights: weights, into: &scrap).weighted(weights)
                }
                XCTAssertLessThan(distance(dz, want), 5e-3, "\(weights) \(pairing)")
            }
        }
    }

    /// Kernels in lanes against sums over pairs of rows, for every number of rows left over.
    func testPairsOfRows() {
        for k in Kernels.available {
            var made = Made(2)
            let W = k.lanes, L = 3, rates: [Float] = [0.4, 0.1], slopes: [Float] = [2, 0.5]
            for m in [0, 1, 3, 4, 5, 9] {
                let y = made.floats(m * L)
                guard let z = try? Buffer<Float>(count: L * W), let sums = try? Buffer<Float>(count: (3 + L) * W) else {
                    return XCTFail()
                }
                for i in 0 ..< L * W { z[i] = Float(made.normal()) }
                for i in 0 ..< W { sums[i] = Float(made.normal()) }
                k.gaussianPairs(z.base, others: y, count: m, factor: sums.base, rates: rates, slopes: slopes,
                                bandwidths: 2, sum: sums.base + W, weight: sums.base + 2 * W, moved: sums.base + 3 * W,
                                latent: L)
                for i in 0 ..< W {
                    var sum = 0.0, weight = 0.0, moved = [Double](repeating: 0, count: L)
                    for j in 0 ..< m {
                        let d = (0 ..< L).reduce(0.0) { $0 + pow(Double(z[$1 * W + i]) - Double(y[j * L + $1]), 2) }
                        let e = rates.map { exp(-Double($0) * d) }, w = Double(sums[i]) * (2 * e[0] + 0.5 * e[1])
                        sum += e[0] + e[1]
                        weight += w
                        for l in 0 ..< L { moved[l] += w * Double(y[j * L + l]) }
                    }
                    XCTAssertEqual(Double(sums[W + i]), sum, accuracy: 1e-5)
                    XCTAssertEqual(Double(sums[2 * W + i]), weight, accuracy: 3e-5)
                    for l in 0 ..< L { XCTAssertEqual(Double(sums[(3 + l) * W + i]), moved[l], accuracy: 5e-5) }
                }
            }
            for n in [0, 1, 7, 8, 33] {
                let angle = made.floats(n, scale: 30)
                var c = angle, s = [Float](repeating: 0, count: n)
                c.withUnsafeMutableBufferPointer { k.waves($0.baseAddress ?? UnsafeMutablePointer(bitPattern: 64)!,
                                                           $0.baseAddress ?? UnsafeMutablePointer(bitPattern: 64)!, &s,
                                                               n) }
                for i in 0 ..< n {
                    XCTAssertEqual(Double(c[i]), cos(Double(angle[i])), accuracy: 2e-7)
                    XCTAssertEqual(Double(s[i]), sin(Double(angle[i])), accuracy: 2e-7)
                }
            }
        }
    }

    /// All instruction sets give the same bits.
    func testSameBits() throws {
        var made = Made(3)
        let n = 70, L = 5, z = made.floats(n * L), s = made.labels(n, below: 3)
        let weights = AlignmentWeights(mean: 1, discrepancy: 1, fourier: 1, covariance: 1)
        let all = try Kernels.available.map { kernels in
            var dz = [Float](repeating: 0, count: n * L)
            _ = try BatchAlignment(groups: 3, latent: L, capacity: n, kernels: kernels)
                .gradient(z, groups: s, count: n, weights: weights, into: &dz)
            return dz
        }
        for dz in all { XCTAssertEqual(dz, all[0]) }
    }

    /// Rows that take no part change nothing and get nothing.
    func testRowsWithoutPart() throws {
        var made = Made(4)
        let n = 30, L = 3, weights = AlignmentWeights(mean: 1, discrepancy: 1, fourier: 1, covariance: 1)
        let z = made.floats(n * L), s = made.labels(n, below: 2)
        let alignment = try BatchAlignment(groups: 4, latent: L, capacity: n + 6)
        var want = [Float](repeating: 0, count: n * L)
        let terms = try alignment.gradient(z, groups: s, count: n, weights: weights, into: &want)
        XCTAssertEqual(terms.groups, 2)
        XCTAssertGreaterThan(want.map(abs).max() ?? 0, 0)
        // no group, group out of range, alone in its group, not a number, infinite
        let more = z + [1, 2, 3, 1, 2, 3, 4, 5, 6, .nan, 0, 0, 0, .infinity, 0, 0, 0, -.infinity]
        let groups = s + [-1, 4, 2, 0, 1, 1]
        var dz = [Float](repeating: 0, count: more.count)
        let again = try alignment.gradient(more, groups: groups, count: n + 6, weights: weights, into: &dz)
        XCTAssertEqual(again, terms)
        XCTAssertEqual(Array(dz.prefix(n * L)), want)
        XCTAssertEqual(Array(dz.suffix(18)), [Float](repeating: 0, count: 18))
    }

    func testNothingToSay() throws {
        let L = 2, weights = AlignmentWeights(mean: 1, discrepancy: 1, fourier: 1, covariance: 1)
        let alignment = try BatchAlignment(groups: 3, latent: L, capacity: 8)
        func run(_ z: [Float], _ s: [Int32]) throws -> (AlignmentTerms, [Float]) {
            var dz = [Float](repeating: 0, count: max(z.count, 1))
            let terms = try alignment.gradient(z.isEmpty ? [0] : z, groups: s.isEmpty ? [0] : s, count: s.count,
                weights: weights, into: &dz)
            return (terms, dz)
        }
        // no rows, one group, groups of one
        for s: [Int32] in [[], [1, 1, 1], [0, 1, 2]] {
            let (terms, dz) = try run([Float](repeating: 1, count: s.count * L), s)
            XCTAssertEqual(terms, AlignmentTerms())
            XCTAssertTrue(dz.allSatisfy { $0 == 0 })
        }
        // all points equal; one group a single point; huge and tiny numbers
        for z: [Float] in [[Float](repeating: 3, count: 8), [1, 1, 1, 1, 0, 2, 5, -1],
            [1e30, 0, -1e30, 1, 3e38, 2, -3e38, 0], [1e-30, 0, 0, 1e-38, 0, 0, 0, 0]] {
            let (terms, dz) = try run(z, [0, 0, 1, 1])
            XCTAssertEqual(terms.groups, 2)
            XCTAssertTrue(dz.allSatisfy { $0.isFinite }, "\(z)")
            for t in [terms.mean, terms.discrepancy, terms.fourier, terms.covariance] { XCTAssertTrue(t.isFinite) }
        }
        XCTAssertThrowsError(try alignment.gradient([Float](repeating: 0, count: 18),
            groups: [Int32](repeating: 0, count: 9), count: 9, weights: weights,
            into: UnsafeMutablePointer(bitPattern: 64)!))
        XCTAssertThrowsError(try BatchAlignment(groups: 0, latent: 2, capacity: 8))
        var wrong = BatchAlignmentOptions()
        wrong.shares = [1]
        XCTAssertThrowsError(try BatchAlignment(groups: 2, latent: 2, capacity: 8, options: wrong))
        wrong = BatchAlignmentOptions()
        wrong.bandwidths = []
        XCTAssertThrowsError(try BatchAlignment(groups: 2, latent: 2, capacity: 8, options: wrong))
    }

    /// On rows whose law does not depend on the group every unbiased term is zero on average.
    func testUnbiased() throws {
        var made = Made(5)
        let n = 24, L = 2, weights = AlignmentWeights(mean: 1, discrepancy: 1, fourier: 1), runs = 300
        let alignment = try BatchAlignment(groups: 2, latent: L, capacity: n)
        var dz = [Float](repeating: 0, count: n * L), sums = [0.0, 0.0, 0.0], squares = sums
        for _ in 0 ..< runs {
            let t = try alignment.gradient(made.floats(n * L), groups: (0 ..< n).map { $0 < 9 ? 0 : 1 }, count: n,
                                           weights: weights, into: &dz)
            for (i, v) in [t.mean, t.discrepancy, t.fourier].enumerated() {
                sums[i] += v
                squares[i] += v * v
            }
        }
        for i in 0 ..< 3 {
            let mean = sums[i] / Double(runs)
            let error = (squares[i] / Double(runs)).squareRoot() / Double(runs).squareRoot()
            XCTAssertLessThan(abs(mean), 4 * error, "term \(i)")
        }
    }

    /// Steps down the slope make two groups alike in mean, in shape and in spread.
    func testDescends() throws {
        var made = Made(6)
        let n = 64, L = 2, s: [Int32] = (0 ..< n).map { $0 < 32 ? 0 : 1 }
        var z = made.floats(n * L)
        for i in 32 ..< 64 { z[i * L] += 2; z[i * L + 1] *= 3 }
        let weights = AlignmentWeights(mean: 1, discrepancy: 1, fourier: 1, covariance: 1)
        let alignment = try BatchAlignment(groups: 2, latent: L, capacity: n)
        var first = AlignmentTerms(), last = AlignmentTerms()
        for step in 0 ..< 300 {
            var dz = [Float](repeating: 0, count: n * L)
            last = try alignment.gradient(z, groups: s, count: n, weights: weights, into: &dz)
            if step == 0 { first = last }
            for i in z.indices { z[i] -= 3 * dz[i] }
        }
        XCTAssertGreaterThan(first.mean, 0.2)
        XCTAssertLessThan(last.mean, 0.01)
        XCTAssertLessThan(last.discrepancy, first.discrepancy / 10)
        XCTAssertLessThan(last.covariance, first.covariance / 5)
    }
}
