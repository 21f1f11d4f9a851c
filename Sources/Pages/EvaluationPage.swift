// The page of evaluations, which read real rows: marked NOT PRIVATE at its top and on every printed page. Several
// tables stand side by side.

import Basics

/// What each figure of a summary is, and its best value.
private let meaning: [String: (words: String, best: Double)] = [
    "tvd1": ("total variation of single columns", 0), "tvd2": ("total variation of pairs of columns", 0),
    "association_mean": ("difference of associations, mean", 0),
    "association_max": ("difference of associations, "
        + "largest", 0),
    "mean_shift": ("shift of means", 0), "mean_shift_max": ("shift of means, largest", 0),
    "quantile_shift": ("shift of quantiles", 0), "quantile_shift_max": ("shift of quantiles, largest", 0),
    "pmse": ("propensity mean squared error", 0), "pmse_ratio": ("the same over what chance makes", 1),
    "target_auc": ("area under the curve, target", 1), "tasks_auc": ("area under the curve, all columns", 1),
    "target_dpd": ("parity difference, target", 0), "tasks_dpd": ("parity difference, all columns", 0),
    "target_eod": ("odds difference, target", 0), "tasks_eod": ("odds difference, all columns", 0),
    "target_cdpd": ("conditional parity difference, target", 0),
    "tasks_cdpd": ("conditional parity difference, all columns", 0),
    "target_calibration": ("calibration difference, target", 0),
    "tasks_calibration": ("calibration difference, all columns", 0),
    "probe_synthetic": ("what tells the group, synthetic rows", 0.5),
    "probe_real": ("what tells the group, real "
        + "rows", 0.5),
    "cka": ("alignment of groups", 1), "hsic_linear": ("dependence on the group, linear", 0),
    "hsic_rbf": ("dependence on the group, Gaussian", 0), "dcr_share": ("closest record is one learned from", 0.5),
    "membership_auc": ("membership by distance", 0.5)]

func evaluationPage(_ tables: [(name: String, evaluation: JSON)], title: String?) throws -> String {
    let heading = title ?? (tables.count == 1 ? "Evaluation of \(tables[0].name)" : "Evaluation of \(tables.count) "
        + "tables")
    let keys = tables[0].evaluation["summary"]?.asObject?.keys ?? []
    let names = tables.map(\.name)
    func figure(_ e: JSON, _ key: String) -> Double { e["summary"]?.number(key) ?? .nan }
    let known = keys.filter { key in tables.contains { figure($0.evaluation, key).isFinite } }
    let rows = known.map { key in
        [meaning[key].map { "\($0.words) (\(key))" } ?? key]
            + tables.map { let x = figure($0.evaluation, key); return x.isFinite ? short(x, 4) : "–" }
            + [meaning[key].map { short($0.best) } ?? ""]
    }
    var pictures = ""
    for key in known {
        guard let m = meaning[key] else { continue }
        pictures += figureBars(key, m.words, best: m.best, tables.map { ($0.name, figure($0.evaluation, key)) })
    }
    let first = tables[0].evaluation
    let columns = first.items("columns").map { $0.text("name") }
    let shifts = columns.enumerated().map { i, name in
        [name] + tables.map { t -> String in
            let all = t.evaluation.items("columns")
            let x = all.indices.contains(i) ? all[i].number("tvd") : .nan
            return x.isFinite ? short(x, 3) : "–"
        }
    }
    let groups = first.items("groups").map {
        [$0.text("name"), short($0.number("real"), 9), short($0.number("synthetic"), 9)]
    }
    let tasks = tables.map { t -> String in
        let rows = t.evaluation.items("tasks").map { x -> [String] in
            [x.text("column")] + ["auc", "dpd", "eod", "cdpd", "calibration"].map { key in
                let value = x.number(key), worst = x["worst"]?[key]
                let (low, high) = (worst?.number("low") ?? .nan, worst?.number("high") ?? .nan)
                guard value.isFinite else { return "–" }
                return short(value, 4) + (low.isFinite && high.isFinite ? " (\(short(low, 2)) to \(short(high, 2)))"
                    : "")
            }
        }
        return rows.isEmpty ? "" : table(caption: t.name + ", with 95 % intervals of the worst pair of groups",
                                            ["task", "auc", "dpd", "eod", "cdpd", "calibration"], rows)
    }.joined()
    return page(title: heading,
                banner: "These figures were computed from real rows. No ε covers them: do not publish this page "
                    + "beside a "
                    + "guarantee, and do not choose a model by it.",
                lead: paragraph("For whoever holds the rows."),
                [Section(id: "summary", title: "Summary", html: table(caption: "All figures, and their best values",
                                                                      ["figure"] + names + ["best"], rows)),
                 Section(id: "pictures", title: "Pictures", html: "<div class=\"plots\">\n\(pictures)</div>\n"),
                 Section(id: "tasks", title: "Tasks", html: tasks),
                 Section(id: "columns", title: "Columns", html: shifts.isEmpty ? "" : table(
                     caption: "Total variation of each column", ["column"] + names, shifts)),
                 Section(id: "groups", title: "Groups", html: groups.count < 2 ? "" : table(
                     caption: "Rows of \(names[0])", ["group", "real", "synthetic"], groups)),
                 Section(id: "notes", title: "Notes", html: list(first.items("notes").compactMap(\.asString)))])
}

/// A bar for each table, and a mark at the best value.
private func figureBars(_ key: String, _ words: String, best: Double, _ values: [(name: String, value: Double)])
    -> String {
    let top = max(values.reduce(best) { max($0, $1.value.isFinite ? $1.value : 0) }, 1e-6)
    let row = 18.0, left = 120.0, width = 200.0, height = Double(values.count) * row + 8
    var out = "<svg viewBox=\"0 0 400 \(point(height))\" role=\"img\" aria-label=\"\(escaped(words))\">\n"
    for (i, v) in values.enumerated() where v.value.isFinite {
        let y = Double(i) * row + 3
        out += "<text x=\"\(point(left - 6))\" y=\"\(point(y + 11))\" "
            + "text-anchor=\"end\">\(escaped(cut(v.name, 20)))</text>"
            + "<rect class=\"released\" x=\"\(point(left))\" y=\"\(point(y))\" "
            + "width=\"\(point(max(0, v.value) / top * width))\" height=\"12\"/>"
            + "<text class=\"quiet\" x=\"\(point(left + max(0, v.value) / top * width + 5))\" y=\"\(point(y + 11))\">"
            + "\(short(v.value, 3))</text>\n"
    }
    let x = point(left + best / top * width)
    out += "<path class=\"g\" d=\"M\(x) 0V\(point(height))\"/>\n</svg>\n"
    return "<figure>\n<h3>\(escaped(key))</h3>\n\(out)<figcaption>\(escaped(words)); the line is the best value, "
        + "\(short(best))</figcaption>\n</figure>\n"
}
