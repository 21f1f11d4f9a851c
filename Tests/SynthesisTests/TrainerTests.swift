import XCTest
@testable import Synthesis
@testable import Privacy
import Basics
import Tables

final class TrainerTests: XCTestCase {
    func testSameSeedSameModelWhateverTheThreads() throws {
        let table = try Fixture.table(rows: 700)
        let one = try Fixture.train(Fixture.plan(#""test_seed": 5, "threads": 1"#), table)
        for threads in [2, 3, 7] {
            let many = try Fixture.train(Fixture.plan(#""test_seed": 5, "threads": \#(threads)"#), table)
            XCTAssertEqual(one.ledger, many.ledger)
            XCTAssertEqual(Fixture.cells(try one.sample(count: 300, seed: 3, threads: 1)),
                           Fixture.cells(try many.sample(count: 300, seed: 3, threads: 2)))
        }
    }

    func testTheLedgerListsEveryReleaseAndMeetsThePlan() throws {
        let plan = try Fixture.plan()
        let ledger = try Fixture.train(plan, Fixture.table(rows: 700)).ledger
        XCTAssertEqual(ledger.releases.map(\.name), ["histograms", "autoencoder", "diffusion"])
        XCTAssertEqual(ledger.releases.map(\.count), [1, 6, 5])
        XCTAssertLessThanOrEqual(ledger.epsilon, 2)
        XCTAssertGreaterThan(ledger.epsilon, 2 - 1e-4)
        XCTAssert(ledger.assumptions.contains("deterministic noise: not private"))
        XCTAssertFalse(try Fixture.plan("\"seed\": 4").assumptions.contains("deterministic noise: not private"))
    }

    func testWithoutDiffusion() throws {
        let plan = try Plan(schema: Fixture.schema(), protected: [], epsilon: 2, delta: 1e-5, preset: "published",
                            config: JSON.parse(#"{"autoencoder": {"steps": 6, "batch": 100}, "diffusion": "#
                                + #"{"enabled": false}}"#))
        let model = try Fixture.train(plan, Fixture.table(rows: 300))
        XCTAssertNil(model.denoiser)
        XCTAssertEqual(model.ledger.releases.map(\.name), ["histograms", "autoencoder"])
        XCTAssertEqual(try model.sample(count: 10, seed: 1).rows, 10)
    }

    func testEveryShapeTrains() throws {
        let table = try Fixture.table(rows: 200)
        for shape in [#""width": 4, "heads": 1, "blocks": 2, "activation": "relu", "latent_kind": "per_token", "#
            + #""log_variance": "network", "affine": true"#,
                      #""width": 8, "heads": 4, "blocks": 1, "latent": 3, "log_variance": "head", "feed_forward": "#
                          + #"20"#] {
            let config = #"{"autoencoder": {"steps": 3, "batch": 50, \#(shape)}, "diffusion": {"steps": 2, "batch": "#
                + #"50, "layers": 3, "hidden": 20, "sampler_steps": 4}}"#
            let plan = try Plan(schema: Fixture.schema(), protected: [], epsilon: 3, delta: 1e-5, preset: "published",
                                config: JSON.parse(config))
            XCTAssertEqual(try Fixture.train(plan, table).sample(count: 33, seed: 1).rows, 33)
        }
    }

    /// Tables that differ in a row, in their size, or in an empty level give the same events and ledger shape.
    func testControlFlowDoesNotDependOnTheRows() throws {
        func trace(_ table: Table) throws -> [String] {
            let t = try Trainer(plan: Fixture.plan(#""rows": {"declared": 700}"#), table: table)
            var out: [String] = []
            while !t.isFinished {
                let p = try t.step(maxSteps: 1, maxSeconds: 1e9)
                out.append("\(p.stage) \(p.step)/\(p.total) \(p.epsilon)")
            }
            return out + [t.ledger.json.text]
        }
        let full = try trace(Fixture.table(rows: 700))
        XCTAssertEqual(full, try trace(Fixture.table(rows: 699)))
        XCTAssertEqual(full, try trace(Fixture.table(rows: 1)))
        XCTAssertEqual(full, try trace(Fixture.table(rows: 700, seed: 99)))
    }

    func testCancelKeepsTheTrainerUsable() throws {
        let t = try Trainer(plan: Fixture.plan(), table: Fixture.table(rows: 100))
        try t.step(maxSteps: 2, maxSeconds: 1e9)
        t.cancel()
        XCTAssertThrowsError(try t.step(maxSteps: 2, maxSeconds: 1e9)) {
            XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
        }
        XCTAssertThrowsError(try t.finish()) { XCTAssertEqual(($0 as? Failure)?.code, .state) }
        while !t.isFinished { try t.step(maxSteps: 100, maxSeconds: 1e9) }
        XCTAssertEqual(try t.finish().sample(count: 5, seed: 1).rows, 5)
    }

    /// Each step in turn is charged and then lost: the training goes on without it, and its charge stays.
    func testALostStepLosesOnlyItself() throws {
        let plan = try Fixture.plan(), table = try Fixture.table(rows: 100)
        for lost in 1..<plan.totalSteps - 1 {
            let t = try Trainer(plan: plan, table: table)
            try t.step(maxSteps: lost, maxSeconds: 1e9)
            (t.file, t.chargedTo) = ("/dev/null/no/such/file", lost)          // the charge cannot be made durable
            XCTAssertThrowsError(try t.step(maxSteps: 1, maxSeconds: 1e9)) {
                XCTAssertEqual(($0 as? Failure)?.code, .io)
            }
            t.file = nil
            while !t.isFinished { try t.step(maxSteps: 100, maxSeconds: 1e9) }
            XCTAssertEqual(try t.finish().ledger.releases.map(\.count), [1, 6, 5])
        }
    }

    /// Persons with several rows: the plan, the table and every report speak of the same unit, and all releases are
    /// priced for it.
    func testPersons() throws {
        let plan = try Fixture.plan(#""max_rows_per_person": 3"#), rows = try Fixture.plan("\"seed\": 0"),
            people = (0..<300).map { Int64($0 / 5) }
        let table = try Fixture.table(rows: 300), bounded = try table.bounded(persons: people, maxRows: 3)
        XCTAssertEqual(bounded.rows, 180)
        for (p, t) in [(plan, table), (rows, bounded), (plan, try table.bounded(persons: people, maxRows: 4))] {
            XCTAssertThrowsError(try Trainer(plan: p, table: t)) { XCTAssertEqual(($0 as? Failure)?.code, .state) }
        }
        for preset in Presets.names {
            func make(_ accountant: Ledger.Accounting?) throws -> Plan {
                try Plan(schema: Fixture.schema(), protected: [], epsilon: 8, delta: 1e-5, preset: preset,
                         config: JSON.parse(#"{"max_rows_per_person": 3, "autoencoder": {"steps": 6, "batch": "#
                             + #"60}, "diffusion": {"steps": 5, "batch": 40, "sampler_steps": 6}}"#),
                         accountant: accountant)
            }
            let p = try make(nil), filtered = try make(.renyi)
            XCTAssertGreaterThan(filtered.histogramNoise,
                                 2.9 * (try Plan(schema: Fixture.schema(), protected: [], epsilon: 8, delta: 1e-5,
                                                 preset: preset, under: Budget(epsilon: 8, delta: 1e-5,
                                                     order: filtered.budget.order)).histogramNoise))
            XCTAssertLessThanOrEqual(p.histogramNoise, filtered.histogramNoise)
            let model = try Fixture.train(p, try table.bounded(persons: people, maxRows: 2))
            XCTAssertLessThanOrEqual(model.ledger.epsilon, 8)
            XCTAssertGreaterThan(model.ledger.epsilon, 7)
            XCTAssertTrue(model.ledger.assumptions[0].contains("one person added or removed"))
            XCTAssertTrue(model.ledger.notes[0].contains("the promise is for persons"))
            XCTAssertTrue(try p.explanation().contains("one person of up to 3 rows"))
            // Priced for one row the same releases look far cheaper: a mutant that forgets the person would claim that.
            let forgetful = try Ledger(budget: XCTUnwrap(Budget(epsilon: 8, delta: 1e-5, order: p.budget.order))), g = 0
            XCTAssertLessThan(model.ledger.releases.reduce(0) { $0 + $1.divergence(group: g, order: forgetful.order,
                rows: 1) }, 0.5 * model.ledger.maxSpent)
            let bytes = try model.bytes()
            XCTAssertEqual(try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)).ledger,
                           model.ledger)
        }
    }

    func testDeltaAgainstTheReleasedCountIsRefusedAndCharged() throws {
        let plan = try Plan(schema: Fixture.schema(), protected: [], epsilon: 5, delta: 0.02, preset: "published",
                            config: JSON.parse("{\(Fixture.quick)}"))
        let t = try Trainer(plan: plan, table: Fixture.table(rows: 5000))
        XCTAssertThrowsError(try t.step(maxSteps: 1, maxSeconds: 1)) { XCTAssertEqual(($0 as? Failure)?.code, .budget) }
        XCTAssertEqual(t.ledger.releases.map(\.name), ["histograms"])
        XCTAssertThrowsError(try t.step(maxSteps: 1, maxSeconds: 1))
    }

    /// After a refusal nothing more is charged, whatever is asked for, in every preset.
    func testARefusalIsFinal() throws {
        for preset in Presets.names where ["best", "published"].contains(preset) {
            let plan = try Plan(schema: Fixture.schema(), protected: [], epsilon: 5, delta: 0.02, preset: preset,
                                config: JSON.parse("{\(Fixture.quick)}"))
            let t = try Trainer(plan: plan, table: Fixture.table(rows: 5000))
            for _ in 0..<5 {
                XCTAssertThrowsError(try t.step(maxSteps: 3, maxSeconds: 1), preset) {
                    XCTAssertEqual(($0 as? Failure)?.code, .budget, preset)
                }
            }
            XCTAssertEqual(t.ledger.releases.map(\.name), ["histograms"], preset)
            XCTAssertThrowsError(try t.finish())
        }
    }

    /// Calibration and tilt are heard in between: they are left when the time is over and gone on with, to the same
    /// model, bit for bit.
    func testLongStepsYield() throws {
        let config = #"{"autoencoder": {"steps": 3, "batch": 60}, "diffusion": {"steps": 2, "batch": 60}, "#
            + #""projection": "#
            + #"{"rows": 30, "steps": 10}, "rake": {"pool": 20000}, "test_seed": 5, "threads": 1}"#
        let plan = try Plan(schema: Fixture.schema(), protected: [], epsilon: 4, delta: 1e-5, preset: "best",
                            config: JSON.parse(config))
        let table = try Fixture.table(rows: 300), whole = try Fixture.train(plan, table).bytes()
        let t = try Trainer(plan: plan, table: table)
        var calls = 0
        while !t.isFinished {
            let before = t.progress.step
            // heard inside the step, which is then gone on with
            if before >= plan.totalSteps - 2 { t.cancel() }
            do { try t.step(maxSteps: 1, maxSeconds: 1e-9) } catch let f as Failure where f.code == .cancelled {
                try t.step(maxSteps: 1, maxSeconds: 1e-9)
            }
            if t.progress.step == before { calls += 1 }
        }
        XCTAssertGreaterThan(calls, 10, "both steps were left many times")
        let bytes = try t.finish().bytes()
        XCTAssertEqual(Array(bytes), Array(whole))
    }

    func testADeclaredRowCountThatTheNoisyOneContradicts() throws {
        func warnings(declared n: Int) throws -> [String] {
            let plan = try Fixture.plan("\"rows\": {\"declared\": \(n)}, \"test_seed\": 3", epsilon: 8)
            return try Fixture.train(plan, Fixture.table(rows: 5000)).warnings
        }
        XCTAssertEqual(try warnings(declared: 5000), [])
        XCTAssertEqual(try warnings(declared: 9000).count, 1)
        XCTAssertTrue(try warnings(declared: 900).joined().contains("declared row count is 900"))
    }

    func testBadArguments() throws {
        let t = try Trainer(plan: Fixture.plan(), table: Fixture.table(rows: 10))
        XCTAssertThrowsError(try t.step(maxSteps: 0, maxSeconds: 1))
        XCTAssertThrowsError(try t.step(maxSteps: 1, maxSeconds: 0))
        XCTAssertThrowsError(try t.step(maxSteps: 1, maxSeconds: .nan))
        let other = try Schema(json: #"{"fields": [{"name": "x", "type": "boolean"}]}"#)
        XCTAssertThrowsError(try Trainer(plan: Fixture.plan(), table: Table(schema: other, rows: 3)))
    }
}
