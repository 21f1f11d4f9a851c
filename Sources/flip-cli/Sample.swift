// flip sample: rows from a model file.

import Basics
import Storage
import Synthesis

func sample(_ words: [String]) throws {
    let a = try Arguments("sample", words, named: ["rows", "seed", "first", "threads", "out", "where"] + csvOptionNames,
                          switches: ["quiet"], places: ["MODEL"])
    guard let rows = try a.whole("rows", atLeast: 1) else { throw Usage("flip sample: --rows is missing") }
    let out = try a.required("out")
    let seed = try a.whole("seed", atLeast: 0).map { UInt64($0) }
    let first = try a.whole("first", atLeast: 0) ?? 0, threads = try a.whole("threads", atLeast: 0) ?? 0
    try AtomicFile(out).abandon()
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    defer { bar.close() }
    let model = try Model.load(a.words[0])
    let condition = try json(a, "where").map { try Condition($0, schema: model.schema) }
    let table = try model.sample(first: first, count: rows, seed: seed, where: condition, threads: min(threads, 1024)) {
        bar.show("sampling", $0, $1)
    }
    try writeTableFile(table, out, options: csvOptions(a))
}
