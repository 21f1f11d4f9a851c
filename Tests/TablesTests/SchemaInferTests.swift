import XCTest
@testable import Basics
@testable import Tables

final class SchemaInferTests: XCTestCase {
    private func infer(_ text: String, _ options: InferOptions = InferOptions(), piece: Int = .max) throws -> Schema {
        let bytes = Array(text.utf8)
        var at = 0
        let records = try CSVRecords(name: "file", size: bytes.count, options.csv) { target, count in
            let n = min(count, bytes.count - at, piece)
            bytes.withUnsafeBytes { if n > 0 { target.copyMemory(from: $0.baseAddress! + at, byteCount: n) } }
            at += n
            return n
        }
        return try Schema.inferred(records, options)
    }
    /// The kind of a single column whose cells are these.
    private func kind(_ cells: [String], _ options: InferOptions = InferOptions()) throws -> Kind {
        try field(cells, options).kind
    }
    private func field(_ cells: [String], _ options: InferOptions = InferOptions()) throws -> Field {
        let guess = try ColumnGuess("x", limit: options.levels)
        for cell in cells { try guess.add(cell) }
        return try Schema.inferred([guess], options, "").fields[0]
    }

    func testTypes() throws {
        let schema = try infer("""
            age,sex,income,member,joined,seen,code
            17,F,10.5,True,2020-01-05,2020-01-05 10:30:00,007
            ,M,20.25,False,2023-02-01,2020-01-05T12:45:00Z,010
            90,F,NA,True,2021-12-31,2020-01-06,007

            """, piece: 7)
        XCTAssertEqual(schema.fields.map(\.type), [.integer, .string, .number, .boolean, .date, .datetime, .string])
        XCTAssertEqual(schema.fields.map(\.required), [false, true, false, true, true, true, true])
        XCTAssertEqual(schema.missingValues, ["", "NA"])
        XCTAssertEqual(schema.fields[0].kind, .integer(minimum: 15, maximum: 90, step: 1))
        XCTAssertEqual(schema.fields[1].kind, .categorical(levels: ["F", "M"]))
        XCTAssertEqual(schema.fields[2].kind, .number(minimum: 10.5, maximum: 20.5, step: 0.01))
        XCTAssertEqual(schema.fields[3].trueValues, ["True"])
        XCTAssertEqual(schema.fields[3].falseValues, ["False"])
        XCTAssertEqual(schema.fields[4].kind,
                       .date(minimum: daysSinceEpoch(year: 2020, month: 1, day: 1),
                             maximum: daysSinceEpoch(year: 2023, month: 12, day: 31)))
        guard case .datetime(let low, let high, let step) = schema.fields[5].kind else { return XCTFail("no datetime") }
        XCTAssertEqual(step, 60_000_000)
        XCTAssertEqual([low, high].map(datetimeText), ["2020-01-05T10:00:00Z", "2020-01-06T00:59:00Z"])
        XCTAssertEqual(schema.fields[6].kind, .categorical(levels: ["007", "010"]), "a number would lose its zeros")
    }

    func testTheTableFitsItsSchemaAndComesBackAsItWas() throws {
        let text = "n,x,b,s,d\n1,0.5,True,\"a,b\",2020-02-29\n300,,False,c,2024-01-01\n7,19.75,True,c,2021-01-01\n"
        let schema = try infer(text)
        let again = try TestData.write(TestData.read(text, schema))
        XCTAssertEqual(again, text.replacingOccurrences(of: "0.5,", with: "0.50,"))
        XCTAssertEqual(try Schema(json: schema.json), schema, "what people edit is what the parser reads")
    }

    func testMarkedAsAssumed() throws {
        let schema = try infer("a\n1\n2\n")
        XCTAssertTrue(schema.isAssumed)
        XCTAssertEqual(schema.metadata["flip:domain"], .string("assume-public"))
        XCTAssertTrue(try Schema(json: schema.json).isAssumed)
        let open = try Schema(json: schema.json.replacingOccurrences(of: "\"flip:domain\":\"assume-public\",",
                                                                     with: ""))
        XCTAssertFalse(open.isAssumed)
        XCTAssertTrue(open.hasSameColumns(as: schema))
        let other = schema.json.replacingOccurrences(of: "assume-public", with: "public")
        XCTAssertThrowsError(try Schema(json: other)) { XCTAssertTrue("\($0)".contains("flip:domain"), "\($0)") }
    }

