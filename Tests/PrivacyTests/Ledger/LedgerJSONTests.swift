// The ledger's text: round trip, and every figure that does not follow from the releases is refused.

import Basics
@testable import Privacy
import XCTest

final class LedgerJSONTests: XCTestCase {
    private func sample() throws -> Ledger {
        var l = try Ledger(epsilon: 3, delta: 1e-5, order: 12, groups: ["sex=F", "sex=M", "sex=\"é\""],
            assumptions: ["the schema is public"])
        func shares(_ q: [Double], _ s: [Double]) -> [Ledger.Share] {
            zip(l.groups, zip(q, s)).map { .init(group: $0, samplingRate: $1.0, noiseMultiplier: $1.1) }
        }
        try l.charge(.init(name: "histograms", groups: shares([1, 1, 1], [33.3, 33.3, 33.3])))
        try l.charge(.init(name: "autoencoder", count: 120,
            groups: shares([0.01, 0.0123456789, 0.04], [1.7, 1.8, 2.9])))
        return l
    }

    func testRoundTrip() throws {
        let l = try sample(), text = l.json.text
        let back = try Ledger(json: JSON.parse(text))
        XCTAssertEqual(back, l)
        XCTAssertEqual(back.json.text, text)
        let empty = try Ledger(epsilon: 3, delta: 1e-5, order: 12)
        XCTAssertEqual(try Ledger(json: JSON.parse(empty.json.text)), empty)
    }

    func testKeys() throws {
        let j = try sample().json
        XCTAssertEqual(j.asObject?.keys,
            ["epsilon", "delta", "order", "accountant", "neighbouring", "spent", "groups", "assumptions", "releases",
                "notes"])
        XCTAssertEqual(j["accountant"], "renyi")
        XCTAssertEqual(j["neighbouring"], "add/remove one row")
        XCTAssertEqual(j["releases"]?.asArray?[1]["groups"]?["sex=M"]?["sampling_rate"], .number(0.0123456789))
        XCTAssertEqual(j["releases"]?.asArray?[1]["count"], 120)
    }

    /// One edit each; all must be refused.
    func testTampering() throws {
        let text = try sample().json.text
        let edits = [("\"count\":120", "\"count\":119"), ("\"count\":120", "\"count\":1200000"),
            ("\"count\":120", "\"count\":0"), ("\"count\":120", "\"count\":-5"),
                     ("\"count\":120", "\"count\":1.5"), ("\"sampling_rate\":0.04", "\"sampling_rate\":0.03"),
                         ("\"sampling_rate\":0.04", "\"sampling_rate\":4"),
                     ("\"noise_multiplier\":2.9", "\"noise_multiplier\":0"),
                         ("\"noise_multiplier\":2.9", "\"noise_multiplier\":1e999"),
                             ("\"noise_multiplier\":2.9", "\"noise_multiplier\":null"),
                     ("\"noise_multiplier\":2.9", "\"noise_multiplier\":9"), ("\"order\":12", "\"order\":13"),
                         ("\"order\":12", "\"order\":1"), ("\"order\":12", "\"order\":2000"),
                     ("\"delta\":", "\"delta\":-"), ("\"renyi\"", "\"pld\""), ("add/remove one row", "change one row"),
                         ("\"spent\":", "\"spend\":"), ("\"spent\":", "\"spent\":1"),
                     ("\"name\":\"histograms\"", "\"name\":7"), ("\"epsilon\":3", "\"epsilon\":0.1"),
                         ("\"epsilon\":3", "\"epsilon\":\"3\""), ("\"assumptions\":[", "\"assumptions\":[3,"),
                     ("{\"epsilon\"", "{\"extra\":1,\"epsilon\""),
                         ("\"releases\":[{\"name\"", "\"releases\":[{\"x\":1,\"name\""), ("\"sex=F\":{", "\"sex=X\":{")]
        for (old, new) in edits {
            let t = replaced(text, old, new)
            XCTAssertNotEqual(t, text, old)
            XCTAssertThrowsError(try Ledger(json: JSON.parse(t)), "\(old) → \(new)") {
                XCTAssertEqual(($0 as? Failure)?.code, .format)
            }
        }
        // The promise itself may be another one: nothing derives from it but the ceiling.
        XCTAssertNoThrow(try Ledger(json: JSON.parse(replaced(text, "\"epsilon\":3", "\"epsilon\":4"))))
        XCTAssertThrowsError(try Ledger(json: .null))
        XCTAssertThrowsError(try Ledger(json: .object(JSONObject())))
    }

    func testZeroConcentratedReleases() throws {
        var l = try sample()
        for _ in 0..<2 { try l.charge(.init(name: "pairs", rho: 0.0123456789)) }
        let text = l.json.text, back = try Ledger(json: JSON.parse(text))
        XCTAssertEqual(back, l)
        XCTAssertEqual(back.json.text, text)
        XCTAssertEqual(l.json["releases"]?.asArray?[2],
            .object(JSONObject([("name", "pairs"), ("count", 2), ("rho", .number(0.0123456789))])))
        for (old, new) in [("\"rho\":0.0123456789", "\"rho\":0.01"), ("\"rho\":0.0123456789", "\"rho\":0"),
            ("\"rho\":0.0123456789", "\"rho\":-1"),
                           ("\"rho\":0.0123456789", "\"rho\":1e999"), ("\"rho\":0.0123456789", "\"rho\":null"),
                               ("\"rho\":0.0123456789", "\"rho\":\"0\""),
                           ("\"rho\":0.0123456789", "\"groups\":{}"),
                               ("\"rho\":0.0123456789", "\"rho\":0.0123456789,\"groups\":{}"),
                           ("\"count\":2,\"rho\"", "\"count\":1,\"rho\""), ("\"count\":2,\"rho\"", "\"rho\"")] {
            let t = replaced(text, old, new)
            XCTAssertNotEqual(t, text, old)
            XCTAssertThrowsError(try Ledger(json: JSON.parse(t)), "\(old) → \(new)") {
                XCTAssertEqual(($0 as? Failure)?.code, .format)
            }
        }
    }

    /// Figures of persons may be above what their releases cost, as files of earlier versions have them; never below.
    /// Those of rows are exact.
    func testFiguresOfPersonsMayBeLarger() throws {
        for k in [0, 5] {
            var l = try Ledger(budget: XCTUnwrap(Budget(epsilon: 4, delta: 1e-5, order: 8, rowsPerPerson: k)),
                groups: ["all"])
            try l.charge(.init(name: "s", count: 10,
                groups: [.init(group: "all", samplingRate: 0.02, noiseMultiplier: 6)]))
            for (factor, isFine) in [(1.0, true), (0.99, false), (1.05, k > 1), (3, false)] {
                let text = l.json.text, old = "\"spent\":\(JSON.number(l.epsilon).text)",
                    t = replaced(text, old, "\"spent\":\(l.epsilon * factor)")
                XCTAssertTrue(text.contains(old))
                if isFine {
                    XCTAssertEqual(try Ledger(json: JSON.parse(t)), l)
                } else {
                    XCTAssertThrowsError(try Ledger(json: JSON.parse(t)), "\(k) \(factor)")
                }
            }
        }
    }

    private func replaced(_ s: String, _ old: String, _ new: String) -> String {
        let a = Array(s.utf8), b = Array(old.utf8)
        for i in 0...(a.count - b.count) where Array(a[i..<i + b.count]) == b {
            return String(decoding: a[..<i] + Array(new.utf8) + a[(i + b.count)...], as: UTF8.self)
        }
        return s
    }
}
