// The ledger as JSON, as hosts show it and model files carry it.
// Reading it back prices every release again and refuses a text whose figures do not follow from its releases.

import Basics

extension Ledger {
    /// `epsilon` is the promise, `spent` and `groups` what the releases so far cost by the accountant that is named:
    /// `exact` for constants of the plan and `gaussian` for Gaussian releases alone, whose cost at α* then stands
    /// beside it, else `renyi`, at α*.
    package var json: JSON { json(risk: nil) }

    /// `json` with the figures of risk of what was released so far.
    /// - Throws: what `risk` throws.
    package func jsonWithRisk() throws -> JSON { json(risk: try risk().json) }

    private func json(risk: JSON?) -> JSON {
        var members: [(String, JSON)] = [
            ("epsilon", .number(target)), ("delta", .number(delta)), ("order", .int(Int64(order))),
            ("accountant", .string(accountant.rawValue)), ("neighbouring", .string(neighbouring)),
        ]
        if budget.rowsPerPerson > 0 { members.append(("max_rows_per_person", .int(Int64(budget.rowsPerPerson)))) }
        if budget.selection > 0 { members.append(("selection_delta", .number(budget.selection))) }
        members += figures(epsilons)
        members.append(("assumptions", .array(assumptions.map { .string($0) })))
        if let domain { members.append(("domain", domain)) }
        if accountant != .renyi { members.append(("renyi", .object(JSONObject(figures(renyiEpsilons))))) }
        if let risk { members.append(("risk", risk)) }
        members.append(("releases", .array(releases.map(Self.json))))
        members.append(("notes", .array(notes.map { .string($0) })))
        return .object(JSONObject(members))
    }

    private static func json(_ r: Release) -> JSON {
        var members: [(String, JSON)] = [("name", .string(r.name)), ("count", .int(Int64(r.count)))]
        switch r.mechanism {
        case .zeroConcentrated(let rho): members.append(("rho", .number(rho)))
        case .selection(let delta): members.append(("selection_delta", .number(delta)))
        case .gaussian(let shares, let sensitivity):
            let each = shares.map { share in
                (share.group, JSON.object(JSONObject([("sampling_rate", .number(share.samplingRate)),
                                                      ("noise_multiplier", .number(share.noiseMultiplier))])))
            }
            members.append(("groups", .object(JSONObject(each))))
            if let sensitivity { members.append(("sensitivity", .number(sensitivity))) }
        }
        return .object(JSONObject(members))
    }

    private var domain: JSON? {
        guard let domainRelease, let e = epsilonOfDomain else { return nil }
        let steps = domainRelease.sensitivity.map { [("sensitivity", JSON.number($0))] } ?? []
        return .object(JSONObject([
            ("run", .string(domainRelease.run)), ("noise_multiplier", .number(domainRelease.noiseMultiplier))]
            + steps + [
            ("selection_delta", .number(domainRelease.selection)), ("epsilon", .number(e.alone)),
            ("epsilon_together", .number(e.together)),
        ]))
    }

    private func figures(_ epsilons: [Double]) -> [(String, JSON)] {
        [("spent", .number(epsilons.reduce(0, max))),
         ("groups", .object(JSONObject(zip(groups, epsilons).map { ($0, JSON.number($1)) })))]
    }

    /// What every report of an ε has to say beside it.
    package var notes: [String] {
        let k = budget.rowsPerPerson
        if k == 0 {
            return ["a row is not a person: somebody with k rows has the guarantee of k rows",
                    "changing a row is removing it and adding another: 2 epsilon is promised for that, "
                        + "and it guards the value of a protected column too"]
        }
        return ["the promise is for persons: every figure is for adding or removing a person with all of up to "
                    + "\(k) row\(k == 1 ? "" : "s"), and holds for one row all the more",
                "changing a person's rows is removing the person and adding another: 2 epsilon is promised for that"]
    }

