// The terms from moments: against PyTorch end to end, against differences, under noise, and from a checkpoint.

import XCTest
@testable import Alignment
@testable import Basics
@testable import Compute

final class MomentAlignmentTests: XCTestCase {
    /// Sums of u by group, in 64 bits.
    private func sums(_ f: MomentFeatures, _ mu: [Float], _ s: [Int], _ G: Int) throws -> [Double] {
        let scratch = try MomentScratch(f)
        var out = [Double](repeating: 0, count: G * f.count), u = [Float](repeating: 0, count: f.count)
        for (i, g) in s.enumerated() {
            f.features(Array(mu[i * f.width ..< (i + 1) * f.width]), into: &u, scratch)
            for d in u.indices { out[g * f.count + d] += Double(u[d]) }
        }
        return out
    }

    /// The gradient of the loss with respect to every row: rowGradient over the expected batch.
    private func gradient(_ a: MomentAlignment, _ mu: [Float], _ s: [Int]) throws -> [Float] {
        let scratch = try MomentScratch(a.features), all = max(Float(a.expected.reduce(0, +)), 1)
        var out = [Float](repeating: 0, count: mu.count), row = [Float](repeating: 0, count: a.features.width)
        for (i, g) in s.enumerated() {
            for l in row.indices { row[l] = 0 }
            a.rowGradient(Array(mu[i * row.count ..< (i + 1) * row.count]), group: g, into: &row, scratch)
            for l in row.indices { out[i * row.count + l] = row[l] / all }
        }
        return out
    }

    func testAgreesWithPyTorch() throws {
        for name in ["moments_pairs", "moments_shares"] {
            let f = try Fixture(name), mu = f.floats("mu"), s = f.ints("groups"), w = f.floats("weights")
            let sites = f.ints("widths").enumerated().map { i, L in
                var site = AlignmentSite(width: L)
                site.scale = f.floats("scales")[i]
                site.reach = f.floats("reach")[i]
                site.linear = f.floats("linear")[i]
                site.fourier = f.floats("fourier")[i]
                site.covariance = f.floats("covariance")[i]
                site.bandwidths = f.floats("bandwidths")
                site.frequencies = f.ints("frequencies")[0]
                site.seed = UInt64(f.ints("seeds")[i])
                return site
            }
            var o = MomentAlignmentOptions()
            o.decay = 0
            o.pairing = f.ints("shares")[0] == 1 ? .shares : .pairs
            o.floor = f.numbers("floor")[0]
            o.largestNoise = .infinity
            for kernels in Kernels.available {
                let features = try MomentFeatures(sites: sites, kernels: kernels)
                let a = try MomentAlignment(features, groups: 3, options: o), released = try sums(features, mu, s, 3)
                a.update(sums: released, rates: f.numbers("rates"), counts: f.numbers("counts"),
                         standardDeviation: f.numbers("deviation")[0])
                let terms =
                    a.prepare(sites: (0 ..< 2).map { .init(mean: w[3 * $0], fourier: w[3 * $0 + 1],
                    covariance: w[3 * $0 + 2]) })
                for (i, t) in terms.enumerated() {
                    XCTAssertEqual(t.groups, 3)
                    for (got, want) in zip([t.mean, t.fourier, t.covariance], f.numbers("terms")[(3 * i)...]) {
                        XCTAssertEqual(got, want, accuracy: 2e-5 * max(1, abs(want)), "\(name) site \(i)")
                    }
                }
                XCTAssertLessThan(distance(try gradient(a, mu, s), f.numbers("dmu")), 2e-5, name)
            }
        }
    }

