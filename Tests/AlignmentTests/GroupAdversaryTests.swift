// The adversary against PyTorch: starting weights, four steps of Adam, the hinge term on the latent.

import XCTest
@testable import Alignment
@testable import Basics
@testable import Compute

final class GroupAdversaryTests: XCTestCase {
    func testAgreesWithPyTorch() throws {
        let f = try Fixture("adversary"), shape = f.ints("shape"), n = shape[0], L = shape[1], z = f.floats("z")
        let s = f.labels("groups")
        var o = GroupAdversaryOptions()
        o.width = shape[2]
        o.learningRate = 2e-2
        o.margin = 0.5
        for kernels in Kernels.available {
            let a = try GroupAdversary(groups: shape[3], latent: L, capacity: 40, seed: 9, options: o, kernels: kernels)
            XCTAssertLessThan(distance(Array(a.weights), f.numbers("weights")), 1e-6)
            for want in f.numbers("losses") {
                XCTAssertEqual(try a.train(z, groups: s, count: n, steps: 1), want, accuracy: 3e-6)
            }
            XCTAssertEqual(a.steps, 4)
            XCTAssertLessThan(distance(Array(a.weights), f.numbers("trained")), 2e-5, kernels.name)
            for p in a.weights.indices { a.weights[p] = f.floats("trained")[p] }
            var dz = [Float](repeating: 0, count: n * L)
            XCTAssertEqual(try a.gradient(z, groups: s, count: n, weight: 3, into: &dz), f.numbers("push")[0],
                           accuracy: 3e-6)
            XCTAssertLessThan(distance(dz, f.numbers("dz")), 1e-5)
        }
    }

    /// Groups of very different sizes weigh the same; rows that take no part change nothing and get nothing.
    func testBalanceAndRowsWithoutPart() throws {
        var made = Made(1)
        let n = 21, L = 3, z = made.floats(n * L), s: [Int32] = (0 ..< n).map { $0 < 3 ? 1 : 0 }
        var o = GroupAdversaryOptions()
        o.margin = 0.5
        func fresh() throws -> GroupAdversary {
            try GroupAdversary(groups: 3, latent: L, capacity: 64, seed: 2, options: o)
        }
        let one = try fresh(), two = try fresh()
        let alone = try one.train(z, groups: s, count: n, steps: 5)
        let more = z + [1, 2, 3, 4, 5, 6, .nan, 0, 0, 0, .infinity, 0]
        let with = try two.train(more, groups: s + [2, -1, 0, 1], count: n + 4, steps: 5)
        XCTAssertEqual(alone, with, accuracy: 1e-6)
        XCTAssertLessThan(distance(Array(two.weights), Array(one.weights).map { Double($0) }), 1e-5)
        var dz = [Float](repeating: 0, count: (n + 4) * L)
        XCTAssertGreaterThan(try two.gradient(more, groups: s + [2, -1, 0, 1], count: n + 4, weight: 1, into: &dz), 0)
        XCTAssertTrue(dz.suffix(4 * L).allSatisfy { $0 == 0 })
        XCTAssertGreaterThan(dz.map(abs).max() ?? 0, 0)
        // The small group doubled row by row is the same balanced loss.
        let twice = z + z.prefix(3 * L), groups = s + [1, 1, 1]
        var scrap = [Float](repeating: 0, count: twice.count)
        let a = try one.gradient(z, groups: s, count: n, weight: 1, into: &scrap)
        let b = try one.gradient(twice, groups: groups, count: n + 3, weight: 1, into: &scrap)
        XCTAssertEqual(a, b, accuracy: 1e-6)
    }

    /// It finds a group that lies in the product of two numbers, and stops pushing an encoder it cannot read.
    func testFindsWhatALineCannot() throws {
        var made = Made(3)
        let n = 256, L = 2, a = try GroupAdversary(groups: 2, latent: L, capacity: n, seed: 1)
        var found = 1.0
        for _ in 0 ..< 100 {
            let z = made.floats(n * L), s: [Int32] = (0 ..< n).map { z[2 * $0] * z[2 * $0 + 1] > 0 ? 1 : 0 }
            found = try a.train(z, groups: s, count: n, steps: 3)
        }
        XCTAssertLessThan(found, 0.25)
        // Where it is wrong with certainty there is nothing left to gain.
        let z = made.floats(n * L), wrong: [Int32] = (0 ..< n).map { z[2 * $0] * z[2 * $0 + 1] > 0 ? 0 : 1 }
        var dz = [Float](repeating: 0, count: n * L)
        XCTAssertEqual(try a.gradient(z, groups: wrong, count: n, weight: 1, into: &dz), 0)
        XCTAssertTrue(dz.allSatisfy { $0 == 0 })
    }

    func testNothingToSay() throws {
        let a = try GroupAdversary(groups: 2, latent: 2, capacity: 4, seed: 1), before = Array(a.weights)
        var dz = [Float](repeating: 0, count: 8)
        XCTAssertEqual(try a.train([1, 2, 3, 4], groups: [0, 1], count: 2, steps: 3), 0)
        XCTAssertEqual(try a.gradient([1, 2, 3, 4], groups: [0, 0], count: 2, weight: 1, into: &dz), 0)
        XCTAssertEqual(Array(a.weights), before)
        XCTAssertThrowsError(try a.train(dz, groups: [0, 0, 0, 0, 0], count: 5, steps: 1))
        XCTAssertThrowsError(try GroupAdversary(groups: 1, latent: 2, capacity: 4, seed: 1))
    }
}
