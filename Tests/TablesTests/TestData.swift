import Glibc
import XCTest
@testable import Basics
@testable import Tables

/// What several tests share.
enum TestData {
    /// One field of every kind.
    static let everyType = """
        {"name": "every", "title": "One of each",
         "fields": [
          {"name": "colour", "type": "string", "title": "Colour",
           "constraints": {"enum": ["red", "green", "blue, \\"light\\""], "required": true}},
          {"name": "grade", "type": "integer", "constraints": {"enum": [1, 2, "5"]}},
          {"name": "ratio", "type": "number", "constraints": {"enum": [0.5, 1.0]}},
          {"name": "flag", "type": "boolean", "trueValues": ["yes", "1"], "falseValues": ["no", "0"]},
          {"name": "age", "type": "integer", "constraints": {"minimum": -5, "maximum": 300}},
          {"name": "five", "type": "integer", "constraints": {"minimum": -12, "maximum": 104, "multipleOf": 5}},
          {"name": "real", "type": "number", "constraints": {"minimum": -1.5, "maximum": 2}},
          {"name": "tenth", "type": "number", "constraints": {"minimum": 0, "maximum": 5, "multipleOf": 0.1}},
          {"name": "day", "type": "date", "constraints": {"minimum": "1970-01-01", "maximum": "2020-02-29"}},
          {"name": "moment", "type": "datetime",
           "constraints": {"minimum": "1970-01-01T00:00:00Z", "maximum": "2000-01-01 00:00:00"}},
          {"name": "half", "type": "datetime",
           "constraints": {"minimum": "1970-01-01T01:00:00+01:00", "maximum": "2000-01-01T00:10:00Z",
                           "multipleOf": 1800}}
         ],
         "missingValues": ["", "NA"]}
        """

    static let everyRows = """
        colour,grade,ratio,flag,age,five,real,tenth,day,moment,half
        red,1,0.5,yes,-5,-10,-1.5,0.0,1970-01-01,1970-01-01T00:00:00Z,1970-01-01T00:00:00Z
        green,2,1,no,300,100,2,5.0,2020-02-29,2000-01-01T00:00:00Z,2000-01-01T00:00:00Z
        "blue, ""light""\",5,,,,,,,,,
        red,,0.5,yes,42,0,0.1,3.4,1999-12-31,1999-12-31T23:59:59.123456Z,1985-06-15T12:30:00Z

        """

    /// A schema of the given fields: name to constraints text, such as `("x", "integer",
    /// "\"minimum\":0,\"maximum\":9")`.
    static func schema(_ fields: [(String, String, String)], _ rest: String = "") throws -> Schema {
        let list = fields.map { "{\"name\":\"\($0)\",\"type\":\"\($1)\",\"constraints\":{\($2)}}" }
        return try Schema(json: "{\"fields\":[\(list.joined(separator: ","))]\(rest)}")
    }

    /// Reads bytes as a file called "file", in pieces of `piece` bytes.
    static func reader(_ bytes: [UInt8], _ schema: Schema, _ options: CSVOptions = CSVOptions(), piece: Int = .max,
                       progress: TableProgress? = nil) throws -> CSVReader {
        var at = 0
        return try CSVReader(name: "file", size: bytes.count, schema, options, progress: progress) { target, count in
            let n = min(count, bytes.count - at, piece)
            bytes.withUnsafeBytes { if n > 0 { target.copyMemory(from: $0.baseAddress! + at, byteCount: n) } }
            at += n
            return n
        }
    }

    static func read(_ text: String, _ schema: Schema, _ options: CSVOptions = CSVOptions(),
                     piece: Int = .max) throws -> Table {
        try reader(Array(text.utf8), schema, options, piece: piece).rest()
    }

    static func write(_ table: Table, _ options: CSVOptions = CSVOptions()) throws -> String {
        var out: [UInt8] = []
        let writer = try CSVWriter(table.schema, options) { out.append(contentsOf: $0) }
        try writer.append(table)
        try writer.finish()
        return String(decoding: out, as: UTF8.self)
    }

    /// Offsets and doubles of a column, missing as nil.
    static func offsets(_ t: Table, _ name: String) throws -> [Int64?] {
        let c = try t.column(name)
        return (0..<t.rows).map { c.offset($0) < 0 ? nil : c.offset($0) }
    }
    static func doubles(_ t: Table, _ name: String) throws -> [Double?] {
        let c = try t.column(name)
        return (0..<t.rows).map { c.double($0).isNaN ? nil : c.double($0) }
    }

    static func message(_ body: () throws -> Void) -> String {
        do { try body(); return "" } catch { return "\(error)" }
    }

    static func sameCells(_ a: Table, _ b: Table) -> Bool {
        a.rows == b.rows && zip(a.columns, b.columns).allSatisfy { x, y in
            (0..<a.rows).allSatisfy {
                x.offset($0) == y.offset($0) && (x.double($0) == y.double($0) || x.isMissing($0) && y.isMissing($0))
            }
        }
    }
}

/// A small generator for tests: the same numbers everywhere (splitmix64).
struct TestRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
