// The ledger of a model for people who answer for the data: what was promised, what was spent where, what was assumed,
// what is not covered, and how others can check it. Every figure is in the ledger's JSON or follows from it.

import Basics
import Glibc
import Privacy

extension Model {
    /// Some dozens of lines of text, without an end of line at the end. Depends on the ledger and the plan alone.
    /// - Throws: `.budget` when the plan's groups cannot be priced: not for a model that was read.
    package func ledgerReport() throws -> String {
        let counts = statistics.groupRows
        var lines = [Ledger.Report(ledger: ledger, stages: try plan.recipe()).text]
        let groups = try plan.groupLines(counts, "noisy counts"), warnings = self.warnings
        if !groups.isEmpty { lines += ["", "Groups"] + groups.map { "  " + $0 } }
        if !warnings.isEmpty { lines += ["", "Warnings"] + warnings.map { "- " + $0 } }
        return lines.joined(separator: "\n")
    }
}

extension Ledger {
    /// A ledger as text; apart from `Model` so that tests can show any ledger.
    struct Report {
        let ledger: Ledger
        /// Of the preset that the ledger is about: they say what their releases are.
        let stages: [any Stage]

        var text: String {
            var lines: [String] = []
            func section(_ title: String, _ body: [String]) {
                if body.isEmpty { return }
                if !lines.isEmpty { lines.append("") }
                lines.append(title)
                lines += body.map { $0.isEmpty ? "" : "  " + $0 }
            }
            if !ledger.isPrivate {
                section("NOT PRIVATE",
                        ["The noise of this training was made from a test seed: whoever knows it can take the noise "
                            + "away again.",
                                        "None of the figures below protects anybody. Do not give this model away."])
            }
            section("What was promised", promise)
            section("What was spent", spent)
            section("What the schema cost", domain)
            section("Where it was spent", spending)
            section("What an attacker gains", risk)
            section("When a row is changed, or a person has several rows", distances)
            section("What was assumed", ledger.assumptions.isEmpty ? ["nothing"] : ledger.assumptions.map { "- " + $0 })
            section("What is not covered", Self.notCovered.map { "- " + $0 })
            section("How the figures come about", method)
            section("What this ledger is about", ledger.notes.map { "- " + $0 })
            return lines.joined(separator: "\n")
        }

        private var promise: [String] {
            let e = ledger.headline, own = ledger.domainRelease == nil
            return ["ε \(short(e)) at δ \(short(ledger.delta)), "
                + (own ? "fixed before any row was read, "
                : "of the training and of the schema that was estimated from the rows, ")
                + "for every \(unit) that was in the table or could have been.",
             "In words: whatever somebody concludes from this model, from rows it draws or from this ledger, the "
                 + "odds of that conclusion would have been",
             "at most \(short(exp(e), 3)) times (e^ε) higher or lower with any one "
                 + "\(persons > 0 ? "of them" : "row") added or removed, apart from a probability of about "
                 + "\(short(ledger.delta)) (δ).",
             "The promise covers everything that leaves the training, and any number of rows drawn from the model "
                 + "later."] + (own ? [] : ["The training alone was promised ε \(short(ledger.target))."])
        }

        /// Most rows of a person; 0: the promise is for rows.
        private var persons: Int { ledger.budget.rowsPerPerson }
        private var unit: String {
            persons > 0 ? "person with all of up to \(persons) row\(persons == 1 ? "" : "s")" : "row"
        }

        private var worst: Int { ledger.groups.indices.max { ledger.spent(group: $0) < ledger.spent(group: $1) } ?? 0 }

        private var spent: [String] {
            let width = max(5, ledger.groups.map(\.count).max() ?? 0)
            var out = [pad("group", width) + "   ε of its rows   part of the budget"]
            let epsilons = ledger.epsilons
            for (g, name) in ledger.groups.enumerated() {
                out.append(pad(name, width) + "   " + pad(short(epsilons[g], 4), 13) + "   "
                    + percent(ledger.spent(group: g) / ledger.capacity(group: g)))
            }
            out += ["", "ε of a group is what adding or removing one \(persons > 0 ? "person" : "row of that group") "
                + "can show; the largest, \(short(ledger.epsilon, 4)), is what was spent."]
            if ledger.groups.count > 1 {
                out += ["The figures follow from released counts, are exact given them, and stand for all declared "
                    + "groups, whether or not anybody is in them.",
                        "Promised in advance is ε \(short(ledger.target)) for every row. Telling a person the ε of "
                            + "their group tells their group."]
            }
            return out
        }

