// flip ledger: what a model was promised and what it cost, for people or as JSON.

import Basics
import Privacy
import Synthesis

func ledger(_ words: [String]) throws {
    let a = try Arguments("ledger", words, named: [], switches: ["json"], places: ["MODEL"])
    let model = try Model.load(a.words[0])
    say(try a.has("json") ? model.ledger.hostJSON().versioned.pretty : model.ledgerReport())
}
