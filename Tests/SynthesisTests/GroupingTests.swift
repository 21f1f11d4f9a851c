import Glibc
import XCTest
@testable import Synthesis
import Basics
import Privacy
import Tables

/// Groups, what is sampled of them, and what protected columns are drawn from.
final class GroupingTests: XCTestCase {
    static let config = #""autoencoder": {"steps": 4, "batch": 100}, "diffusion": {"steps": 3, "batch": 80, "#
        + #""sampler_steps": 6}, "test_seed": 11, "alignment": {"heads_mean": 1}"#

    private func plan(_ fairness: String, protected: [String] = ["sex"], epsilon: Double = 2, more: String = "") throws
        -> Plan {
        try Plan(schema: Fixture.schema(), protected: protected, epsilon: epsilon, delta: 1e-5, preset: "published",
                 config: JSON.parse("{\(Self.config), \(more) \"fairness\": {\(fairness)}}"))
    }

    func testGroupsAreAllCombinationsOfDeclaredParts() throws {
        let p = try plan(#""strength": 1, "cuts": {"age": [25, 65]}"#, protected: ["sex", "age", "ward"])
        XCTAssertEqual(p.groups.count, 2 * 3 * 5)
        XCTAssertEqual(p.groups.first, "sex=f, age=<25, ward=a")
        XCTAssertEqual(p.groups.last, "sex=m, age=>=65, ward=missing")
        XCTAssertEqual(p.modelled, [3, 4, 5, 6, 7])
        let t = try Fixture.table(rows: 300), grouping = try XCTUnwrap(p.grouping)
        for i in 0..<t.rows {
            let age = t.columns[2].double(i), sex = Int(t.columns[0].offset(i)), ward = Int(t.columns[1].offset(i))
            XCTAssertEqual(grouping.group(t.columns, p.grids, row: i), sex * 15 + (age < 25 ? 0 : age < 65 ? 1 : 2) * 5
                + (ward < 0 ? 4 : ward))
        }
        // Dates are cut by their text; a boolean and whole numbers of few values need no cut.
        XCTAssertEqual(try plan(#""strength": 1, "cuts": {"day": ["2020-07-01"]}"#, protected: ["day"]).groups,
                       ["day=<2020-07-01", "day=>=2020-07-01"])
        XCTAssertEqual(try plan(#""strength": 1"#, protected: ["smoker"]).groups,
                       ["smoker=false", "smoker=true", "smoker=missing"])
    }

    func testWithoutStrengthThereIsOneGroup() throws {
        for config in ["", #""strength": 0"#, #""strength": 0, "sampling": "proportional""#] {
            let p = try Plan(schema: Fixture.schema(), protected: config.isEmpty ? [] : ["sex"], epsilon: 2,
                             delta: 1e-5, preset: "published", config: JSON.parse("{\"fairness\": {\(config)}}"))
            XCTAssertEqual(p.groups, ["all"])
            XCTAssertEqual(p.modelled.count, 8)
        }
        let balanced = try plan(#""strength": 0, "sampling": "balanced""#)
        XCTAssertEqual(balanced.groups, ["sex=f", "sex=m"])
        XCTAssertEqual(balanced.modelled.count, 8)
    }

    /// One histogram a column, and the groups' counts; for one column of levels the counts are its histogram.
    func testTheFirstRelease() throws {
        let one = try plan(#""strength": 1"#), two = try plan(#""strength": 1"#, protected: ["sex", "smoker"]),
            none = try plan(#""strength": 0"#)
        XCTAssertEqual(one.histograms.count, none.histograms.count - 1)
        XCTAssertEqual(one.histogramSensitivity * one.histogramSensitivity, Double(none.histograms.count),
                       accuracy: 1e-9)
        XCTAssertEqual(two.histogramSensitivity * two.histogramSensitivity, Double(none.histograms.count + 1),
                       accuracy: 1e-9)
    }

    func testWhatIsRefused() throws {
        for (fairness, protected, word) in [
            (#""strength": 1"#, ["age"], "cuts"), (#""strength": 1, "cuts": {"age": [40, 20]}"#, ["age"], "ascend"),
                (#""strength": 1, "cuts": {"age": [400]}"#, ["age"], "cut"),
            (#""strength": 1, "cuts": {"age": [0]}"#, ["age"], "part"),
                (#""strength": 1, "cuts": {"sex": [1]}"#, ["sex"], "order"),
                    (#""strength": 1, "cuts": {"age": [40]}"#, ["sex"], "age"),
            (#""strength": 1, "draw": {"sex": {"x": 1}}"#, ["sex"], "x"),
                (#""strength": 1, "draw": {"sex=q": 1}"#, ["sex"], "sex=q"),
                    (#""strength": 1, "draw": {"ward": {"a": 1}}"#, ["sex"], "ward"),
            (#""strength": 1, "shares": {"sex=f": 0.7, "sex=m": 0.7}"#, ["sex"], "shares"),
                (#""strength": 1"#, [], "protected"), (#""sampling": "balanced""#, [], "protected"),
        ] as [(String, [String], String)] {
            XCTAssertThrowsError(try plan(fairness, protected: protected), fairness) {
                XCTAssert("\($0)".contains(word), "\(fairness): \($0)")
            }
        }
        let wide = (0..<40).map { #"{"name": "c\#($0)", "type": "string", "constraints": {"enum": ["a", "b"], "#
            + #""required": true}}"# }.joined(separator: ",")
        let schema = try Schema(json: "{\"fields\": [\(wide)]}")
        XCTAssertThrowsError(try Plan(schema: schema, protected: (0..<39).map { "c\($0)" }, epsilon: 2, delta: 1e-5,
                                      preset: "published", config: JSON.parse(#"{"fairness": {"strength": 1}}"#))) {
            XCTAssert("\($0)".contains("groups"), "\($0)")
        }
        XCTAssertThrowsError(try Plan(schema: Schema(json: #"{"fields": [{"name": "a", "type": "boolean"}]}"#),
                                      protected: ["a"], epsilon: 2, delta: 1e-5, preset: "published",
                                      config: JSON.parse(#"{"fairness": {"strength": 1}}"#)))
        let best = try Plan(schema: Fixture.schema(), protected: ["sex"], epsilon: 2, delta: 1e-5, preset: "best",
                            config: JSON.parse(#"{"fairness": {"strength": 1}}"#))
        XCTAssertEqual(best.modelled, Array(1..<8))
    }

    // MARK: rates and noise

    func testBalancedRatesAndTheirCap() throws {
        let p = try plan(#""strength": 1, "sampling": "balanced""#, protected: ["ward"])
        let counts = GroupCounts(rows: 10_000, groups: [6000, 3000, 990, -3, 13]), b = try p.batches(counts)[0]
        XCTAssertEqual(b.rates[0], 100.0 / 5 / 6000, accuracy: 1e-15)
        XCTAssertEqual(b.rates[2], 100.0 / 5 / 990, accuracy: 1e-15)
        XCTAssertEqual(b.rates[3], 0.04)                       // the cap, 4 B / ñ, whatever the count
        XCTAssertEqual(b.rates[4], 0.04)
        XCTAssertEqual(b.divisor, 20 + 20 + 20 + 0.04 + 0.04 * 13, accuracy: 1e-12)
        XCTAssertEqual(try plan(#""strength": 1, "sampling": "balanced", "q_max": 0.5"#,
                                protected: ["ward"]).batches(counts)[0].rates[3], 0.5)
        let proportional = try plan(#""strength": 1, "sampling": "proportional""#,
                                    protected: ["ward"]).batches(counts)[0]
        XCTAssertEqual(proportional.rates, [Double](repeating: 0.01, count: 5))
        XCTAssertEqual(proportional.divisor, 100, accuracy: 1e-12)
    }

    func testSmallGroupsArePooled() throws {
        let p = try plan(#""strength": 1, "sampling": "balanced", "pool_below": 100"#, protected: ["ward"])
        let counts = GroupCounts(rows: 10_000, groups: [6000, 3000, 90, -3, 70]), pools = p.pools(counts),
            b = try p.batches(counts)[0]
        XCTAssertEqual(pools.of, [0, 1, 2, 2, 2])
        XCTAssertEqual(pools.counts, [6000, 3000, 157])
        XCTAssertEqual(b.rates, [100.0 / 3 / 6000, 100.0 / 3 / 3000, 0.04, 0.04, 0.04])
        XCTAssertEqual(b.multipliers[2], b.multipliers[4])
    }

    /// Both calibrations end within R* for every group; `uniform` has one norm, `equalised` one ε.
    func testCalibrationsMeetTheCeiling() throws {
        let counts = GroupCounts(rows: 32_561, groups: [27_816, 3124, 1039, 311, 271])
        for (calibration, same) in [("uniform", false), ("equalised", true)] {
            let p = try Plan(schema: Fixture.schema(), protected: ["ward"], epsilon: 2, delta: 1e-5,
                             preset: "published",
                             config: JSON.parse("{\"fairness\": {\"strength\": 1, \"sampling\": \"balanced\", "
                                 + "\"calibration\": \"\(calibration)\"}}"))
            let batches = try p.batches(counts), totals = p.totals(batches)
            XCTAssertEqual(totals.max() ?? 0, p.budget.ceiling, accuracy: 1e-5 * p.budget.ceiling)
            for t in totals { XCTAssertLessThanOrEqual(t, p.budget.ceiling) }
            XCTAssertEqual(abs((totals.min() ?? 0) - p.budget.ceiling) < 1e-5 * p.budget.ceiling, same)
            for b in batches {
                let clip = b.stage == .autoencoder ? p.settings.autoencoder.clip : p.settings.diffusion.clip
                XCTAssertEqual(zip(b.clips, b.expected).reduce(0) { $0 + $1.0 * $1.1 } / b.expected.reduce(0, +), clip,
                               accuracy: 1e-9)
                // With a block of moments beside the gradient the ledger has the joint multiplier of both.
                for g in 0..<5 {
                    let moments = b.momentClips.isEmpty ? 0 : b.momentClips[g] / b.momentNoise,
                        joint = 1 / (pow(b.clips[g] / b.noise, 2) + moments * moments).squareRoot()
                    XCTAssertEqual(b.multipliers[g], joint, accuracy: 1e-12 * b.multipliers[g])
                }
                XCTAssertEqual(b.clips[0] > 1.5 * b.clips[4], same)
                XCTAssertEqual(b.multipliers[0] < 0.6 * b.multipliers[4], same)
            }
        }
    }

    /// A mutant that fixes the first release from the true counts is BudgetTests'; here: whatever the noisy counts are,
    /// nobody ends above R*.
    func testTheFilterHoldsForAnyNoisyCounts() throws {
        var s = SystemRandomNumberGenerator()
        for round in 0..<40 {
            let p = try plan("\"strength\": 1, \"sampling\": \"balanced\", \"calibration\": "
                + "\"\(round % 2 == 0 ? "uniform" : "equalised")\", \"pool_below\": \(round % 3 * 40)",
                             protected: ["ward"])
            let groups = (0..<5).map { _ in
                (Double.random(in: -1...1, using: &s) * pow(10, Double.random(in: 0...5, using: &s))).rounded()
            }
            let batches: [Batches]
            do {
                batches = try p.batches(GroupCounts(rows: max(groups.reduce(0, +), 1), groups: groups))
            } catch {
                continue
            }
            var ledger = try Ledger(epsilon: 2, delta: 1e-5, order: p.budget.order, groups: p.groups)
            try ledger.charge(.init(name: "histograms",
                                    groups: p.groups.map { .init(group: $0, samplingRate: 1,
                                        noiseMultiplier: p.histogramNoise) }))
            for b in batches { for _ in 0..<b.steps { try ledger.charge(b.release(p.groups).times(1)) } }
            XCTAssertLessThanOrEqual(ledger.epsilon, 2)
        }
    }

    func testWeightsUndoTheBalance() throws {
        let p = try plan(#""strength": 1, "sampling": "balanced", "reweight": true"#, protected: ["sex"])
        let b = try p.batches(GroupCounts(rows: 4000, groups: [1000, 3000]))[0]
        XCTAssertEqual(b.weights[1] / b.weights[0], 3, accuracy: 1e-12)
        XCTAssertEqual(zip(b.weights, b.expected).reduce(0) { $0 + $1.0 * $1.1 }, b.expected.reduce(0, +),
                       accuracy: 1e-9)
    }

    // MARK: whole trainings

    func testProtectedColumnsAreDrawnFromTheChosenDistribution() throws {
        let table = try Fixture.table(rows: 4000)
        func shares(_ fairness: String, protected: [String], _ column: Int) throws -> [Int64: Double] {
            let m = try Fixture.train(plan("\"strength\": 1, \(fairness)", protected: protected), table),
                t = try m.sample(count: 4000, seed: 5)
            var n: [Int64: Double] = [:]
            for i in 0..<t.rows { n[t.columns[column].offset(i), default: 0] += 1.0 / 4000 }
            return n
        }
        XCTAssertEqual(try shares(#""draw": "uniform""#, protected: ["sex"], 0)[0] ?? 0, 0.5, accuracy: 0.04)
        XCTAssertEqual(try shares(#""draw": "released""#, protected: ["sex"], 0)[0] ?? 0, 0.4, accuracy: 0.05)
        XCTAssertEqual(try shares(#""draw": {"sex": {"f": 0.9, "m": 0.1}}"#, protected: ["sex", "smoker"], 0)[0] ?? 0,
                       0.9, accuracy: 0.03)
        XCTAssertNil(try shares(#""draw": {"sex=m": 1}"#, protected: ["sex"], 0)[0])
        XCTAssertEqual(try shares(#""draw": {"sex=f, smoker=missing": 1}"#, protected: ["sex", "smoker"],
                                  5).keys.map { $0 }, [-1])
    }

    /// A numerical protected column is drawn inside its interval; conditions see protected columns; rows are the same
    /// whatever the chunk; files hold it all.
    func testSamplingAndFiles() throws {
        let p = try plan(#""strength": 1, "sampling": "balanced", "cuts": {"age": [25, 65]}, "draw": {"age": "#
            + #"{">=65": 1}}"#, protected: ["age", "sex"])
        let m = try Fixture.train(p, Fixture.table(rows: 2000)), all = try m.sample(count: 700, seed: 3, threads: 2)
        for i in 0..<700 { XCTAssertGreaterThanOrEqual(all.columns[2].double(i), 65) }
        let part = try m.sample(first: 301, count: 10, seed: 3, threads: 1)
        XCTAssertEqual(Fixture.cells(part), Fixture.cells(try all.slice(first: 301, count: 10)))
        let bytes = try m.bytes(),
            loaded = try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        XCTAssertEqual(Fixture.cells(try loaded.sample(count: 50, seed: 3)),
                       Fixture.cells(try all.slice(first: 0, count: 50)))
        let condition = try Condition(JSON.parse(#"{"sex": "f", "age": {"minimum": 70, "maximum": 80}}"#),
                                      schema: p.schema)
        let some = try m.sample(count: 40, seed: 3, where: condition)
        for i in 0..<40 {
            XCTAssertEqual(some.columns[0].offset(i), 0)
            XCTAssert((70...80).contains(some.columns[2].double(i)))
        }
        XCTAssertThrowsError(try m.sample(count: 1, seed: 1,
                                          where: Condition(JSON.parse(#"{"age": 20}"#), schema: p.schema)))
        XCTAssertEqual(m.ledger.groups, p.groups)
        XCTAssertEqual(m.ledger.epsilon, 2, accuracy: 1e-4)
    }

    /// Nothing that is generated depends on the protected column that is drawn beside it.
    func testProtectedColumnsAreNeitherInputNorOutput() throws {
        let table = try Fixture.table(rows: 1000), swapped = try Fixture.table(rows: 1000)
        for i in 0..<1000 { swapped.columns[0].put(i, 1 - swapped.columns[0].offset(i)) }
        // Same draws: groups change places, and so do the noises of their counts; with one rate for all nothing else
        // differs.
        let fairness = #""strength": 1, "sampling": "proportional", "draw": "uniform""#
        let a = try Fixture.train(plan(fairness, more: #""rows": {"declared": 1000},"#), table),
            b = try Fixture.train(plan(fairness, more: #""rows": {"declared": 1000},"#), swapped)
        XCTAssertEqual(Fixture.cells(try a.sample(count: 200, seed: 1)),
                       Fixture.cells(try b.sample(count: 200, seed: 1)))
    }

    /// Absent, tiny and capped groups: the same control flow, no error, a ledger line for each.
    func testWhetherAGroupIsEmptyChangesNoTrace() throws {
        func trace(_ women: Int) throws -> ([String], [Int]) {
            let t = try Table(schema: Fixture.schema(), rows: 400), source = try Fixture.table(rows: 400)
            for j in t.columns.indices {
                try t.fill(j) { c in
                    for i in 0..<400 {
                        if case .number(_, _, nil) = c.field.kind { c.put(i, number: source.columns[j].double(i)) }
                            else { c.put(i, source.columns[j].offset(i)) }
                    }
                }
            }
            for i in 0..<400 { t.columns[0].put(i, i < women ? 0 : 1) }
            let trainer = try Trainer(plan: plan(#""strength": 1, "sampling": "balanced""#), table: t)
            var lines: [String] = []
            while !trainer.isFinished {
                let p = try trainer.step(maxSteps: 1, maxSeconds: 1e9)
                lines.append("\(p.stage) \(p.step) \(p.total) "
                    + "\(trainer.ledger.releases.map { "\($0.name) \($0.count) \($0.groups.map(\.group))" })")
            }
            return (lines, try trainer.finish().ledger.releases.map(\.count))
        }
        let none = try trace(0)
        for women in [1, 2, 200, 400] {
            let other = try trace(women)
            XCTAssertEqual(other.0, none.0)
            XCTAssertEqual(other.1, none.1)
        }
    }

    func testStoppingAndGoingOn() throws {
        let p = try plan(#""strength": 1, "sampling": "balanced", "calibration": "equalised""#, protected: ["ward"]),
            table = try Fixture.table(rows: 800)
        let path = "/tmp/flip-groups-\(getpid()).flip.h5"
        defer { unlink(path) }
        let t = try Trainer(plan: p, table: table)
        try t.step(maxSteps: 3, maxSeconds: 1e9)
        try t.checkpoint(path)
        let r = try Trainer.resume(path, table: table)
        XCTAssertEqual(r.sampled, t.sampled)
        while !r.isFinished { try r.step(maxSteps: 100, maxSeconds: 1e9) }
        XCTAssertLessThanOrEqual(try r.finish().ledger.epsilon, 2)
    }
}
