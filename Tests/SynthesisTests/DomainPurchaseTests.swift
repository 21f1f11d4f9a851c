import XCTest
@testable import Synthesis
import Basics
import Glibc
import Privacy
import Tables

final class DomainPurchaseTests: XCTestCase {
    private var folder = ""

    override func setUp() {
        var template = Array("/tmp/flip-domain-XXXXXX".utf8CString)
        folder = mkdtemp(&template).map { String(cString: $0) } ?? ""
        XCTAssertNotEqual(folder, "")
    }

    override func tearDown() {
        for f in ["b", "b.lock", "c", "c.lock", "t.csv"] { unlink("\(folder)/\(f)") }
        rmdir(folder)
    }

    private let sketch = #"{"fields": [{"name": "age", "type": "integer"}, {"name": "ward", "type": "string"}, {"name": "dose", "type": "number"}, {"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"]}}]}"#

    private func csv(_ rows: Int, _ more: String = "", who: Bool = false) throws -> String {
        var text = (who ? "who," : "") + "age,ward,dose,sex\n"
        for i in 0..<rows { text += (who ? "p\(i / 3)," : "") + "\(20 + i % 60),\(["north", "south", "west"][i % 3]),0.\(10 + i % 80),\(i % 2 == 0 ? "f" : "m")\n" }
        try AtomicFile.write(text + more, to: "\(folder)/t.csv")
        return "\(folder)/t.csv"
    }

    private func budget(_ name: String = "b", selection: Double = 1e-7, rowsPerPerson: Int = 0) throws -> SharedBudget {
        try .create("\(folder)/\(name)", SharedBudget.terms(epsilon: 6, delta: 1e-5, selection: selection, rowsPerPerson: rowsPerPerson))
    }

    private func buy(_ b: SharedBudget, _ path: String, share: Double = 0.3, seed: UInt64? = nil, _ change: (inout DomainOptions) -> Void = { _ in }) throws -> (schema: Schema, report: JSON) {
        var options = DomainOptions(epsilon: try b.account().epsilon(share: share))
        options.testSeed = seed
        change(&options)
        return try buyDomain(SchemaSketch(json: sketch), csv: path, from: b, options)
    }

    private func refused(_ code: FailureCode, line: UInt = #line, _ body: () throws -> Void) {
        XCTAssertThrowsError(try body(), line: line) { XCTAssertEqual(($0 as? Failure)?.code, code, "\($0)", line: line) }
    }

    func testABoughtSchemaAndATrainingUnderIt() throws {
        let b = try budget(), path = try csv(3000, "999999,hidden,1e12,f\n")
        let (schema, report) = try buy(b, path)
        guard case .integer(16, 127, 1) = schema.fields[0].kind, case .categorical(let levels) = schema.fields[1].kind, case .number(let low, let high, nil) = schema.fields[2].kind else { return XCTFail(schema.json) }
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
        let config = JSON.members([("autoencoder", ["steps": 3, "batch": 100]), ("diffusion", ["steps": 3, "batch": 100, "sampler_steps": 4])])
        func plan(_ terms: Budget?) throws -> Plan { try Plan(schema: schema, protected: [], epsilon: 4, delta: 1e-5, config: config, under: terms) }
        refused(.state) { _ = try Trainer(plan: plan(nil), table: table) }
        let other = try budget("c")
        refused(.state) { _ = try Trainer(plan: plan(other.terms), table: table, shared: other) }
        let t = try Trainer(plan: plan(b.terms), table: table, shared: b)
        while !t.isFinished { try t.step(maxSteps: 100, maxSeconds: 1e9) }
        let model = try t.finish()
        XCTAssertTrue(model.ledger.assumptions.contains { $0.contains(run.id) })
        XCTAssertFalse(model.ledger.assumptions.contains { $0.hasPrefix("the schema is public") })
        XCTAssertLessThanOrEqual(try b.account().spent, 6)
        let bytes = try model.bytes()
        XCTAssertEqual(try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)).schema, schema)
    }

    /// With the same noise an outlier changes nothing that leaves. A mutant that takes minimum and maximum from the rows shows it with certainty.
    func testAnOutlierDoesNotShow() throws {
        let b = try budget(), one = try buy(b, csv(2000), share: 0.1, seed: 4) { $0.selection = 1e-8 }.schema
        let two = try buy(b, csv(2000, "123456789,mine alone,-1e15,m\n"), share: 0.1, seed: 4) { $0.selection = 1e-8 }.schema
        XCTAssertEqual(one.fields, two.fields)
        XCTAssertNotEqual(Schema.mutant([20, 79]), Schema.mutant([20, 79, 123_456_789]))
        XCTAssertFalse(two.json.contains("mine alone"))
    }

    func testRefused() throws {
        let b = try budget(selection: 0), path = try csv(100)
        refused(.budget) { _ = try buy(b, path) }                              // levels, and no part of δ for them
        let c = try budget("c")
        refused(.budget) { _ = try buy(c, path) { $0.epsilon = 1e-3 } }
        refused(.budget) { _ = try buy(c, path) { $0.epsilon = 7 } }
        refused(.budget) { _ = try buy(c, path) { $0.selection = 1e-6 } }
        refused(.argument) { _ = try buy(c, path) { $0.other = "" } }
        refused(.argument) { _ = try buy(c, path) { $0.csv.person = .init(column: "who", most: 2) } }
        refused(.schema) { _ = try buy(c, csv(0)) }
        refused(.io) { _ = try buy(c, "\(folder)/none") }
        refused(.argument) { _ = try buyDomain(SchemaSketch(json: #"{"fields": [{"name": "x", "type": "boolean"}]}"#), csv: path, from: c, DomainOptions(epsilon: 2)) }
        XCTAssertEqual(try c.account().runs.count, 0)
    }

    /// Persons: the budget's unit, at most k rows of each counted, and a price for k.
    func testPersons() throws {
        let b = try budget(rowsPerPerson: 2), path = try csv(3000, who: true)
        refused(.argument) { _ = try buy(b, path) }
        let (schema, report) = try buy(b, path) { $0.csv.person = .init(column: "who", most: 2) }
        XCTAssertEqual(report["rows"]?.asDouble ?? 0, 2000, accuracy: 8 * (report["deviation"]?.asDouble ?? 0))
        XCTAssertEqual(try b.account().committed, 0.3 * b.terms.ceiling, accuracy: 1e-6)
        var options = CSVOptions()
        options.person = .init(column: "who", most: 2)
        XCTAssertEqual(try readCSV(path, schema, options).rows, 2000)
        XCTAssertFalse(schema.fields.contains { $0.name == "who" })
    }
}

extension Schema {
    /// Bounds as a careless program finds them.
    fileprivate static func mutant(_ values: [Int64]) -> [Int64] { [values.min() ?? 0, values.max() ?? 0] }
}
