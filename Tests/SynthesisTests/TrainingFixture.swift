import XCTest
@testable import Synthesis
import Basics
import Compute
import Glibc
import Tables

/// A small table with every kind of column, and a plan that trains it in a moment.
enum Fixture {
    static let schemaText = #"""
    {"fields": [
      {"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": true}},
      {"name": "ward", "type": "string", "constraints": {"enum": ["a", "b", "c", "d"]}},
      {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 99, "required": true}},
      {"name": "score", "type": "number", "constraints": {"minimum": -2, "maximum": 2}},
      {"name": "dose", "type": "number", "constraints": {"minimum": 0, "maximum": 5, "multipleOf": 0.1,
      "required": true}},
      {"name": "smoker", "type": "boolean"},
      {"name": "day", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2021-12-31",
      "required": true}},
      {"name": "seen", "type": "datetime", "constraints": {"minimum": "2020-01-01T00:00:00Z",
      "maximum": "2021-12-31T00:00:00Z"}}
    ], "missingValues": [""]}
    """#

    static func schema() throws -> Schema { try Schema(json: schemaText) }

    /// Rows with related columns: age follows ward, dose follows age.
    static func table(rows: Int, seed: UInt64 = 1) throws -> Table {
        let t = try Table(schema: schema(), rows: rows)
        for i in 0..<rows {
            var s = CounterStream(seed: seed, row: UInt64(i), purpose: 77)
            let ward = Int64(s.uniform() * 4)
            t.columns[0].put(i, s.uniform() < 0.4 ? 0 : 1)
            if s.uniform() < 0.1 { t.columns[1].put(i, -1) } else { t.columns[1].put(i, ward) }
            let age = min(99, ward * 20 + Int64(s.uniform() * 30))
            t.columns[2].put(i, age)
            if s.uniform() < 0.2 {
                t.columns[3].put(i, -1)
            } else {
                t.columns[3].put(i, number: Double(s.uniform()) * 2 - 1)
            }
            t.columns[4].put(i, age / 2)
            if s.uniform() < 0.3 { t.columns[5].put(i, -1) } else { t.columns[5].put(i, s.uniform() < 0.5 ? 0 : 1) }
            t.columns[6].put(i, Int64(s.uniform() * 700))
            t.columns[7].put(i, Int64(s.uniform() * 6e7) * 1_000_000)
        }
        for k in t.columns.indices { try t.fill(k) { _ in } }
        return t
    }

    /// Such rows where sex decides the ward nearly always: a column that tells the group, and age and dose with it.
    static func biasedTable(rows: Int = 900) throws -> Table {
        let t = try table(rows: rows)
        for i in 0..<rows {
            let ward = t.columns[0].offset(i) * 2 + (i % 10 == 0 ? 1 : 0)
            t.columns[1].put(i, ward)
            t.columns[2].put(i, Int64(ward) * 20 + Int64(i % 30))
            t.columns[4].put(i, (Int64(ward) * 20 + Int64(i % 30)) / 2)
        }
        for k in t.columns.indices { try t.fill(k) { _ in } }
        return t
    }

    /// A configuration with the options of `more` over those of the same sections.
    static func overlaid(_ base: String, _ more: JSON) throws -> JSONObject {
        var all = try JSON.parse(base).asObject ?? JSONObject()
        for key in more.asObject?.keys ?? [] {
            guard var own = all[key]?.asObject, let options = more[key]?.asObject else {
                all[key] = more[key]
                continue
            }
            for k in options.keys { own[k] = options[k] }
            all[key] = .object(own)
        }
        return all
    }

    /// A new, empty folder; empty text where none can be had.
    static func makeFolder() -> String {
        var template = Array("/tmp/flip-synthesis-XXXXXX".utf8CString)
        return mkdtemp(&template).map { String(cString: $0) } ?? ""
    }

    /// Removes a folder with the files in it.
    static func remove(folder: String) {
        guard !folder.isEmpty, let list = opendir(folder) else { return }
        while let entry = readdir(list) {
            withUnsafePointer(to: &entry.pointee.d_name.0) { _ = unlink("\(folder)/\(String(cString: $0))") }
        }
        closedir(list)
        rmdir(folder)
    }

    static let quick = #""autoencoder": {"steps": 6, "batch": 100}, "diffusion": {"steps": 5, "batch": 80, "#
        + #""sampler_steps": 6}"#
    /// Terms of the paper: networks that see no protected column.
    static let paper = #""latent_mean": 24, "latent_fourier": 24, "heads_mean": 1"#

    static func plan(_ more: String = #""test_seed": 11"#, epsilon: Double = 2) throws -> Plan {
        try Plan(schema: schema(), protected: ["sex"], epsilon: epsilon, delta: 1e-5, preset: "published",
                 config: merged("\(quick), \"alignment\": {\(paper)}", more))
    }

    /// A configuration's members, those of `more` in place of those of the same key.
    static func merged(_ base: String, _ more: String) throws -> JSON {
        let own = try JSON.parse("{\(more)}").asObject ?? JSONObject(), all = try JSON.parse("{\(base)}").asObject
            ?? JSONObject()
        return .object(JSONObject((all.filter { own[$0] == nil }.members + own.members).map { ($0.key, $0.value) }))
    }

    static func train(_ plan: Plan, _ table: Table) throws -> Model {
        let t = try Trainer(plan: plan, table: table)
        while !t.isFinished { try t.step(maxSteps: 3, maxSeconds: 1e9) }
        return try t.finish()
    }

    /// Every cell as text-free numbers, for comparing tables.
    static func cells(_ t: Table) -> [Double] {
        t.columns.flatMap { c in (0..<t.rows).map { let v = c.double($0); return v.isNaN ? -1e300 : v } }
    }
}
