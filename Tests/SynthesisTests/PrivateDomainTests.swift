import XCTest
@testable import Synthesis
import Basics
import Budgets
import Glibc
import Privacy
import Tables

final class DomainPurchaseTests: XCTestCase {
    private var folder = ""

    override func setUp() {
        folder = Fixture.makeFolder()
        XCTAssertNotEqual(folder, "")
    }

    override func tearDown() { Fixture.remove(folder: folder) }

    private let sketch = #"{"fields": [{"name": "age", "type": "integer"}, {"name": "ward", "type": "string"}, "#
        + #"{"name": "dose", "type": "number"}, {"name": "sex", "type": "string", "constraints": {"enum": ["f", "#
        + #""m"]}}]}"#

    private func csv(_ rows: Int, _ more: String = "", who: Bool = false) throws -> String {
        var text = (who ? "who," : "") + "age,ward,dose,sex\n"
        for i in 0..<rows {
            text += (who ? "p\(i / 3)," : "")
                + "\(20 + i % 60),\(["north", "south", "west"][i % 3]),0.\(10 + i % 80),\(i % 2 == 0 ? "f" : "m")\n"
        }
        try AtomicFile.write(text + more, to: "\(folder)/t.csv")
        return "\(folder)/t.csv"
    }

    private func budget(_ name: String = "b", selection: Double = 1e-7, rowsPerPerson: Int = 0) throws -> SharedBudget {
        try .create("\(folder)/\(name)", SharedBudget.terms(epsilon: 6, delta: 1e-5, selection: selection,
                                                            rowsPerPerson: rowsPerPerson))
    }

    private func buy(_ b: SharedBudget, _ path: String, share: Double = 0.3, seed: UInt64? = nil,
                     _ change: (inout DomainOptions) -> Void = { _ in }) throws -> (schema: Schema, report: JSON) {
        var options = DomainOptions(epsilon: try b.account().epsilon(share: share))
        options.testSeed = seed
        change(&options)
        return try releaseDomain(SchemaSketch(json: sketch), csv: path, from: b, options)
    }

    private func refused(_ code: FailureCode, line: UInt = #line, _ body: () throws -> Void) {
        XCTAssertThrowsError(try body(), line: line) {
            XCTAssertEqual(($0 as? Failure)?.code, code, "\($0)", line: line)
        }
    }

