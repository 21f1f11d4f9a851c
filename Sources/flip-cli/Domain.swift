// flip domain: bounds, levels and the row count of a table, bought from a budget, as a schema.

import Basics
import Budgets
import Privacy
import Synthesis
import Tables

func domain(_ words: [String]) throws {
    let a = try Arguments("domain", words, named: ["schema", "budget", "epsilon", "share", "selection-delta", "other",
                                                   "out"] + csvOptionNames, switches: ["quiet", "json"],
                          places: ["TABLE"])
    let out = try a.required("out"), shared = try SharedBudget.open(a.required("budget")),
        sketchPath = try a.required("schema")
    let sketch: SchemaSketch
    do {
        sketch = try SchemaSketch(json: readText(sketchPath))
    } catch let f as Failure where f.code != .io {
        throw Failure(f.code, "\(sketchPath): \(f.message)")
    }
    guard try (a.text("epsilon") == nil) != (a.text("share") == nil) else {
        throw Usage("flip domain: give either --epsilon or --share")
    }
    var options = DomainOptions(epsilon: try a.text("share") == nil ? a.number("epsilon")
        : shared.epsilon(share: a.number("share"), key: "--share"))
    options.csv = try csvOptions(a)
    if let other = try a.text("other") { options.other = other }
    if try a.text("selection-delta") != nil { options.selection = try a.number("selection-delta") }
    // What cannot be written is not paid for.
    try AtomicFile(out).abandon()
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    defer { bar.close() }
    let (schema, report) = try releaseDomain(sketch, csv: a.words[0], from: shared, options) {
        bar.show("reading", $0, $1)
    }
    bar.close()
    try AtomicFile.write(schema.jsonValue.pretty + "\n", to: out)
    if a.has("json") { return say(report.versioned.pretty) }
    say("\(out): ε \(short(report["epsilon"]?.asDouble ?? 0)) at δ \(short(shared.terms.delta)); noise of one count: "
        + "\(short(report["deviation"]?.asDouble ?? 0, 3)) rows; about \(Int(report["rows"]?.asDouble ?? 0)) rows")
}
