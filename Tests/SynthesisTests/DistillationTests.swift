// Networks that saw private rows and every column teach others, which learn fair rows of theirs: the releases are those
// of a training without alignment, and everything after them can be made again.

import XCTest
@testable import Synthesis
import Basics
import Compute
import Privacy
import Projection
import Tables

final class DistillationTests: XCTestCase {
    private static let small = #"""
    "test_seed": 11, "threads": 2, "autoencoder": {"steps": 30, "batch": 200}, "diffusion": {"steps": 10, "batch": 100,
    "sampler_steps": 6}, "student_autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": 4, "batch": 64,
    "steps": 6, "warmup": 2}, "student_diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "batch": 64,
    "steps": 5, "sampler_steps": 4}
    """#

    private static func plan(_ more: String = #""seed": 0"#, protected: [String] = ["sex"]) throws -> Plan {
        try Plan(schema: Fixture.schema(), protected: protected, epsilon: 40, delta: 1e-5, preset: "published",
                 config: Fixture.merged(small, more))
    }

    private static let model = Result { try Fixture.train(plan(), Fixture.biasedTable()) }
    private func rows(_ m: Model) throws -> [Double] { Fixture.cells(try m.sample(count: 200, seed: 4)) }
    private func read(_ m: Model) throws -> Model {
        let bytes = try m.bytes()
        return try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
    }

    /// What private rows are asked for, and at what noise, does not depend on the strength.
    func testPrivateStepsAreThoseWithoutAlignment() throws {
        let fair = try Self.plan(), plain = try Self.plan(#""fairness": {"strength": 0}"#)
        XCTAssert(fair.distils && !plain.distils)
        XCTAssertEqual(fair.sampledStages, plain.sampledStages)
        XCTAssertEqual(fair.stages.map(\.id.name).suffix(6), ["distillation", "student_autoencoder",
                                                              "student_diffusion", "student_calibration",
                                                              "student_tilt", "disparity"])
        XCTAssertEqual(fair.stages.suffix(6).map(\.steps), [1, 6, 5, 1, 1, 0])
        XCTAssertEqual(plain.stages.suffix(6).map(\.steps), [0, 0, 0, 0, 0, 0])
        XCTAssertEqual(fair.stages.filter { $0.sampled != nil || $0.release != nil }.map(\.id),
                       plain.stages.filter { $0.sampled != nil || $0.release != nil }.map(\.id))
        // Teachers see every column, students and what is generated no protected one.
        XCTAssertEqual(fair.teacher.modelled, Array(fair.grids.indices))
        XCTAssertEqual(fair.student.modelled, Array(fair.grids.indices.dropFirst()))
        XCTAssertEqual(fair.student.settings.autoencoder, fair.settings.studentAutoencoder)
        XCTAssertEqual(fair.teacher.settings.autoencoder, fair.settings.autoencoder)
        XCTAssertEqual(plain.student.settings, plain.settings)
        let model = try Self.model.get()
        XCTAssertEqual(model.generator.teacher?.autoencoder.shape.columns, fair.grids.count)
        XCTAssertEqual(model.autoencoder?.shape.columns, fair.grids.count - 1)
        XCTAssertEqual(Set(model.ledger.releases.map(\.name)), ["histograms", "autoencoder", "diffusion"])
    }

    func testSelectionBecomesEqual() throws {
        let model = try Self.model.get(), points = try model.frontier([0, 4])
        XCTAssertGreaterThan(points[0].figures.disparity, 0.1)
        XCTAssertLessThan(points[1].figures.disparity, 0.6 * points[0].figures.disparity)
        // The same curve from a file, and from networks that nobody was taught by.
        XCTAssertEqual(try read(model).frontier([0, 4]).map(\.json.text), points.map(\.json.text))
        let plain = try model.refit(JSON.parse(#"{"fairness": {"strength": 0}}"#))
        XCTAssertNil(plain.generator.teacher)
        XCTAssertEqual(try plain.frontier([0, 4]).map(\.json.text), points.map(\.json.text))
    }

    func testRefitEqualsTheTrainingItStandsFor() throws {
        let model = try Self.model.get()
        for other in [#""seed": 3, "independence": {"conditionals": 1}"#,
                      #""fairness": {"notion": "odds"}, "student_diffusion": {"enabled": false}"#] {
            let asked = try JSON.parse("{\(other)}")
            var base = try Fixture.overlaid("{\(Self.small)}", asked)
            // The seed starts the networks that saw private rows too: those of a refit stay.
            if base["seed"] != nil { base["seed"] = .int(0) }
            let trained = try Fixture.train(Plan(schema: Fixture.schema(), protected: ["sex"], epsilon: 40, delta: 1e-5,
                                                 preset: "published", config: .object(base)), Fixture.biasedTable())
            let made = try model.refit(asked)
            let same = other.contains("seed") ? try trained.refit(JSON.parse(#"{"seed": 3}"#)) : trained
            XCTAssertEqual(made.plan.json.text, same.plan.json.text)
            XCTAssert(try rows(made) == rows(same), other)
            XCTAssert(try rows(made) != rows(model), other)
            XCTAssertEqual(made.ledger.epsilon, model.ledger.epsilon)
        }
    }

    /// Networks trained without alignment teach later, and go back to what they were.
    func testFromStrengthZeroToAboveAndBack() throws {
        let plain = try Fixture.train(Self.plan(#""fairness": {"strength": 0}"#), Fixture.biasedTable())
        let fair = try read(plain).refit(JSON.parse(#"{"fairness": {"strength": 2}}"#))
        XCTAssertNotNil(fair.generator.teacher)
        XCTAssertEqual(fair.plan.modelled.count, plain.plan.modelled.count - 1)
        XCTAssertEqual(fair.ledger.releases.map(\.name), plain.ledger.releases.map(\.name))
        XCTAssert(try rows(read(fair)) == rows(fair))
        XCTAssert(try rows(read(fair).refit(JSON.parse(#"{"fairness": {"strength": 0}}"#))) == rows(plain))
        XCTAssert(try rows(fair.refit(.object(JSONObject()))) == rows(fair))
        for wrong in [#""autoencoder": {"width": 16}"#, #""diffusion": {"steps": 3}"#, #""alignment": {"keep": 0.5}"#] {
            XCTAssertThrowsError(try fair.refit(JSON.parse("{\(wrong)}"))) {
                XCTAssertEqual(($0 as? Failure)?.code, .argument, wrong)
            }
        }
    }

    func testEveryStageOfAModelGivesRows() throws {
        let model = try Self.model.get()
        for stage in Model.IntermediateStage.allCases {
            let t = try model.sample(count: 300, seed: 1, stage: stage)
            XCTAssertEqual(t.rows, 300)
            XCTAssertEqual(Set((0..<300).map { t.columns[0].offset($0) }), [0, 1])
        }
    }

    /// A training that is stopped after any step and goes on from its file makes the same model.
    func testResumedAtEveryStage() throws {
        let folder = Fixture.makeFolder(), file = folder + "/c.h5", model = try Self.model.get()
        defer { Fixture.remove(folder: folder) }
        let plan = try Self.plan(), table = try Fixture.biasedTable()
        let first = plan.stages.prefix { $0.id != .distillation }.reduce(0) { $0 + $1.steps }
        let t = try Trainer(plan: plan, table: table)
        for stop in [first, first + 4, plan.totalSteps - 1] {
            while t.done < stop { try t.step(maxSteps: 1, maxSeconds: 1e9) }
            try t.checkpoint(file)
            let other = try Trainer.resume(file, table: table)
            XCTAssertEqual(other.done, stop)
            while !other.isFinished { try other.step(maxSteps: 3, maxSeconds: 1e9) }
            XCTAssert(try rows(other.finish()) == rows(model), "stopped after \(stop) steps")
        }
    }

    func testAReductionIsMeasuredOnGeneratedRows() throws {
        let made = try Self.model.get().refit(JSON.parse(#"{"fairness": {"reduce": 0.5}}"#))
        let d = try XCTUnwrap(made.generator.disparity), generated = try XCTUnwrap(d.generated)
        XCTAssertLessThanOrEqual(d.after.disparity, 0.5 * d.before.disparity + 3 * d.after.disparityDeviation)
        XCTAssertGreaterThan(generated.disparity, 0)
        XCTAssertLessThan(generated.auc, d.before.auc)
        XCTAssertEqual(try read(made).generator.disparity, d)
        // Of generated rows that miss it a model warns.
        func told(_ disparity: Double) -> [String] {
            var d = d
            d.generated = PairModelFigures(disparity: disparity, disparityDeviation: 0.001, auc: 0.7,
                                           aucDeviation: 0.001, tasks: generated.tasks)
            return d.warnings(0.5)
        }
        XCTAssertEqual(told(0.5 * d.before.disparity), [])
        XCTAssertEqual(told(2 * d.before.disparity).count, 1)
    }

    func testOptionsThatExcludeEachOther() throws {
        for wrong in [#""alignment": {"heads_mean": 1}, "independence": {"conditionals": 1}"#,
                      #""independence": {"parity": 1}"#, #""independence": {"repair": 0.5}"#] {
            XCTAssertThrowsError(try Self.plan(wrong)) { XCTAssertEqual(($0 as? Failure)?.code, .argument, wrong) }
        }
        let paper = try Self.plan(#""alignment": {"heads_mean": 1}"#)
        XCTAssert(paper.isAligned && !paper.distils)
        XCTAssertEqual(paper.modelled.count, paper.grids.count - 1)
        let model = try Fixture.train(Fixture.plan(), Fixture.table(rows: 300))
        XCTAssertThrowsError(try model.refit(.object(JSONObject()))) {
            XCTAssertEqual(($0 as? Failure)?.code, .unsupported)
        }
        XCTAssertThrowsError(try model.frontier([0])) { XCTAssertEqual(($0 as? Failure)?.code, .unsupported) }
    }

    /// A plan that was made before this preset had fair conditionals has none of them; its networks can teach if they
    /// see every column.
    func testOlderPlansStayAsTheyWere() throws {
        func old(_ plan: Plan) throws -> Plan {
            var json = try XCTUnwrap(plan.json.asObject), config = try XCTUnwrap(json["config"]?.asObject)
            for key in ["independence", "student_autoencoder", "student_diffusion"] { config[key] = nil }
            json["config"] = .object(config)
            return try Plan(json: .object(json))
        }
        let paper = try old(Self.plan(#""alignment": {"heads_mean": 1}"#))
        XCTAssert(paper.isAligned && !paper.distils)
        let plain = try old(Self.plan(#""fairness": {"strength": 0}, "alignment": {"heads_mean": 1}"#))
        XCTAssertEqual(plain.settings.independence.conditionals, 0)
        let fair = try plain.refitted(JSON.parse(#"{"fairness": {"strength": 1}}"#))
        XCTAssert(fair.distils)
        XCTAssertEqual(fair.conditionals, 2.5)
    }

    /// Of many columns those pairs get a factor that depend on each other.
    func testStrongestPairs() throws {
        let T = 70, n = 4096, codes = try Buffer<UInt16>(count: T * n, for: "test")
        for i in 0..<n {
            var s = CounterStream(seed: 1, row: UInt64(i), purpose: 3)
            for t in 0..<T {
                let own = UInt16(s.uniformDouble() * 3)
                codes[t * n + i] = t % 10 == 1 && s.uniformDouble() < 0.5 ? codes[(t - 1) * n + i] : own
            }
        }
        let fields = (0..<T).map { #"{"name": "c\#($0)", "type": "integer", "constraints": {"enum": [0, 1, 2]}}"# }
        let plan = try Plan(schema: Schema(json: #"{"fields": [\#(fields.joined(separator: ", "))]}"#), protected: [],
                            epsilon: 1, delta: 1e-5, preset: "published")
        let rows = try DrawnRows(count: n, codes: codes, groups: 1, plan: plan) { _ in 0 }
        let all = (0..<T).flatMap { a in (a + 1..<T).map { [a, $0] } }, levels = [Int](repeating: 3, count: T)
        for threads in [1, 2] {
            let found = try FairTask.strongest(7, of: all, rows, levels, threads: threads)
            XCTAssertEqual(found, (0..<7).map { [10 * $0, 10 * $0 + 1] })
        }
    }
}
