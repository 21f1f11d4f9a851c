// Pages: nothing from a file stands on them as markup, objects of another kind are refused, evaluations are marked.

import Basics
import XCTest
@testable import Pages

final class ReportPageTests: XCTestCase {
    private let hostile = "<script>alert('x')</script>\"&\u{1b}"

    private func report(name: String) throws -> JSON {
        try JSON.parse("""
            {"kind": "report", "title": \(JSON.string(name).text), "private": true, "preset": "best", "rows": 100,
             "rows_noise": 3, "generated": 10, "promise": {"epsilon": 1, "delta": 1e-5, "spent": 0.9,
             "accountant": "exact", "persons": 0}, "spending": [], "risk": null,
             "columns": [{"name": \(JSON.string(name).text), "type": "string",
             "distance": 0.1, "noise_units": 1.2, "parts": [{"label": \(JSON.string(name).text), "released": 0.5,
             "noise": 0.01, "generated": 0.4}, {"label": null, "released": 0.5, "noise": 0.01, "generated": 0.6}]},
             {"name": "b", "type": "string", "distance": 0, "noise_units": 0, "parts": []}],
             "pairs": {"all": 1, "released": [[0, 1, 3.5, 0.1, 0.2], [7, 9, 1, 1, 1]]}, "groups": null, "too_noisy": [],
             "rules": [\(JSON.string(name).text)], "limits": [], "assumptions": [], "warnings": []}
            """)
    }

    func testTextOfFilesIsNoMarkup() throws {
        let html = try htmlPage(report(name: hostile))
        XCTAssertFalse(html.contains("<script"))
        XCTAssertTrue(html.contains("&lt;script&gt;alert(&#39;x&#39;)"))
        XCTAssertFalse(html.contains("\u{1b}"))
        XCTAssertTrue(html.hasPrefix("<!doctype html>"))
    }

    func testOnlyEvaluationsAreMarkedNotPrivate() throws {
        XCTAssertFalse(try htmlPage(report(name: "a")).contains("NOT PRIVATE"))
        let evaluation = try JSON.parse("{\"summary\": {\"tvd1\": 0.02, \"cka\": null}, \"columns\": [], "
            + "\"groups\": [], \"tasks\": [], \"notes\": []}")
        let one = try htmlPage(evaluation)
        XCTAssertTrue(one.contains("<title>NOT PRIVATE") && one.contains("class=\"banner\""))
        let two = try htmlPage(.members([("evaluations", .array([
            .members([("name", .string("a")), ("evaluation", evaluation)]),
            .members([("name", .string(hostile)), ("evaluation", evaluation)])]))]))
        XCTAssertTrue(two.contains("Evaluation of 2 tables"))
        XCTAssertFalse(two.contains("<script"))
    }

    func testOtherObjectsAreRefused() throws {
        for text in ["{}", "[]", "{\"kind\": \"report\"}", "{\"evaluations\": []}", "{\"evaluations\": [{}]}", "3"] {
            XCTAssertThrowsError(try htmlPage(JSON.parse(text)), text) {
                XCTAssertEqual(($0 as? Failure)?.code, .argument)
            }
        }
    }

    /// Numbers that no report has: nothing traps.
    func testNumbersOutOfAllBoundsAreShown() throws {
        let text = try report(name: "a").text
        for (a, b) in [("\"persons\":0", "\"persons\":1e300"), ("0.01", "-1e308"), ("3.5", "1e308"),
                       ("\"rows\":100", "\"rows\":-1e308"),
                       ("[0,1,", "[9223372036854775807,1,"), ("[0,1,", "[1,0,"), ("0.5", "1e-320")] {
            XCTAssertTrue(text.contains(a), a)
            XCTAssertNoThrow(try htmlPage(JSON.parse(text.replacingOccurrences(of: a, with: b))), b)
        }
    }

    func testAPageLoadsNothing() throws {
        let html = try htmlPage(report(name: "a"))
        for part in ["http://", "https://", "src=", "url(", "@import", "onload", "javascript:"] {
            XCTAssertFalse(html.contains(part), part)
        }
    }
}
