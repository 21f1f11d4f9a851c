// flip evaluate: how good a synthetic table is, how fair, and whether it remembers. Not private.

import Basics
import Evaluation
import Pages
import Storage
import Tables

func evaluate(_ words: [String]) throws {
    let a = try Arguments("evaluate", words, named: ["schema", "protected", "target", "positive", "edges", "test",
                                                     "admissible", "threads", "html", "title"] + csvOptionNames
                                                     + tableOptionNames,
                          switches: ["json", "quiet"], places: ["REAL", "SYNTHETIC"])
    let known = try schema(a)
    if known == nil, !isHDF5Name(a.words[0]) { throw Usage("flip evaluate: --schema is missing") }
    var options = ReportOptions()
    options.protected = a.names("protected")
    options.admissible = a.names("admissible")
    options.target = try a.text("target")
    options.positive = try a.text("positive")
    options.threads = min(try a.whole("threads", atLeast: 0) ?? 0, 1024)
    for given in a.all("edges") {
        let parts = given.split(separator: "=", maxSplits: 1).map(String.init)
        let cuts = parts.count == 2 ? parts[1].split(separator: ",").map { Double($0) ?? .nan } : []
        guard !cuts.isEmpty, cuts.allSatisfy(\.isFinite) else {
            throw Usage("flip evaluate: --edges must be COLUMN=NUMBER,NUMBER,...")
        }
        options.edges[parts[0]] = cuts
    }
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    let html = try a.text("html"), title = try a.text("title")
    let names = html == nil ? [a.words[1]] : a.words[1].split(separator: ",").map(String.init)
    guard !names.isEmpty else { throw Usage("flip evaluate: SYNTHETIC is missing") }
    let real = try readTable(a.words[0], a, known, bar)
    let holdout = try a.text("test").map { try readTable($0, a, real.schema, bar) }
    let reports = try names.map {
        try Report(real: real, synthetic: readTable($0, a, real.schema, bar), holdout: holdout, options: options)
    }
    if let html {
        let all = zip(names, reports).map { JSON.members([("name", .string($0)), ("evaluation", $1.json)]) }
        let page: [(String, JSON)] = title.map { [("title", .string($0))] } ?? []
        try AtomicFile.write(htmlPage(.members(page + [("evaluations", .array(all))])), to: html)
        if !a.has("json") { return }
    }
    say(a.has("json") ? reports[0].json.versioned.pretty : reports[0].text)
}
