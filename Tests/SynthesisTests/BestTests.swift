// The preset `best` on small tables: its releases, its files, its checkpoints, and that everything after the releases
// is free.

import XCTest
@testable import Synthesis
import Basics
import Compute
import Privacy
import Projection
import Tables

final class BestTests: XCTestCase {
    private static let small = #"""
    "autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": 4, "batch": 128, "steps": 30, "warmup": 10},
    "diffusion": {"hidden": 16, "layers": 2, "noise_levels": 2, "batch": 64, "steps": 20, "sampler_steps": 5,
    "warmup": 5},
    "projection": {"rows": 64, "steps": 40}, "rake": {"pool": 2000, "steps": 20}, "fairness": {"strength": 0}
    """#

    /// `more` replaces whole sections of the small configuration.
    private static func plan(_ more: String = "", seed: Int? = 11, epsilon: Double = 2) throws -> Plan {
        let config = try Fixture.merged(small + (seed.map { ", \"test_seed\": \($0)" } ?? ""), more)
        return try Plan(schema: Fixture.schema(), protected: ["sex"], epsilon: epsilon, delta: 1e-5, preset: "best",
                        config: config)
    }

    private func plan(_ more: String = "", seed: Int? = 11, epsilon: Double = 2) throws -> Plan {
        try Self.plan(more, seed: seed, epsilon: epsilon)
    }
    private func train(_ plan: Plan, rows: Int = 900) throws -> Model {
        try Fixture.train(plan, Fixture.table(rows: rows))
    }

    static let trained = Result { try Fixture.train(BestTests.plan(), Fixture.table(rows: 900)) }
    private func model() throws -> Model { try Self.trained.get() }

    /// A file that somebody altered may hold a tilt that refuses every row: sampling ends all the same.
    func testATiltThatRefusesEveryRow() throws {
        let m = try model(), levels = m.generator.statistics.levels, size = levels[0]
        var altered = m.generator
        altered.rowTilt = try RowTilt(levels: levels, columns: [[0]], theta: Buffer(count: size, for: "a test"),
                                      offset: 0, cap: .greatestFiniteMagnitude, effectiveShare: 1, acceptanceRate: 1,
                                      truncated: 0, distinctShare: 1)
        let rows = try Model(plan: m.plan, ledger: m.ledger, generator: altered).sample(count: 1, seed: 1)
        XCTAssertEqual(rows.rows, 1)
    }

    func testReleasesAreThoseOfThePlanAndNothingElse() throws {
        let m = try model(), l = m.ledger
        XCTAssertEqual(l.releases.map(\.name), ["histograms", "marginals"])
        XCTAssertEqual(l.releases.map(\.count), [1, 1])
        XCTAssertEqual(l.releases[1].groups.map(\.samplingRate), [1])
        XCTAssertEqual(l.releases[1].groups.map(\.noiseMultiplier), [m.plan.marginalNoise])
        XCTAssertLessThanOrEqual(l.epsilon, 2)
        XCTAssertEqual(l.epsilon, 2, accuracy: 1e-6)
        let marginals = try XCTUnwrap(m.marginals)
        XCTAssertEqual(marginals.columns, m.plan.allPairs)
        XCTAssertEqual(marginals.columns.count, 28)
        XCTAssertEqual(m.plan.totalSteps, 1 + 1 + 1 + 30 + 20 + 1 + 1)
    }

    func testFilesKeepEverything() throws {
        let m = try model(), bytes = try m.bytes()
        let again = try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        XCTAssertEqual(Fixture.cells(try m.sample(count: 400, seed: 3)),
                       Fixture.cells(try again.sample(count: 400, seed: 3)))
        XCTAssertEqual(Array(bytes), Array(try again.bytes()))
        XCTAssertEqual(again.plan.json.text, m.plan.json.text)
        let tilt = try XCTUnwrap(again.tilt)
        XCTAssertEqual(tilt.distance, m.tilt?.distance)
        XCTAssertNotNil(m.json.text.range(of: "distance_in_noise"))
    }

    func testRowsDoNotDependOnChunksOrThreads() throws {
        let m = try model(), whole = try m.sample(count: 700, seed: 8, threads: 1)
        XCTAssertEqual(Fixture.cells(whole), Fixture.cells(try m.sample(count: 700, seed: 8, threads: 3)))
        let part = try m.sample(first: 333, count: 200, seed: 8, threads: 2)
        for (a, b) in zip(part.columns, whole.columns) {
            for i in 0..<200 { let x = a.double(i), y = b.double(333 + i); XCTAssert(x == y || x.isNaN && y.isNaN) }
        }
    }

    func testTrainingDoesNotDependOnThreadsOrSlices() throws {
        let one = try model(), three = try train(plan(#""threads": 3"#))
        XCTAssertEqual(Fixture.cells(try one.sample(count: 300, seed: 5)),
                       Fixture.cells(try three.sample(count: 300, seed: 5)))
    }

    func testItLearnsWhatTheTableSays() throws {
        // Age follows ward and dose follows age: with little noise the generated rows say so as well.
        let config = #"""
        "rows": {"declared": 4000}, "projection": {"rows": 200, "steps": 300},
        "autoencoder": {"width": 16, "heads": 2, "feed_forward": 16, "latent": 6, "batch": 256, "steps": 500,
        "rate": 0.01, "warmup": 50, "beta": 0.1}
        """#
        let m = try train(plan(config, seed: nil, epsilon: 50), rows: 4000)
        let t = try m.sample(count: 3000, seed: 1)
        var sum = [Double](repeating: 0, count: 4), n = sum, xy = 0.0, x = 0.0, y = 0.0, xx = 0.0, yy = 0.0
        for i in 0..<t.rows {
            let age = t.columns[2].double(i), dose = t.columns[4].double(i), ward = t.columns[1].offset(i)
            if ward >= 0 { sum[Int(ward)] += age; n[Int(ward)] += 1 }
            x += age; y += dose; xy += age * dose; xx += age * age; yy += dose * dose
        }
        let mean = zip(sum, n).map { $0 / max($1, 1) }, N = Double(t.rows)
        XCTAssertLessThan(mean[0] + 20, mean[3], "\(mean)")
        let r = (xy / N - x / N * y / N) / ((xx / N - x / N * x / N) * (yy / N - y / N * y / N)).squareRoot()
        XCTAssertGreaterThan(r, 0.5)
    }

    func testCheckpointsGoOnWhereTheyWere() throws {
        let table = try Fixture.table(rows: 900), whole = try model()
        for stop in [1, 2, 3, 20, 45, 54] {
            let path = NSTemporaryDirectory() + "best-\(stop).ckpt"
            defer { try? FileManager.default.removeItem(atPath: path) }
            let first = try Trainer(plan: plan(), table: table)
            while first.done < stop { try first.step(maxSteps: 1, maxSeconds: 1e9) }
            try first.checkpoint(path)
            let second = try Trainer.resume(path, table: table)
            XCTAssertEqual(second.done, stop)
            while !second.isFinished { try second.step(maxSteps: 100, maxSeconds: 1e9) }
            let m = try second.finish()
            XCTAssertEqual(m.ledger.releases.map(\.name), ["histograms", "marginals"])
            // After the last release nothing is drawn: the same model comes out.
            if stop >= 2 {
                XCTAssertEqual(Fixture.cells(try m.sample(count: 100, seed: 2)),
                               Fixture.cells(try whole.sample(count: 100, seed: 2)), "stopped at \(stop)")
            }
        }
    }

    func testALostReleaseIsNotMadeAgain() throws {
        let table = try Fixture.table(rows: 300), path = NSTemporaryDirectory() + "best-lost.ckpt"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let t = try Trainer(plan: plan(), table: table)
        try t.step(maxSteps: 1, maxSeconds: 1e9)
        try t.checkpoint(path)
        // The marginals are charged and written to the bound file; the process dies before their result is kept.
        let charge = t.door.durable, killed = path + ".killed"
        defer { try? FileManager.default.removeItem(atPath: killed) }
        t.door.durable = { ledger in
            try charge?(ledger)
            try FileManager.default.copyItem(atPath: path, toPath: killed)
        }
        try t.step(maxSteps: 1, maxSeconds: 1e9)
        XCTAssertThrowsError(try Trainer.resume(killed, table: table)) {
            XCTAssertEqual(($0 as? Failure)?.code, .state)
        }
    }

    func testPrivateChoiceOfPairs() throws {
        let p = try plan(#""marginals": {"pairs": "selected", "count": 9}"#)
        XCTAssert(p.selects)
        let m = try train(p)
        XCTAssertEqual(m.ledger.releases.map(\.name), ["histograms", "selection", "marginals"])
        XCTAssertEqual(m.ledger.releases[1].rho ?? 0, p.selectionRho, accuracy: 1e-12)
        XCTAssertEqual(m.marginals?.columns.count, 9)
        XCTAssertLessThanOrEqual(m.ledger.epsilon, 2)
        XCTAssertGreaterThan(m.ledger.epsilon, 1.999)
        let bytes = try m.bytes(), again = try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        XCTAssertEqual(again.marginals?.columns, m.marginals?.columns)
        XCTAssertEqual(try again.sample(count: 10, seed: 1).rows, 10)
    }

    func testFocusBuysTriples() throws {
        let p = try plan(#""focus": ["ward"]"#), requests = p.marginalRequests(pairs: p.allPairs)
        XCTAssertEqual(requests.count, 21)                       // pairs of the seven others, each with ward
        XCTAssert(requests.allSatisfy { $0.columns.count == 3 && $0.columns.contains(1)
            && $0.columns == $0.columns.sorted() })
        XCTAssertEqual(Set(requests.map(\.columns)).count, 21)
        XCTAssertEqual(try train(p).marginals?.columns.count, 21)
        let two = try plan(#""focus": ["ward", "age"]"#)
        XCTAssertEqual(two.marginalRequests(pairs: two.allPairs).count, 21 + 15)
        XCTAssertThrowsError(try plan(#""focus": ["nobody"]"#)) { XCTAssert("\($0)".contains("nobody")) }
        XCTAssertThrowsError(try plan(#""focus": ["ward", "ward"]"#))
    }

    func testFinetuningIsPaidFor() throws {
        let p = try plan(#""finetuning": {"steps": 5, "batch": 100, "share": 0.4}"#), m = try train(p)
        XCTAssertEqual(m.ledger.releases.map(\.name), ["histograms", "marginals", "finetuning"])
        XCTAssertEqual(m.ledger.releases[2].count, 5)
        XCTAssertGreaterThan(p.marginalNoise, try plan().marginalNoise)
        XCTAssertLessThanOrEqual(m.ledger.epsilon, 2)
        XCTAssertGreaterThan(m.ledger.epsilon, 1.999)
        let bytes = try m.bytes()
        XCTAssertNoThrow(try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)))
    }

    func testStagesCanBeLeftOut() throws {
        let m = try train(plan(#""calibrate_heads": false, "diffusion": {"enabled": false}, "rake": {"enabled": "#
            + #"false}"#, seed: 5))
        XCTAssertNil(m.tilt)
        XCTAssertEqual(try m.sample(count: 20, seed: 1).rows, 20)
        let bytes = try m.bytes()
        XCTAssertNoThrow(try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)))
    }

    func testOddTables() throws {
        // One column; a column of one level; a table of one row.
        for (fields, rows) in [(#"{"name": "a", "type": "string", "constraints": {"enum": ["x", "y"], "required": "#
            + #"true}}"#, 40),
                               (#"{"name": "a", "type": "string", "constraints": {"enum": ["x"], "required": true}}, "#
                                   + #"{"name": "b", "type": "integer", "constraints": {"minimum": 0, "maximum": 5, "#
                                   + #""required": true}}"#, 1)] {
            let schema = try Schema(json: "{\"fields\": [\(fields)]}")
            let t = try Table(schema: schema, rows: rows)
            for (k, c) in t.columns.enumerated() {
                for i in 0..<rows { c.put(i, k == 0 ? 0 : Int64(i % 3)) }
                try t.fill(k) { _ in }
            }
            let p = try Plan(schema: schema, protected: [], epsilon: 1, delta: 1e-6, preset: "best",
                             config: JSON.parse("{\(Self.small)}"))
            XCTAssertEqual(try Fixture.train(p, t).sample(count: 30, seed: 1).rows, 30)
        }
    }

    /// A cell of a pair expects at least twice its noise in rows, wherever more than the eight bins are taken that are
    /// always allowed.
    func testBinsFollowTheNoise() throws {
        let p = try plan(#""encoder": {"bins": 40}"#),
            noise = p.marginalNoise * Double(p.plannedMarginals.count).squareRoot()
        for rows in [0.0, 1, 500, 5_000, 50_000, 5e5, 1e12] {
            let k = p.bins(rows: rows)
            XCTAssertTrue((8...40).contains(k))
            if k > 8 { XCTAssertGreaterThanOrEqual(rows / Double(k * k), 2 * noise) }
            if k < 40 { XCTAssertLessThan(rows / Double((k + 1) * (k + 1)), 2 * noise) }
        }
        XCTAssertEqual(p.bins(rows: 1), 8)
        XCTAssertEqual(p.bins(rows: 1e12), 40)
        XCTAssertEqual(try plan(#""encoder": {"bins": 5}"#).bins(rows: 1e12), 5)
        let published = try Plan(schema: Fixture.schema(), protected: [], epsilon: 2, delta: 1e-5, preset: "published")
        XCTAssertEqual(published.bins(rows: 1), published.settings.encoder.bins)
    }

    func testPublishedTakesNoOptionOfBest() throws {
        XCTAssertThrowsError(try Plan(schema: Fixture.schema(), protected: [], epsilon: 1, delta: 1e-6,
                                      preset: "published", config: JSON.parse(#"{"marginals": {"count": 3}}"#)))
        XCTAssertThrowsError(try Plan(schema: Fixture.schema(), protected: [], epsilon: 1, delta: 1e-6,
                                      preset: "published", config: JSON.parse(#"{"focus": ["age"]}"#)))
    }
}
