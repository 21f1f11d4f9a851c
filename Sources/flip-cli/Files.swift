// flip convert, flip plan and flip check: files and plans, no training.

import Basics
import Glibc
import Storage
import Synthesis
import Tables

func convert(_ words: [String]) throws {
    let a = try Arguments("convert", words, named: ["schema", "out"] + csvOptionNames, switches: ["quiet"],
                          places: words.contains("--out") || words.contains { $0.hasPrefix("--out=") } ? ["FROM"] : ["FROM", "TO"])
    let target = try a.text("out") ?? a.words[1]
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    defer { bar.close() }
    try convertTable(from: a.words[0], to: target, schema: schema(a), options: csvOptions(a)) { bar.show("converting", $0, $1) }
}

func plan(_ words: [String]) throws {
    let a = try Arguments("plan", words, named: planOptionNames + ["max-rows-per-person"], switches: ["explain"], places: [])
    guard let schema = try schema(a) else { throw Usage("flip plan: --schema is missing") }
    let plan = try makePlan(a, schema, under: sharedBudget(a))
    say(a.has("explain") ? try plan.explanation() : try plan.explain().pretty)
}

func check(_ words: [String]) throws {
    let a = try Arguments("check", words, named: [], places: ["FILE"])
    let found = try checkFile(a.words[0])
    say(found.pretty)
    if found["usable"] != .bool(true) { exit(1) }
}