    func testSteps() throws {
        XCTAssertEqual(try kind(["0.1", "3.4", "5"]), .number(minimum: 0, maximum: 5, step: 0.1))
        XCTAssertEqual(try kind(["1.50", "2.00"]), .number(minimum: 1.5, maximum: 2, step: 0.1))
        XCTAssertEqual(try kind((0..<200).map { "\(Double($0) / 4)" }), .number(minimum: 0, maximum: 50, step: 0.25),
                       "of many values the coarser step is believed")
        XCTAssertEqual(try kind(["0.25", "0.75"]), .number(minimum: 0.25, maximum: 0.75, step: 0.01),
                       "of few it is not")
        XCTAssertEqual(try kind(["1e-3", "2"]), .number(minimum: 0, maximum: 2, step: nil))
        XCTAssertEqual(try kind(["0.1234567", "0.9"]), .number(minimum: 0.1, maximum: 0.9, step: nil))
        XCTAssertEqual(try kind(["10.0", "12.0"]), .integer(minimum: 10, maximum: 12, step: 1),
                       "whole numbers with a point, as pandas writes them beside gaps")
        XCTAssertEqual(try kind(["3.7", "3.7"]), .number(minimum: 3.6, maximum: 3.8, step: 0.1))
    }

    func testMissingTexts() throws {
        XCTAssertEqual(try kind(["1", "?", "40"]), .integer(minimum: 0, maximum: 40, step: 1))
        XCTAssertFalse(try field(["1", "?", "40"]).required)
        XCTAssertEqual(try kind(["a", "?", "b"]), .categorical(levels: ["?", "a", "b"]), "among texts it is a level")
        XCTAssertEqual(try kind(["a", "NA", "b"]), .categorical(levels: ["a", "b"]))
        XCTAssertEqual(try kind(["-5", "-", "-1"]), .integer(minimum: -5, maximum: -1, step: 1))
        // Missing values belong to the whole schema: beside a column of numbers the sign counts everywhere.
        let schema = try infer("n,s\n1,a\n?,?\n2,a\n")
        XCTAssertEqual(schema.missingValues, ["", "?"])
        XCTAssertEqual(schema.fields[1].kind, .categorical(levels: ["a"]))
        XCTAssertFalse(schema.fields[1].required)
    }

    func testRefusedColumnsAreNamedTogetherWithoutValues() throws {
        let rows = (0..<60).map { "person\($0),\($0 % 3),note \($0)," }.joined(separator: "\n")
        XCTAssertThrowsError(try infer("name,n,note,empty\n" + rows + "\n")) {
            XCTAssertEqual(($0 as? Failure)?.code, .schema)
            let said = "\($0)"
            for part in ["file: ", "\"name\" (hardly a text occurs twice)", "\"note\"", "\"empty\" (no value at all)",
                         "skip"] { XCTAssertTrue(said.contains(part), said) }
            XCTAssertFalse(said.contains("person"), said)
        }
        var options = InferOptions()
        options.skip = ["name", "note", "empty"]
        XCTAssertEqual(try infer("name,n,note,empty\n" + rows + "\n", options).fields.map(\.name), ["n"])
        options.skip = ["nobody"]
        XCTAssertThrowsError(try infer("n\n1\n", options)) { XCTAssertEqual(($0 as? Failure)?.code, .argument) }
        options = InferOptions()
        options.levels = 2
        XCTAssertThrowsError(try infer("s\na\nb\nc\na\nb\nc\n",
                                       options)) { XCTAssertTrue("\($0)".contains("more than 2 levels"), "\($0)") }
        XCTAssertThrowsError(try infer("s\n\(String(repeating: "long", count: 60))\n")) {
            XCTAssertTrue("\($0)".contains("long ones"), "\($0)")
        }
    }

    func testRowNumbersArePointedOut() throws {
        let rising = try field((0..<30).map { "\($0 * 7)" })
        XCTAssertNotNil(rising.metadata["description"])
        XCTAssertNil(try field((0..<30).map { "\($0 % 29)" }).metadata["description"])
    }

