import XCTest
@testable import Synthesis
import Basics
import Privacy
import Tables

final class PlanTests: XCTestCase {
    static let schema = #"{"fields": [{"name": "a", "type": "string", "constraints": {"enum": ["x", "y", "z"], "#
        + #""required": true}}, {"name": "n", "type": "integer", "constraints": {"minimum": 0, "maximum": 500}}, "#
        + #"{"name": "one", "type": "string", "constraints": {"enum": ["only"], "required": true}}]}"#

    func plan(_ config: String = "{}", protected: [String] = ["a"], epsilon: Double = 2, delta: Double = 1e-5) throws
        -> Plan {
        try Plan(schema: Schema(json: Self.schema), protected: protected, epsilon: epsilon, delta: delta,
                 preset: "published", config: JSON.parse(config))
    }

    func testTheCalibratedTotalMeetsTheCeilingForAnyCount() throws {
        for n in [1.0, 3, 500, 20_000, 1e7] {
            let p = try plan()
            let b = try p.batches(GroupCounts(rows: n, groups: [n]))
            let s = p.settings, a = p.budget.order
            let total = Double(a) / (2 * p.histogramNoise * p.histogramNoise)
                + Double(s.autoencoder.steps) * rdpSubsampledGaussian(q: poissonRate(batch: s.autoencoder.batch,
                    rows: n), sigma: b[0].multipliers[0], order: a)
                + Double(s.diffusion.steps) * rdpSubsampledGaussian(q: poissonRate(batch: s.diffusion.batch, rows: n),
                    sigma: b[1].multipliers[0], order: a)
            XCTAssertLessThanOrEqual(total, p.budget.ceiling * (1 + 1e-12))
            XCTAssertEqual(total, p.budget.ceiling, accuracy: 1e-5 * p.budget.ceiling)
        }
    }

    func testTheCeilingIsTheTarget() throws {
        for e in [0.1, 1, 2, 8] { XCTAssertEqual(try plan(epsilon: e).epsilon(delta: 1e-5), e, accuracy: 1e-9) }
    }

