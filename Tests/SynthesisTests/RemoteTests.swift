// Rows elsewhere, from the plan to the model: the same bytes as with a table, whatever the parts; nothing is charged
// for what is refused; nothing of the rows is in a checkpoint.

import Basics
@testable import Privacy
@testable import Synthesis
import Tables
import XCTest

final class RemoteTests: XCTestCase {
    private func plan(_ more: String = "", protected: [String] = ["sex"]) throws -> Plan {
        let small = #"""
        "projection": {"rows": 60, "steps": 40}, "autoencoder": {"width": 8, "heads": 2, "feed_forward": 16,
        "latent": 4, "batch": 64, "steps": 6}, "diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 4,
        "sampler_steps": 4}, "rake": {"pool": 1000, "steps": 4}, "test_seed": 3, "threads": 1
        """#
        return try Plan(schema: Fixture.schema(), protected: protected, epsilon: 2, delta: 1e-5, preset: "best",
                        config: JSON.parse("{\(small)\(more)}"))
    }

    /// Rows of `table` in parts that begin at `cuts`, by way of bytes as hosts move them.
    private func sums(_ ask: Ask, _ table: Table, _ cuts: [Int]) throws -> Sums {
        let total = try PartSums(read(ask))
        for (k, first) in cuts.enumerated() {
            let end = k + 1 < cuts.count ? cuts[k + 1] : table.rows, part = try PartSums(read(ask))
            if end > first {
                try part.add(table.slice(first: first, count: end - first), part: k)
            } else {
                try part.sums.beginPart(k)
                part.sums.endPart()
            }
            var bytes = [UInt8](repeating: 0, count: try part.sums.exportSize(0, of: 1))
            bytes.withUnsafeMutableBytes { part.sums.export(0, of: 1, to: $0.baseAddress!) }
            try bytes.withUnsafeBytes { try total.sums.merge($0) }
        }
        return total.sums
    }

    /// The ask as a worker reads it.
    private func read(_ ask: Ask) throws -> Ask {
        let bytes = try ask.bytes()
        return try withExtendedLifetime(bytes) {
            try Ask(bytes: UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        }
    }

    private func model(_ plan: Plan, _ table: Table, _ cuts: [Int], rollCall: Bool = false,
                       forgets: Bool = false) throws -> [UInt8] {
        var options = RemoteOptions()
        if rollCall { options.rollCall = .once }
        let t = try Trainer(plan: plan, elsewhere: options)
        if forgets { t.door.forgetRows() }
        while !t.isFinished {
            if let ask = try t.ask(parts: cuts.count) {
                XCTAssertThrowsError(try t.step(maxSteps: 1, maxSeconds: 1e9))
                try t.answer(sums(ask, table, cuts))
            } else {
                try t.step(maxSteps: 50, maxSeconds: 1e9)
            }
        }
        return Array(try t.finish().bytes())
    }

    private func local(_ plan: Plan, _ table: Table) throws -> [UInt8] {
        let t = try Trainer(plan: plan, table: table)
        while !t.isFinished { try t.step(maxSteps: 50, maxSeconds: 1e9) }
        return Array(try t.finish().bytes())
    }

    func testTheSameBytesAsWithATable() throws {
        let table = try Fixture.table(rows: 500)
        for plan in try [plan(), plan(protected: []), plan(#", "marginals": {"pairs": "selected", "count": 5}"#),
                         plan(#", "focus": ["age"]"#)] {
            let own = try local(plan, table)
            XCTAssertTrue(try model(plan, table, [0]) == own)
            XCTAssertTrue(try model(plan, table, [0, 0, 1, 2, 300, 499, 500], rollCall: true) == own)
        }
    }

    func testNothingGetsPastTheDoor() throws {
        let plan = try plan(), one = try Fixture.table(rows: 300), other = try Fixture.table(rows: 411, seed: 9)
        XCTAssertTrue(try model(plan, one, [0, 100], forgets: true) == model(plan, other, [0], forgets: true))
        XCTAssertFalse(try model(plan, one, [0]) == model(plan, other, [0]))
    }

    func testPlansThatSampleRowsAreRefused() throws {
        XCTAssertThrowsError(try Trainer(plan: Fixture.plan(), elsewhere: RemoteOptions()))
        XCTAssertThrowsError(try Trainer(plan: plan(#", "finetuning": {"steps": 3, "batch": 50}"#),
                                         elsewhere: RemoteOptions()))
        XCTAssertThrowsError(try Trainer(plan: plan(), table: Fixture.table(rows: 5)).ask(parts: 1))
    }

    /// Refused answers leave the ledger as it was; the second release is not charged for other rows.
    func testRefusedAnswersChargeNothing() throws {
        let table = try Fixture.table(rows: 300), other = try Fixture.table(rows: 300, seed: 2)
        let t = try Trainer(plan: plan(), elsewhere: RemoteOptions())
        let first = try XCTUnwrap(t.ask(parts: 2))
        let stale = try sums(first, table, [0, 10]), ask = try XCTUnwrap(t.ask(parts: 2))
        XCTAssertThrowsError(try t.answer(stale))
        XCTAssertEqual(t.ledger.releases.count, 0)
        try t.answer(sums(ask, table, [0, 10]))
        XCTAssertEqual(t.ledger.releases.count, 1)
        let next = try XCTUnwrap(t.ask(parts: 1))
        XCTAssertThrowsError(try t.answer(sums(next, other, [0])))
        XCTAssertEqual(t.ledger.releases.count, 1)
        XCTAssertEqual(t.progress.step, 1)
        try t.answer(sums(next, table, [0]))
        XCTAssertEqual(t.ledger.releases.count, 2)
        XCTAssertNil(try t.ask(parts: 1))
    }

    /// A roll call is no release; after it other rows are refused before the first charge.
    func testRollCall() throws {
        var options = RemoteOptions()
        options.rollCall = .once
        let table = try Fixture.table(rows: 300), t = try Trainer(plan: plan(), elsewhere: options)
        let call = try XCTUnwrap(t.ask(parts: 1))
        XCTAssertEqual(call.stage, Ask.rollCall)
        try t.answer(sums(call, table, [0]))
        XCTAssertEqual(t.ledger.releases.count, 0)
        let ask = try XCTUnwrap(t.ask(parts: 1))
        XCTAssertThrowsError(try t.answer(sums(ask, Fixture.table(rows: 300, seed: 2), [0])))
        XCTAssertEqual(t.ledger.releases.count, 0)
    }

    /// Checkpoints of two tables are the same but for what was released: no row count, no digest. A resumed training
    /// goes on to its end.
    func testCheckpoints() throws {
        let folder = Fixture.makeFolder()
        defer { Fixture.remove(folder: folder) }
        let table = try Fixture.table(rows: 300), plan = try plan()
        let t = try Trainer(plan: plan, elsewhere: RemoteOptions())
        let ask = try XCTUnwrap(t.ask(parts: 1))
        try t.answer(sums(ask, table, [0]))
        try t.checkpoint("\(folder)/c")
        let local = try Trainer(plan: plan, table: table)
        try local.step(maxSteps: 1, maxSeconds: 1e9)
        try local.checkpoint("\(folder)/d")
        XCTAssertEqual(try readFile("\(folder)/c").count, try readFile("\(folder)/d").count)
        let again = try Trainer.resume("\(folder)/c", elsewhere: RemoteOptions())
        XCTAssertThrowsError(try again.answer(sums(ask, table, [0])))                // void
        while !again.isFinished {
            if let ask = try again.ask(parts: 1) { try again.answer(sums(ask, table, [0])) }
            else { try again.step(maxSteps: 50, maxSeconds: 1e9) }
        }
        XCTAssertNoThrow(try again.finish())
    }

    /// An ask holds public things: the same plan and the same releases give the same bytes but for id, keys and check.
    func testAnAskDoesNotDependOnRows() throws {
        func asks(_ table: Table) throws -> [[UInt8]] {
            let t = try Trainer(plan: plan(), elsewhere: RemoteOptions())
            t.door.forgetRows()
            let one = try XCTUnwrap(t.ask(parts: 1))
            try t.answer(sums(one, table, [0]))
            return try [one, XCTUnwrap(t.ask(parts: 1))].map {
                let bytes = Array(try $0.bytes())
                return Array(bytes[56..<bytes.count - 16])
            }
        }
        XCTAssertEqual(try asks(Fixture.table(rows: 300)), try asks(Fixture.table(rows: 77, seed: 5)))
    }

    func testDamagedAsksAreRefused() throws {
        let t = try Trainer(plan: plan(), elsewhere: RemoteOptions())
        let good = Array(try XCTUnwrap(t.ask(parts: 1)).bytes())
        for i in stride(from: 0, to: good.count, by: 41) {
            var bad = good
            bad[i] ^= 4
            XCTAssertThrowsError(try bad.withUnsafeBytes { try Ask(bytes: $0) })
        }
        for n in [0, 8, 63, 80, good.count - 1] {
            XCTAssertThrowsError(try good[..<n].withUnsafeBytes { try Ask(bytes: $0) })
        }
    }
}
