// flip refit: another generator from the releases of a model; flip frontier: what strengths of fairness cost and gain.

import Basics
import Pages
import Storage
import Synthesis

func refit(_ words: [String]) throws {
    let a = try Arguments("refit", words, named: ["out", "config", "strength", "reduce", "protected"],
                          places: ["MODEL"])
    guard let out = try a.text("out") else { throw Usage("flip refit: --out is missing") }
    var config = try json(a, "config")?.asObject ?? JSONObject()
    guard try a.text("strength") == nil || a.text("reduce") == nil else {
        throw Usage("flip refit: give either --strength or --reduce")
    }
    for key in ["strength", "reduce"] where try a.text(key) != nil {
        var fairness = config["fairness"]?.asObject ?? JSONObject()
        fairness[key] = .number(try a.number(key))
        config["fairness"] = .object(fairness)
    }
    if let columns = protectedColumns(a) { config["protected"] = .array(columns.map { .string($0) }) }
    try Model.load(a.words[0]).refit(.object(config)).save(out)
}

/// The columns of all --protected; nil: the model's.
private func protectedColumns(_ a: Arguments) -> [String]? {
    a.all("protected").isEmpty ? nil : a.names("protected")
}

func frontier(_ words: [String]) throws {
    let a = try Arguments("frontier", words, named: ["out", "picture", "strengths", "protected"], switches: ["json"],
                          places: ["MODEL"])
    var options = FrontierOptions()
    if let all = try a.text("strengths") {
        options.strengths = try all.split(separator: ",").map {
            guard let x = Double($0) else { throw Usage("flip frontier, --strengths: must be numbers") }
            return x
        }
    }
    options.protected = protectedColumns(a)
    let curve = try Model.load(a.words[0]).frontier(options).versioned
    let keys = ["strength", "disparity", "disparity_error", "auc", "auc_error"]
    let lines = (curve["points"]?.asArray ?? []).map { p in
        keys.map { short(p[$0]?.asDouble ?? .nan, 6) }.joined(separator: ",")
    }
    let csv = ([keys.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
    if let picture = try a.text("picture") { try AtomicFile.write(frontierPicture(curve), to: picture) }
    if let out = try a.text("out") { try AtomicFile.write(csv, to: out) }
    if a.has("json") { say(curve.pretty) } else if try a.text("out") == nil { say(String(csv.dropLast())) }
}
