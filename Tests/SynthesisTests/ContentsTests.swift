// What files hold: a ledger with every kind of entry, and the figures that others recompute from it.

import Basics
import Glibc
import Privacy
import Storage
@testable import Synthesis
import XCTest

final class ContentsTests: XCTestCase {
    private func bytes(_ plan: Plan, _ ledger: Ledger) throws -> Buffer<UInt8> {
        try ModelFile.bytes(.model) { root in
            try plan.write(to: root)
            try ledger.write(to: root, risk: true)
        }
    }

    func testLedgersWithEveryKindOfEntry() throws {
        let plan = try Fixture.plan(#""test_seed": 11, "fairness": {"strength": 0}"#)
        var ledger = try Ledger(epsilon: plan.epsilon, delta: plan.delta, order: plan.budget.order, groups: plan.groups,
                                assumptions: plan.assumptions)
        try ledger.charge(.init(name: "histograms",
                                groups: [.init(group: Plan.group, samplingRate: 1, noiseMultiplier: 40)]))
        func back() throws -> (Ledger, [FrameColumn]?) {
            let b = try bytes(plan, ledger)
            return try ModelFile.read(.model, bytes: UnsafeRawBufferPointer(start: b.base, count: b.count)) { root in
                (try Ledger.read(from: root, plan: plan),
                 try? root.group("ledger").dataframe("events", [("mechanism", .strings), ("noise_multiplier", .numbers),
                                                                ("rho", .numbers)]))
            }
        }
        XCTAssertEqual(try back().0, ledger)
        XCTAssertNil(try back().1, "no column rho where no release has one")
        try ledger.charge(.init(name: "pairs", count: 2, rho: 0.005))
        let (read, frame) = try back()
        XCTAssertEqual(read, ledger)
        XCTAssertEqual(frame, [.strings(["poisson-sampled gaussian", "zcdp"]), .numbers([40, 10]),
                               .numbers([0, 0.005])])
        XCTAssertThrowsError(try plan.check(ledger, statistics: nil, done: 0)) {
            XCTAssertEqual(($0 as? Failure)?.code, .format)
        }
    }

    func testReleasedCountsBeyondAllTablesAreRefused() throws {
        let plan = try Plan(schema: Fixture.schema(), protected: ["sex"], epsilon: 2, delta: 1e-5, preset: "best")
        func statistics(_ cell: Double, _ group: Double) throws {
            let counts = try plan.histograms.map { request in
                let size = plan.grids[request.column].histogramSize(divisor: request.divisor)
                let buffer = try Buffer<Double>(count: size)
                for i in 0..<size { buffer[i] = cell }
                return buffer
            }
            _ = try Statistics(plan: plan, counts: counts, groupCounts: [Double](repeating: group,
                count: plan.groups.count))
        }
        XCTAssertNoThrow(try statistics(10, 100))
        XCTAssertNoThrow(try statistics(0x1p40, 0x1p40))
        for value in [1e300, -1e300, Double.nan, .infinity, 0x1p41] {
            for (cell, group) in [(value, 100), (10, value)] {
                XCTAssertThrowsError(try statistics(cell, group), "\(value)") {
                    XCTAssertEqual(($0 as? Failure)?.code, .format)
                }
            }
        }
        XCTAssertThrowsError(try ReleasedMarginals(columns: [[0]], values: [try {
            let buffer = try Buffer<Double>(count: 1)
            buffer[0] = 1e300
            return buffer
        }()], levels: [1]))
    }
}
