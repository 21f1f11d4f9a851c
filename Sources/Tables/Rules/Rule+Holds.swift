// Whether a row keeps a rule, and what a computed column must be.

import Basics

extension Rule {
    /// Whether a row keeps the rule.
    /// - Parameter x: the row's cells as `Column.double` gives them, by place in the schema; NaN is missing. Only the
    ///   rule's columns are read.
    package func holds(_ x: UnsafePointer<Double>, _ rules: Rules) -> Bool {
        guard applies(x) else { return true }
        switch body {
        case .order(let columns, let strict, let minimum, let maximum):
            for (a, b) in zip(columns, columns.dropFirst()) {
                let d = x[b] - x[a]
                if d.isNaN { continue }
                let slack = Self.slack(x[a], x[b])
                if d < minimum - slack || d > maximum + slack || strict && x[b] <= x[a]
                    || !strict && minimum >= 0 && x[b] < x[a] { return false }
            }
            return true
        case .derived(let target, let formula):
            let exact = formula.value(x, rules)
            return exact.isNaN || x[target].isNaN || rules.columns[target].isNearest(x[target], to: exact)
        case .parts(let columns, let total):
            let sum = columns.reduce(0) { $0 + x[$1] }
            return sum.isNaN || abs(sum - total) <= 1e-9 * max(1, abs(total), columns.reduce(0) { max($0, abs(x[$1])) })
        case .forbid(let lists):
            return !lists.contains { $0.allSatisfy { $0.test.holds(x[$0.column]) } }
        case .allow(let lists):
            // A missing cell that no list names is not judged.
            for list in lists {
                for t in list where x[t.column].isNaN && !Self.names(missing: t.column, lists) { return true }
            }
            return lists.contains { $0.allSatisfy { $0.test.holds(x[$0.column]) } }
        case .tuples(let columns, let known, let allowed):
            if columns.contains(where: { x[$0].isNaN }), !known.contains(where: { $0.contains(Self.missingKey) }) {
                return true
            }
            return known.contains(columns.map { Self.key(x[$0]) }) == allowed
        case .then(let tests):
            return tests.allSatisfy {
                $0.test.holds(x[$0.column]) || x[$0.column].isNaN && !$0.test.namesMissing
            }
        case .flags(let tests, let exactly):
            var set = 0, missing = false
            for t in tests {
                if x[t.column].isNaN { missing = true }
                if t.test.holds(x[t.column]) { set += 1 }
            }
            return set == 1 || set == 0 && (!exactly || missing)
        case .depends(let target, let source, let table):
            guard !x[source].isNaN, !x[target].isNaN, let wanted = table[x[source]] else { return true }
            return x[target] == wanted
        case .missingTogether(let columns):
            let missing = columns.reduce(0) { $0 + (x[$1].isNaN ? 1 : 0) }
            return missing == 0 || missing == columns.count
        case .missingUnless(let target, let tests):
            return x[target].isNaN || tests.allSatisfy { $0.test.holds(x[$0.column]) }
        }
    }

    /// Whether the row meets the rule's condition.
    @inline(__always) package func applies(_ x: UnsafePointer<Double>) -> Bool {
        condition.isEmpty || condition.allSatisfy { $0.test.holds(x[$0.column]) }
    }

    private static func names(missing column: Int, _ lists: [[ColumnTest]]) -> Bool {
        lists.contains { $0.contains { $0.column == column && $0.test.namesMissing } }
    }

    /// A cell's value as bits; every missing cell has the same.
    static func key(_ x: Double) -> UInt64 { x.isNaN ? missingKey : (x + 0.0).bitPattern }
    static let missingKey = Double.nan.bitPattern

    /// How far a difference of two doubles may lie beside a bound: both were rounded.
    @inline(__always) package static func slack(_ a: Double, _ b: Double) -> Double {
        a == a.rounded() && b == b.rounded() ? 0 : 1e-9 * max(1, abs(a), abs(b))
    }
}

extension Rule.Formula {
    /// The exact value, before it is rounded to the column's step; NaN where an input is missing or the formula has no
    /// value.
    package func value(_ x: UnsafePointer<Double>, _ rules: Rules) -> Double {
        let value: Double
        switch self {
        case .sum(let columns): value = columns.reduce(0) { $0 + x[$1] }
        case .product(let columns, let scale): value = columns.reduce(scale) { $0 * x[$1] }
        case .ratio(let columns, let scale): value = columns.dropFirst().reduce(scale * x[columns[0]]) { $0 / x[$1] }
        case .years(let a, let b):
            guard !x[a].isNaN, !x[b].isNaN else { return .nan }
            return Double(wholeYears(from: rules.day(x[a], column: a), to: rules.day(x[b], column: b)))
        case .equal(let a): value = x[a]
        }
        return value.isFinite ? value : .nan
    }
}

/// Birthdays between two days: whole years, negative when the second comes first.
func wholeYears(from a: Int64, to b: Int64) -> Int64 {
    let from = civilDate(days: a), to = civilDate(days: b)
    let before = (to.month, to.day) < (from.month, from.day)
    return to.year - from.year - (before ? 1 : 0)
}

extension Column {
    /// Whether `v` is the value of the column's domain nearest to `exact`; halves may go either way.
    func isNearest(_ v: Double, to exact: Double) -> Bool {
        let slack = 1e-9 * max(1, abs(exact), abs(v))
        return abs(v - exact) <= (stepWidth ?? 0) / 2 + slack
    }

    /// Distance of two neighbouring values; nil for a number without a step.
    package var stepWidth: Double? {
        if let grid = domain.grid { return grid.step }
        return storage == .float64 ? nil : Double(domain.step)
    }

    /// The value of the domain nearest to `v` that is no missing code; nil when `v` lies outside by more than half a
    /// step.
    package func nearest(_ v: Double) -> Double? {
        guard v.isFinite else { return nil }
        if storage == .float64 {
            let slack = 1e-9 * max(1, abs(v))
            guard v >= domain.low - slack, v <= domain.high + slack else { return nil }
            return domain.clamped(v)
        }
        guard let step = stepWidth else { return nil }
        let k = offset(nearest: v)
        guard k >= 0 else { return nil }
        let x = value(of: k)
        return abs(x - v) <= step / 2 + 1e-9 * max(1, abs(v)) ? x : nil
    }

    /// The offset nearest to a value; a negative number when there is none.
    package func offset(nearest v: Double) -> Int64 {
        if let grid = domain.grid { return grid.offset(v, nearest: true) }
        let k = ((v - Double(domain.origin)) / Double(domain.step)).rounded()
        guard k.isFinite else { return -1 }
        return k <= 0 ? 0 : min(k >= 0x1p62 ? domain.count - 1 : Int64(k), domain.count - 1)
    }

    /// Stores a value of the domain, NaN as missing. For values that rules computed.
    package func put(_ row: Int, value v: Double) {
        if storage == .float64 {
            if v.isNaN { putMissing(row, v) } else { put(row, number: v) }
        } else if v.isNaN {
            putMissing(row, v)
        } else {
            put(row, offset(nearest: v))
        }
    }

    /// A missing value with its reason, if it has one.
    private func putMissing(_ row: Int, _ v: Double) {
        put(row, MissingReason.of(v).map(MissingReason.offset) ?? missingOffset)
    }

    /// A column of one cell: it knows what values a field has.
    package static func probe(_ field: Field) throws -> Column { try Column(field, capacity: 1) }

    /// Least and largest value of the domain.
    package var bounds: (low: Double, high: Double) {
        storage == .float64 ? (domain.low, domain.high) : (value(of: 0), value(of: max(0, domain.count - 1)))
    }
}
