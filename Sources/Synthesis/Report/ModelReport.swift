// The report of a model as one JSON object: what was promised and spent, what an attacker gains, how generated rows lie
// beside what was released, what the noise hides. A function of the model file alone, so it may be handed to anybody.

import Basics
import Compute
import Glibc
import Privacy
import Tables

package struct ModelReportOptions {
    /// Generated rows that the released counts are compared with.
    package var rows = 4096
    package var threads = 0
    package var title: String?

    package init() {}

    /// - Throws: `.argument` naming the key.
    package init(_ json: JSON) throws { try Self.table.read(json, context: "report", into: &self) }

    package static var table: OptionTable<ModelReportOptions> {
        OptionTable([
            .whole("rows", \.rows, 100...1_000_000, unit: "rows", help: "generated rows that are compared with the "
                + "released counts; more take longer and move less by chance"),
            .text("title", \.title, range: "a text", help: "what the page is called"),
            .whole("threads", \.threads, 0...1024, help: "worker threads; 0: as many as the process may use"),
        ])
    }
}

extension Model {
    /// - Throws: `.noMemory`; `.unsupported` where rows cannot be made to keep a rule.
    package func report(_ options: ModelReportOptions) throws -> JSON {
        let threads = options.threads > 0 ? options.threads : Workers.available
        let f = try ReportFigures(self, rows: options.rows, threads: threads)
        let ledger = self.ledger, text = JSON.string
        var members: [(String, JSON)] = [
            ("kind", text("report")), ("title", text(options.title ?? "What this model may tell")),
            ("private", .bool(ledger.isPrivate)), ("preset", text(plan.preset)), ("library", text(libraryVersion)),
            ("rows", .number(statistics.rows)), ("rows_noise", .number(f.estimator.rowCount.variance.squareRoot())),
            ("generated", .int(Int64(f.rows))), ("promise", promise), ("spending", spending), ("risk", riskJSON)]
        members.append(("columns", .array(f.columns.map(columnJSON))))
        members.append(("pairs", pairsJSON(f)))
        members.append(("groups", try groupsReport(f)))
        members.append(("too_noisy", .array(tooNoisy(f).map(text))))
        members.append(("rules", .array(plan.declared.rules.all.map { text($0.name) })))
        members.append(("limits", .array(limits(f).map(text))))
        members.append(("assumptions", .array(ledger.assumptions.map(text))))
        members.append(("warnings", .array(warnings.map(text))))
        return .members(members)
    }

    private var promise: JSON {
        .members([("epsilon", .number(ledger.headline)), ("delta", .number(ledger.delta)),
                  ("spent", .number(ledger.epsilon)), ("accountant", .string(ledger.accountant.rawValue)),
                  ("persons", .int(Int64(ledger.budget.rowsPerPerson)))])
    }

    /// Each release's part of the budget, for the group that pays most.
    private var spending: JSON {
        let g = ledger.groups.indices.max { ledger.spent(group: $0) < ledger.spent(group: $1) } ?? 0
        let total = ledger.capacity(group: g)
        return .array(ledger.releases.map { r in
            let d = r.divergence(group: g, order: ledger.order, rows: ledger.budget.multiplicity)
            return .members([("name", .string(r.name)), ("count", .int(Int64(r.count))),
                             ("share", .number(total > 0 ? min(1, d / total) : 0))])
        })
    }

    private var riskJSON: JSON {
        guard let risk = try? ledger.risk().whole else { return .null }
        return .members([
            ("advantage", .number(risk.advantage)),
            ("true_positive_rates", .array(zip(RiskFigures.falsePositiveRates, risk.truePositives).map {
                .members([("false_positive_rate", .number($0)), ("true_positive_rate", .number($1))])
            })),
            ("guessing", .array(zip(RiskFigures.guesses, risk.guessing).map {
                .members([("values", .int(Int64($0))), ("probability", .number($1))])
            }))])
    }

    private func columnJSON(_ c: ReportColumn) -> JSON {
        let field = plan.schema.fields[c.column]
        return .members([
            ("name", .string(c.name)), ("type", .string(field.type.rawValue)), ("distance", .number(c.distance)),
            ("noise_units", .number(c.units)),
            ("parts", .array(c.parts.map { p in
                .members([("label", p.label.map { .string($0) } ?? .null), ("released", .number(p.released)),
                          ("noise", .number(p.noise)), ("generated", .number(p.generated))])
            }))])
    }

