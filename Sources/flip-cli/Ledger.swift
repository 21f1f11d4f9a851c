// flip ledger: the bill of a model, for people or as JSON.

import Basics
import Privacy
import Synthesis

func ledger(_ words: [String]) throws {
    let a = try Arguments("ledger", words, named: [], switches: ["json"], places: ["MODEL"])
    let ledger = try Model.load(a.words[0]).ledger
    if a.has("json") { return say(ledger.json.pretty) }
    if !ledger.isPrivate { say("NOT PRIVATE \(Ledger.notPrivate): no figure below is a promise") }
    say("promise     ε \(short(ledger.target)) at δ \(short(ledger.delta)), one row added or removed")
    say("spent       ε \(short(ledger.epsilon)), Rényi divergences added at order \(ledger.order)")
    for group in ledger.groups { say("group       \(group): ε \(short(ledger.epsilon(group)))") }
    say("\nrelease        count  group       sampling rate  noise multiplier")
    for release in ledger.releases {
        if let rho = release.rho { say(pad(release.name, 14) + " " + pad("\(release.count)", 6) + " " + pad("every", 11) + " zCDP, rho " + short(rho)) }
        for share in release.groups {
            say(pad(release.name, 14) + " " + pad("\(release.count)", 6) + " " + pad(share.group, 11) + " "
                + pad(short(share.samplingRate), 14) + " " + short(share.noiseMultiplier))
        }
    }
    say("\nassumptions")
    for assumption in ledger.assumptions { say("  " + assumption) }
    say("\nwhat the promise is about")
    for note in Ledger.notes { say("  " + note) }
}
