// Rules that cannot all be kept are refused when the schema is read: bounds that leave no value, and levels that no row
// could have.

import Basics

extension Rules {
    private func failure(_ rules: [Int], _ fields: [Field], _ what: String) -> Failure {
        let names = rules.map { all[$0].title(fields) }.joined(separator: " and ")
        return Failure(.schema, "schema: \(names): \(what)")
    }

    /// A column is computed in one way, and not from itself.
    func checkComputed(_ fields: [Field]) throws {
        var by: [Int: Int] = [:]
        for (k, rule) in all.enumerated() where rule.condition.isEmpty {
            guard case .derived(let target, _) = rule.body else { continue }
            if let other = by.updateValue(k, forKey: target) {
                throw failure([other, k], fields, "both compute \(quoted(fields[target].name))")
            }
        }
        for start in by.keys.sorted() {
            var open = [start], seen = Set<Int>(), path: [Int] = []
            while let j = open.popLast() {
                guard let k = by[j], case .derived(_, let formula) = all[k].body else { continue }
                path.append(k)
                guard !formula.inputs.contains(start) else {
                    throw failure(path, fields, "\(quoted(fields[start].name)) would be computed from itself")
                }
                open += formula.inputs.filter { seen.insert($0).inserted }
            }
        }
    }

    /// One bound of a difference: x[to] - x[from] <= width; -1 stands for zero.
    private struct Difference { let from: Int, to: Int, width: Double, rule: Int }

    /// Orders, gaps, sums and declared bounds leave every column a value (Bellman and Ford's search for a negative
    /// cycle).
    func checkBounds(_ fields: [Field]) throws {
        var edges: [Difference] = [], used = Set<Int>()
        for (k, rule) in all.enumerated() where rule.condition.isEmpty {
            guard case .order(let c, let strict, let minimum, let maximum) = rule.body else { continue }
            for (a, b) in zip(c, c.dropFirst()) where fields[a].required && fields[b].required {
                used.formUnion([a, b])
                let least = strict ? max(minimum, min(columns[a].stepWidth ?? 0, columns[b].stepWidth ?? 0)) : minimum
                edges.append(Difference(from: b, to: a, width: -least, rule: k))
                if maximum.isFinite { edges.append(Difference(from: a, to: b, width: maximum, rule: k)) }
            }
        }
        for j in used {
            edges.append(Difference(from: -1, to: j, width: columns[j].bounds.high, rule: -1))
            edges.append(Difference(from: j, to: -1, width: -columns[j].bounds.low, rule: -1))
        }
        var distance: [Int: Double] = [:], last: [Int: Difference] = [:], changed = 0
        for round in 0...used.count + 1 {
            changed = -2
            for e in edges {
                let d = (distance[e.from] ?? 0) + e.width, slack = 1e-9 * max(1, abs(e.width), abs(d))
                if d < (distance[e.to] ?? 0) - slack {
                    (distance[e.to], last[e.to], changed) = (d, e, e.to)
                }
            }
            if changed == -2 { break }
            guard round > used.count else { continue }
            // Walk back far enough to stand on the cycle, then once around it.
            var at = changed
            for _ in 0...used.count + 1 { at = last[at]?.from ?? at }
            var rules = Set<Int>(), node = at
            repeat {
                guard let e = last[node] else { break }
                if e.rule >= 0 { rules.insert(e.rule) }
                node = e.from
            } while node != at && rules.count <= all.count
            throw failure(rules.sorted(), fields, "no values within the declared bounds keep "
                + (rules.count == 1 ? "it" : "them"))
        }
        for (k, rule) in all.enumerated() where rule.condition.isEmpty {
            func reach(_ c: [Int]) -> (Double, Double) {
                c.reduce((0, 0)) { ($0.0 + columns[$1].bounds.low, $0.1 + columns[$1].bounds.high) }
            }
            let (parts, low, high): ([Int], Double, Double)
            switch rule.body {
            case .parts(let c, let total): (parts, low, high) = (c, total, total)
            case .derived(let t, .sum(let c)): (parts, low, high) = (c, columns[t].bounds.low, columns[t].bounds.high)
            default: continue
            }
            let (least, most) = reach(parts)
            guard least <= high + 0.5, most >= low - 0.5 else {
                throw failure([k], fields, "no values within the declared bounds keep it")
            }
        }
    }

    // MARK: levels

    private var isDiscrete: [Bool] {
        all.map {
            switch $0.body {
            case .order, .derived, .parts: false
            default: true
            }
        }
    }

