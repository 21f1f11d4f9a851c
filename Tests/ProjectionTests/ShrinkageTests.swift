// What a noisy table says beyond a fitted one: noise is left out, what stands out is taken, whole blocks of it as well.

import XCTest
import Basics
import Compute
@testable import Projection

final class ShrinkageTests: XCTestCase {
    private static let levels = [32, 32], noise = 20.0
    private func marginal(_ value: (Int) -> Double, noise: Double = 0) throws -> NoisyMarginal {
        let v = try Buffer<Double>(count: 1024, for: "a test")
        var s = CounterStream(seed: 5, row: 1, purpose: 9)
        for i in 0..<1024 { v[i] = value(i) + noise * Double(s.normalPair().0) }
        return NoisyMarginal(columns: [0, 1], values: v, standardDeviation: Self.noise)
    }
    private func shrunk(_ truth: (Int) -> Double, ordered: Bool = true, threshold: Double = 1.5) throws
        -> NoisyMarginal {
        try marginal(truth, noise: Self.noise).shrunk(to: marginal { _ in 30 }, levels: Self.levels,
                                                      ordered: [ordered, ordered], threshold: threshold)
    }
    /// Root mean squared error.
    private func error(_ m: NoisyMarginal, _ truth: (Int) -> Double) -> Double {
        ((0..<1024).reduce(0) { $0 + (m.values[$1] - truth($1)) * (m.values[$1] - truth($1)) } / 1024).squareRoot()
    }

    func testNoiseAloneMovesLittle() throws {
        XCTAssertLessThan(error(try shrunk({ _ in 30 }, threshold: 3)) { _ in 30 }, 0.15 * Self.noise)
        XCTAssertEqual(try shrunk { _ in 30 }.standardDeviation, Self.noise / 4)
        // Without a threshold all of the released table is taken.
        XCTAssertEqual(error(try shrunk({ _ in 30 }, threshold: 0)) { _ in 30 }, Self.noise, accuracy: 2)
    }

    func testACellThatStandsOutIsTaken() throws {
        let truth: (Int) -> Double = { $0 == 77 ? 530 : 30 }, m = try shrunk(truth)
        XCTAssertEqual(m.values[77], 530, accuracy: 5 * Self.noise)
        XCTAssertLessThan(error(m, truth), 0.75 * Self.noise)
    }

    /// No cell of a quarter of the table stands out, and all of them together do.
    func testABlockStandsOutWhereItsCellsDoNot() throws {
        let truth: (Int) -> Double = { $0 / 32 < 16 && $0 % 32 < 16 ? 40 : 30 }
        let m = try shrunk(truth, threshold: 2.5), alone = try shrunk(truth, ordered: false, threshold: 2.5)
        func mean(_ m: NoisyMarginal) -> Double {
            (0..<1024).filter { truth($0) == 40 }.reduce(0) { $0 + m.values[$1] } / 256
        }
        XCTAssertEqual(mean(m), 40, accuracy: 3)
        XCTAssertLessThan(mean(alone), 35)
    }

    func testScalesAreBlocksOfNeighbours() throws {
        let s = try TiltScales(levels: [3, 5], ordered: [false, true], first: 7)
        XCTAssertEqual(s.scales.map(\.count), [15, 9, 6])
        XCTAssertEqual(s.scales.map(\.first), [7, 22, 31])
        XCTAssertEqual(s.count, 30)
        XCTAssertEqual((0..<15).map(s.scales[1].block), [0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 6, 6, 7, 7, 8])
        XCTAssertEqual((0..<15).map(s.scales[2].block), [0, 0, 0, 0, 1, 2, 2, 2, 2, 3, 4, 4, 4, 4, 5])
        XCTAssertEqual(try TiltScales(levels: [3, 5], ordered: [false, false], first: 0).scales.count, 1)
    }
}