    /// Every block, inside and outside the ball, by differences of the loss itself.
    func testDifferences() throws {
        var made = Made(1)
        let features = try MomentFeatures(sites: MomentFeaturesTests.sites()), G = 2, n = 9
        let s = (0 ..< n).map { $0 % G }
        let mu = (0 ..< n).flatMap { made.floats(features.width, scale: $0 < 5 ? 0.8 : 4) }
        var o = MomentAlignmentOptions()
        o.decay = 0
        o.largestNoise = .infinity
        let a = try MomentAlignment(features, groups: G, options: o)
        for w in [AlignmentWeights(mean: 1), .init(fourier: 1), .init(covariance: 1)] {
            func loss(_ mu: [Float]) throws -> Double {
                a.update(sums: try sums(features, mu, s, G), rates: [0.5, 0.25], counts: [10, 16], standardDeviation: 0)
                return a.prepare(w).reduce(0) { $0 + $1.weighted(w) }
            }
            let want = try differences(mu, step: 4e-3, loss)
            _ = try loss(mu)
            XCTAssertLessThan(distance(try gradient(a, mu, s), want), 3e-3, "\(w)")
        }
    }

    func testRowsWithoutPart() throws {
        var made = Made(2)
        let features = try MomentFeatures(sites: MomentFeaturesTests.sites()), W = features.width
        let scratch = try MomentScratch(features)
        let mu = made.floats(40 * W), s = (0 ..< 40).map { $0 % 2 }
        let a = try MomentAlignment(features, groups: 2)
        a.update(sums: try sums(features, mu, s, 2), rates: [1, 1], counts: [20, 20], standardDeviation: 0.01)
        _ = a.prepare(AlignmentWeights(mean: 1, fourier: 1, covariance: 1))
        var d = [Float](repeating: 0, count: W)
        a.rowGradient(mu, group: 1, into: &d, scratch)
        XCTAssertGreaterThan(d.map(abs).max() ?? 0, 0)
        var zero = [Float](repeating: 0, count: W)
        for i in 0 ..< W {
            for bad in [Float.nan, .infinity, -.infinity] {
                var row = Array(mu.prefix(W))
                row[i] = bad
                a.rowGradient(row, group: 0, into: &zero, scratch)
            }
        }
        for g in [-1, 2, Int.max, Int.min] { a.rowGradient(mu, group: g, into: &zero, scratch) }
        XCTAssertTrue(zero.allSatisfy { $0 == 0 })
        // far outside, the slope along the row is nothing; no number overflows
        for scale: Float in [1e-37, 1e10, 1e30, 3e38] {
            var huge = [Float](repeating: 0, count: W)
            a.rowGradient(mu.prefix(W).map { max(-1, min(1, $0)) * scale }, group: 0, into: &huge, scratch)
            XCTAssertTrue(huge.allSatisfy { $0.isFinite })
        }
    }

