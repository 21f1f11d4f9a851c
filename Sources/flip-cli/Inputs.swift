// What several commands read: schemas, configurations, tables, the promise.

import Basics
import Budgets
import Privacy
import Storage
import Synthesis
import Tables

/// What every command that reads a table takes beside the options of CSV.
let tableOptionNames = ["group"]
let csvOptionNames = ["invalid", "extra", "delimiter", "person", "max-rows-per-person"]
let planOptionNames = ["schema", "protected", "epsilon", "delta", "preset", "config", "budget", "share"]

func schema(_ a: Arguments) throws -> Schema? {
    try a.text("schema").map { path in
        do {
            return try Schema(json: readText(path))
        } catch let f as Failure where f.code != .io {
            throw Failure(f.code, "\(path): \(f.message)")
        }
    }
}

/// Words for signs that a shell would not hand on as they are.
private let delimiterWords = ["\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "bar": "|"]

func csvOptions(_ a: Arguments) throws -> CSVOptions {
    var given = JSONObject()
    for name in csvOptionNames {
        guard let value = try a.text(name) else { continue }
        given[name] = .string(name == "delimiter" ? delimiterWords[value] ?? value : value)
    }
    given["max-rows-per-person"] = nil
    given["max_rows_per_person"] = try a.whole("max-rows-per-person", atLeast: 1).map { .int(Int64($0)) }
    return try CSVOptions(JSONReader(given, context: "options"))
}

func readTable(_ path: String, _ a: Arguments, _ schema: Schema?, _ bar: Bar) throws -> Table {
    defer { bar.close() }
    let table = try readTableFile(path, group: a.text("group"), schema: schema, options: csvOptions(a)) {
        bar.show("reading", $0, $1)
    }
    bar.close()
    tell(table.replaced, path)
    return table
}

/// Says how many cells of the file at `path` were replaced, where any were.
func tell(_ replaced: ReplacedCells, _ path: String) {
    if let text = replaced.text { complain("\(path): \(text)") }
}

/// The JSON that an option holds, or that is in the file it names.
func json(_ a: Arguments, _ name: String) throws -> JSON? {
    guard let given = try a.text(name) else { return nil }
    return try JSON.parse(given.drop { $0 == " " }.first.map { "{[".contains($0) } ?? false ? given : readText(given))
}

/// The budget that --budget names.
func sharedBudget(_ a: Arguments) throws -> SharedBudget? { try a.text("budget").map { try SharedBudget.open($0) } }

/// A plan for `schema` from --protected, --epsilon or --share, --delta, --preset and --config.
func makePlan(_ a: Arguments, _ schema: Schema, under shared: SharedBudget?) throws -> Plan {
    let protected = a.names("protected")
    var config = try json(a, "config") ?? .object(JSONObject())
    if case .object(var o) = config, o["max_rows_per_person"] == nil {
        // The bound of the table, or of the budget.
        o["max_rows_per_person"] = .int(Int64(try a.whole("max-rows-per-person", atLeast: 1)
            ?? shared?.terms.rowsPerPerson ?? 0))
        config = .object(o)
    }
    guard let shared else {
        if try a.text("share") != nil { throw Usage("--share is a part of a --budget") }
        return try Plan(schema: schema, protected: protected, epsilon: a.number("epsilon"), delta: a.number("delta"),
                        preset: a.text("preset") ?? Presets.standard, config: config)
    }
    let delta = try a.text("delta") == nil ? shared.terms.delta : a.number("delta")
    let epsilon: Double
    if try a.text("share") != nil {
        guard try a.text("epsilon") == nil else { throw Usage("give either --epsilon or --share") }
        epsilon = try shared.epsilon(share: a.number("share"), key: "--share")
    } else {
        epsilon = try a.number("epsilon")
    }
    return try Plan(schema: schema, protected: protected, epsilon: epsilon, delta: delta, preset: a.text("preset")
        ?? Presets.standard, config: config, under: shared.terms)
}
