// A report as JSON and as a table for people.

import Basics
import Glibc

extension Report {
    /// One figure of the summary: JSON key, value, best value, what it is.
    struct Figure {
        let key: String
        let value: Double?
        let best: String
        let help: String
        init(_ key: String, _ value: Double?, _ best: String, _ help: String) {
            (self.key, self.value, self.best, self.help) = (key, value, best, help)
        }
    }

    var summary: [Figure] {
        let grouped = groupNames.count > 1
        func group(_ x: Double?) -> Double? { grouped ? x : nil }
        let means = locations.map(\.meanShift.magnitude), quantiles = locations.map(\.largestQuantileShift.magnitude)
        return [
            Figure("tvd1", fidelity.tvd1, "0", "total variation of columns, mean"),
            Figure("tvd2", fidelity.tvd2, "0", "total variation of pairs of columns, mean"),
            Figure("association_mean", fidelity.associationMean, "0", "difference of associations, mean over pairs"),
            Figure("association_max", fidelity.associationMax, "0", "difference of associations, largest"),
            Figure("mean_shift", Report.mean(means), "0", "means, in standard deviations: mean over numerical columns"),
            Figure("mean_shift_max", means.max(), "0", "means, in standard deviations: largest"),
            Figure("quantile_shift", Report.mean(quantiles), "0",
                   "worst quantile of a column, in interquartile ranges: mean"),
            Figure("quantile_shift_max", quantiles.max(), "0",
                   "worst quantile of a column, in interquartile ranges: largest"),
            Figure("pmse", propensity?.error, "0", "telling synthetic rows from real ones: propensity score's error"),
            Figure("pmse_ratio", propensity?.ratio, "1", "the same over what chance makes of it"),
            Figure("target_auc", target?.auc, "1", "target: learned from synthetic rows, tested on real ones"),
            Figure("target_dpd", group(target?.disparity.parity), "0", "target: demographic parity difference"),
            Figure("target_eod", group(target?.disparity.odds), "0", "target: equalised odds difference"),
            Figure("target_cdpd", group(target?.disparity.conditional?.value), "0",
                   "target: conditional parity difference"),
            Figure("target_calibration", group(target?.disparity.calibrationSpread), "0",
                   "target: difference of calibration errors"),
            Figure("tasks_auc", Report.mean(tasks.map(\.auc)), "1", "mean over all columns as tasks"),
            Figure("tasks_dpd", group(Report.mean(tasks.map(\.disparity.parity))), "0",
                   "demographic parity difference, mean"),
            Figure("tasks_eod", group(Report.mean(tasks.map(\.disparity.odds))), "0",
                   "equalised odds difference, mean"),
            Figure("tasks_cdpd", group(Report.mean(tasks.map(\.disparity.conditional?.value))), "0",
                   "conditional parity difference, mean"),
            Figure("tasks_calibration", group(Report.mean(tasks.map(\.disparity.calibrationSpread))), "0",
                   "difference of calibration errors, mean"),
            Figure("probe_synthetic", Report.mean(probes.map(\.synthetic)), "0.5",
                   "telling the group, within synthetic rows"),
            Figure("probe_real", Report.mean(probes.map(\.real)), "0.5",
                   "telling the group of real rows, learned from synthetic ones"),
            Figure("cka", similarity?.cka, "1", "covariance CKA of groups, mean over pairs"),
            Figure("cka_of_real", realSimilarity?.cka, "", "covariance CKA of groups in the real table"),
            Figure("hsic_linear", similarity?.hsicLinear, "0", "HSIC of row and group, linear kernel"),
            Figure("hsic_linear_of_real", realSimilarity?.hsicLinear, "", "HSIC, linear kernel, in the real table"),
            Figure("hsic_rbf", similarity?.hsicRBF, "0", "HSIC of row and group, Gaussian kernel"),
            Figure("hsic_rbf_of_real", realSimilarity?.hsicRBF, "", "HSIC, Gaussian kernel, in the real table"),
            Figure("dcr_share", closeness?.share, "0.5",
                   "synthetic rows nearer to rows learned from than to the hold-out"),
            Figure("dcr_train", closeness?.closestTrain, "", "distance to the closest row learned from, median"),
            Figure("dcr_holdout", closeness?.closestHoldout, "", "distance to the closest row of the hold-out, median"),
            Figure("nndr_train", closeness?.ratioTrain, "", "nearest over second nearest, rows learned from, mean"),
            Figure("nndr_holdout", closeness?.ratioHoldout, "", "nearest over second nearest, hold-out, mean"),
            Figure("membership_auc", closeness?.membership, "0.5", "telling rows learned from by their distance"),
        ]
    }