    /// With noise of known size the mean and Fourier terms keep their expectation, and covariances their alignment.
    func testNoiseIsSubtracted() throws {
        var made = Made(3)
        var site = AlignmentSite(width: 3)
        site.frequencies = 6
        let features = try MomentFeatures(sites: [site]), n = 4000, G = 3, s = (0 ..< n).map { $0 % G }
        let W = features.width
        let mu: [Float] = (0 ..< n).flatMap { i -> [Float] in
            let x = made.floats(W, scale: 0.5)
            return [x[0] * (i % G == 0 ? 2 : 1) + 0.3 * Float(i % G), x[1], x[2] + (i % G == 1 ? x[0] : 0)]
        }
        let clean = try sums(features, mu, s, G), rates = [1.0, 1, 1], counts = [1334.0, 1333, 1333], nu = 10.0
        let w = AlignmentWeights(mean: 1, fourier: 1, covariance: 1)
        var o = MomentAlignmentOptions()
        o.decay = 0.5
        o.largestNoise = 10
        let exact = try MomentAlignment(features, groups: G, options: o)
        exact.update(sums: clean, rates: rates, counts: counts, standardDeviation: 0)
        let want = exact.prepare(w)[0]
        let lengths = (0 ..< G).map { exact.length[$0] * exact.length[$0] }
        var totals = [0.0, 0, 0], squares = totals, blind = totals, total = totals, square = totals
        let runs = 3000.0
        for _ in 0 ..< Int(runs) {
            // two releases, averaged; and the same without word of the noise
            let a = try MomentAlignment(features, groups: G, options: o)
            let b = try MomentAlignment(features, groups: G, options: o)
            for _ in 0 ..< 2 {
                let released = clean.map { $0 + nu * made.normal() }
                a.update(sums: released, rates: rates, counts: counts, standardDeviation: nu)
                b.update(sums: released, rates: rates, counts: counts, standardDeviation: 0)
            }
            let t = a.prepare(w)[0], u = b.prepare(w)[0]
            for g in 0 ..< G {
                let v = a.length[g] * a.length[g]
                total[g] += v
                square[g] += v * v
            }
            for (i, v) in [(t.mean, u.mean), (t.fourier, u.fourier), (t.covariance, u.covariance)].enumerated() {
                totals[i] += v.0
                squares[i] += v.0 * v.0
                blind[i] += v.1
            }
        }
        for (i, v) in [want.mean, want.fourier, want.covariance].enumerated() {
            let mean = totals[i] / runs, error = (squares[i] / runs - mean * mean).squareRoot() / runs.squareRoot()
            // A ratio of unbiased squares is only nearly unbiased.
            XCTAssertLessThan(abs(mean - v), i < 2 ? 4.5 * error : 0.1 * v, "term \(i)")
            XCTAssertGreaterThan(blind[i] / runs - v, 3 * abs(mean - v), "term \(i)")
            let mean2 = total[i] / runs, error2 = (square[i] / runs - mean2 * mean2).squareRoot() / runs.squareRoot()
            XCTAssertLessThan(abs(mean2 - lengths[i]), 4.5 * error2, "length \(i)")
        }
    }

    /// Averages, their mass and noise; groups too noisy to say anything; covariances at the floor.
    func testAverageAndNoisyGroups() throws {
        var site = AlignmentSite(width: 2)
        site.covariance = 0
        site.fourier = 0
        let features = try MomentFeatures(sites: [site]), unit = features.layouts[0].linearUnit
        var o = MomentAlignmentOptions()
        o.decay = 0.75
        let a = try MomentAlignment(features, groups: 3, options: o)
        XCTAssertEqual(a.prepare(.init(mean: 1)), [AlignmentTerms()])
        let first: [Float] = [8, 0, 0, 0, 3, 3], second: [Float] = [0, 4, 8, 8, .nan, 3]
        a.update(sums: first, rates: [0.5, 0.25, 1], counts: [8, 16, -5], standardDeviation: 0.02)
        a.update(sums: second, rates: [0.5, 0.5, 1], counts: [8, 16, 0.3], standardDeviation: 0.03)
        XCTAssertEqual(Array(a.mass), [0.4375, 0.4375, 0.4375])
        XCTAssertEqual(Array(a.expected), [4, 8, 1])
        XCTAssertEqual(a.moments[0] / a.mass[0], 0.75 * 0.25 * 2 / 0.4375, accuracy: 1e-12)
        XCTAssertEqual(a.moments[3] / a.mass[1], 0.25 * 1 / 0.4375, accuracy: 1e-12)
        XCTAssertEqual(a.energy[1], pow(0.75 * 0.25 * 0.02 / 4, 2) + pow(0.25 * 0.03 / 8, 2), accuracy: 1e-12)
        // a group whose expected number is 1 has noise of .035 in u: too much for a bound of .04 in natural units
        var strict = o
        strict.largestNoise = 0.9 * a.energy[2].squareRoot() / a.mass[2] / unit
        let b = try MomentAlignment(features, groups: 3, options: strict)
        for (from, to) in [(a.moments, b.moments), (a.mass, b.mass), (a.energy, b.energy), (a.expected, b.expected),
            (a.counts, b.counts)] {
            for i in from.indices { to[i] = from[i] }
        }
        XCTAssertEqual(b.prepare(.init(mean: 1))[0].groups, 2)
        XCTAssertEqual(a.prepare(.init(mean: 1))[0].groups, 3)
        let scratch = try MomentScratch(features)
        var d: [Float] = [0, 0]
        b.rowGradient([1, 1], group: 2, into: &d, scratch)
        XCTAssertEqual(d, [0, 0])
        b.rowGradient([1, 1], group: 0, into: &d, scratch)
        // 2 (m_0 - m_1) / L, times the row's share of the batch
        let m = (0 ..< 2).map { l in (a.moments[l] - a.moments[2 + l]) / (a.mass[0] * unit) }
        XCTAssertEqual(Double(d[0]), m[0] * 13 / 4, accuracy: 1e-5)
        XCTAssertEqual(Double(d[1]), m[1] * 13 / 4, accuracy: 1e-5)

        let whole = try MomentFeatures(sites: [AlignmentSite(width: 2)]), c = try MomentAlignment(whole, groups: 2)
        c.update(sums: [Double](repeating: 0, count: 2 * whole.count), rates: [1, 1], counts: [9, 9],
                 standardDeviation: 0.1)
        let t = c.prepare(.init(mean: 1, fourier: 1, covariance: 1))[0]
        XCTAssertTrue(t.mean.isFinite && t.fourier.isFinite && t.covariance.isFinite)
        XCTAssertTrue(c.constants.allSatisfy { $0.isFinite })
    }

