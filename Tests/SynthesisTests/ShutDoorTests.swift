// P6: nothing knows the rows but what came through the door. With a door that lends nobody, trainings on two tables
// that have nothing in common give the same ledger and, byte for byte, the same model file; with anything computed
// beside the door they do not.

import Basics
@testable import Privacy
@testable import Synthesis
import Tables
import XCTest

final class ShutDoorTests: XCTestCase {
    /// - Parameter peek: what a broken build does with the table beside the door, before the first step.
    private func file(_ plan: Plan, _ table: Table, peek: (Trainer, Table) throws -> Void = { _, _ in }) throws
        -> ([UInt8], String) {
        let t = try Trainer(plan: plan, table: table)
        t.door.forgetRows()
        try t.step(maxSteps: 1, maxSeconds: 1e9)
        try peek(t, table)
        while !t.isFinished { try t.step(maxSteps: 50, maxSeconds: 1e9) }
        let model = try t.finish()
        return (Array(try model.bytes()), model.ledger.json.text)
    }

    private func plans() throws -> [Plan] {
        let best = #"""
        "projection": {"rows": 60, "steps": 40}, "autoencoder": {"width": 8, "heads": 2, "feed_forward": 16,
        "latent": 4, "batch": 64, "steps": 10},
        "diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 6, "sampler_steps": 4}, "rake": {"pool": 1500,
        "steps": 8}, "test_seed": 3, "threads": 2
        """#
        let schema = try Fixture.schema()
        func make(_ more: String) throws -> Plan {
            try Plan(schema: schema, protected: ["sex"], epsilon: 2, delta: 1e-5, preset: "best",
                     config: JSON.parse("{\(best)\(more)}"))
        }
        let taught = #"""
        "test_seed": 5, "alignment": {}, "student_autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": 4,
        "batch": 64, "steps": 4}, "student_diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 3,
        "sampler_steps": 4}
        """#
        return [try Fixture.plan(), try Fixture.plan(taught),
                try Fixture.plan(#""test_seed": 4, "fairness": {"sampling": "balanced"}"#),
                try make(""), try make(#", "marginals": {"pairs": "selected", "count": 5}"#),
                try make(#", "finetuning": {"steps": 3, "batch": 50}"#)]
    }

    func testNothingGetsPastTheDoor() throws {
        for plan in try plans() {
            let one = try file(plan, Fixture.table(rows: 700)),
                other = try file(plan, Fixture.table(rows: 411, seed: 9))
            XCTAssertEqual(one.1, other.1)
            XCTAssertTrue(one.0 == other.0, plan.preset)
        }
    }

    /// Mutants: encoders from the true counts, a row count from the table, bounds of a column looked up in its cells.
    func testWhatIsComputedOutsideIsSeen() throws {
        let plan = try Fixture.plan()
        func begin(_ t: Trainer, _ change: (inout [Buffer<Double>], inout [Double]) throws -> Void) throws {
            guard let s = t.statistics else { return }
            var counts = s.counts, groups = s.groupCounts
            try change(&counts, &groups)
            try t.begin(with: Statistics(plan: plan, counts: counts, groupCounts: groups))
        }
        let mutants: [(Trainer, Table) throws -> Void] = [
            { t, table in try begin(t) { _, groups in groups = groups.map { _ in Double(table.rows) } } },
            { t, table in
                try begin(t) { counts, _ in
                    let c = try Buffer<Double>(count: counts[0].count)
                    for i in 0..<table.rows { c[Int(table.columns[0].offset(i))] += 1 }
                    counts[0] = c
                }
            },
            { t, table in
                let ages = (0..<table.rows).map { table.columns[2].double($0) }
                try begin(t) { counts, _ in
                    guard let lo = ages.min(), let hi = ages.max() else { return }
                    for (k, h) in plan.histograms.enumerated() where h.column == 2 && h.divisor == 1 {
                        let c = try Buffer<Double>(count: counts[k].count)
                        for i in c.indices where Double(i) >= lo && Double(i) <= hi { c[i] = 10 }
                        counts[k] = c
                    }
                }
            },
        ]
        let narrow = try Fixture.table(rows: 300, seed: 4)
        for i in 0..<300 { narrow.columns[2].put(i, 40 + Int64(i % 5)) }
        for (k, mutant) in mutants.enumerated() {
            let one = try file(plan, Fixture.table(rows: 700), peek: mutant),
                other = try file(plan, narrow, peek: mutant)
            XCTAssertFalse(one.0 == other.0, "mutant \(k)")
        }
    }
}
