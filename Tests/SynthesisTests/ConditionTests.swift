import XCTest
@testable import Synthesis
import Basics
@testable import Tables

final class ConditionTests: XCTestCase {
    /// Without diffusion: generated in a moment, however many a condition needs.
    static let model: Model? = try? Fixture.train(Plan(schema: Fixture.schema(), protected: ["sex"], epsilon: 2,
        delta: 1e-5, preset: "published",
        config: JSON.parse(#"""
        {"test_seed": 11, "autoencoder": {"steps": 6, "batch": 100}, "diffusion": {"enabled": false}}
        """#)), Fixture.table(rows: 600))
    /// The preset whose rows are accepted by a tilt as well.
    static let best: Model? = try? Fixture.train(Plan(schema: Fixture.schema(), protected: ["sex"], epsilon: 4,
        delta: 1e-5, preset: "best",
        config: JSON.parse(#"""
        {"test_seed": 11, "autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": 4, "steps": 6,
        "batch": 64},
         "diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "steps": 5, "batch": 64, "sampler_steps": 4},
         "projection": {"rows": 32, "steps": 10}, "rake": {"pool": 2000, "steps": 5}}
        """#)), Fixture.table(rows: 600))

    func condition(_ text: String) throws -> Condition { try Condition(JSON.parse(text), schema: Fixture.schema()) }

    /// Every row of column `column` is one that `holds` says.
    func meets(_ text: String, _ column: Int, count: Int = 200, _ holds: (Double) -> Bool, line: UInt = #line) throws {
        let t = try XCTUnwrap(Self.model).sample(count: count, seed: 4, where: condition(text), threads: 2)
        XCTAssertEqual(t.rows, count, line: line)
        for i in 0..<t.rows where !holds(t.columns[column].double(i)) {
            return XCTFail("row \(i): \(t.columns[column].double(i))", line: line)
        }
    }

    func testEveryKindOfColumn() throws {
        try meets(#"{"sex": "f"}"#, 0) { $0 == 0 }
        try meets(#"{"ward": ["b", "d"]}"#, 1) { $0 == 1 || $0 == 3 }
        try meets(#"{"ward": null}"#, 1) { $0.isNaN }
        try meets(#"{"ward": ["a", null]}"#, 1) { $0.isNaN || $0 == 0 }
        try meets(#"{"age": [20, 21, 22, 23, 24, 25]}"#, 2) { (20...25).contains($0) && $0 == $0.rounded() }
        try meets(#"{"age": {"minimum": 30, "maximum": 40}}"#, 2) { (30...40).contains($0) }
        try meets(#"{"age": {"minimum": 50}}"#, 2) { $0 >= 50 }
        try meets(#"{"age": {"maximum": 12}}"#, 2) { $0 <= 12 }
        try meets(#"{"score": {"minimum": -0.5, "maximum": 0.25}}"#, 3) { $0 >= -0.5 && $0 <= 0.25 }
        try meets(#"{"score": null}"#, 3) { $0.isNaN }
        try meets(#"{"score": {}}"#, 3) { !$0.isNaN }                               // a missing value meets no bounds
        try meets(#"{"dose": {"minimum": 1.1, "maximum": 1.9}}"#, 4) { $0 >= 1.1 && $0 <= 1.9 }
        try meets(#"{"smoker": true}"#, 5) { $0 == 1 }
        try meets(#"{"smoker": [false, null]}"#, 5) { $0.isNaN || $0 == 0 }
        let from = Double(daysSinceEpoch(year: 2020, month: 3, day: 1)),
            to = Double(daysSinceEpoch(year: 2020, month: 6, day: 30))
        try meets(#"{"day": {"minimum": "2020-03-01", "maximum": "2020-06-30"}}"#, 6) { $0 >= from && $0 <= to }
        let moment = Double(daysSinceEpoch(year: 2020, month: 12, day: 31)) * 86_400e6
        try meets(#"{"seen": {"minimum": "2020-12-31T00:00:00Z"}}"#, 7) { $0 >= moment }
        try meets(#"{"seen": null}"#, 7) { $0.isNaN }
        try meets("{}", 0) { _ in true }
    }

    func testSeveralColumnsAtOnce() throws {
        let t = try XCTUnwrap(Self.model).sample(count: 100, seed: 5,
                                                 where: condition(#"{"sex": "m", "age": {"minimum": 20, "maximum": "#
                                                     + #"70}, "smoker": [true, null]}"#))
        for i in 0..<t.rows {
            XCTAssertEqual(t.columns[0].offset(i), 1)
            XCTAssert((20...70).contains(t.columns[2].double(i)))
            XCTAssertNotEqual(t.columns[5].offset(i), 0)
        }
    }

    /// Rows that meet the condition at the first attempt are the plain rows: the others are drawn again, none is moved.
    func testAcceptedRowsAreThePlainOnes() throws {
        let model = try XCTUnwrap(Self.model)
        let plain = try model.sample(count: 400, seed: 6),
            given = try model.sample(count: 400, seed: 6, where: condition(#"{"sex": "f"}"#))
        var same = 0
        for i in 0..<400 where plain.columns[0].offset(i) == 0 {
            same += 1
            for (a, b) in zip(plain.columns, given.columns) {
                XCTAssert(a.double(i) == b.double(i) || a.double(i).isNaN && b.double(i).isNaN)
            }
        }
        XCTAssertGreaterThan(same, 50)
        XCTAssertLessThan(same, 350)
    }

    func testRowsDoNotDependOnChunksOrThreads() throws {
        let w = try condition(#"{"ward": ["b", null], "age": {"minimum": 20, "maximum": 60}}"#)
        for model in [Self.model, Self.best] {
            let model = try XCTUnwrap(model)
            let whole = try model.sample(count: 600, seed: 8, where: w, threads: 1)
            XCTAssertEqual(Fixture.cells(whole),
                           Fixture.cells(try model.sample(count: 600, seed: 8, where: w, threads: 3)))
            for (first, count) in [(0, 1), (599, 1), (17, 300), (255, 2)] {
                let part = try model.sample(first: first, count: count, seed: 8, where: w, threads: 2)
                for (a, b) in zip(part.columns, whole.columns) {
                    for i in 0..<count {
                        XCTAssert(a.double(i) == b.double(first + i) || a.double(i).isNaN && b.double(first + i).isNaN)
                    }
                }
            }
        }
    }

    /// The estimated share against the share counted in other rows, for the generator before any tilt.
    func testShareIsTheGenerators() throws {
        let model = try XCTUnwrap(Self.model), plain = try model.sample(count: 20_000, seed: 31)
        let sampler = Sampler(plan: model.plan, model.generator), one = try Table(schema: Fixture.schema(), rows: 1)
        func share(_ text: String, threads: Int) throws -> Double {
            let test = try ConditionTest(condition(text), grids: model.plan.grids, encoders: model.statistics.encoders,
                                         one)
            return try sampler.share(of: test, threads: threads)
        }
        let cases: [(String, Int, (Double) -> Bool)] = [
            (#"{"sex": "f"}"#, 0, { $0 == 0 }), (#"{"ward": null}"#, 1, { $0.isNaN }),
                (#"{"age": {"minimum": 30, "maximum": 44}}"#, 2, { (30...44).contains($0) }),
            (#"{"score": {"maximum": 0.125}}"#, 3, { $0 <= 0.125 }), ("{}", 0, { _ in true }),
        ]
        for (text, column, holds) in cases {
            let estimate = try share(text, threads: 2)
            let counted = Double((0..<plain.rows).filter { holds(plain.columns[column].double($0)) }.count) / Double(
                plain.rows)
            // Six deviations of the difference of two counts.
            XCTAssertEqual(estimate, counted,
                           accuracy: 6 * (counted * (1 - counted) * (1 / 20_000 + 1 / 2_048)).squareRoot() + 1e-12,
                           text)
            XCTAssertEqual(estimate, try share(text, threads: 1), text)
        }
    }

    func testWhatIsRefused() throws {
        let bad = [
            (#"{"gender": "f"}"#, "gender"), (#"{"sex": "x"}"#, "sex"), (#"{"sex": null}"#, "never missing"),
                (#"{"sex": []}"#, "empty"),
            (#"{"sex": {"minimum": "f"}}"#, "no order"), (#"{"smoker": {"minimum": 0}}"#, "no order"),
                (#"{"ward": ["a", "z"]}"#, "ward"), (#"{"ward": [["a"]]}"#, "ward"),
            (#"{"age": 200}"#, "age"), (#"{"age": 30.5}"#, "age"), (#"{"age": "old"}"#, "age"),
                (#"{"age": true}"#, "age"),
            (#"{"age": {"minimum": 40, "maximum": 30}}"#, "above"), (#"{"age": {"min": 4}}"#, "min"),
                (#"{"age": [{"minimum": 3}]}"#, "age"),
            (#"{"day": "2020-02-30"}"#, "day"), (#"{"day": "1999-01-01"}"#, "day"), (#"{"seen": 5.5}"#, "seen"),
                ("[]", "where"), (#""f""#, "where"), ("null", "where"),
        ]
        for (text, part) in bad {
            XCTAssertThrowsError(try condition(text), text) {
                XCTAssertEqual(($0 as? Failure)?.code, .argument, text)
                XCTAssert("\($0)".contains(part), "\(text): \($0)")
            }
        }
    }

    /// No row of a continuous column is one value by chance: rows are drawn given it, and have it to the last bit.
    func testAValueThatNoRowHasByChance() throws {
        let moment = Double(daysSinceEpoch(year: 2020, month: 5, day: 5)) * 86_400e6 + 18_305e6
        for (text, column, value) in [(#"{"score": 0.123456789}"#, 3, 0.123456789),
                                      (#"{"seen": "2020-05-05T05:05:05Z"}"#, 7, moment)] {
            for model in [Self.model, Self.best] {
                let rows = try XCTUnwrap(model).sample(count: 30, seed: 1, where: condition(text))
                XCTAssertEqual((0..<30).map { rows.columns[column].double($0) }, [Double](repeating: value, count: 30))
            }
        }
    }

    func testCancel() throws {
        let w = try condition(#"{"sex": "f"}"#)
        XCTAssertThrowsError(try XCTUnwrap(Self.model).sample(count: 5000, seed: 1, where: w) { _, _ in false }) {
            XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
        }
    }
}
