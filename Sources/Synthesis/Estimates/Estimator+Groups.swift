// Means, shares and quantiles: of all rows, of each group, and one group beside another.

import Basics
import Glibc
import Tables

/// Rows of one group in the parts of a column.
struct GroupRows {
    /// Nil: missing, where `isWhole` is false.
    let label: String?
    let isWhole: Bool
    let counts: NoisyCounts
    let rows: Double
}

extension Estimator {
    func perGroup() throws -> JSON {
        let j = try named(options.column, "column")
        let groups: [GroupRows], column: ColumnCounts
        if let by = options.by {
            let g = try named(by, "by")
            let isAxis = plan.releasedGrouping?.axes.contains { $0.column == g } ?? false
            guard !plan.grids[g].numerical || isAxis else {
                throw Failure(.argument, "estimate, \"by\": column \(quoted(by)) has no levels")
            }
            let table = try pair(j, g)
            column = try counts(j)
            let own = try counts(g, without: j), labels = try names(own)
            groups = (0..<own.parts).map { k in
                let y = (0..<column.parts).map { table.counts[$0 * own.parts + k] }
                var unit = [Double](repeating: 0, count: own.parts)
                unit[k] = 1
                let counts = NoisyCounts(y, variances: y.map { _ in table.variance },
                                         total: (own.counts.counts[k], own.counts.noise(unit)))
                return GroupRows(label: labels[k], isWhole: false, counts: counts, rows: counts.counts.reduce(0, +))
            }
        } else {
            column = try counts(j)
            groups = [GroupRows(label: nil, isWhole: true, counts: column.counts,
                                rows: column.counts.counts.reduce(0, +))]
        }
        var items: [JSON] = [], found: [(level: String?, estimates: [Estimate])] = [], extra: [String] = []
        switch options.kind {
        case .share:
            let shares = try shares(column, groups)
            found = shares.found
            extra = shares.notes
        case .quantile:
            try requireOrder(j, "quantile")
            found = [(nil, groups.map { quantile(column, $0) })]
        default:
            try requireOrder(j, "mean")
            found = [(nil, groups.map { mean(column, $0) })]
        }
        let isShare = options.kind == .share, isMoment = !isShare && momentUnit(j) != nil
        for (level, estimates) in found {
            for (group, e) in zip(groups, estimates) {
                items.append(json(e, (isShare ? [("level", text(level))] : [])
                    + (group.isWhole ? [] : [("group", text(group.label))]), dates: isMoment ? j : nil))
            }
        }
        var members = head() + [("column", .string(name(j)))]
        if let by = options.by { members.append(("by", .string(by))) }
        if options.kind == .quantile { members.append(("quantile", .number(options.quantile))) }
        if isMoment, let unit = momentUnit(j) { members.append(("unit", .string(unit))) }
        members.append(("estimates", .array(items)))
        if isMoment, options.contrast == .ratio {
            throw Failure(.argument, "estimate, \"contrast\": \(quoted(name(j))) has the type "
                + "\(plan.schema.fields[j].type.rawValue), and dates have differences, no ratios")
        }
        if options.contrast != .none { members.append(("contrasts", try contrasts(found, groups, isShare: isShare))) }
        return .members(members + [notes(extra)])
    }

    private func contrasts(_ found: [(level: String?, estimates: [Estimate])], _ groups: [GroupRows],
                           isShare: Bool) throws -> JSON {
        guard options.by != nil else { throw Failure(.argument, "estimate, \"contrast\": needs \"by\"") }
        let base: Int
        if let wanted = options.reference {
            guard let k = groups.firstIndex(where: { $0.label == wanted }) else {
                throw Failure(.argument, "estimate, \"reference\": there is no group \(quoted(wanted))")
            }
            base = k
        } else { base = groups.indices.max { groups[$0].rows < groups[$1].rows } ?? 0 }
        var out: [JSON] = []
        for (level, estimates) in found {
            for k in groups.indices where k != base {
                let e = options.contrast == .ratio ? estimates[k].over(estimates[base])
                    : estimates[k].minus(estimates[base], limit: limit)
                out.append(json(e, (isShare ? [("level", text(level))] : [])
                    + [("kind", .string(options.contrast.rawValue)), ("group", text(groups[k].label)),
                       ("reference", text(groups[base].label))]))
            }
        }
        return .array(out)
    }

    // MARK: means

    func range(_ column: ColumnCounts) -> ClosedRange<Double> {
        var low = Double.infinity, high = -Double.infinity
        for v in column.value where !v.isNaN { (low, high) = (min(low, v), max(high, v)) }
        return low <= high ? low...high : 0...0
    }

