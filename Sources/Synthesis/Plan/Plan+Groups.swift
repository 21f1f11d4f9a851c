// What a plan says of its groups: rates, norms, noise, influence and ε of each, at guessed counts before a training and
// at noisy ones after it; and warnings. Guessed and released values only, so that what is said depends on no row in any
// other way.

import Basics
import Privacy

extension Plan {
    /// For every group, in words: nobody seems to be in it, its rate is at the cap, it has fewer rows than its share of
    /// a batch asks for, it is pooled.
    package func warnings(_ counts: GroupCounts) -> [String] {
        guard isBalanced else { return [] }
        let pools = pools(counts), stages = sampledStages
        return groups.indices.flatMap { g -> [String] in
            var out: [String] = []
            let size = counts.groups[g], shown = "\(Int(max(size, 0).rounded())) rows by the noisy count"
            if pools.of.filter({ $0 == pools.of[g] }).count > 1 {
                out.append("group \(quoted(groups[g])): \(shown); sampled together with other small groups")
            }
            for stage in stages {
                let share = Double(stage.batch) / Double(pools.counts.count), pool = pools.counts[pools.of[g]]
                if pool < share {
                    out.append("group \(quoted(groups[g])): \(shown), fewer than its share of a batch in "
                        + "\(stage.stage.name)")
                }
                else if share / pool >= cap(batch: stage.batch, counts) {
                    out.append("group \(quoted(groups[g])): \(shown); its sampling rate in \(stage.stage.name) is at "
                        + "the cap")
                }
            }
            return out
        }
    }

    /// Rates, norms, noise and influence of every group in one stage.
    func groupsJSON(_ b: Batches) -> JSON {
        .members(groups.indices.map { g in
            (groups[g], .members([("sampling_rate", .number(b.rates[g])),
                                  ("noise_multiplier", .number(b.multipliers[g])), ("clip", .number(b.clips[g])),
                                  ("rows_expected", .number(b.expected[g])), ("influence", .number(b.influence[g])),
                                      ("weight", .number(b.weights[g]))]))
        })
    }

    /// ε of every group when everything is done, by the plan's accountant.
    func epsilons(_ batches: [Batches]) -> [Double] {
        if let constants { return releasedGroups.map { _ in constants.epsilon } }
        return totals(batches).map(budget.epsilon(spent:))
    }

    /// `epsilons` by the groups' names.
    func groupEpsilons(_ batches: [Batches]) -> JSON {
        .members(zip(releasedGroups, epsilons(batches)).map { ($0, .number($1)) })
    }

    /// A table for people: one line for each group and sampled stage; none for a plan with one group. - what: of which
    /// counts.
    package func groupLines(_ counts: GroupCounts, _ what: String) throws -> [String] {
        guard grouping != nil else { return [] }
        let batches = try batches(counts), epsilons = epsilons(batches),
            width = min(40, max(6, groups.map(\.count).max() ?? 6)) + 2
        guard !batches.isEmpty else { return [] }        // no stage samples by group: nothing to tell of each
        let how = isBalanced ? "balanced sampling, \(settings.fairness.calibration) noise"
            : "the same sampling rate for every row"
        var lines = ["groups of \(protected.joined(separator: ", ")): \(how); \(what)",
                     pad("group", width) + pad("rows", 9) + pad("stage", 13) + pad("rate", 10) + pad("noise", 8)
                         + pad("clip", 8) + pad("influence", 11) + "ε of the group"]
        for g in groups.indices {
            for b in batches {
                lines.append(pad(groups[g], width) + pad("\(Int(max(counts.groups[g], 0).rounded()))", 9)
                    + pad(b.stage.name, 13) + pad(short(b.rates[g], 3), 10)
                    + pad(short(b.multipliers[g], 3), 8) + pad(short(b.clips[g], 3), 8)
                    + pad(short(b.influence[g], 3), 11)
                    + short(epsilons[g], 4))
            }
        }
        lines.append("influence: the most a group can pull on the sum of a batch, its expected rows times its "
            + "clipping norm")
        return lines
    }
}
