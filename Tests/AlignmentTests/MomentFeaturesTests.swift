// What one row may add: the bound by brute force, the numbers against their definition.

import XCTest
@testable import Alignment
@testable import Basics
@testable import Compute

final class MomentFeaturesTests: XCTestCase {
    static func sites() -> [AlignmentSite] {
        var a = AlignmentSite(width: 5), b = AlignmentSite(width: 1), c = AlignmentSite(width: 3)
        a.seed = 3
        b.covariance = 0
        b.reach = 0.4
        b.scale = 20
        c.fourier = 0.3
        c.linear = 2
        c.covariance = 1.4
        c.bandwidths = [0.5]
        c.frequencies = 7
        return [a, b, c]
    }

    private func twin(_ sites: [AlignmentSite], _ mu: [Float]) -> [Double] {
        var out: [Double] = [], squares = 0.0, at = 0
        for s in sites {
            squares += Double(s.linear * s.linear + s.covariance * s.covariance + s.fourier * s.fourier)
            let x = mu[at ..< at + s.width].map { Double($0) }
            let rho = Double(s.reach) * Double(s.width).squareRoot() * Double(s.scale)
            at += s.width
            let length = x.reduce(0) { $0 + $1 * $1 }.squareRoot(), y = x.map { $0 * min(1, rho / length) }
            out += y.map { Double(s.linear) * $0 / rho }
            if s.covariance > 0 {
                for k in y.indices {
                    for l in k ..< y.count {
                        out.append(Double(s.covariance) * y[k] * y[l] * (k == l ? 1 : 2.0.squareRoot()) / (rho * rho))
                    }
                }
            }
            var normals = PublicNormals(seed: s.seed), angles: [Double] = []
            for b in s.bandwidths {
                for _ in 0 ..< s.frequencies {
                    angles.append(y.reduce(0) { $0 + $1 * normals.next() / (Double(s.width).squareRoot() * Double(b)
                        * Double(s.scale)) })
                }
            }
            let unit = Double(s.fourier) / Double(angles.count).squareRoot()
            out += angles.map { unit * cos($0) } + angles.map { unit * sin($0) }
        }
        return out.map { $0 / squares.squareRoot() }
    }

    func testDefinition() throws {
        for kernels in Kernels.available {
            let f = try MomentFeatures(sites: Self.sites(), kernels: kernels), scratch = try MomentScratch(f)
            var made = Made(1)
            for scale in [0.1, 1, 10, 1e6] {
                let mu = made.floats(f.width, scale: scale)
                var u = [Float](repeating: 9, count: f.count)
                f.features(mu, into: &u, scratch)
                XCTAssertLessThan(distance(u, twin(f.sites, mu)), 3e-6, "\(scale)")
            }
        }
    }

    /// |u| <= 1 whatever the row; the bound is nearly met, so a mistake in any block's share would show.
    func testBound() throws {
        var shapes = [Self.sites()]
        for L in [1, 2, 17] {
            var s = AlignmentSite(width: L)
            s.frequencies = 1
            s.bandwidths = [0.3]
            shapes.append([s])
        }
        var made = Made(2)
        let hostile: [Float] = [0, -0.0, 1, -1, .leastNonzeroMagnitude, 1e-37, 1e-20, 1e10, -1e19, 1e25, 3.4e38,
            -3.4e38, .greatestFiniteMagnitude, .leastNormalMagnitude, .nan, .infinity, -.infinity, .signalingNaN]
        for sites in shapes {
            for kernels in Kernels.available {
                let f = try MomentFeatures(sites: sites, kernels: kernels), scratch = try MomentScratch(f)
                var u = [Float](repeating: 0, count: f.count), worst = 0.0
                func length(_ mu: [Float]) -> Double {
                    for d in u.indices { u[d] = .nan }
                    f.features(mu, into: &u, scratch)
                    return u.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                }
                for trial in 0 ..< 600 {
                    let mu: [Float] = (0 ..< f.width).map { _ in
                        trial % 3 == 0 ? hostile[Int(made.uniform() * Double(hostile.count))]
                            : Float(made.normal() * pow(10, Double(trial % 41 - 4)))
                    }
                    let l = length(mu)
                    XCTAssertLessThanOrEqual(l, 1, "\(mu)")
                    if !mu.allSatisfy({ $0.isFinite }) { XCTAssertEqual(l, 0) }
                    worst = l > worst ? l : worst
                }
                XCTAssertGreaterThan(worst, 1 - 1e-5)
                // one bad number anywhere clears the whole row
                for i in 0 ..< f.width {
                    var mu = made.floats(f.width)
                    mu[i] = i % 2 == 0 ? .nan : .infinity
                    XCTAssertEqual(length(mu), 0)
                }
            }
        }
    }