    func mean(_ column: ColumnCounts, _ group: GroupRows) -> Estimate {
        let plain = column.mean, present = column.isPresent.map { $0 ? 1.0 : 0 }
        let weights = group.isWhole ? plain : column.sloped(plain)
        let d = group.counts.sum(present), n = group.counts.sum(weights)
        let middle = d > 0 ? n / d : 0
        // Variance of a row, and what the noise of the parts' means adds. A part of several values that has none beside
        // it does not show where in it a group's rows lie: half of its spread counts as unknown.
        let alone = group.isWhole || column.ordered.count > 1 ? Set<Int>() : Set(column.ordered)
        var square = 0.0, extra = 0.0, shared: [Double] = []
        for p in 0..<column.parts where column.isPresent[p] {
            let share = d > 0 ? group.counts.counts[p] / d : 0, off = plain[p] - middle
            square += max(0, share) * (column.variance[p] + off * off)
            shared.append(share * column.meanNoise[p])
            let unknown = column.meanNoise[p] * column.meanNoise[p] + (alone.contains(p) ? column.variance[p] / 4 : 0)
            extra += share * share * unknown
        }
        // Where in its bin a group's rows lie is taken from the bins beside it: half of that shift counts as unknown.
        let shift = d > 0 ? (n - group.counts.sum(plain)) / d : 0
        let sums = RatioSums(numerator: n, denominator: d,
                             noise: (group.counts.noise(weights), group.counts.noise(weights, present),
                                     group.counts.noise(present)),
                             sampling: .mean(variance: square), extra: extra + shift * shift / 4)
        var e = sums.estimate(limit: limit, range: range(column))
        e.shared = shared
        return e
    }

    // MARK: shares

    private func shares(_ column: ColumnCounts, _ groups: [GroupRows]) throws
        -> (found: [(level: String?, estimates: [Estimate])], notes: [String]) {
        let labels = try names(column), all = [Double](repeating: 1, count: column.parts)
        let present = column.isPresent.map { $0 ? 1.0 : 0 }
        func share(_ part: Int, _ group: GroupRows) -> Estimate {
            // Of the rows that have a value; that one is missing, of all rows.
            let among = column.isPresent[part] ? present : all
            var unit = [Double](repeating: 0, count: column.parts)
            unit[part] = 1
            let c = group.counts
            return RatioSums(numerator: c.counts[part], denominator: c.sum(among),
                             noise: (c.noise(unit), c.noise(unit, among), c.noise(among)), sampling: .share)
                .estimate(limit: limit, range: 0...1)
        }
        var wanted = Array(0..<column.parts), notes: [String] = []
        if let level = options.level {
            if let p = labels.firstIndex(of: level) { wanted = [p] } else {
                let cells = 0..<column.grid.count
                guard let c = cells.first(where: { self.labels(column.column, cells: [$0]) == [level] }) else {
                    throw Failure(.argument, "estimate, \"level\": column \(quoted(name(column.column))) has no such "
                        + "level")
                }
                guard groups.count == 1, groups[0].isWhole, let h = model.histograms(of: column.column).last,
                      h.counts.count == column.grid.count else {
                    throw Failure(.unsupported, "estimate: level \(quoted(level)) is so rare that it was counted "
                        + "together with others: "
                        + "\(column.partOfCell[c] >= 0 ? labels[column.partOfCell[c]] ?? "" : "")")
                }
                // A level that shares a part has its count in the histogram alone.
                let d = column.counts.sum(present), v = plan.countStandardDeviation
                return ([(level, [RatioSums(numerator: h.counts[c], denominator: d,
                                            noise: (v * v, 0, column.counts.noise(present)), sampling: .share)
                    .estimate(limit: limit, range: 0...1)])], [])
            }
        }
        for p in wanted {
            let cells = column.partOfCell.filter { $0 == p }.count
            if cells > 1, !column.grid.numerical, let label = labels[p] {
                notes.append("rare levels were counted as one: \(label)")
            }
        }
        return (wanted.map { p in (labels[p], groups.map { share(p, $0) }) }, notes)
    }

    // MARK: quantiles