    /// Reads what `json` wrote.
    /// - Throws: `.format` when a key is missing, unknown or out of range, or a figure is not what the releases cost.
    package init(json: JSON) throws {
        let r = try JSONReader(json, context: "ledger", code: .format)
        let accounting = Accounting(rawValue: try r.choice("accountant", of: Accounting.allCases.map(\.rawValue)))
        let rows = try r.optionalInt("max_rows_per_person", in: 1...Budget.maxRowsPerPerson) ?? 0
        _ = try r.choice("neighbouring", of: [Self.neighbouring(rows: rows)])
        _ = try r.optionalStrings("notes")
        let stated = try Self.members(r.value("groups"), "groups")
        let assumptions = try r.strings("assumptions")
        // Another machine's logarithm may differ in the last bits. Persons were once charged a little more than they
        // pay: such a figure is no false claim, and its file stays readable.
        func same(_ a: Double?, _ b: Double) -> Bool {
            a.map { abs($0 - b) <= 1e-9 * max(1, b) || (rows > 1 && $0 > b && $0 <= 2 * b) } ?? false
        }
        var ledger: Ledger
        do {
            guard let budget = try Budget(epsilon: r.double("epsilon"), delta: r.double("delta"),
                order: r.int("order", in: 2...1024),
                                          selection: r.optionalDouble("selection_delta") ?? 0,
                                              rowsPerPerson: rows,
                                              filter: accounting == .gaussian ? .gaussian : .renyi) else {
                throw Self.nothing
            }
            ledger = try Ledger(budget: budget, groups: stated.map(\.key), assumptions: assumptions)
            let list = try r.array("releases").enumerated().map { try Self.release($1, $0 + 1) }
            if accounting == .exact {
                try ledger.admit(by: ConstantReleases(list, groups: ledger.groups, rows: budget.multiplicity,
                    epsilon: budget.epsilon, delta: budget.delta))
            }
            for release in list {
                let entries = ledger.releases.count
                try ledger.charge(release)
                guard ledger.releases.count == entries + 1 else {
                    throw Failure(.format, "ledger: equal releases in a row must be one entry")
                }
            }
            if r.has("domain") {
                let d = try JSONReader(r.value("domain"), context: "ledger, domain", code: .format)
                ledger.domainRelease = try DomainRelease(run: d.string("run"),
                    noiseMultiplier: d.double("noise_multiplier", in: 1e-6...1e9),
                        sensitivity: d.optionalDouble("sensitivity", in: 1...0x1p40),
                        selection: d.double("selection_delta", in: 0...ledger.budget.selection))
                guard let e = ledger.epsilonOfDomain, try same(d.double("epsilon"), e.alone),
                    try same(d.double("epsilon_together"), e.together) else {
                    throw Self.figures
                }
                try d.finish()
            }
        } catch let f as Failure { throw Failure(.format, f.message) }
        func check(_ r: JSONReader, _ own: [Double], _ stated: [JSONObject.Member]) throws {
            guard try same(r.double("spent"), own.reduce(0, max)), stated.map(\.key) == ledger.groups,
                zip(stated, own).allSatisfy({ same($0.value.asDouble, $1) }) else {
                throw Self.figures
            }
        }
        try check(r, ledger.epsilons, stated)
        if accounting != .renyi {
            let beside = try JSONReader(r.value("renyi"), context: "ledger, renyi", code: .format)
            try check(beside, ledger.renyiEpsilons, Self.members(beside.value("groups"), "groups"))
            try beside.finish()
        }
        if r.has("risk") {
            guard let own = try? ledger.risk().json, try r.value("risk").isClose(to: own, within: 1e-9) else {
                throw Self.figures
            }
        }
        try r.finish()
        self = ledger
    }

    private static func release(_ item: JSON, _ place: Int) throws -> Release {
        let e = try JSONReader(item, context: "ledger, release \(place)", code: .format)
        let name = try e.string("name"), count = try Int(e.int64("count", in: 1...Int64(maxReleases)))
        let mechanism: Release.Mechanism
        if item["rho"] != nil {
            mechanism = try .zeroConcentrated(rho: e.double("rho"))
        } else if item["selection_delta"] != nil {
            guard count == 1 else { throw Failure(.format, "ledger: a probability is charged once") }
            mechanism = try .selection(delta: e.double("selection_delta"))
        } else {
            let shares = try members(e.value("groups"), "groups").map { member in
                let s = try JSONReader(member.value, context: "ledger, release \(place), group \(quoted(member.key))",
                    code: .format)
                let share = try Share(group: member.key, samplingRate: s.double("sampling_rate"),
                    noiseMultiplier: s.double("noise_multiplier"))
                try s.finish()
                return share
            }
            mechanism = try .gaussian(shares, sensitivity: e.has("sensitivity") ? e.double("sensitivity") : nil)
        }
        try e.finish()
        return Release(name: name, count: count, mechanism: mechanism)
    }

    private static let figures = Failure(.format, "ledger: its figures do not follow from its releases")

    private static func members(_ json: JSON, _ key: String) throws -> [JSONObject.Member] {
        guard case .object(let o) = json else { throw Failure(.format, "ledger, \(quoted(key)): must be an object") }
        return o.members
    }
}