    /// Every level of every column stands in some row that keeps the rules about levels. A search that would take too
    /// long counts as successful: sampling then finds out.
    func checkLevels(_ fields: [Field]) throws {
        let discrete = isDiscrete, wanted = all.indices.filter { discrete[$0] }
        guard !wanted.isEmpty else { return }
        let used = Set(wanted.flatMap { all[$0].columns }).sorted()
        let candidates = Dictionary(uniqueKeysWithValues: used.map { ($0, self.candidates($0, wanted)) })
        var supported = Set<[UInt64]>(), nodes = 0
        for j in used {
            let own = candidates[j] ?? []
            for v in own where fields[j].levels != nil || v.isNaN {
                guard !supported.contains([UInt64(j), Rule.key(v)]) else { continue }
                guard nodes < 2_000_000 else { return }
                let group = connected(j, wanted)
                if let row = support(j, v, group, candidates, &nodes) {
                    for (c, x) in row { supported.insert([UInt64(c), Rule.key(x)]) }
                    continue
                }
                // The fewest rules that leave it impossible, found by leaving out one at a time.
                var guilty = group
                for k in group where guilty.count > 1 {
                    let fewer = guilty.filter { $0 != k }
                    var more = 0
                    if support(j, v, fewer, candidates, &more) == nil { guilty = fewer }
                }
                let what = v.isNaN ? "a missing value" : "the level \(quoted(fields[j].levels?[Int(v)] ?? ""))"
                throw failure(guilty, fields, "no row could have \(what) in column \(quoted(fields[j].name))")
            }
        }
    }

    /// Rules that share columns with column j, directly or through others.
    private func connected(_ j: Int, _ wanted: [Int]) -> [Int] {
        var columns: Set<Int> = [j], rules = Set<Int>(), grew = true
        while grew {
            grew = false
            for k in wanted where !rules.contains(k) && !columns.isDisjoint(with: all[k].columns) {
                rules.insert(k)
                columns.formUnion(all[k].columns)
                grew = true
            }
        }
        return rules.sorted()
    }

    /// Values that stand for all others as far as rules about levels can tell: every level, or the bounds of tests with
    /// their neighbours.
    private func candidates(_ j: Int, _ wanted: [Int]) -> [Double] {
        let column = columns[j], field = column.field, missing: [Double] = field.required ? [] : [.nan]
        if let levels = field.levels { return levels.indices.map(Double.init) + missing }
        var values = Set([column.bounds.low, column.bounds.high])
        func add(_ tests: [ColumnTest]) {
            for t in tests where t.column == j {
                let named: [Double] = switch t.test {
                case .values(let v, _, _): Array(v)
                case .range(let a, let b): [a, b]
                }
                let step = column.stepWidth ?? max(1e-9, (column.bounds.high - column.bounds.low) * 1e-6)
                for v in named where v.isFinite { values.formUnion([v - step, v, v + step]) }
            }
        }
        for k in wanted {
            add(all[k].condition)
            switch all[k].body {
            case .forbid(let lists), .allow(let lists): lists.forEach(add)
            case .then(let t), .flags(let t, _), .missingUnless(_, let t): add(t)
            case .tuples(let c, let known, _):
                if let i = c.firstIndex(of: j) { for t in known { values.insert(Double(bitPattern: t[i])) } }
            case .depends(let a, let b, let table):
                if a == j { values.formUnion(table.values) }
                if b == j { values.formUnion(table.keys) }
            default: break
            }
        }
        return values.filter { $0 >= column.bounds.low && $0 <= column.bounds.high }.sorted() + missing
    }

    /// A row of the columns of `rules` with value v in column j that keeps them; nil where there is none.
    private func support(_ j: Int, _ v: Double, _ rules: [Int], _ candidates: [Int: [Double]],
                         _ nodes: inout Int) -> [(Int, Double)]? {
        let others = Set(rules.flatMap { all[$0].columns }).subtracting([j]).sorted()
        let order = [j] + others
        // Each rule is judged once the last of its columns has a value.
        var due = [[Int]](repeating: [], count: order.count)
        for k in rules { due[order.lastIndex { all[k].columns.contains($0) } ?? 0].append(k) }
        var row = [Double](repeating: .nan, count: columns.count), tried = [Int](repeating: 0, count: order.count)
        var at = 0, used = 0
        row[j] = v
        while at >= 0 {
            let own = at == 0 ? [v] : candidates[order[at]] ?? []
            guard tried[at] < own.count else {
                tried[at] = 0
                at -= 1
                continue
            }
            row[order[at]] = own[tried[at]]
            tried[at] += 1
            used += 1
            nodes += 1
            if used > 100_000 { return [] }
            guard due[at].allSatisfy({ all[$0].holds(row, self) }) else { continue }
            if at == order.count - 1 { return order.map { ($0, row[$0]) } }
            at += 1
        }
        return nil
    }
}
