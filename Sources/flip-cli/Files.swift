// flip convert, flip schema, flip check and flip plan: files and plans, no training.

import Basics
import Budgets
import Glibc
import Storage
import Synthesis
import Tables

func convert(_ words: [String]) throws {
    let a = try Arguments("convert", words, named: ["schema", "out", "to-group"] + csvOptionNames
        + tableOptionNames, switches: ["quiet"],
                          places: words.contains("--out") || words.contains { $0.hasPrefix("--out=") } ? ["FROM"]
                              : ["FROM", "TO"])
    let target = try a.text("out") ?? a.words[1]
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    defer { bar.close() }
    let read = try convertTable(from: a.words[0], group: a.text("group"), to: target, targetGroup: a.text("to-group"),
                                schema: schema(a), options: csvOptions(a)) { bar.show("converting", $0, $1) }
    bar.close()
    tell(read.replaced, a.words[0])
}

func plan(_ words: [String]) throws {
    let a = try Arguments("plan", words, named: planOptionNames + ["max-rows-per-person"], switches: ["explain"],
                          places: [])
    guard let schema = try schema(a) else { throw Usage("flip plan: --schema is missing") }
    let plan = try makePlan(a, schema, under: sharedBudget(a))
    say(a.has("explain") ? try plan.explanation() : try plan.explain().versioned.pretty)
}

func check(_ words: [String]) throws {
    let a = try Arguments("check", words, named: ["schema"] + csvOptionNames + tableOptionNames,
                          switches: ["json", "quiet"], places: ["FILE"])
    let path = a.words[0], known = try schema(a)
    // A table is checked where a schema or a group is named; of a file alone it is said what it is.
    guard try known != nil || a.text("group") != nil else {
        let found = try checkFile(path)
        say(found.versioned.pretty)
        if found["usable"] != .bool(true) { exit(1) }
        return
    }
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    defer { bar.close() }
    let found = try checkTableFile(path, group: a.text("group"), known, csvOptions(a)) { bar.show("checking", $0, $1) }
    bar.close()
    say(a.has("json") ? found.json.versioned.pretty
        : "\(path): \(found.fits ? found.text : "breaks the schema\n" + found.text)")
    if !found.fits { exit(1) }
}

func schemaCommand(_ words: [String]) throws {
    let a = try Arguments("schema", words, named: ["out", "skip", "levels", "group", "delimiter"],
                          switches: ["quiet", "no-rules"], places: ["TABLE"])
    var options = InferOptions()
    options.rules = !a.has("no-rules")
    options.csv = try csvOptions(a)
    options.skip = a.names("skip")
    options.levels = try a.whole("levels", atLeast: 1) ?? options.levels
    guard options.levels <= Schema.maxLevels else {
        throw Usage("flip schema: --levels must be at most \(Schema.maxLevels)")
    }
    let out = try a.text("out")
    if let out { try AtomicFile(out).abandon() }         // may fail: before the work rather than after it
    Interrupt.watch()
    let bar = Bar(quiet: a.has("quiet"))
    let found = isHDF5Name(a.words[0]) ? try Schema.inferred(hdf5: a.words[0], group: a.text("group"),
                                                             options)
        : try Schema.inferred(csv: a.words[0], options) { bar.show("reading", $0, $1) }
    bar.close()
    guard let out else { return say(found.jsonValue.pretty) }
    try AtomicFile.write(found.jsonValue.pretty + "\n", to: out)
    complain("\(out): levels and bounds were read off the rows and count as public from here on; edit the file "
        + "before you train")
}
