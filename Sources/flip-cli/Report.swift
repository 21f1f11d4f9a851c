// flip report: the page of a model that may be handed to anybody; flip estimate: one figure with its interval.

import Basics
import Pages
import Storage
import Synthesis

func report(_ words: [String]) throws {
    let a = try Arguments("report", words, named: ["out", "rows", "title"], switches: ["json"], places: ["MODEL"])
    var options = ModelReportOptions()
    if let rows = try a.whole("rows", atLeast: 100) { options.rows = min(rows, 1_000_000) }
    options.title = try a.text("title")
    let out = try a.text("out")
    guard out != nil || a.has("json") else { throw Usage("flip report: --out is missing") }
    let json = try Model.load(a.words[0]).report(options).versioned
    let text = try a.has("json") ? json.pretty : htmlPage(json)
    guard let out else { return say(text) }
    try AtomicFile.write(text, to: out)
}

func estimate(_ words: [String]) throws {
    let a = try Arguments("estimate", words, named: ["level", "quantile", "by", "with", "predictors", "contrast",
                                                     "reference", "confidence"],
                          switches: ["json"], places: ["MODEL", "WHAT", "COLUMN"])
    var asked: [(String, JSON)] = [("what", .string(a.words[1])), ("column", .string(a.words[2]))]
    for key in ["level", "by", "with", "contrast", "reference"] {
        if let text = try a.text(key) { asked.append((key, .string(text))) }
    }
    for key in ["quantile", "confidence"] where try a.text(key) != nil {
        asked.append((key, .number(try a.number(key))))
    }
    if let all = try a.text("predictors") {
        asked.append(("predictors", .array(all.split(separator: ",").map { .string(String($0)) })))
    }
    let answer = try Model.load(a.words[0]).estimate(EstimateOptions(.members(asked)))
    if a.has("json") { return say(answer.versioned.pretty) }
    say(lines(answer).joined(separator: "\n"))
}

/// An answer for people: a line for each figure.
private func lines(_ answer: JSON) -> [String] {
    func number(_ x: JSON?) -> String { x?.asDouble.map { short($0, 5) } ?? "-" }
    func date(_ e: JSON, _ key: String) -> String { e[key + "_date"]?.asString ?? number(e[key]) }
    let keys = ["term", "level", "with_level", "group", "kind", "reference"]
    var rows: [[String]] = []
    for list in ["estimates", "contrasts"] {
        for e in answer[list]?.asArray ?? [] {
            let name = keys.compactMap { key -> String? in
                guard let value = e[key] else { return nil }
                let text = value.asString ?? "missing"
                return key == "reference" ? "against \(text)" : text
            }
            rows.append([name.isEmpty ? "all rows" : name.joined(separator: " "
                + ""), date(e, "estimate"), date(e, "low"), date(e, "high"), number(e["sampling_error"]),
                         number(e["noise_error"])])
        }
    }
    let width = rows.reduce(8) { max($0, $1[0].count) } + 2
    let cell = rows.reduce(10) { $1.dropFirst().reduce($0) { max($0, $1.count) } } + 2
    let confidence = short(100 * (answer["confidence"]?.asDouble ?? 0), 4)
    let head = pad("", width) + ["estimate", "low", "high", "sampling", "noise"].map { pad($0, cell) }.joined()
    return ["\(confidence) % intervals that hold the error of the sample and the noise of the guarantee", "", head]
        + rows.map { pad($0[0], width) + $0.dropFirst().map { pad($0, cell) }.joined() }
        + (answer["notes"]?.asArray ?? []).map { "note: " + ($0.asString ?? "") }
}
