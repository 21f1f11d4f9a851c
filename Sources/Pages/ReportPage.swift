// The page of a model's report, from its JSON object alone.

import Basics

/// The page of a Report, an Evaluation, or several evaluations side by side.
/// - Throws: `.argument` for an object of another kind.
package func htmlPage(_ json: JSON) throws -> String {
    if json["kind"]?.asString == "report" { return try ReportPage(json).html }
    if json["summary"]?.asObject != nil {
        return try evaluationPage([(json["name"]?.asString ?? "synthetic table", json)], title: json["title"]?.asString)
    }
    if let items = json["evaluations"]?.asArray {
        let all = try items.enumerated().map { k, item -> (String, JSON) in
            guard let e = item["evaluation"], e["summary"]?.asObject != nil else {
                throw Failure(.argument, "page: evaluation \(k + 1) is no object of flip_evaluate")
            }
            return (item["name"]?.asString ?? "table \(k + 1)", e)
        }
        guard !all.isEmpty else { throw Failure(.argument, "page: the list of evaluations is empty") }
        return try evaluationPage(all, title: json["title"]?.asString)
    }
    throw Failure(.argument, "page: must be an object of flip_model_report or of flip_evaluate, or {\"evaluations\": "
        + "[{\"name\": ..., \"evaluation\": {...}}]}")
}

extension JSON {
    func number(_ key: String) -> Double { self[key]?.asDouble ?? .nan }
    func text(_ key: String) -> String { self[key]?.asString ?? "" }
    func items(_ key: String) -> [JSON] { self[key]?.asArray ?? [] }
}

private struct ReportPage {
    let json: JSON
    private let names: [String]

    init(_ json: JSON) throws {
        guard json["promise"]?.asObject != nil, json["columns"]?.asArray != nil else {
            throw Failure(.argument, "page: the report lacks its promise or its columns")
        }
        self.json = json
        names = json.items("columns").map { $0.text("name") }
    }

    var html: String {
        let isPrivate = json["private"]?.asBool ?? false
        let lead = paragraph("This page was made from the model file alone. No row was read for it, so it costs "
            + "nothing "
            + "and may be handed to anybody who may have the model.")
        return page(title: json.text("title"),
                    banner: isPrivate ? nil : "The noise of this training was made from a test seed. Its figures "
                        + "protect nobody.", lead: lead,
                    [Section(id: "promise", title: "What was promised and spent", html: promise),
                     Section(id: "risk", title: "What an attacker gains", html: risk),
                     Section(id: "noise", title: "What is too noisy to trust", html: noisy),
                     Section(id: "groups", title: "Groups", html: groups),
                     Section(id: "pairs", title: "Pairs of columns", html: pairs),
                     Section(id: "columns", title: "Columns", html: columns),
                     Section(id: "limits", title: "Rules and limits", html: limits)])
    }

    private var promise: String {
        let p = json["promise"] ?? .null, persons = p["persons"]?.asInt64 ?? 0
        let unit = persons > 0 ? "person with up to \(persons) row\(persons == 1 ? "" : "s")" : "row"
        var out = "<ul class=\"cards\">\n"
        for (value, words) in [("ε \(short(p.number("epsilon")))", "promised for every \(unit), at δ "
                                + short(p.number("delta"))),
                               ("ε \(short(p.number("spent"), 4))", "spent, by the \(p.text("accountant")) accountant"),
                               ("\(short(json.number("rows").rounded(), 9))", "rows, give or take "
                                + short(json.number("rows_noise"), 2)),
                               (json.text("preset"), "preset; \(names.count) columns")] {
            out += "<li><b>\(escaped(value))</b>\(escaped(words))</li>\n"
        }
        out += "</ul>\n"
        let rows = json.items("spending").map {
            [$0.text("name"), short($0.number("count"), 9), percent($0.number("share"))]
        }
        return out + table(caption: "Where the budget went", ["release", "times", "share of the budget"], rows)
            + details("What was assumed", list(json.items("assumptions").compactMap(\.asString)))
    }

    private var risk: String {
        guard let r = json["risk"], r != .null else { return "" }
        var items = ["Somebody who knows the whole table but one row tells whether that row is in it with an "
            + "advantage of "
            + "at most \(percent(r.number("advantage"))): the rate of true alarms less that of false ones."]
        for t in r.items("true_positive_rates") {
            items.append("If he accuses \(percent(t.number("false_positive_rate"))) of those who are not in the "
                + "table, he "
                + "finds at most \(percent(t.number("true_positive_rate"))) of those who are.")
        }
        for g in r.items("guessing") {
            items.append("A value of a known row that is one of \(short(g.number("values"))) equally likely ones he "
                + "guesses "
                + "with probability \(percent(g.number("probability"))) at most, instead of "
                + "\(percent(1 / g.number("values"))).")
        }
        return list(items) + paragraph("These are limits, not predictions: for the most favourable row and the best "
            + "attack "
            + "that can exist.")
    }

    private var noisy: String {
        let items = json.items("too_noisy").compactMap(\.asString), 
            warnings = json.items("warnings").compactMap(\.asString)
        if items.isEmpty, warnings.isEmpty {
            return paragraph("Every level and most cells of every pair stand out of the noise.")
        }
        return list(warnings) + list(items)
    }

