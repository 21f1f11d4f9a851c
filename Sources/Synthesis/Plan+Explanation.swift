// A plan for people: what each stage costs and what that buys. The figures are those of `explain`.

import Basics
import Privacy

extension Plan {
    /// Some lines of text, without an end of line at the end. Depends on no row.
    /// - Throws: what `explain` throws.
    package func explanation() throws -> String {
        let declared = if case .declared = settings.rows { true } else { false }
        var lines = [
            "preset      \(preset)",
            "promise     ε \(short(epsilon)) at δ \(short(delta)), \(settings.rowsPerPerson == 0 ? "one row" : "one person of up to \(settings.rowsPerPerson) rows") added or removed; Rényi divergences are added at order \(budget.order)",
            "rows        \(expectedRows), " + (declared ? "public by declaration" : "a guess: a wrong one costs noise, never privacy"),
            "memory      about \(try memory(rows: expectedRows) >> 20) MB at most, beside the table",
            "",
            "stage         share  ε alone  what it buys",
        ]
        if settings.testSeed != nil { lines.insert("NOT PRIVATE \(Ledger.notPrivate): no figure below is a promise", at: 0) }
        for b in try bills() {
            let paid = b.divergence > 0
            let share = paid ? short(100 * b.divergence / budget.ceiling, 3) + " %" : "free"
            let alone = paid ? short(epsilonAlone(b), 3) : ""
            lines.append(pad(b.stage.name, 12) + pad("", 7 - share.count) + share + pad("", 9 - alone.count) + alone + "  " + b.words)
        }
        let own = try groupLines(expectedCounts, "guessed shares, training uses noisy counts")
        if !own.isEmpty { lines += [""] + own }
        lines += ["",
                  "ε alone is what a stage would cost if nothing else were released, at order \(budget.order). These do not add up to ε \(short(epsilon)): the shares",
                  "add up to 100 %, and the sum is converted to ε once. What is free works on released values and reads no row.",
                  "", "assumptions"]
        return (lines + assumptions.map { "  " + $0 }).joined(separator: "\n")
    }

    /// ε of one stage with nothing beside it, at α* and the plan's δ.
    func epsilonAlone(_ b: Bill) -> Double { budget.epsilon(spent: b.divergence) }
}

extension Plan.Bill {
    /// What it buys, in a line.
    fileprivate var words: String {
        switch buys {
        case .histograms(let n, let deviation):
            return "\(n) histogram\(n == 1 ? "" : "s") and the row count; noise of one count: \(short(deviation, 3)) rows"
        case .pairs(let n, let rho, let deviation):
            return "\(n) pair\(n == 1 ? "" : "s") of columns chosen, rho \(short(rho, 3)), where they differ most from independence against a noise of \(short(deviation, 3)) rows"
        case .marginals(let n, let exact, let cells, let deviation):
            let room = cells.map { " of at most \($0) cells" } ?? ""
            return (exact ? "" : "up to ") + "\(n) marginal\(n == 1 ? "" : "s")\(room); noise of one cell: \(short(deviation, 3)) rows"
        case .steps(let b, let rows):
            func span(_ x: [Double]) -> String {
                let lo = short(x.min() ?? 0, 3), hi = short(x.max() ?? 0, 3)
                return lo == hi ? lo : lo + " to " + hi
            }
            return "\(steps) step\(steps == 1 ? "" : "s") on about \(rows) rows each; sampling rate \(span(b.rates)), noise multiplier \(span(b.multipliers))"
        case .nothing(let what): return what
        }
    }
}