    /// Groups whose rows are shorter by a factor have the same moments, and noise larger by it.
    func testBoundsOfGroups() throws {
        var made = Made(5)
        let features = try MomentFeatures(sites: [AlignmentSite(width: 2)]), D = features.count
        let u = (0 ..< 2 * D).map { _ in made.normal() }, a = try MomentAlignment(features, groups: 2)
        let b = try MomentAlignment(features, groups: 2)
        a.update(sums: u, rates: [1, 0.5], counts: [8, 8], standardDeviation: 0.5)
        b.update(sums: u.enumerated().map { $0.offset < D ? $0.element : 0.25 * $0.element }, rates: [1, 0.5],
                 counts: [8, 8], standardDeviation: 0.5, bounds: [1, 0.25])
        for i in u.indices { XCTAssertEqual(a.moments[i], b.moments[i], accuracy: 1e-15) }
        XCTAssertEqual(a.energy[0], b.energy[0])
        XCTAssertEqual(16 * a.energy[1], b.energy[1], accuracy: 1e-15)
    }

    /// Rows that follow their gradients, computed from noisy moments of the steps before alone, lose the difference
    /// between groups.
    func testDescends() throws {
        var made = Made(6)
        let L = 2, n = 400, s = (0 ..< n).map { $0 % 4 == 0 ? 1 : 0 }, rates = [0.5, 1], counts = [300.0, 100], nu = 2.0
        let features = try MomentFeatures(sites: [AlignmentSite(width: L)])
        let a = try MomentAlignment(features, groups: 2)
        var mu = made.floats(n * L, scale: 0.6)
        for i in 0 ..< n where s[i] == 1 { mu[2 * i] += 1; mu[2 * i + 1] *= 0.3 }
        let w = AlignmentWeights(mean: 1, fourier: 1, covariance: 1)
        func measure() throws -> AlignmentTerms {
            let m = try MomentAlignment(features, groups: 2)
            m.update(sums: try sums(features, mu, s, 2), rates: [1, 1], counts: counts, standardDeviation: 0)
            return m.prepare(w)[0]
        }
        let before = try measure()
        for _ in 0 ..< 120 {
            _ = a.prepare(w)
            let slope = try gradient(a, mu, s)
            // half of the large group, all of the small one, as the rates say
            let drawn = (0 ..< n).filter { s[$0] == 1 || made.uniform() < 0.5 }
            let rows = drawn.flatMap { i in Array(mu[i * L ..< (i + 1) * L]) }
            let released = try sums(features, rows, drawn.map { s[$0] }, 2).map { $0 + nu * made.normal() }
            a.update(sums: released, rates: rates, counts: counts, standardDeviation: nu)
            for i in mu.indices { mu[i] -= 4 * slope[i] }
        }
        let after = try measure()
        XCTAssertGreaterThan(before.mean, 0.3)
        XCTAssertLessThan(after.mean, before.mean / 8)
        XCTAssertLessThan(after.fourier, before.fourier / 8)
        XCTAssertLessThan(after.covariance, before.covariance / 2)
    }