    /// Two tables that differ in one row: the sums of every group together move by at most 1, in any order of the rows.
    func testNeighbours() throws {
        let f = try MomentFeatures(sites: Self.sites()), scratch = try MomentScratch(f), G = 3, n = 12
        var made = Made(3)
        func sums(_ rows: [[Float]], _ s: [Int]) -> [Double] {
            var out = [Double](repeating: 0, count: G * f.count), u = [Float](repeating: 0, count: f.count)
            for (mu, g) in zip(rows, s) {
                f.features(mu, into: &u, scratch)
                for d in u.indices { out[g * f.count + d] += Double(u[d]) }
            }
            return out
        }
        for trial in 0 ..< 50 {
            var rows = (0 ..< n).map { _ in made.floats(f.width, scale: pow(10, Double(trial % 9 - 3))) }
            if trial % 5 == 0 { rows[trial % n][0] = .nan }
            let s = made.labels(n, below: G).map { Int($0) }, whole = sums(rows, s), gone = trial % n
            let without = sums(rows.indices.reversed().filter { $0 != gone }.map { rows[$0] },
                               s.indices.reversed().filter { $0 != gone }.map { s[$0] })
            let moved = zip(whole, without).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
            XCTAssertLessThanOrEqual(moved, 1 + 1e-9)
        }
    }

    /// Mutants: moments as they are, and moments of a mean that alone is clipped. One row moves them by more than 1.
    func testMomentsWithoutTheirBoundAreSeen() {
        var made = Made(5)
        func worst(_ u: ([Double]) -> [Double]) -> Double {
            (0 ..< 200).map { t in
                let v = u(made.floats(6, scale: pow(10, Double(t % 5 - 2))).map(Double.init))
                return v.reduce(0) { $0 + $1 * $1 }.squareRoot()
            }.max() ?? 0
        }
        func both(_ m: [Double]) -> [Double] { m + m.flatMap { a in m.map { a * $0 } } }
        let reach = 1.5 * 6.0.squareRoot()
        XCTAssertGreaterThan(worst(both), 1.5)
        XCTAssertGreaterThan(worst { m in
            let n = m.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return both(m.map { $0 * min(1, reach / n) })
        }, 1.5)
        XCTAssertLessThanOrEqual(worst { m in
            let n = m.reduce(0) { $0 + $1 * $1 }.squareRoot(), c = m.map { $0 * min(1, reach / n) / reach }
            return both(c).map { $0 / 2.0.squareRoot() }
        }, 1 + 1e-12)
    }

    func testRefusals() {
        func refused(_ change: (inout AlignmentSite) -> Void) {
            var s = AlignmentSite(width: 2)
            change(&s)
            XCTAssertThrowsError(try MomentFeatures(sites: [s]))
        }
        refused { $0.width = 0 }
        refused { $0.scale = 0 }
        refused { $0.reach = .nan }
        refused { $0.linear = -1 }
        refused { $0.linear = 0 }
        refused { $0.bandwidths = [] }
        refused { $0.bandwidths = [0] }
        refused { $0.bandwidths = [0.001]; $0.reach = 1000 }
        refused { $0.linear = 0; $0.covariance = 0; $0.fourier = 0 }
        XCTAssertThrowsError(try MomentFeatures(sites: []))
    }
}
