// A shared budget's account as JSON, which is what its file holds.
// Reading it back prices every release again and admits every run again.

import Basics

extension Account {
    package var json: JSON {
        .object(JSONObject([
            ("epsilon", .number(budget.epsilon)), ("delta", .number(budget.delta)),
                ("order", .int(Int64(budget.order))),
            ("selection_delta", .number(budget.selection)), ("max_rows_per_person", .int(Int64(budget.rowsPerPerson))),
        ] + (budget.filter == .renyi ? [] : [("filter", .string(budget.filter.rawValue))]) + [
            ("runs", .array(runs.map { run in
                .object(JSONObject([("id", .string(run.id)), ("token", .string(run.token)), ("name", .string(run.name)),
                    ("kind", .string(run.kind.rawValue)),
                                    ("open", .bool(run.isOpen)), ("ledger", run.ledger.json)]))
            })),
        ]))
    }

    /// - Throws: `.format` when a key is missing, unknown or out of range, or the runs do not fit the ceiling.
    package init(json: JSON) throws {
        do {
            let r = try JSONReader(json, context: "budget", code: .format)
            guard let budget = try Budget(epsilon: r.double("epsilon"), delta: r.double("delta"),
                order: r.int("order", in: 2...1024), selection: r.double("selection_delta"),
                                          rowsPerPerson: r.int("max_rows_per_person",
                                              in: 0...Budget.maxRowsPerPerson),
                                          filter: Budget.Filter(rawValue: r.optionalChoice("filter",
                                              of: Budget.Filter.allCases.map(\.rawValue)) ?? "renyi") ?? .renyi) else {
                throw Ledger.nothing
            }
            self.init(budget: budget)
            for item in try r.array("runs") {
                let e = try JSONReader(item, context: "budget, run", code: .format)
                try begin(Run(id: e.string("id"), token: e.string("token"), name: e.string("name"),
                    kind: Kind(rawValue: e.choice("kind", of: Kind.allCases.map(\.rawValue))) ?? .own,
                              isOpen: e.bool("open"), ledger: Ledger(json: e.value("ledger"))))
                try e.finish()
            }
            try r.finish()
        } catch let f as Failure where f.code != .noMemory { throw Failure(.format, f.message) }
    }

    /// For people and hosts: what was spent by which run. The divergences of runs add; their epsilons do not.
    package var report: JSON {
        func share(_ rdp: Double) -> JSON { .number(rdp / budget.ceiling) }
        return .object(JSONObject([
            ("epsilon", .number(budget.epsilon)), ("delta", .number(budget.delta)),
                ("order", .int(Int64(budget.order))), ("ceiling", .number(budget.ceiling)),
            ("filter", .string(budget.filter.rawValue)),
            ("selection_delta", .number(budget.selection)), ("max_rows_per_person", .int(Int64(budget.rowsPerPerson))),
            ("spent", .number(spent)), ("remaining", .number(remaining)), ("spent_share", share(committed)),
            ("remaining_share", share(max(0, budget.ceiling - committed))), ("selection_spent", .number(selection)),
            ("runs", .array(runs.map { run in
                .object(JSONObject([("run", .string(run.id)), ("name", .string(run.name)),
                    ("kind", .string(run.kind.rawValue)), ("open", .bool(run.isOpen)),
                                    ("epsilon", .number(run.ledger.releases.isEmpty ? 0 : run.ledger.epsilon)),
                                        ("share", share(run.ledger.maxSpent)),
                                    ("committed_share", share(run.committed)), ("ledger", run.ledger.json)]))
            })),
            ("notes", .array(Self.notes.map { .string($0) })),
        ]))
    }

    static let notes = [
        "all runs together are (epsilon, delta)-private; epsilons of single runs do not add up to it, shares do",
        "a run that is open counts with all it may spend; a run that was killed stays open until it is resumed or "
            + "settled",
        "the file has no secret: whoever can write it can put back an older copy and lose charges",
    ]
}