        /// Nothing where nothing was released, or what was released has no bound.
        private var risk: [String] {
            guard !ledger.releases.isEmpty, let risk = try? ledger.risk() else { return [] }
            let whole = risk.whole, who = persons > 0 ? "person" : "row"
            func chance(_ x: Double) -> String { short(100 * x, 3) + " %" }
            var out = ["Somebody who knows the whole table but one \(who), and computes whatever he likes from this "
                + "file, can at most",
                       "tell whether the \(who) is in the table with an advantage of \(chance(whole.advantage)): the "
                           + "rate of true alarms minus that of false ones;"]
            for (a, b) in zip(RiskFigures.falsePositiveRates, whole.truePositives) {
                out.append("  find \(chance(b)) of those who are in the table, if he accuses \(chance(a)) of those who "
                    + "are not;")
            }
            for (k, p) in zip(RiskFigures.guesses, whole.guessing) {
                out.append("  guess a value of a known \(who) that is one of \(k) equally likely ones with "
                    + "probability \(chance(p)), instead of \(chance(1 / Double(k)));")
            }
            out.append("and the guarantee has, at other δ, ε " + zip(RiskFigures.deltas, whole.epsilons).map {
                "\($1.isFinite ? short($1, 4) : "unbounded") at \(short($0))"
            }.joined(separator: ", ") + ".")
            if ledger.groups.count > 1 {
                out.append("These are the largest figures of all groups; the ledger's JSON has each group's.")
            }
            return out
        }

        /// Nothing where the schema was declared.
        private var domain: [String] {
            guard let domainRelease = ledger.domainRelease, let e = ledger.epsilonOfDomain else { return [] }
            return ["Bounds and levels that nobody declared were bought from the rows, in run \(domainRelease.run) "
                + "of the "
                + "shared budget: ε \(short(e.alone, 4)) alone,",
                    "noise \(short(domainRelease.noiseMultiplier, 3)) times as large as what one "
                        + "\(persons > 0 ? "person's row" : "row") can add"
                        + (domainRelease.selection > 0
                        ? ", and a probability of \(short(domainRelease.selection, 3)), part of "
                        + "δ, that a level shows which one \(persons > 0 ? "person" : "row") alone holds." : "."),
                    "This file holds both, so whoever has it has the ε of both together: \(short(e.together, 4)) at "
                        + "δ \(short(ledger.delta)). The figures elsewhere on this page are those of the training "
                        + "alone."]
        }

        private var spending: [String] {
            let g = worst, total = ledger.capacity(group: g)
            guard !ledger.releases.isEmpty else { return ["Nothing was released yet, so nothing was spent."] }
            var out: [String] = [], used = 0.0
            for r in ledger.releases {
                let d = r.divergence(group: g, order: ledger.order, rows: ledger.budget.multiplicity)
                used += d
                out.append("\(pad(percent(d / total), 7)) \(r.name)   (ε "
                    + "\(short(alone(r, d), 3)) if it "
                    + "stood alone)")
                out.append("        " + words(r.name))
                out += mechanism(r).map { "        " + $0 }
            }
            out.append("\(pad(percent(max(0, 1 - used / total)), 7)) not spent")
            if ledger.groups.count > 1 {
                out.append("Parts are those of the group with the largest ε, \(ledger.groups[g]).")
            }
            out += ["Parts add up to 100 %. The ε of single lines do not add up: costs are added first and turned "
                + "into one ε at the end.",
                    "Everything else worked on released values and read no row: calibration, and drawing any number "
                        + "of rows, cost nothing."]
            return out
        }

        /// ε of one release with nothing beside it; d is its divergence at α*.
        private func alone(_ r: Ledger.Release, _ d: Double) -> Double {
            let renyi = RenyiAccountant.epsilon(rdp: d, order: ledger.order, delta: ledger.delta)
            guard ledger.accountant != .renyi else { return renyi }
            return (try? ConstantReleases.epsilon([r], groups: ledger.groups, rows: ledger.budget.multiplicity,
                delta: ledger.delta)) ?? renyi
        }

        private func mechanism(_ r: Ledger.Release) -> [String] {
            if let selection = r.selection {
                return ["apart from a probability of \(short(selection, 3)), which is part of δ, what one "
                    + "\(persons > 0 ? "person" : "row") alone holds stays below the threshold and leaves no trace"]
            }
            if let rho = r.rho {
                return ["\(times(r.count)), rho \(short(rho, 3)) each (zero-concentrated privacy), the same for "
                    + "every row"]
            }
            guard let first = r.groups.first else { return [] }
            func rate(_ q: Double) -> String {
                q >= 1 ? "every row takes part" : "a row takes part with probability \(short(q, 3))"
            }
            func noise(_ s: Double) -> String { "noise \(short(s, 3)) times as large as what one row can add" }
            let sameRate = r.groups.allSatisfy { $0.samplingRate == first.samplingRate },
                sameNoise = r.groups.allSatisfy { $0.noiseMultiplier == first.noiseMultiplier }
            if sameRate, sameNoise {
                return ["\(times(r.count)): \(rate(first.samplingRate)); \(noise(first.noiseMultiplier))"]
            }
            let common = sameNoise ? "; " + noise(first.noiseMultiplier) : sameRate ? "; " + rate(first.samplingRate)
                : ""
            return ["\(times(r.count))\(common); for each group:"] + r.groups.map { g in
                let own = (sameRate ? [] : [rate(g.samplingRate)]) + (sameNoise ? [] : [noise(g.noiseMultiplier)])
                return "  \(g.group): \(own.joined(separator: "; "))"
            }
        }