    func testSharesUnderTheGuess() throws {
        let p = try plan(#"{"rows": {"guess": 30000}, "encoder": {"share": 0.1}, "diffusion": {"share": 0.25}}"#)
        let shares = try XCTUnwrap(p.explain()["releases"]?.asArray).map { $0["share_of_budget"]?.asDouble ?? 0 }
        for (have, want) in zip(shares, [0.1, 0.9 * 0.75, 0.9 * 0.25]) { XCTAssertEqual(have, want, accuracy: 1e-3) }
    }

    /// What is explained against the divergences and the noise that the releases have.
    func testWhatEachShareBuys() throws {
        for (preset, config, names) in [
            ("published", "{}", ["histograms", "autoencoder", "diffusion"]),
                ("published", #"{"diffusion": {"enabled": false}}"#, ["histograms", "autoencoder"]),
            ("best", "{}", ["histograms", "marginals"]),
                ("best", #"{"marginals": {"pairs": "selected", "count": 2}, "finetuning": {"steps": 7}}"#,
                 ["histograms", "selection", "marginals", "finetuning"]),
        ] {
            let p = try Plan(schema: Schema(json: Self.schema), protected: [], epsilon: 2, delta: 1e-5, preset: preset,
                             config: JSON.parse(config))
            let e = try p.explain(), text = try p.explanation(), releases = try XCTUnwrap(e["releases"]?.asArray),
                stages = try XCTUnwrap(e["stages"]?.asArray)
            XCTAssertEqual(releases.compactMap { $0["stage"]?.asString }, names)
            XCTAssertEqual(releases.compactMap { $0["share_of_budget"]?.asDouble }.reduce(0, +), 1, accuracy: 1e-5)
            let alone = releases.compactMap { $0["epsilon_alone"]?.asDouble }
            XCTAssertEqual(alone.count, names.count)
            XCTAssert(alone.allSatisfy { $0 > 0 && $0 < 2 })
            XCTAssertEqual(stages.compactMap { $0["steps"]?.asDouble }.reduce(0, +), Double(p.totalSteps))
            XCTAssertEqual(stages.filter { $0["free"] == .bool(false) }.compactMap { $0["stage"]?.asString }, names)
            XCTAssertEqual(e["memory_bytes"]?.asDouble, Double(try p.memory(rows: 20_000)))
            let lines = text.split(separator: "\n")
            for s in stages {
                let line = try XCTUnwrap(lines.first { $0.hasPrefix(s["stage"]?.asString ?? "-") }, text)
                XCTAssertEqual(line.contains(" free "), s["free"] == .bool(true), String(line))
            }
            XCTAssert(text.contains("do not add"))
        }
    }

    func testMarginalsThatAreBought() throws {
        func made(_ config: String) throws -> Plan {
            try Plan(schema: Schema(json: Self.schema), protected: [], epsilon: 2, delta: 1e-5, preset: "best",
                     config: JSON.parse(config))
        }
        for (config, key, count, cells) in [("{}", "marginals", 3, Optional(3 * 34 + 3 + 34)),
                                            (#"{"focus": ["a"]}"#, "marginals", 1, 3 * 34),
                                            (#"{"marginals": {"pairs": "selected", "count": 2}}"#, "marginals", 2, nil),
                                            (#"{"marginals": {"pairs": "selected", "count": 2}, "focus": ["a", "n"]}"#,
                                             "marginals_at_most", 4, nil)] {
            let p = try made(config),
                m = try XCTUnwrap(p.explain()["releases"]?.asArray?.first { $0["stage"] == .string("marginals") })
            XCTAssertEqual(m[key]?.asDouble, Double(count), config)
            XCTAssertEqual(m["cells_at_most"]?.asDouble, cells.map(Double.init), config)
            XCTAssertEqual(m["cell_noise_rows"]?.asDouble ?? 0, p.marginalNoise * Double(count).squareRoot(),
                           accuracy: 1e-12, config)
        }
    }

    func testRoundTrip() throws {
        let p = try plan(#"{"rows": {"declared": 9000}, "autoencoder": {"steps": 10}}"#)
        let q = try Plan(json: JSON.parse(p.json.text))
        XCTAssertEqual(q.json, p.json)
        var object = try XCTUnwrap(p.json.asObject)
        object["ceiling"] = .number(p.budget.ceiling * 1.01)
        XCTAssertThrowsError(try Plan(json: .object(object)))
    }

    /// A model's bins are made from its counts whenever it is read, so an older file must keep its older estimate.
    func testAFileWithoutAMassSupportKeepsEveryCell() throws {
        let p = try plan()
        XCTAssertEqual(p.massSupport, .aboveNoise)
        XCTAssertEqual(try Plan(json: p.json).massSupport, .aboveNoise)
        var object = try XCTUnwrap(p.json.asObject)
        object["mass_support"] = nil
        let old = try Plan(json: .object(object))
        XCTAssertEqual(old.massSupport, .everyCell)
        XCTAssertEqual(try Plan(json: old.json).massSupport, .everyCell)
        XCTAssertNil(old.json["mass_support"])
        object["mass_support"] = .string("some")
        XCTAssertThrowsError(try Plan(json: .object(object)))
    }

    func testWhatIsRefused() throws {
        for e in [0, -1, .nan, .infinity, 2000] { XCTAssertThrowsError(try plan(epsilon: e)) }
        for d in [0, 1, -1, .nan] { XCTAssertThrowsError(try plan(delta: d)) }
        XCTAssertThrowsError(try plan(protected: ["nobody"])) { XCTAssert("\($0)".contains("nobody")) }
        XCTAssertThrowsError(try plan(protected: ["one"])) { XCTAssert("\($0)".contains("one level")) }
        XCTAssertThrowsError(try plan(protected: ["a", "a"]))
        XCTAssertThrowsError(try plan(#"{"rows": {"declared": 100000}}"#, delta: 1e-5)) {
            XCTAssert("\($0)".contains("delta"))
        }
        XCTAssertThrowsError(try plan(#"{"encoder": {"atoms": {"q": [1]}}}"#)) { XCTAssert("\($0)".contains("q")) }
        XCTAssertThrowsError(try plan(epsilon: 1e-7, delta: 1e-12)) { XCTAssertEqual(($0 as? Failure)?.code, .budget) }
    }
}
