// One release, many generators: a refit equals the training that it stands for, asks nothing of the rows, and refuses
// what the releases depend on. The frontier and a reduction follow from released values.

import XCTest
@testable import Synthesis
import Basics
import Privacy
import Projection
import Tables

final class RefitTests: XCTestCase {
    private static let small = #"""
    "test_seed": 11, "threads": 2, "autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": 4,
    "batch": 128, "steps": 12, "warmup": 4},
    "diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 6, "sampler_steps": 4},
    "projection": {"rows": 64, "steps": 40}, "rake": {"pool": 2000, "steps": 10}
    """#

    private static func plan(_ more: String = #""seed": 0"#, preset: String = "best", base: String = small)
        throws -> Plan {
        try Plan(schema: Fixture.schema(), protected: ["sex"], epsilon: 4, delta: 1e-5, preset: preset,
                 config: Fixture.merged(base, more))
    }

    private static let model = Result { try Fixture.train(plan(), Fixture.biasedTable()) }

    func testEqualsTheTrainingItStandsFor() throws {
        let model = try Self.model.get()
        for other in [#""fairness": {"strength": 0.5}"#, #""seed": 3, "independence": {"conditionals": 1}"#,
                      #""autoencoder": {"latent": 6}, "fairness": {"notion": "odds"}"#] {
            let asked = try JSON.parse("{\(other)}")
            let base = try Fixture.overlaid("{\(Self.small)}", asked)
            let trained = try Fixture.train(Plan(schema: Fixture.schema(), protected: ["sex"], epsilon: 4, delta: 1e-5,
                                                 preset: "best", config: .object(base)), Fixture.biasedTable())
            let made = try model.refit(asked)
            XCTAssertEqual(made.plan.json.text, trained.plan.json.text)
            let rows = Fixture.cells(try made.sample(count: 300, seed: 5))
            XCTAssert(rows == Fixture.cells(try trained.sample(count: 300, seed: 5)), other)
            XCTAssert(rows != Fixture.cells(try model.sample(count: 300, seed: 5)), other)
        }
    }

    func testTheLedgerStaysAndNamesItsOrigin() throws {
        let model = try Self.model.get(), made = try model.refit(.object(JSONObject()))
        XCTAssertEqual(made.ledger.releases.map(\.name), model.ledger.releases.map(\.name))
        XCTAssertEqual(made.ledger.epsilon, model.ledger.epsilon)
        XCTAssertEqual(made.ledger.assumptions.count, model.ledger.assumptions.count + 1)
        XCTAssertEqual(made.ledger.assumptions.last,
                       "the networks were trained again from these releases, without rows")
        // The same generator, and its file is read; a refit of it adds no second note.
        let rows = Fixture.cells(try model.sample(count: 50, seed: 1))
        XCTAssert(Fixture.cells(try made.sample(count: 50, seed: 1)) == rows)
        let bytes = try made.bytes()
        let read = try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        XCTAssertEqual(try read.refit(.object(JSONObject())).ledger.assumptions, made.ledger.assumptions)
    }

    func testRefusesWhatTheReleasesDependOn() throws {
        let model = try Self.model.get()
        for (wrong, code) in [(#""encoder": {"bins": 9}"#, FailureCode.argument), (#""rows": {"guess": 9}"#, .argument),
                              (#""epsilon": 9"#, .argument), (#""fairness": {"sampling": "balanced"}"#, .argument),
                              (#""fairness": {"strength": -1}"#, .argument), (#""test_seed": 3"#, .argument),
                              (#""protected": ["sexe"]"#, .argument), (#""protected": "sex""#, .argument),
                              (#""protected": [], "fairness": {"strength": 1}"#, .argument),
                              (#""protected": ["sex", "ward"]"#, .unsupported),
                              (#""protected": ["age"], "fairness": {"cuts": {"age": [50]}}"#, .argument)] {
            XCTAssertThrowsError(try model.refit(JSON.parse("{\(wrong)}")), wrong) {
                XCTAssertEqual(($0 as? Failure)?.code, code, "\(wrong): \($0)")
            }
        }
        let withRows = try Fixture.train(Fixture.plan(), Fixture.table(rows: 300))
        XCTAssertThrowsError(try withRows.refit(.object(JSONObject()))) {
            XCTAssertEqual(($0 as? Failure)?.code, .unsupported)
        }
        XCTAssertThrowsError(try model.refit(.object(JSONObject()), progress: { done, _ in done < 3 })) {
            XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
        }
    }

    /// How far the shares of ward 0 are apart between the two levels of sex, among generated rows.
    private static func gap(_ model: Model) throws -> Double {
        let t = try model.sample(count: 4000, seed: 9)
        var counts = [[Double]](repeating: [0, 0], count: 2)
        for i in 0..<t.rows {
            counts[Int(t.columns[0].offset(i))][0] += 1
            counts[Int(t.columns[0].offset(i))][1] += t.columns[1].offset(i) == 0 ? 1 : 0
        }
        return abs(counts[0][1] / max(counts[0][0], 1) - counts[1][1] / max(counts[1][0], 1))
    }

    func testFromStrengthZeroToAboveAndBack() throws {
        let longer = #"""
        "autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": 4, "batch": 128, "steps": 150}
        """#
        let plain = try Fixture.train(Self.plan(#""fairness": {"strength": 0}, \#(longer)"#), Fixture.biasedTable())
        XCTAssertGreaterThan(try Self.gap(plain), 0.15)
        let fair = try plain.refit(JSON.parse(#"{"fairness": {"strength": 4}}"#))
        XCTAssertEqual([fair.plan.groups, fair.plan.releasedGroups], [["sex=f", "sex=m"], ["all"]])
        XCTAssertEqual(fair.statistics.groupCounts.reduce(0, +), fair.statistics.rows, accuracy: 1)
        XCTAssertLessThan(try Self.gap(fair), 0.05)
        XCTAssertEqual(fair.ledger.releases.map(\.name), plain.ledger.releases.map(\.name))
        XCTAssertEqual(fair.ledger.epsilon, plain.ledger.epsilon)
        let bytes = try fair.bytes()
        let read = try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        XCTAssertEqual(read.plan.json.text, fair.plan.json.text)
        func rows(_ m: Model) throws -> [Double] { Fixture.cells(try m.sample(count: 99, seed: 2)) }
        XCTAssert(try rows(read) == rows(fair))
        XCTAssertNoThrow(try read.report(ModelReportOptions()))
        // Back again: the generator that the training made.
        let back = try read.refit(JSON.parse(#"{"fairness": {"strength": 0}}"#))
        XCTAssert(try rows(back) == rows(plain))
        // A training with alignment, made plain.
        let model = try Self.model.get(), open = try model.refit(JSON.parse("{\"protected\": [], \(longer)}"))
        XCTAssertEqual([open.plan.groups, open.plan.releasedGroups], [["all"], ["sex=f", "sex=m"]])
        XCTAssertGreaterThan(try Self.gap(open), 0.15)
        let again = try model.refit(JSON.parse(#"{"protected": []}"#)).refit(JSON.parse(#"{"protected": ["sex"]}"#))
        XCTAssertEqual(again.plan.json.text, model.plan.json.text)
    }

    /// Rules leave out what they can tell from other columns, but for protected ones, which are learned as they are: so
    /// were they when rows were counted, whatever is protected now.
    func testRulesAndProtectedColumns() throws {
        let schema = try Schema(json: #"""
        {"fields": [{"name": "a", "type": "integer", "constraints": {"minimum": 0, "maximum": 9, "required": true}},
                    {"name": "d", "type": "integer", "constraints": {"minimum": 0, "maximum": 9, "required": true}},
                    {"name": "b", "type": "integer", "constraints": {"minimum": 0, "maximum": 18, "required": true}},
                    {"name": "c", "type": "string", "constraints": {"enum": ["x", "y"], "required": true}}],
         "flip:rules": [{"name": "total", "sum": {"b": ["a", "d"]}}]}
        """#)
        func names(_ plan: Plan) -> [String] { plan.schema.fields.map { "\($0.name) \($0.kind)" } }
        for strength in [0, 1] {
            let plan = try Plan(schema: schema, protected: ["b"], epsilon: 4, delta: 1e-5, preset: "best",
                                config: JSON.parse(#"{"fairness": {"strength": \#(strength)}}"#))
            let plain = try Plan(schema: schema, protected: [], epsilon: 4, delta: 1e-5, preset: "best")
            XCTAssertNotEqual(names(plan), names(plain), "the rule changes what is learned of b unless it is protected")
            for other in [#"{"protected": ["c"]}"#, #"{"protected": []}"#, #"{"fairness": {"strength": 2}}"#] {
                let made = try plan.refitted(JSON.parse(other))
                XCTAssertEqual(names(made), names(plan), other)
                XCTAssertEqual(names(try Plan(json: made.json)), names(plan), other)
            }
        }
    }

    /// Mutants: a file that says its releases were counted by other groups, or by columns that there are not.
    func testOtherCountingIsSeen() throws {
        let fair = try Self.model.get().refit(JSON.parse(#"{"protected": ["smoker"]}"#))
        func told(_ by: String) throws -> Plan {
            var json = try XCTUnwrap(fair.plan.json.asObject)
            json["released_by"] = try JSON.parse(by)
            return try Plan(json: .object(json))
        }
        let ours = try told(#"{"protected": ["sex"], "aligned": true}"#)
        func read(_ plan: Plan, _ ledger: Ledger) throws {
            _ = try Statistics(plan: plan, counts: fair.statistics.counts,
                               groupCounts: fair.statistics.releasedGroupCounts)
            try plan.check(ledger, statistics: fair.statistics, done: 0)
            guard ledger.groups == plan.releasedGroups else { throw Failure(.format, "groups") }
        }
        XCTAssertNoThrow(try read(ours, fair.ledger))
        for other in [#"{"protected": ["smoker"], "aligned": true}"#, #"{"protected": [], "aligned": false}"#,
                      #"{"protected": ["sex", "smoker"], "aligned": true}"#] {
            XCTAssertThrowsError(try read(told(other), fair.ledger), other)
        }
        for wrong in [#"{"protected": ["sexe"], "aligned": true}"#, #"{"protected": ["sex"]}"#, "3",
                      #"{"protected": ["sex", "sex"], "aligned": true}"#] {
            XCTAssertThrowsError(try told(wrong), wrong)
        }
    }

    func testOtherProtectedColumns() throws {
        let model = try Self.model.get(), other = try model.refit(JSON.parse(#"{"protected": ["smoker"]}"#))
        XCTAssertEqual(other.plan.releasedGroups, model.plan.groups)
        XCTAssertEqual(other.plan.protected, ["smoker"])
        XCTAssertEqual(other.statistics.groupCounts.count, other.plan.groups.count)
        XCTAssertTrue(other.ledger.assumptions.contains("the protected columns are public: \"smoker\""))
        // Both together, then one of them: its counts are sums of those of the joint groups.
        let both = try Fixture.train(Plan(schema: Fixture.schema(), protected: ["sex", "smoker"], epsilon: 4,
                                          delta: 1e-5, preset: "best", config: JSON.parse("{\(Self.small)}")),
                                     Fixture.biasedTable())
        let one = try both.refit(JSON.parse(#"{"protected": ["smoker"]}"#)), parts = one.plan.groups.count
        let released = both.statistics.groupCounts
        for k in 0..<parts {
            XCTAssertEqual(one.statistics.groupCounts[k], released[k] + released[parts + k], accuracy: 1e-9)
        }
        XCTAssertNoThrow(try one.report(ModelReportOptions()))
        let points = try both.frontier([0, 4], protected: ["sex"])
        XCTAssertLessThan(points[1].figures.disparity, points[0].figures.disparity)
        XCTAssertThrowsError(try model.frontier([0], protected: []))
        // Wards that the noise hides share a bin: no release tells them apart.
        XCTAssertThrowsError(try model.refit(JSON.parse(#"{"protected": ["ward"]}"#))) {
            XCTAssertEqual(($0 as? Failure)?.code, .unsupported)
        }
        let plain = try model.refit(JSON.parse(#"{"fairness": {"strength": 0}}"#))
        XCTAssertEqual(try plain.frontier([0, 4]).map(\.json.text), try model.frontier([0, 4]).map(\.json.text))
    }

    func testFrontierFallsWithStrength() throws {
        let model = try Self.model.get(), points = try model.frontier([0, 2, 8])
        XCTAssertEqual(points.map(\.strength), [0, 2, 8])
        XCTAssertGreaterThan(points[0].figures.disparity, 0.2)
        XCTAssertLessThan(points[1].figures.disparity, points[0].figures.disparity)
        XCTAssertLessThan(points[2].figures.disparity, points[1].figures.disparity)
        XCTAssertLessThan(points[2].figures.auc, points[0].figures.auc)
        XCTAssertThrowsError(try model.frontier([]))
        XCTAssertThrowsError(try model.frontier([101]))
        XCTAssertThrowsError(try FrontierOptions(JSON.parse(#"{"strength": [1]}"#)))
    }

    func testAReductionIsMet() throws {
        let made = try Self.model.get().refit(JSON.parse(#"{"fairness": {"reduce": 0.5}}"#))
        let d = try XCTUnwrap(made.generator.disparity)
        XCTAssertLessThanOrEqual(d.after.disparity, 0.5 * d.before.disparity + 3 * d.after.disparityDeviation)
        XCTAssertGreaterThan(d.after.disparity, 0.2 * d.before.disparity)
        XCTAssertGreaterThan(d.strength, 0)
        let bytes = try made.bytes()
        let read = try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        XCTAssertEqual(read.generator.disparity, d)
        XCTAssertNotNil(read.json["disparity"]?["after_error"])
        XCTAssertThrowsError(try Self.plan(#""fairness": {"reduce": 0.5, "strength": 2}"#)) {
            XCTAssertEqual(($0 as? Failure)?.code, .argument)
        }
    }

    /// A plan that was made before there were fair conditionals has none of them.
    func testOlderPlansStayAsTheyWere() throws {
        let plan = try Self.plan()
        var old = try XCTUnwrap(plan.json.asObject), config = try XCTUnwrap(old["config"]?.asObject)
        var own = try XCTUnwrap(config["independence"]?.asObject)
        own["conditionals"] = nil
        config["independence"] = .object(own)
        old["config"] = .object(config)
        XCTAssertEqual(try Plan(json: .object(old)).conditionals, 0)
        XCTAssertEqual(plan.conditionals, 2.5)
    }
}
