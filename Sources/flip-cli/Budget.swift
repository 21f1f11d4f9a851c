// flip budget: a file of charges that several trainings share, made, shown, or rid of a run that was killed.

import Basics
import Budgets
import Privacy
import Synthesis

func budget(_ words: [String]) throws {
    let a = try Arguments("budget", words, named: ["epsilon", "delta", "order", "selection-delta",
                                                   "max-rows-per-person", "filter", "settle"],
                          switches: ["create", "json"],
                          places: ["FILE"])
    let path = a.words[0], shared: SharedBudget
    if a.has("create") {
        let selection = try a.text("selection-delta") == nil ? 0 : a.number("selection-delta")
        guard let filter = try Budget.Filter(rawValue: a.text("filter") ?? "renyi") else {
            throw Usage("flip budget: --filter must be renyi or gaussian")
        }
        shared = try .create(path, SharedBudget.terms(epsilon: a.number("epsilon"), delta: a.number("delta"),
                                                      order: a.whole("order", atLeast: 2), selection: selection,
                                                      rowsPerPerson: a.whole("max-rows-per-person", atLeast: 1) ?? 0,
                                                      filter: filter))
    } else {
        for name in ["epsilon", "delta", "order", "selection-delta", "max-rows-per-person", "filter"]
            where try a.text(name) != nil {
            throw Usage("flip budget: --\(name) is fixed when the file is made: --create")
        }
        shared = try .open(path)
    }
    if let run = try a.text("settle") { try shared.settle(run: run) }
    let account = try shared.account()
    if a.has("json") { return say(account.report.versioned.pretty) }
    let terms = account.budget, k = terms.rowsPerPerson
    say("budget      ε \(short(terms.epsilon)) at δ \(short(terms.delta)), "
        + (k == 0 ? "one row" : "one person of up to \(k) rows") + " added or removed; "
        + (terms.filter == .gaussian ? "exact sums of Gaussian releases" : "order \(terms.order)"))
    say("spent       ε \(short(account.spent)); \(percent(account.committed / terms.ceiling)) spent or set aside")
    say("remaining   \(percent(max(0, 1 - account.committed / terms.ceiling))): one further training may have ε "
        + "\(short(account.remaining))")
    if terms.selection > 0 {
        say("selection   δ \(short(account.selection)) of \(short(terms.selection)) for thresholded histograms")
    }
    if !account.runs.isEmpty { say("\nrun                               kind      share    alone       name") }
    for run in account.runs {
        say(pad(run.id, 34) + pad(run.kind.rawValue, 10) + pad(percent(run.committed / terms.ceiling), 9)
            + pad("ε " + short(run.ledger.releases.isEmpty ? 0 : run.ledger.epsilon, 3), 12)
            + run.name + (run.isOpen ? "  (open: all it may spend is set aside)" : ""))
    }
    say("\nShares add up, epsilons do not. `flip budget FILE --json` shows every release of every run.")
}

private func percent(_ share: Double) -> String { short(100 * share, 3) + " %" }