    /// What the figures leave out, in sentences.
    var notes: [String] {
        var out: [String] = []
        if !holdoutGiven {
            out.append("no hold-out was given: a third of the real rows, by a fixed public shuffle, served for tasks "
                       + "and probes; if they were learned from, those figures flatter, and nearness and membership "
                       + "would say nothing and are left out")
        }
        if !options.protected.isEmpty, similarity == nil {
            out.append("CKA and HSIC are left out: fewer than two groups, "
                       + "or more than \(Report.maxCoordinates) coordinates")
        }
        if groupCounts[1].contains(where: { $0 < Disparity.leastRows }) {
            out.append("groups with fewer than \(Disparity.leastRows) hold-out rows are left out "
                       + "of disparities and probes")
        }
        out += locations.compactMap { $0.note(names[$0.column]) }
        return out
    }

    /// null for what was not measured.
    package var json: JSON {
        [
            "not_private": .string(Report.notPrivate),
            "rows": ["real": .int(Int64(rows.real)), "synthetic": .int(Int64(rows.synthetic)),
                "holdout": .int(Int64(rows.holdout))],
            "holdout": .string(holdoutGiven ? "given" : "split"),
            "protected": .array(options.protected.map(JSON.string)),
            "admissible": .array(options.admissible.map(JSON.string)),
            "target": options.target.map(JSON.string) ?? .null,
            "classifiers": .string(options.classifiers ? "native" : "none"),
            "summary": .object(JSONObject(summary.map { ($0.key, number($0.value)) })),
            "columns": .array(names.indices.map(columnJSON)),
            "groups": .array(groupNames.enumerated().map { i, name in
                ["name": .string(name), "real": .int(Int64(groupCounts[0][i])),
                    "holdout": .int(Int64(groupCounts[1][i])), "synthetic": .int(Int64(groupCounts[2][i])),
                    "probe_synthetic": number(probes.first { $0.group == i }?.synthetic),
                    "probe_real": number(probes.first { $0.group == i }?.real)]
            }),
            "tasks": .array(tasks.map(taskJSON)),
            "pairs": .array((similarity?.pairs ?? []).map { pair in
                let real = realSimilarity?.pairs.first { $0.first == pair.first && $0.second == pair.second }
                return ["first": .string(groupNames[pair.first]), "second": .string(groupNames[pair.second]),
                    "cka": number(pair.cka), "hsic_linear": number(pair.hsicLinear), "hsic_rbf": number(pair.hsicRBF),
                    "cka_of_real": number(real?.cka), "hsic_linear_of_real": number(real?.hsicLinear),
                    "hsic_rbf_of_real": number(real?.hsicRBF)]
            }),
            "notes": .array(notes.map(JSON.string)),
        ]
    }

    private func number(_ x: Double?) -> JSON { x.flatMap { $0.isFinite ? JSON.number($0) : nil } ?? .null }

    private func yes(_ task: Task) -> JSON {
        task.level.map { .string(kinds[task.column]?[$0] ?? "") } ?? ["above": number(task.threshold)]
    }

    private func columnJSON(_ c: Int) -> JSON {
        let found = locations.first { $0.column == c }
        return ["name": .string(names[c]), "tvd": number(fidelity.columns[c]),
                "mean": found.map { ["real": number($0.means.real), "synthetic": number($0.means.synthetic),
                                     "shift": number($0.meanShift)] } ?? .null,
                "quantiles": found.map { l in
                    .array(Location.shares.indices.map { i in
                        ["share": number(Location.shares[i]), "real": number(l.quantiles[i].real),
                         "synthetic": number(l.quantiles[i].synthetic), "shift": number(l.quantileShifts[i])]
                    })
                } ?? .null]
    }

    private func taskJSON(_ t: TaskResult) -> JSON {
        let d = t.disparity, grouped = groupNames.count > 1
        return ["column": .string(names[t.task.column]), "yes": yes(t.task), "base_rate": number(t.base),
            "auc": number(t.auc),
                "dpd": number(grouped ? d.parity : nil), "eod": number(grouped ? d.odds : nil),
                    "cdpd": number(grouped ? d.conditional?.value : nil),
                    "calibration": number(grouped ? d.calibrationSpread : nil),
                "calibration_worst": number(d.calibrationWorst),
                "worst": ["dpd": worst(d.worstParity), "eod": worst(d.worstOdds), "cdpd": worst(d.conditional)],
                "groups": .array(d.groups.map { g in
                    ["name": .string(groupNames[g.group]), "rows": .int(Int64(g.rows)), "base_rate": number(g.base),
                        "selected": number(g.selected), "true_positive": number(g.truePositive),
                        "false_positive": number(g.falsePositive), "mean_score": number(g.score),
                        "calibration_error": number(g.calibration)]
                })]
    }

