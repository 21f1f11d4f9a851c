// A third preset in one file: histograms alone. Registered, it can be planned, trained, saved, loaded, sampled, resumed
// and accounted for through the C interface, without another line anywhere.

import Basics
import CFlip
import Glibc
@testable import FLIP
import Privacy
@testable import Synthesis
import XCTest

/// Every column is drawn from its released histogram alone.
private struct HistogramsOnly: Preset {
    let name = "histograms-only", defaults = Settings(), sections: Set<String> = []
    var stages: [any Stage] { [HistogramRelease()] }
    func divide(_ split: BudgetSplit, for question: BudgetQuestion) throws -> BudgetSplit? {
        var split = split
        split.histogramNoise = try split.budget.firstNoise(share: 1)
        split.leastNoise = split.histogramNoise
        return split
    }
}

final class ThirdPresetTests: XCTestCase {
    private let schemaText = #"""
    {"fields": [{"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": true}},
                {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 9, "required": true}}]}
    """#
    private let promise = #"{"epsilon": 2, "delta": 1e-5, "preset": "histograms-only", "protected": ["sex"], "#
        + #""fairness": {"strength": 0}, "test_seed": 5}"#
    private var error = flip_error()
    private var folder = ""

    override func setUp() {
        Presets.register(HistogramsOnly())
        var template = Array("/tmp/flip-preset-XXXXXX".utf8CString)
        folder = mkdtemp(&template).map { String(cString: $0) } ?? ""
    }
    override func tearDown() {
        for name in ["t.csv", "c.h5", "m.h5"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    private var message: String {
        withUnsafeBytes(of: error.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private func made(_ call: (HandleOut, ErrorOut) -> flip_status, line: UInt = #line) throws -> OpaquePointer {
        var out: OpaquePointer?
        XCTAssertEqual(call(&out, &error), 0,
                       message, line: line)
        return try XCTUnwrap(out, line: line)
    }
    private func text(_ call: (HandleOut, ErrorOut) -> flip_status, line: UInt = #line) throws -> String {
        let buffer = try made(call, line: line)
        defer { flip_buffer_free(buffer) }
        let bytes = UnsafeRawBufferPointer(start: flip_buffer_data(buffer), count: flip_buffer_size(buffer))
        return String(decoding: bytes, as: UTF8.self)
    }
    private func ages(_ table: OpaquePointer) throws -> [Int64] {
        var values = [Int64](repeating: 0, count: Int(flip_table_rows(table)))
        let n = Int64(values.count)
        XCTAssertEqual(flip_table_get_int64(table, "age", 0, n, &values, nil, &error), 0)
        return values
    }

    func testTheWholeWay() throws {
        let schema = try made { flip_schema_parse(schemaText, schemaText.utf8.count, $0, $1) }
        let rows = (0..<400).map { "\($0 % 3 == 0 ? "f" : "m"),\($0 % 4)" }.joined(separator: "\n")
        try AtomicFile.write("sex,age\n" + rows + "\n", to: "\(folder)/t.csv")
        let table = try made { flip_table_read_csv(schema, "\(folder)/t.csv", nil, nil, nil, $0, $1) }
        let plan = try made { flip_plan_create(schema, promise, $0, $1) }
        let explained = try JSON.parse(text { flip_plan_explain(plan, $0, $1) })
        XCTAssertEqual(explained["stages"]?.asArray?.map { $0["stage"]?.asString }, ["histograms"])
        XCTAssertTrue(try text { flip_plan_explanation(plan, $0, $1) }.contains("histograms-only"))

        // Charged to a file before the draw; resumed from the file once the release is in it.
        let trainer = try made { flip_trainer_create(plan, table, $0, $1) }
        XCTAssertEqual(flip_trainer_step(trainer, 1, 0, nil, &error), 0)
        XCTAssertEqual(flip_trainer_checkpoint(trainer, "\(folder)/c.h5", &error), 0)
        let resumed = try made { flip_trainer_resume("\(folder)/c.h5", table, $0, $1) }
        let model = try made { flip_trainer_finish(resumed, $0, $1) }

        XCTAssertEqual(flip_model_save(model, "\(folder)/m.h5", &error), 0)
        let loaded = try made { flip_model_load("\(folder)/m.h5", $0, $1) }
        let options = #"{"seed": 3}"#, n = 3000
        let sampled = try made { flip_model_sample(loaded, 0, Int64(n), options, nil, nil, $0, $1) }
        let found = try ages(sampled)
        for k in 0..<4 {
            XCTAssertEqual(Double(found.filter { $0 == k }.count) / Double(n), 0.25, accuracy: 0.08, "age \(k)")
        }
        XCTAssertLessThan(Double(found.filter { $0 > 3 }.count) / Double(n), 0.1)
        let where_ = try made {
            flip_model_sample(loaded, 0, 50, #"{"seed": 3, "where": {"age": [1, 2]}}"#, nil, nil, $0, $1)
        }
        XCTAssertTrue(try ages(where_).allSatisfy { $0 == 1 || $0 == 2 })

        let ledger = try JSON.parse(text { flip_model_ledger(loaded, $0, $1) })
        XCTAssertEqual(ledger["releases"]?.asArray?.map { $0["name"]?.asString }, ["histograms"])
        XCTAssertEqual(try XCTUnwrap(ledger["epsilon"]?.asDouble), 2)
        XCTAssertTrue(try text { flip_model_ledger_report(loaded, $0, $1) }.contains("noisy counts of the values of "
            + "every column"))
        for h in [where_, sampled] { flip_table_free(h) }
        for h in [loaded, model] { flip_model_free(h) }
        for h in [resumed, trainer] { flip_trainer_free(h) }
        flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema)
    }

    /// A preset that takes the name of another changes nothing; one that nobody registered is refused.
    func testNames() throws {
        struct Impostor: Preset {
            let name = "best", defaults = Settings(), sections: Set<String> = []
            var stages: [any Stage] { [] }
            func divide(_ split: BudgetSplit, for question: BudgetQuestion) throws -> BudgetSplit? { split }
        }
        Presets.register(Impostor())
        XCTAssertEqual(try Presets.named("best").stages.count, 10)
        XCTAssertThrowsError(try Presets.named("magic")) { XCTAssertEqual(($0 as? Failure)?.code, .unsupported) }
        XCTAssertEqual(Presets.standard, "best")
    }
}