        private func times(_ n: Int) -> String { n == 1 ? "once" : "\(n) times" }
        private func percent(_ x: Double) -> String { x < 5e-5 ? "0 %" : short(100 * x, x < 0.1 ? 2 : 3) + " %" }

        private var distances: [String] {
            // No change costs more than one inside the group that pays most.
            let change = ledger.changingOneRow(from: ledger.groups[worst], to: ledger.groups[worst])
            guard persons == 0 else {
                return ["The promise is for persons already: the figures above are for all rows of one of them "
                    + "together.",
                        "Changing a person's rows, protected values included, is removing the person and adding "
                            + "another: ε \(short(2 * ledger.target)) is promised for that.",
                        "Which rows are one person's is what the column of persons says. Rows beyond \(persons) for "
                            + "one person were left out by a rule that looks at that person alone."]
            }
            var out = ["Changing a row, its protected value included, is removing it and adding another: ε "
                + "\(short(2 * ledger.target)) is promised for that; spent: at most \(short(change.epsilon, 4)),",
                       "at δ \(short(change.delta, 3)). The value of a protected column of a person known "
                           + "to be in the table is guarded by this figure.",
                       "A row is not a person. Somebody with k rows has, for all of them together, at most"]
            for k in [2, 3, 5, 10] {
                let (e, d) = Self.severalRows(k, epsilon: ledger.target, delta: ledger.delta)
                out.append("  \(pad("\(k) rows", 9)) ε \(pad(short(e, 4), 7)) "
                    + (d < 1 ? "δ \(short(d, 2))" : "and a δ of 1: nothing is promised"))
            }
            return out
        }

        /// (kε, δ (e^{kε} − 1)/(e^ε − 1)): k neighbours one after the other (Dwork and Roth 2014, Theorem 2.2 and its
        /// proof for δ > 0; Vadhan 2017, Lemma 2.2).
        static func severalRows(_ k: Int, epsilon: Double, delta: Double) -> (epsilon: Double, delta: Double) {
            (Double(k) * epsilon, min(1, delta * expm1(Double(k) * epsilon) / expm1(epsilon)))
        }

        private var method: [String] {
            ["Neighbours: two tables of which one is the other with one \(unit) added or removed.",
             accounting,
             "Noise: " + (ledger.isPrivate ? "from a cryptographic generator keyed by the operating system; the key "
                 + "was never stored." : "from a test seed. NOT PRIVATE."),
             "Every release was written into this ledger before its noise was drawn, and none was ever taken out "
                 + "again.",
             "Check it without us: python examples/python/recompute_epsilon.py MODEL reads the file with h5py and "
                 + "dp_accounting and prints the same ε for every group."]
        }

        private var accounting: String {
            switch ledger.accountant {
            case .renyi:
                "Accountant: Rényi divergences of all releases, added at the one order α = \(ledger.order) that was "
                    + "fixed before any row was read, then turned into ε."
            case .gaussian:
                "Accountant: exact composition of Gaussian releases of all rows, under a shared budget that adds them "
                    + "exactly whatever they were computed from. By Rényi divergences at order \(ledger.order) alone, "
                    + "which is looser, the same releases have ε "
                    + "\(short(ledger.renyiEpsilons.reduce(0, max), 4))."
            case .exact:
                "Accountant: exact composition. All rates and noise were fixed before any row was read, so the "
                    + "distributions of the privacy loss of all releases are composed as they are. By Rényi "
                    + "divergences at order \(ledger.order) alone, which is looser, the same releases have ε "
                    + "\(short(ledger.renyiEpsilons.reduce(0, max), 4))."
            }
        }

        /// What a release is, for people.
        private func words(_ release: String) -> String {
            stages.first { $0.id.name == release }?.ledgerWords ?? "a noisy release of this name"
        }

        static let notCovered = [
            "other trainings on the same rows: their ledgers add to this one",
            "how long the training took, and what its memory, caches or power use may have shown",
            "whoever could read the table itself, the running process, its swap or its core files",
            "messages of the loader about unreadable cells, which went to the person who handed the file over",
            "figures that compare the model with the real rows (`flip evaluate`), and choices made by them",
            "attacks on the last digits of floating-point sums beyond the noise's headroom and grid (docs/PRIVACY.md)",
            "what is true of the population and would be learnt without any one of these rows",
        ]
    }
}
