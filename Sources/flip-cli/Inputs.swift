// What several commands read: schemas, configurations, tables, the promise.

import Basics
import Storage
import Synthesis
import Tables

let csvOptionNames = ["invalid", "extra", "delimiter"]
let planOptionNames = ["schema", "protected", "epsilon", "delta", "preset", "config"]

func schema(_ a: Arguments) throws -> Schema? {
    try a.text("schema").map { path in
        do { return try Schema(json: readText(path)) } catch let f as Failure where f.code != .io { throw Failure(f.code, "\(path): \(f.message)") }
    }
}

func csvOptions(_ a: Arguments) throws -> CSVOptions {
    var given = JSONObject()
    for name in csvOptionNames { if let value = try a.text(name) { given[name] = .string(value == "\\t" ? "\t" : value) } }
    return try CSVOptions(JSONReader(given, context: "options"))
}

func readTable(_ path: String, _ a: Arguments, _ schema: Schema?, _ bar: Bar) throws -> Table {
    defer { bar.close() }
    return try readTableFile(path, schema: schema, options: csvOptions(a)) { bar.show("reading", $0, $1) }
}

/// The JSON that an option holds, or that is in the file it names.
func json(_ a: Arguments, _ name: String) throws -> JSON? {
    guard let given = try a.text(name) else { return nil }
    return try JSON.parse(given.drop { $0 == " " }.hasPrefix("{") ? given : readText(given))
}

/// A plan for `schema` from --protected, --epsilon, --delta, --preset and --config.
func makePlan(_ a: Arguments, _ schema: Schema) throws -> Plan {
    let protected = a.all("protected").flatMap { $0.split(separator: ",").map(String.init) }
    return try Plan(schema: schema, protected: protected, epsilon: a.number("epsilon"), delta: a.number("delta"),
                    preset: a.text("preset") ?? Plan.presets[0], config: json(a, "config") ?? .null)
}
