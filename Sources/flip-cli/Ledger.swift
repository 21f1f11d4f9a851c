// flip ledger: the bill of a model, for people or as JSON.

import Basics
import Privacy
import Synthesis

func ledger(_ words: [String]) throws {
    let a = try Arguments("ledger", words, named: [], switches: ["json"], places: ["MODEL"])
    let model = try Model.load(a.words[0]), ledger = model.ledger
    if a.has("json") { return say(ledger.json.pretty) }
    say("promise     ε \(short(ledger.target)) at δ \(short(ledger.delta)), one row added or removed")
    say("spent       ε \(short(ledger.epsilon)), Rényi divergences added at order \(ledger.order)")
    for group in ledger.groups { say("group       \(group): ε \(short(ledger.epsilon(group)))") }
    let table = try model.plan.groupLines(model.statistics.groupRows, "noisy counts")
    if !table.isEmpty { say("\n" + table.joined(separator: "\n")) }
    for warning in model.plan.warnings(model.statistics.groupRows) { say("warning     " + warning) }
    let width = max(11, ledger.groups.map(\.count).max() ?? 0)
    say("\nrelease        count  " + pad("group", width) + " sampling rate  noise multiplier")
    for release in ledger.releases {
        if let rho = release.rho { say(pad(release.name, 14) + " " + pad("\(release.count)", 6) + " " + pad("every", width) + " zCDP, rho " + short(rho)) }
        for share in release.groups {
            say(pad(release.name, 14) + " " + pad("\(release.count)", 6) + " " + pad(share.group, width) + " "
                + pad(short(share.samplingRate), 14) + " " + short(share.noiseMultiplier))
        }
    }
    say("\nassumptions")
    for assumption in ledger.assumptions { say("  " + assumption) }
    say("\nwhat the promise is about")
    for note in Ledger.notes { say("  " + note) }
}
