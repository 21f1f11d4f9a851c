// flip sample: rows from a model file; flip complete: half rows made whole.

import Basics
import Storage
import Synthesis
import Tables

func sample(_ words: [String]) throws {
    let a = try Arguments("sample", words, named: ["rows", "seed", "first", "threads", "out", "where"] + csvOptionNames,
                          switches: ["quiet"], places: ["MODEL"])
    let rows = try a.whole("rows", atLeast: 1)
    let out = try a.required("out")
    let seed = try a.whole("seed", atLeast: 0).map { UInt64($0) }
    let first = try a.whole("first", atLeast: 0) ?? 0, threads = try a.whole("threads", atLeast: 0) ?? 0
    try AtomicFile(out).abandon()
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    defer { bar.close() }
    let model = try Model.load(a.words[0])
    let asked = try json(a, "where")
    if let items = asked?.asArray {
        let requests = try SampleRequest.list(items, schema: model.schema), all = requests.reduce(0) { $0 + $1.rows }
        guard rows == nil || rows == all else {
            throw Usage("flip sample: --rows is not the sum of the requests' rows")
        }
        let table = try model.sample(requests, first: first, seed: seed, threads: min(threads, 1024)) {
            bar.show("sampling", $0, $1)
        }
        return try writeTableFile(table, out, options: csvOptions(a))
    }
    guard let rows else { throw Usage("flip sample: --rows is missing") }
    let condition = try asked.map { try Condition($0, schema: model.schema) }
    let batches = try SampleBatches(model, first: first, count: rows, seed: seed, where: condition,
                                    threads: min(threads, 1024))
    try writeTableFile(model.schema, out, options: csvOptions(a), expectedRows: rows) {
        try batches.next { bar.show("sampling", $0, $1) }
    }
}

func completeCommand(_ words: [String]) throws {
    let a = try Arguments("complete", words, named: ["seed", "threads", "out"] + tableOptionNames
                          + csvOptionNames, switches: ["quiet"], places: ["MODEL", "HALF"])
    let out = try a.required("out")
    let seed = try a.whole("seed", atLeast: 0).map { UInt64($0) }, threads = try a.whole("threads", atLeast: 0) ?? 0
    try AtomicFile(out).abandon()
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    defer { bar.close() }
    let model = try Model.load(a.words[0]), options = try csvOptions(a)
    let path = a.words[1], group = try a.text("group")
    let titles = try isHDF5Name(path) ? columnNames(path, group: group) : csvTitles(path, options)
    let half = try readTableFile(path, group: group, schema: model.schema.optional(titles), options: options)
    tell(half.replaced, path)
    let table = try model.complete(half, seed: seed, threads: min(threads, 1024)) { bar.show("completing", $0, $1) }
    try writeTableFile(table, out, options: options)
}
