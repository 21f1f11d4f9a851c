import XCTest
@testable import Synthesis
import Basics

final class SettingsTests: XCTestCase {
    private func read(_ config: JSON) throws -> Settings {
        try Settings(config, defaults: Published().defaults, sections: Published().sections)
    }

    func testResolvedConfigurationReadsBackTheSame() throws {
        let s = try read(JSON.parse(#"{"rows": {"declared": 500}, "autoencoder": {"steps": 7, "beta": 0.25, "#
            + #""log_variance": "network"}, "encoder": {"atoms": {"x": [1, 2.5]}}, "diffusion": {"enabled": false}, "#
            + #""fairness": {"strength": 0.5, "sampling": "balanced", "cuts": {"x": [1, 2.5]}, "draw": {"g": 0.25, "#
            + #""h": 0.75}, "shares": {"g": 0.5}}, "test_seed": 3, "seed": 12}"#))
        XCTAssertEqual(s.rows, .declared(500))
        XCTAssertEqual(s.autoencoder.steps, 7)
        XCTAssertEqual(s.encoder.atoms, ["x": [1, 2.5]])
        XCTAssertEqual(s.testSeed, 3)
        XCTAssertEqual(try read(s.json(sections: Published().sections)), s)
        let defaults = Published().defaults
        XCTAssertEqual(try read(JSON.parse(defaults.json(sections: Published().sections).text)), defaults)
    }

    func testWhatIsRefused() throws {
        for (text, word) in [
            (#"{"stepps": 3}"#, "stepps"), (#"{"autoencoder": {"stepps": 3}}"#, "stepps"),
                (#"{"autoencoder": 3}"#, "autoencoder"), (#"{"autoencoder": {"steps": 0}}"#, "steps"),
            (#"{"autoencoder": {"steps": 1.5}}"#, "steps"), (#"{"autoencoder": {"beta": "x"}}"#, "beta"),
                (#"{"autoencoder": {"activation": "tanh"}}"#, "activation"),
            (#"{"rows": {}}"#, "rows"), (#"{"rows": {"declared": 0}}"#, "declared"),
                (#"{"rows": {"declared": 5, "guess": 5}}"#, "rows"), (#"{"rows": 5}"#, "rows"),
            (#"{"fairness": {"strength": -1}}"#, "strength"), (#"{"fairness": {"draw": {"sex": {"f": 0.4}}}}"#, "sex"),
                (#"{"fairness": {"draw": {}}}"#, "draw"),
            (#"{"fairness": {"sampling": "fair"}}"#, "sampling"), (#"{"fairness": {"cuts": {"age": 3}}}"#, "age"),
                (#"{"fairness": {"power": 0}}"#, "power"), (#"{"autoencoder": {"width": 6, "heads": 4}}"#, "heads"),
            (#"{"seed": -1}"#, "seed"), (#"{"encoder": {"atoms": {"x": "y"}}}"#, "x"),
                (#"{"threads": 9999}"#, "threads"), ("[]", "config"), ("3", "config"),
        ] {
            XCTAssertThrowsError(try read(JSON.parse(text)), text) { XCTAssert("\($0)".contains(word), "\($0)") }
        }
    }

    func testEveryOptionIsDescribed() {
        let presets: [any Preset] = [Best(), Published()]
        let described = Settings.schema(presets: presets.map { ($0.name, $0.defaults, $0.sections) }).asObject?.keys
            ?? []
        func paths(_ j: JSON, _ prefix: String) -> [String] {
            (j.asObject?.members ?? []).flatMap { m -> [String] in
                let p = prefix + m.key
                if ["rows", "encoder.atoms", "fairness.cuts", "fairness.shares"].contains(p)
                    || m.value.asObject == nil { return [p] }
                return paths(m.value, p + ".")
            }
        }
        // A plan tells encoder.grid by its columns: PowerCellsTests.
        XCTAssertEqual(presets.reduce(into: Set<String>()) { $0.formUnion(paths($1.defaults.json(sections: $1.sections),
            "")) }, Set(described).subtracting(["encoder.grid"]))
    }

    /// A section has an old and a new name; both at once are refused.
    func testTheTiltHasTwoNames() throws {
        func read(_ text: String) throws -> Settings {
            try Settings(JSON.parse(text), defaults: Best().defaults, sections: Best().sections)
        }
        XCTAssertEqual(try read(#"{"tilt": {"pool": 5000}}"#).tilt.pool, 5000)
        XCTAssertEqual(try read(#"{"tilt": {"pool": 5000}}"#), try read(#"{"rake": {"pool": 5000}}"#))
        XCTAssertThrowsError(try read(#"{"tilt": {}, "rake": {}}"#)) { XCTAssert("\($0)".contains("tilt"), "\($0)") }
    }
}