    private var groups: String {
        guard let g = json["groups"], g != .null else { return "" }
        let rows = g.items("groups").map {
            [$0.text("name"), short($0.number("rows").rounded(), 9),
             "\(short($0.number("low").rounded(), 9)) to \(short($0.number("high").rounded(), 9))",
             $0.number("epsilon").isFinite ? short($0.number("epsilon"), 4) : "–"]
        }
        var out = table(caption: "Rows of each group, with 95 % intervals of the noise",
                        ["group", "rows", "interval", "ε spent"], rows)
        let strength = g.number("strength"), all = g.items("disparities")
        if !all.isEmpty {
            func interval(_ x: JSON?) -> (estimate: Double, low: Double, high: Double)? {
                guard let x, x != .null, x.number("estimate").isFinite, x.number("low").isFinite,
                      x.number("high").isFinite else { return nil }
                return (x.number("estimate"), x.number("low"), x.number("high"))
            }
            let lines = all.map {
                IntervalRow(label: "\($0.text("column")): \($0.text("level"))", first: interval($0["before"]),
                            second: interval($0["after"]))
            }
            out += "<p class=\"key\"><span class=\"kr\"></span>in the table, from released counts<span "
                + "class=\"kg\"></span>"
                + "in generated rows</p>\n"
            out += intervals(lines, text: "Difference between the groups with the largest and the smallest share, "
                + "with 95 % "
                + "intervals" + (strength > 0 ? "; generated rows are aligned with strength \(short(strength))" : ""))
            func words(_ e: (estimate: Double, low: Double, high: Double)?) -> String {
                e.map { "\(percent($0.estimate)) (\(percent($0.low)) to \(percent($0.high)))" } ?? "cannot be told"
            }
            out += details("The same as a table", table(caption: "Differences between groups",
                ["column", "between levels of", "in the table", "in generated rows"], zip(all, lines).map {
                    [$1.label, $0.text("group"), words($1.first), words($1.second)]
                }))
        }
        return out
    }

    private static let steps = [1.0, 1.5, 2, 3, 5]

    private var pairs: String {
        guard let p = json["pairs"], names.count > 1 else { return "" }
        let n = names.count
        let all = p.items("released").compactMap { item -> (a: Int, b: Int, units: Double, distance: Double)? in
            guard let x = item.asArray, x.count >= 4, let a = x[0].asInt64, let b = x[1].asInt64, a >= 0, b > a, b < n,
                  let units = x[2].asDouble, let distance = x[3].asDouble else { return nil }
            return (Int(a), Int(b), units, distance)
        }
        let unpaid = max(0, n * (n - 1) / 2 - all.count)
        guard !all.isEmpty else {
            return paragraph("No pair of columns was paid for: the preset releases single columns only.")
        }
        var shade: [Int: Int] = [:], units: [Int: Double] = [:]
        for x in all {
            shade[x.a * n + x.b] = Self.steps.reduce(0) { $0 + (x.units >= $1 ? 1 : 0) }
            units[x.a * n + x.b] = x.units
        }
        var key = "<p class=\"key\">"
        for (k, words) in ["under 1", "1 to 1.5", "1.5 to 2", "2 to 3", "3 to 5", "5 and more"].enumerated() {
            key += "<span class=\"k\(k)\"></span>\(words)"
        }
        key += "<span class=\"kn\"></span>not paid for</p>\n"
        let worst = all.sorted { ($1.units, $0.a, $0.b) < ($0.units, $1.a, $1.b) }.prefix(12)
        return paragraph("How far generated rows are from the released table of two columns, in units of the noise of "
                + "both: 1 is what noise alone makes. \(all.count) pairs were paid for, \(unpaid) were not; of "
                + "those the "
                + "generated rows know only what other pairs tell.")
            + key
            + heatMap(names, shade: shade, text: "Distance of generated rows from each released pair, in units of "
                + "noise") {
                "\(names[$0]) and \(names[$1]): \(short(units[$0 * n + $1] ?? .nan, 2))"
            }
            + table(caption: "The pairs that generated rows meet least", ["pair", "in units of noise", "total "
                + "variation"],
                    worst.map { ["\(names[$0.a]) and \(names[$0.b])", short($0.units, 3), short($0.distance, 3)] })
    }

    private var columns: String {
        let all = json.items("columns")
        var plots = "", rows: [[String]] = []
        for c in all {
            let parts = c.items("parts").map {
                BarPart(label: $0["label"]?.asString ?? "missing", first: $0.number("released"),
                        error: 1.96 * $0.number("noise"), second: $0.number("generated"))
            }
            rows.append([c.text("name"), c.text("type"), short(c.number("distance"), 3),
                         short(c.number("noise_units"), 3)])
            let text = "total variation \(short(c.number("distance"), 2)); \(short(c.number("noise_units"), 2)) "
                + "units of noise"
            plots += pairedBars(parts, title: c.text("name"), text: text)
        }
        let key = "<p class=\"key\"><span class=\"kr\"></span>released, with the 95 % error bar of its noise"
            + "<span class=\"kg\"></span>generated</p>\n"
        return key + "<div class=\"plots\">\n\(plots)</div>\n"
            + details("The same as a table", table(caption: "Columns", ["column", "type", "total variation",
                                                                          "in units of noise"], rows))
    }

    private var limits: String {
        let rules = json.items("rules").compactMap(\.asString)
        return (rules.isEmpty ? "" : paragraph("Every generated row keeps these rules:") + list(rules))
            + list(json.items("limits").compactMap(\.asString))
    }
}