    /// The least value up to which at least the share q of the rows lies, with every value that a test of that does not
    /// refuse (Woodruff 1952).
    func quantile(_ column: ColumnCounts, _ group: GroupRows) -> Estimate {
        let q = options.quantile, parts = column.parts, limits = range(column)
        let present = column.isPresent.map { $0 ? 1.0 : 0 }, d = group.counts.sum(present)
        var out = Estimate(value: .nan, low: limits.lowerBound, high: limits.upperBound, sampling: .infinity,
                           noise: .infinity, range: limits)
        guard d > 0, d * d > limit * limit * group.counts.noise(present) else { return out }
        let cells = column.partOfCell.indices.filter { column.partOfCell[$0] >= 0 && !column.value[$0].isNaN }
            .sorted { column.value[$0] < column.value[$1] }
        // Share of each part below the value; the weights of the test are those less q.
        var below = [Double](repeating: 0, count: parts), weights = present.map { -q * $0 }
        let units = column.coarseNodes, noise = plan.countStandardDeviation, bend = column.bend(group)
        let ladder = column.grid.divisors.count > 1 ? Double(column.grid.divisors[0]) / 6 : 0
        var low: Double?, middle: Double?, high = limits.upperBound, isOpen = true, atMiddle = (0.0, 0.0)
        for c in cells {
            let p = column.partOfCell[c]
            if isOpen { high = column.value[c] + column.halfWidth[c] }
            below[p] = min(1, below[p] + column.shareInPart[c])
            weights[p] = below[p] - q
            let rows = max(group.counts.counts[p], 0), t = below[p] * (1 - below[p])
            let own = max(column.counts.counts[p], 1), scale = rows / own
            // A cut inside a part stands on the histogram's coarse nodes, and inside one of these on its children.
            let coarse = min(noise * noise * units[p] * t, own * own / 12)
            let child = own / max(units[p], 1), fine = min(noise * noise * ladder, child * child / 48)
            let shape = scale * scale * (coarse + (t > 0 ? fine : 0)) + rows * rows * t * t * bend[p] * bend[p]
            let variance = group.counts.noise(weights) + shape, sample = d * q * (1 - q)
            let test = group.counts.sum(weights), reach = limit * (variance + sample).squareRoot()
            if low == nil, test + reach >= 0 { low = column.value[c] - column.halfWidth[c] }
            if middle == nil, test >= 0 { middle = column.value[c]; atMiddle = (sample, variance) }
            isOpen = test - reach < 0
        }
        out.value = middle ?? limits.upperBound
        out.low = min(low ?? limits.lowerBound, out.value)
        out.high = max(high, out.value)
        // Half the interval in standard errors, divided as the test's variance is.
        let error = (out.high - out.low) / (2 * limit), whole = max(atMiddle.0 + atMiddle.1, 1e-300)
        out.sampling = error * (atMiddle.0 / whole).squareRoot()
        out.noise = error * (atMiddle.1 / whole).squareRoot()
        return out
    }
}

extension ColumnCounts {
    /// Numerical parts of several values, in the order of their means.
    var ordered: [Int] {
        (0..<parts).filter { isPresent[$0] && variance[$0] > 0 }.sorted { mean[$0] < mean[$1] }
    }

    /// Means of the parts as weights of a group's counts: to the mean of a part comes what its variance moves when the
    /// group's share of rows grows from the part before it to the part after it, Σ p s² dr/dv with r the group's share
    /// over the whole's. That is linear in the group's counts: the first term of a series in the width of a part.
    func sloped(_ means: [Double]) -> [Double] {
        var out = means
        let order = ordered, p = partShares
        for (k, b) in order.enumerated() {
            let low = order[max(k - 1, 0)], high = order[min(k + 1, order.count - 1)], span = means[high] - means[low]
            guard low != high, span > 0 else { continue }
            out[high] += variance[b] * p[b] / p[high] / span
            out[low] -= variance[b] * p[b] / p[low] / span
        }
        return out
    }

    /// For each part how much a group's density may change over it, relative: half the change over its neighbours.
    func bend(_ group: GroupRows) -> [Double] {
        var out = [Double](repeating: 0, count: parts)
        guard !group.isWhole else { return out }
        let order = ordered, p = partShares, d = max(group.rows, 1)
        let r = (0..<parts).map { max(group.counts.counts[$0] / d, 1e-3 * p[$0]) / p[$0] }
        for (k, b) in order.enumerated() {
            let low = order[max(k - 1, 0)], high = order[min(k + 1, order.count - 1)]
            out[b] = min(1, abs(r[high] - r[low]) / r[b] / 4)
        }
        return out
    }

    /// For each part how many nodes of the coarsest histogram it spans.
    var coarseNodes: [Double] {
        var cells = [Double](repeating: 0, count: parts)
        for p in partOfCell where p >= 0 { cells[p] += 1 }
        return cells.map { $0 / Double(grid.divisors[0]) }
    }
}