    /// A state that was stored and read again gives the same gradients, bit for bit; one that was damaged is refused.
    func testState() throws {
        var made = Made(4)
        let features = try MomentFeatures(sites: MomentFeaturesTests.sites())
        let w = AlignmentWeights(mean: 1, fourier: 2, covariance: 1)
        let mu = made.floats(30 * features.width), s = (0 ..< 30).map { $0 % 2 }
        func fresh() throws -> MomentAlignment { try MomentAlignment(features, groups: 2) }
        func update(_ a: MomentAlignment, _ k: Float) throws {
            a.update(sums: try sums(features, mu.map { $0 * k }, s, 2), rates: [1, 1], counts: [15, 15],
                     standardDeviation: 0.1)
        }
        let a = try fresh(), b = try fresh()
        try update(a, 1)
        for (from, to) in [(a.moments, b.moments), (a.mass, b.mass), (a.energy, b.energy), (a.expected, b.expected),
            (a.counts, b.counts)] {
            for i in from.indices { to[i] = from[i] }
        }
        try b.checkState()
        try update(a, 2)
        try update(b, 2)
        XCTAssertEqual(a.prepare(w), b.prepare(w))
        XCTAssertEqual(try gradient(a, mu, s), try gradient(b, mu, s))
        b.moments[0] = .nan
        XCTAssertThrowsError(try b.checkState())
        a.mass[0] = 2
        XCTAssertThrowsError(try a.checkState())
    }
}

final class AnchorTests: XCTestCase {
    func testClosedFormAndSlopes() {
        var made = Made(1)
        let L = 4, m = made.floats(L), v = made.floats(L), m0 = made.floats(L), v0 = made.floats(L)
        func distance(_ x: [Float]) -> Double {
            var sum = 0.0
            for l in 0 ..< L {
                let d = Double(x[l]) - Double(m0[l]), s = exp(Double(x[L + l]) / 2) - exp(Double(v0[l]) / 2)
                sum += d * d + s * s
            }
            return sum
        }
        var dm = [Float](repeating: 1, count: L), dv = dm
        let value = Anchor.distance(mean: m, logVariance: v, from: m0, v0, count: L, weight: 2, dMean: &dm,
                                    dLogVariance: &dv)
        XCTAssertEqual(value, distance(m + v), accuracy: 1e-12)
        let want = differences(m + v, distance).map { 1 + 2 * $0 }
        XCTAssertLessThan(AlignmentTests.distance(dm + dv, want), 1e-4)
        // a posterior that has not moved
        dm = [0, 0, 0, 0]
        dv = dm
        XCTAssertEqual(Anchor.distance(mean: m, logVariance: v, from: m, v, count: L, weight: 2, dMean: &dm,
                                       dLogVariance: &dv), 0)
        for bad: Float in [.nan, .infinity, 1e38] {
            XCTAssertEqual(Anchor.distance(mean: [bad, 0, 0, 0], logVariance: v, from: m0, v0, count: L, weight: 1,
                                           dMean: &dm, dLogVariance: &dv), 0)
            XCTAssertEqual(Anchor.distance(mean: m, logVariance: [bad, 0, 0, 0], from: m0, v0, count: L, weight: 1,
                                           dMean: &dm, dLogVariance: &dv), 0)
        }
        XCTAssertEqual(dm + dv, [Float](repeating: 0, count: 2 * L))
    }
}
