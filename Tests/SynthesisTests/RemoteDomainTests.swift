// A domain of rows elsewhere, from the sketch to the schema: that of one file whatever the parts, and whatever the form
// of the rows; nothing is charged for what is refused.

@testable import Budgets
import Basics
import CArrow
@testable import Privacy
@testable import Synthesis
@testable import Tables
import XCTest

final class RemoteDomainTests: XCTestCase {
    private var folder = ""
    override func setUp() { folder = Fixture.makeFolder() }
    override func tearDown() { Fixture.remove(folder: folder) }

    private let sketch = #"{"fields": [{"name": "age", "type": "integer"}, {"name": "ward", "type": "string"}, "#
        + #"{"name": "dose", "type": "number"}, {"name": "day", "type": "date"}, {"name": "sex", "type": "string", "#
        + #""constraints": {"enum": ["f", "m"]}}], "missingValues": ["", "NA"]}"#

    private func lines(_ n: Int, who: Bool = false) -> [String] {
        (0..<n).map { i in
            (who ? "p\(i % 700)," : "") + "\(i % 9 == 0 ? "NA" : String(20 + i % 60)),"
                + "\(["north", "south", "w\(i)"][i % 3]),0.\(10 + i % 80),2024-0\(1 + i % 9)-11,"
                + "\(i % 2 == 0 ? "f" : "m")"
        }
    }
    private func file(_ lines: some Sequence<String>, who: Bool = false, _ name: String) throws -> String {
        try AtomicFile.write((who ? "who," : "") + "age,ward,dose,day,sex\n" + lines.map { $0 + "\n" }.joined(),
                             to: "\(folder)/\(name)")
        return "\(folder)/\(name)"
    }
    private func budget(_ name: String, rowsPerPerson: Int = 0) throws -> SharedBudget {
        try .create("\(folder)/\(name)", SharedBudget.terms(epsilon: 6, delta: 1e-5, selection: 1e-7,
                                                            rowsPerPerson: rowsPerPerson))
    }
    private func options(_ b: SharedBudget, person: Int = 0, _ change: (inout DomainOptions) -> Void = { _ in }) throws
        -> DomainOptions {
        var options = DomainOptions(epsilon: try b.account().epsilon(share: 0.3))
        options.testSeed = 5
        if person > 0 { options.csv.person = .init(column: "who", maxRows: person) }
        change(&options)
        return options
    }
    /// The ask as a worker reads it.
    private func read(_ ask: Ask) throws -> Ask {
        let bytes = try ask.bytes()
        return try withExtendedLifetime(bytes) {
            try Ask(bytes: UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        }
    }
    /// Sums of files, a part each, by way of bytes.
    private func sums(_ ask: Ask, _ files: [String]) throws -> Sums {
        let total = try PartSums(read(ask))
        for (k, file) in files.enumerated() {
            let part = try PartSums(read(ask))
            try part.add(csv: file, part: k, CSVOptions(), progress: nil)
            var bytes = [UInt8](repeating: 0, count: try part.sums.exportSize(0, of: 1))
            bytes.withUnsafeMutableBytes { part.sums.export(0, of: 1, to: $0.baseAddress!) }
            try bytes.withUnsafeBytes { try total.sums.merge($0) }
        }
        return total.sums
    }
    private func elsewhere(_ b: SharedBudget, _ files: [String], person: Int = 0, rollCall: Bool = false) throws
        -> (schema: Schema, report: JSON) {
        let domain = try PrivateDomain(SchemaSketch(json: sketch), elsewhere: b, options(b, person: person),
                                       rollCall: rollCall)
        while let ask = try Ask(domain, parts: files.count) { try domain.answer(sums(ask, files)) }
        return try XCTUnwrap(domain.released)
    }
    /// The schema but for the names of run and budget, which are drawn.
    private func text(_ found: (schema: Schema, report: JSON)) throws -> String {
        let run = try XCTUnwrap(found.report["run"]?.asString), id = try XCTUnwrap(found.schema.domainRelease?.budget)
        return found.schema.json.replacingOccurrences(of: run, with: "run").replacingOccurrences(of: id, with: "budget")
    }

    func testTheSchemaOfOneFile() throws {
        let all = lines(3000), one = try file(all, "one.csv"), b = try budget("b")
        let want = try text(releaseDomain(SchemaSketch(json: sketch), csv: one, from: b, options(b)))
        XCTAssertTrue(want.contains("north"))
        let cuts = [0, 1, 1, 700, 2999, 3000]
        let files = try cuts.enumerated().map { k, first in
            try file(all[first..<(k + 1 < cuts.count ? cuts[k + 1] : 3000)], "part\(k).csv")
        }
        for (k, (parts, rollCall)) in [([one], false), (files, true), (files.reversed(), false)].enumerated() {
            XCTAssertEqual(try text(elsewhere(budget("c\(k)"), parts, rollCall: rollCall)), want)
        }
    }

    func testPersons() throws {
        let all = lines(3000, who: true), one = try file(all, who: true, "one.csv")
        let b = try budget("b", rowsPerPerson: 2)
        let want = try text(releaseDomain(SchemaSketch(json: sketch), csv: one, from: b, options(b, person: 2)))
        // All rows of a person in one part, in any order.
        func part(_ k: Int) throws -> String {
            try file(all.enumerated().filter { $0.offset % 700 % 3 == k }.map(\.element).reversed(), who: true,
                     "part\(k).csv")
        }
        XCTAssertEqual(try text(elsewhere(budget("c", rowsPerPerson: 2), [part(2), part(0), part(1)], person: 2)), want)
    }

    /// Typed columns of a stream count as their texts would, whatever the schema says of texts.
    func testStreams() throws {
        let typed = try Schema(json: #"{"fields": [{"name": "age", "type": "integer", "constraints": {"minimum": 0, "#
            + #""maximum": 99}}, {"name": "ward", "type": "string", "constraints": {"enum": ["north", "south"]}}, "#
            + #"{"name": "dose", "type": "number", "constraints": {"minimum": 0, "maximum": 1}}, {"name": "day", "#
            + #""type": "date", "constraints": {"minimum": "2024-01-01", "maximum": "2024-12-31"}}, {"name": "sex", "#
            + #""type": "string", "constraints": {"enum": ["f", "m"]}}], "missingValues": ["", "NA"]}"#)
        let all = lines(900).filter { !$0.contains(",w") }, one = try file(all, "one.csv"), b = try budget("b")
        let table = try readCSV(one, typed)
        let want = try text(releaseDomain(SchemaSketch(json: sketch), csv: one, from: b, options(b)))
        let comma = sketch.replacingOccurrences(of: #""dose", "type": "number""#,
                                                with: #""dose", "type": "number", "decimalChar": ",""#)
        for (k, sketch) in [sketch, comma].enumerated() {
            let c = try budget("c\(k)")
            let domain = try PrivateDomain(SchemaSketch(json: sketch), elsewhere: c, options(c), rollCall: false)
            let ask = try XCTUnwrap(Ask(domain, parts: 1)), part = try PartSums(read(ask))
            XCTAssertThrowsError(try part.add(table, part: 0))                  // it has a schema
            var stream = ArrowArrayStream()
            try exportArrow(table, to: &stream)
            try part.add(ArrowStream(taking: &stream), part: 0, ArrowOptions(), progress: nil)
            try domain.answer(part.sums)
            let found = try text(XCTUnwrap(domain.released))
            XCTAssertEqual(found.replacingOccurrences(of: #""decimalChar":",","#, with: ""), want)
        }
    }

    func testRefusedAnswersChargeNothing() throws {
        let b = try budget("b"), good = try file(lines(300), "good.csv")
        let bad = try file(["old,north,0.2,2024-02-03,f", "30,north,0.2,2024-02-03"], "bad.csv")
        let empty = try file([], "empty.csv")
        let domain = try PrivateDomain(SchemaSketch(json: sketch), elsewhere: b, options(b), rollCall: false)
        func refused(_ code: FailureCode, _ files: [String], of ask: Ask? = nil, line: UInt = #line) throws {
            let ask = try ask ?? XCTUnwrap(Ask(domain, parts: 2))
            XCTAssertThrowsError(try domain.answer(sums(ask, files)), line: line) {
                XCTAssertEqual(($0 as? Failure)?.code, code, "\($0)", line: line)
                XCTAssertFalse("\($0)".contains("old"), line: line)
            }
            XCTAssertEqual(try b.account().runs.count, 0, line: line)
            XCTAssertNil(domain.released, line: line)
        }
        try refused(.state, [good])
        try refused(.schema, [good, bad])
        try refused(.schema, [empty, empty])
        let stale = try XCTUnwrap(Ask(domain, parts: 2))
        _ = try Ask(domain, parts: 2)
        try refused(.argument, [good, empty], of: stale)
        let ask = try XCTUnwrap(Ask(domain, parts: 2))
        try domain.answer(sums(ask, [good, empty]))
        XCTAssertEqual(try b.account().runs.count, 1)
        XCTAssertNil(try Ask(domain, parts: 2))
        // Coerced, the broken rows count as far as they can be read.
        let c = try budget("c"), coerced = try PrivateDomain(SchemaSketch(json: sketch), elsewhere: c, options(c) {
            $0.csv.invalid = .coerce
        }, rollCall: false)
        try coerced.answer(sums(XCTUnwrap(Ask(coerced, parts: 2)), [good, bad]))
        XCTAssertNotNil(coerced.released)
    }

    func testWhatCannotBePaidIsSaidBeforeAnythingIsRead() throws {
        let b = try budget("b")
        for change: (inout DomainOptions) -> Void in [{ $0.epsilon = 1e-3 }, { $0.other = "" }, { $0.name = "" },
            { $0.csv.person = .init(column: "who", maxRows: 2) }] {
            XCTAssertThrowsError(try PrivateDomain(SchemaSketch(json: sketch), elsewhere: b, options(b, change),
                                                   rollCall: false))
        }
    }

    /// An ask says nothing of rows: two tables give the same but for id, keys and check; damaged it is none.
    func testAnAskIsPublicButForItsKeys() throws {
        let b = try budget("b")
        let domain = try PrivateDomain(SchemaSketch(json: sketch), elsewhere: b, options(b), rollCall: true)
        let call = try XCTUnwrap(Ask(domain, parts: 1))
        XCTAssertEqual(call.stage, Ask.rollCall)
        try domain.answer(sums(call, [file(lines(200), "a.csv")]))
        let good = Array(try XCTUnwrap(Ask(domain, parts: 1)).bytes())
        let fresh = try PrivateDomain(SchemaSketch(json: sketch), elsewhere: b, options(b), rollCall: false)
        let other = Array(try XCTUnwrap(Ask(fresh, parts: 1)).bytes())
        XCTAssertEqual(good[56..<good.count - 16], other[56..<other.count - 16])
        for i in stride(from: 0, to: good.count, by: 7) {
            var bad = good
            bad[i] ^= 4
            XCTAssertThrowsError(try bad.withUnsafeBytes { try Ask(bytes: $0) })
        }
    }
}