    /// Released pairs by places of columns; all others were not paid for.
    private func pairsJSON(_ f: ReportFigures) -> JSON {
        let m = plan.schema.fields.count
        return .members([
            ("all", .int(Int64(m * (m - 1) / 2))),
            ("released", .array(f.pairs.map {
                .array([.int(Int64($0.a)), .int(Int64($0.b)), .number(rounded($0.units)), .number(rounded($0.distance)),
                        .number(rounded($0.hidden))])
            }))])
    }

    private func rounded(_ x: Double) -> Double { (x * 1e4).rounded() / 1e4 }

    private func groupsReport(_ f: ReportFigures) throws -> JSON {
        guard let grouping = plan.grouping else { return .null }
        let epsilons = ledger.epsilons, isOwn = plan.groups == plan.releasedGroups, z = f.estimator.limit
        // Counts of several released groups were added up where other columns were protected then.
        let sums = plan.releasedGrouping.flatMap {
            grouping.sums(of: [Double](repeating: 1, count: $0.count), by: $0)
        }
        let groups = plan.groups.indices.map { g -> JSON in
            let n = statistics.groupCounts[g]
            let noise = plan.countStandardDeviation * max(1, sums?[g] ?? 1).squareRoot()
            return .members([("name", .string(plan.groups[g])), ("rows", .number(n)),
                             ("low", .number(max(0, n - z * noise))),
                             ("high", .number(max(0, n + z * noise))),
                             ("epsilon", isOwn && g < epsilons.count ? .number(epsilons[g])
                                 : epsilons.max().map { .number($0) } ?? .null)])
        }
        func estimate(_ e: Estimate?) -> JSON {
            guard let e, e.value.isFinite else { return .null }
            return .members([("estimate", .number(e.value)), ("low", .number(e.low)), ("high", .number(e.high))])
        }
        let disparities = try grouping.axes.flatMap { try f.disparities(of: $0.column) }
        return .members([
            ("strength", .number(plan.strength)), ("groups", .array(groups)),
            ("disparities", .array(disparities.map {
                .members([("group", .string($0.group)), ("column", .string($0.column)), ("level", .string($0.level)),
                          ("before", estimate($0.before)), ("after", estimate($0.after))])
            }))])
    }

    /// What the noise hides, in words.
    private func tooNoisy(_ f: ReportFigures) -> [String] {
        var out: [String] = []
        for c in f.columns {
            let lost = c.parts.filter { $0.released < 2 * $0.noise }.map { $0.label ?? "missing" }
            if !lost.isEmpty {
                let shown = lost.prefix(5).map(quoted).joined(separator: ", "), more = lost.count - min(5, lost.count)
                out.append("column \(quoted(c.name)): \(shown)\(more > 0 ? " and \(more) more" : "") cannot be told "
                    + "from "
                    + "no row at all")
            }
        }
        let hidden = f.pairs.filter { $0.hidden > 0.5 }.sorted { ($1.hidden, $0.a, $0.b) < ($0.hidden, $1.a, $1.b) }
        for p in hidden.prefix(10) {
            out.append("the table of \(quoted(f.estimator.name(p.a))) and \(quoted(f.estimator.name(p.b))): "
                + "\(Int((100 * p.hidden).rounded())) % of its cells are within two standard errors of zero")
        }
        if hidden.count > 10 { out.append("and \(hidden.count - 10) more tables of which most cells are noise") }
        return out
    }

    private func limits(_ f: ReportFigures) -> [String] {
        var out = ["released counts are those of the rows with noise; generated rows are drawn from a model of them"]
        if marginals == nil {
            out.append("the preset \(quoted(plan.preset)) releases single columns only: nothing here says how "
                + "columns go "
                + "together")
        } else { out.append("what three or more columns do together was not counted, except in focus columns") }
        if plan.strength > 0 {
            out.append("groups are aligned: generated rows differ from released tables on purpose where these tell the "
                + "group")
        }
        if statistics.rows < 1000 { out.append("under about a thousand rows the noise drowns most of what there is") }
        return out
    }
}