    func testBadFiles() throws {
        let says = { (text: String) in TestData.message { _ = try self.infer(text) } }
        XCTAssertEqual(says("a;b\n1;2\n"), "file: the header is one cell; is the delimiter right?")
        XCTAssertTrue(says(",a\n0,1\n").contains("a column without a name"))
        XCTAssertEqual(says("a,b,a\n0,1,2\n"), "file, header cell 3: a name that was there before")
        XCTAssertEqual(says("a,b\n1\n"), "file, line 2: 1 cells where the header has 2")
        XCTAssertEqual(says("a,b\n1,x\"y\n"),
                       "file, line 2, column \"b\": a quote inside a cell must be doubled and the cell quoted")
        XCTAssertEqual(says("a\n"), "file: the table has no rows")
        XCTAssertEqual(says(""), "file: the file is empty")
    }

    func testPlainBounds() {
        XCTAssertTrue(PlainBounds.whole(17, 90) == (15, 90))
        XCTAssertTrue(PlainBounds.whole(1, 99) == (0, 100))
        XCTAssertTrue(PlainBounds.whole(1, 12) == (1, 12))
        XCTAssertTrue(PlainBounds.whole(-17, 90) == (-20, 90))
        XCTAssertTrue(PlainBounds.whole(12_285, 1_484_705) == (0, 1_500_000))
        XCTAssertTrue(PlainBounds.whole(.min, .max) == (.min, .max))
        XCTAssertTrue(PlainBounds.whole(Int64.max - 100, .max) == (Int64.max - 107, .max))
        XCTAssertTrue(PlainBounds.real(0.31, 14.7, step: 0.1) == (0, 15))
        XCTAssertTrue(PlainBounds.real(-0.31, 0.3, step: 0) == (-0.35, 0.3))
        XCTAssertTrue(PlainBounds.real(0, 0, step: 0).1 > 0)
        XCTAssertTrue(PlainBounds.dates(0, 40) == (0, 40))
    }

    func testPlainBoundsNeverCutAndAreRound() {
        var random = TestRandom(state: 5)
        for _ in 0..<20_000 {
            let scale = pow10(Double.random(in: -12...12, using: &random))
            let a = Double.random(in: -1...1, using: &random) * scale,
                b = a + Double.random(in: 0...2, using: &random) * scale
            let (low, high) = PlainBounds.real(a, b, step: 0)
            XCTAssertTrue(low <= a && high >= b, "\(a) \(b)")
            XCTAssertTrue(high - low <= (b - a) * 1.3 || b - a < 1e-3 * abs(a), "\(a) \(b) \(low) \(high)")
            let n = Int64(a * 1e6), m = Int64(b * 1e6)
            let (p, q) = PlainBounds.whole(n, m)
            XCTAssertTrue(p <= n && q >= m && (q - p) <= (m - n) + max((m - n) / 3, 1), "\(n) \(m) \(p) \(q)")
        }
    }
    private func pow10(_ x: Double) -> Double {
        let y = (0..<Int(abs(x))).reduce(1.0) { y, _ in y * 10 }
        return x < 0 ? 1 / y : y
    }

    /// Whatever a table holds, it fits the schema that was read off it.
    func testEveryTableFits() throws {
        var random = TestRandom(state: 11)
        for round in 0..<300 {
            let words = ["a", "b", "x,y", "", "NA", "?"]
            let makers: [() -> String] = [
                { String(Int.random(in: -500...500, using: &random)) }, { words.randomElement(using: &random)! },
                { String(Double(Int.random(in: -9999...9999, using: &random)) / 100) },
                    { Bool.random(using: &random) ? "true" : "False" },
                { dateText(Int64.random(in: -9000...19_000, using: &random)) },
                { datetimeText(Int64.random(in: -9000...19_000, using: &random) * 7_200_000_000) },
                { String(Double.random(in: 0...1e9, using: &random)) }, { Bool.random(using: &random) ? "" : "4" },
            ]
            let columns = (0..<4).map { _ in makers.randomElement(using: &random)! }
            var text = "a,b,c,d\n"
            for _ in 0..<30 { text += columns.map { "\"\($0())\"" }.joined(separator: ",") + "\n" }
            guard let schema = try? infer(text) else { continue }       // all cells of a column may be missing
            XCTAssertNoThrow(try TestData.read(text, schema), "round \(round)")
        }
    }
}