    /// An interval of the worst pair of groups, and which it is.
    private func worst(_ d: WorstDifference?) -> JSON {
        guard let d else { return .null }
        func name(_ g: Int?) -> JSON { g.map { .string(groupNames[$0]) } ?? .null }
        return ["low": number(d.low), "high": number(d.high), "least": name(d.least), "most": name(d.most)]
    }

    /// For people: a heading that says what this is not, the summary, the tasks.
    package var text: String {
        var lines = [Report.notPrivate, "", pad("measure", 22) + pad("value", 9) + pad("best", 6) + "what"]
        for f in summary where f.value != nil {
            lines.append(pad(f.key, 22) + pad(fixed(f.value), 9) + pad(f.best, 6) + f.help)
        }
        if !locations.isEmpty {
            let width = (locations.map { names[$0.column].count }.max() ?? 0) + 2
            lines += ["", pad("number", max(width, 8)) + pad("mean, real", 14) + pad("synthetic", 14) + pad("shift", 10)
                      + "worst quantile's shift"]
            for l in locations {
                lines.append(pad(names[l.column], max(width, 8)) + pad(short(l.means.real), 14)
                             + pad(short(l.means.synthetic), 14) + pad(fixed(l.meanShift), 10)
                             + fixed(l.largestQuantileShift))
            }
        }
        if !tasks.isEmpty {
            let width = (tasks.map { names[$0.task.column].count }.max() ?? 0) + 2
            lines += ["", pad("task", max(width, 6)) + pad("auc", 9) + pad("dpd", 9) + pad("95 % of it", 18)
                      + pad("eod", 9) + pad("95 % of it", 18) + pad("cdpd", 9) + "calibration"]
            for t in tasks {
                let d = groupNames.count > 1 ? t.disparity : nil
                lines.append(pad(names[t.task.column], max(width, 6)) + pad(fixed(t.auc), 9) + pad(fixed(d?.parity), 9)
                             + pad(between(d?.worstParity), 18) + pad(fixed(d?.odds), 9)
                             + pad(between(d?.worstOdds), 18) + pad(fixed(d?.conditional?.value), 9)
                             + fixed(d?.calibrationSpread))
            }
        }
        if groupNames.count > 1 {
            let width = (groupNames.map(\.count).max() ?? 0) + 2
            lines += ["", pad("group", max(width, 7)) + pad("real", 9) + pad("holdout", 9) + pad("synthetic", 11)
                + pad("probe, synthetic", 18) + "probe, real"]
            for (i, name) in groupNames.enumerated() {
                let probe = probes.first { $0.group == i }
                lines.append(pad(name, max(width, 7)) + pad("\(groupCounts[0][i])", 9) + pad("\(groupCounts[1][i])", 9)
                             + pad("\(groupCounts[2][i])", 11) + pad(fixed(probe?.synthetic), 18) + fixed(probe?.real))
            }
        }
        if !notes.isEmpty { lines += [""] + notes.map { "note: " + $0 } }
        return lines.joined(separator: "\n")
    }
}

private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
}

private func between(_ d: WorstDifference?) -> String { d.map { fixed($0.low) + " to " + fixed($0.high) } ?? "-" }

/// Six significant digits.
private func short(_ x: Double) -> String {
    guard x.isFinite, x != 0 else { return x == 0 ? "0" : "-" }
    let unit = pow(10, (5 - log10(x.magnitude).rounded(.down)))
    let rounded = unit.isFinite && unit > 0 ? (x * unit).rounded() / unit : x
    return rounded.magnitude < 1e15 && rounded == rounded.rounded() ? "\(Int64(rounded))" : "\(rounded)"
}

/// Four decimals; a dash for what was not measured.
private func fixed(_ x: Double?) -> String {
    guard let x, x.isFinite, x.magnitude < 1e9 else { return "-" }
    let units = Int64((x.magnitude * 1e4).rounded()), behind = String(units % 10_000)
    return (x < 0 && units > 0 ? "-" : "") + "\(units / 10_000)." + String(repeating: "0", count: 4 - behind.count)
        + behind
}