    func testABoughtSchemaAndATrainingUnderIt() throws {
        let b = try budget(), path = try csv(3000, "999999,hidden,1e12,f\n")
        let (schema, report) = try buy(b, path)
        guard case .integer(16, 127, 1) = schema.fields[0].kind, case .categorical(let levels) = schema.fields[1].kind,
            case .number(let low, let high, nil) = schema.fields[2].kind else { return XCTFail(schema.json) }
        XCTAssertEqual(Set(levels), ["north", "south", "west", "other"])
        XCTAssertEqual(levels.last, "other")
        XCTAssertEqual(low, 0.0625)
        XCTAssertEqual(high, 1)
        XCTAssertEqual(report["rows"]?.asDouble ?? 0, 3001, accuracy: 8 * (report["deviation"]?.asDouble ?? 0))
        let account = try b.account(), run = account.runs[0]
        XCTAssertEqual(run.kind, .domain)
        XCTAssertFalse(run.isOpen)
        XCTAssertEqual(run.id, report["run"]?.asString)
        XCTAssertEqual(account.committed, 0.3 * b.terms.ceiling, accuracy: 1e-6)
        XCTAssertEqual(account.selection, 1e-7, accuracy: 1e-13)
        XCTAssertEqual(run.ledger.releases.compactMap(\.selection).count, 1)

        let table = try readCSV(path, schema)
        XCTAssertEqual(table.rows, 3001)
        XCTAssertEqual(table.columns[0].double(3000), 127)                     // clamped
        XCTAssertEqual(table.columns[1].offset(3000), 3)                       // folded
        let config = JSON.members([("autoencoder", ["steps": 3, "batch": 100]),
                                   ("diffusion", ["steps": 3, "batch": 100, "sampler_steps": 4])])
        func plan(_ terms: Budget?) throws -> Plan {
            try Plan(schema: schema, protected: [], epsilon: 4, delta: 1e-5, preset: "published", config: config,
                     under: terms)
        }
        refused(.state) { _ = try Trainer(plan: plan(nil), table: table) }
        let other = try budget("c")
        refused(.state) { _ = try Trainer(plan: plan(other.terms), table: table, shared: other) }
        let t = try Trainer(plan: plan(b.terms), table: table, shared: b)
        while !t.isFinished { try t.step(maxSteps: 100, maxSeconds: 1e9) }
        let model = try t.finish()
        XCTAssertTrue(model.ledger.assumptions.contains { $0.contains(run.id) })
        XCTAssertFalse(model.ledger.assumptions.contains { $0.hasPrefix("the schema is public") })
        XCTAssertLessThanOrEqual(try b.account().spent, 6)
        // The file says what both cost together: no less than either, no more than the budget; another's purchase in it
        // is not believed.
        let both = try XCTUnwrap(model.ledger.epsilonOfDomain), alone = try XCTUnwrap(report["epsilon"]?.asDouble)
        XCTAssertEqual(both.alone, alone, accuracy: 1e-9)
        XCTAssertGreaterThan(both.together, max(alone, model.ledger.epsilon))
        XCTAssertEqual(both.together, try b.account().spent, accuracy: 1e-9)
        XCTAssertTrue(try model.ledgerReport().contains("What the schema cost"))
        XCTAssertEqual(model.plan.expectedRows, Int(report["rows"]?.asDouble ?? 0))
        let bytes = try model.bytes(),
            again = try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        XCTAssertEqual(again.schema, schema)
        XCTAssertEqual(again.ledger, model.ledger)
        let json = model.ledger.json, id = try XCTUnwrap(model.ledger.domainRelease?.run)
        for (from, to) in [(#""run":"\#(id)""#, #""run":"\#(id)0""#),
                           (#""epsilon_together":"#, #""epsilon_together":0,"x":"#),
                           (#""epsilon_together":"#, #""epsilon_together":1"#)] {
            let edited = json.text.replacingOccurrences(of: from, with: to)
            XCTAssertNotEqual(edited, json.text)
            if from.hasPrefix(#""run""#) {
                XCTAssertNotEqual(try Ledger(json: JSON.parse(edited)).domainRelease?.run, schema.domainRelease?.run)
            } else {
                refused(.format) { _ = try Ledger(json: JSON.parse(edited)) }
            }
        }
    }

    /// With the same noise an outlier changes nothing that leaves. A mutant that takes minimum and maximum from the
    /// rows shows it with certainty.
    func testAnOutlierDoesNotShow() throws {
        let b = try budget(), one = try buy(b, csv(2000), share: 0.1, seed: 4) { $0.selection = 1e-8 }.schema
        let two = try buy(b, csv(2000, "123456789,young and mine alone,-1e15,m\n"), share: 0.1,
                          seed: 4) { $0.selection = 1e-8 }.schema
        XCTAssertEqual(one.fields, two.fields)
        // Minimum, maximum and levels as a careless program finds them.
        let careless = try Schema.inferred(csv: csv(2000)),
            seen = try Schema.inferred(csv: csv(2000, "123456789,young and mine alone,-1e15,m\n"))
        XCTAssertNotEqual(careless.fields, seen.fields)
        XCTAssertTrue(seen.json.contains("mine alone"))
        XCTAssertFalse(two.json.contains("mine alone"))
    }

    /// Whatever is found, what comes of it is a schema: nothing is lost after it was paid for.
    func testOddColumnsGiveSchemas() throws {
        let sketch = #"{"fields": [{"name": "zero", "type": "number"}, {"name": "step", "type": "number", "#
            + #""constraints": {"multipleOf": 0.1}}, {"name": "whole", "type": "integer", "constraints": "#
            + #"{"multipleOf": 5, "minimum": 3}},"#
            + #"{"name": "day", "type": "date"}, {"name": "moment", "type": "datetime", "constraints": {"maximum": "#
            + #""2030-01-01T00:00:00Z"}}, {"name": "word", "type": "string"}], "missingValues": ["", "NA"]}"#
        for cells in ["0,0.3,7, 2024-02-03 ,2024-02-03T10:00:00Z,other",
                      "1e300,-1e300,99999999999999999999,0001-01-01,9999-12-31T00:00:00Z,x", "-1e-300,NA,NA,NA,NA,NA",
                      "-5,1e18,-8,1969-12-31,1960-01-01T00:00:00Z,\"caf\u{E9}\""] {
            try AtomicFile.write("zero,step,whole,day,moment,word\n" + String(repeating: cells + "\n", count: 400),
                                 to: "\(folder)/t.csv")
            unlink("\(folder)/b")
            let b = try budget()
            var options = DomainOptions(epsilon: try b.account().epsilon(share: 0.5))
            options.testSeed = 3
            let (schema, _) = try releaseDomain(SchemaSketch(json: sketch), csv: "\(folder)/t.csv", from: b, options)
            XCTAssertEqual(try readCSV("\(folder)/t.csv", schema).rows, 400, cells)
            XCTAssertEqual(try Schema(json: schema.json), schema)
        }
    }

    func testRefused() throws {
        let b = try budget(selection: 0), path = try csv(100)
        refused(.budget) { _ = try buy(b, path) }                              // levels, and no part of δ for them
        let c = try budget("c")
        refused(.budget) { _ = try buy(c, path) { $0.epsilon = 1e-3 } }
        refused(.budget) { _ = try buy(c, path) { $0.epsilon = 7 } }
        refused(.budget) { _ = try buy(c, path) { $0.selection = 1e-6 } }
        refused(.argument) { _ = try buy(c, path) { $0.other = "" } }
        refused(.argument) { _ = try buy(c, path) { $0.csv.person = .init(column: "who", maxRows: 2) } }
        // no number, not what was declared: said before it is paid for
        refused(.schema) { _ = try buy(c, csv(100, "old,north,0.2,f\n")) }
        refused(.schema) { _ = try buy(c, csv(100, "30,north,0.2,x\n")) }
        refused(.budget) { _ = try buy(c, csv(100, "old,north,0.2,f\n")) {
            $0.csv.invalid = .coerce                                            // looked at, and not refused
            $0.selection = 1e-6
        } }
        refused(.schema) { _ = try buy(c, csv(0)) }
        refused(.io) { _ = try buy(c, "\(folder)/none") }
        refused(.argument) {
            _ = try releaseDomain(SchemaSketch(json: #"{"fields": [{"name": "x", "type": "boolean"}]}"#), csv: path,
                              from: c, DomainOptions(epsilon: 2))
        }
        XCTAssertEqual(try c.account().runs.count, 0)
    }

    /// Persons: the budget's unit, at most k rows of each counted, and a price for k.
    func testPersons() throws {
        let b = try budget(rowsPerPerson: 2), path = try csv(3000, who: true)
        refused(.argument) { _ = try buy(b, path) }
        let (schema, report) = try buy(b, path) { $0.csv.person = .init(column: "who", maxRows: 2) }
        XCTAssertEqual(report["rows"]?.asDouble ?? 0, 2000, accuracy: 8 * (report["deviation"]?.asDouble ?? 0))
        XCTAssertEqual(try b.account().committed, 0.3 * b.terms.ceiling, accuracy: 1e-6)
        var options = CSVOptions()
        options.person = .init(column: "who", maxRows: 2)
        XCTAssertEqual(try readCSV(path, schema, options).rows, 2000)
        XCTAssertFalse(schema.fields.contains { $0.name == "who" })
    }
}
