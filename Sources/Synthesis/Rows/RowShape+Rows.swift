// Rows through a shape, in both directions. Cells are doubles as `Column.double` gives them; NaN is missing.

import Tables

extension RowShape {
    /// A declared row from a learned one.
    /// - Parameters:
    ///   - y: learned cells, in the order of `sources`. x: declared cells, all written.
    /// - Returns: a declared column that has no value where it must have one, or one outside its bounds; nil where all
    ///   fits.
    func declare(_ y: UnsafePointer<Double>, _ x: UnsafeMutablePointer<Double>) -> Int? {
        var bad: Int?
        for t in order {
            switch sources[t] {
            case .plain(let j): x[j] = y[t]
            case .difference(let j, let from):
                x[j] = x[from] + y[t]
                let (low, high) = declared.rules.columns[j].bounds
                if x[j] < low || x[j] > high { bad = bad ?? j }
            case .flags(let flags):
                for (k, flag) in flags.enumerated() { x[flag.column] = y[t] == Double(k) ? flag.set : flag.unset }
            case .given: continue
            }
        }
        for c in computed {
            if let given = c.given, y[given].isNaN {
                x[c.column] = .nan
                continue
            }
            let exact = c.formula.value(x, declared.rules)
            guard let v = declared.rules.columns[c.column].nearest(exact) else {
                x[c.column] = .nan
                let isOpen = c.formula.inputs.contains { x[$0].isNaN }
                if !isOpen, c.given == nil || !exact.isNaN { bad = bad ?? c.column }
                continue
            }
            x[c.column] = v
        }
        return bad
    }

    /// Declared columns that a learned one is made of.
    func inputs(of t: Int) -> [Int] {
        switch sources[t] {
        case .plain(let j), .given(let j): [j]
        case .difference(let j, let from): [j, from]
        case .flags(let flags): flags.map(\.column)
        }
    }

    /// One learned cell of a declared row.
    func learn(_ t: Int, _ x: UnsafePointer<Double>) -> Double {
        switch sources[t] {
        case .plain(let j): return x[j]
        case .difference(let j, let from): return x[j] - x[from]
        case .flags(let flags):
            let set = flags.firstIndex { x[$0.column] == $0.set } ?? flags.count
            return Double(min(set, (learned.fields[t].levels?.count ?? 1) - 1))
        case .given(let j): return x[j].isNaN ? .nan : 0
        }
    }
}

extension ColumnGrid {
    /// The cell of a learned value.
    /// - Parameter column: of the learned schema; knows what offsets stand for.
    func cell(of v: Double, _ column: Column) -> Int {
        if v.isNaN { return cell(missing: MissingReason.of(v)) }
        if case .interval = axis { return cell(value: v) }
        return cell(offset: max(0, column.offset(nearest: v)))
    }

    /// Where inside its cell a value lies: the `u` with which the cell gives it back.
    func place(of v: Double, cell c: Int, _ column: Column) -> Double {
        switch axis {
        case .levels, .values: return 0
        case .wideSteps(let values):
            guard c < body else { return 0 }
            let w = Double(values) / Double(body), lo = (Double(c) * w).rounded(.up)
            let hi = (Double(c + 1) * w).rounded(.up) - 1, k = Double(column.offset(nearest: v))
            return min(max((k - lo + 0.5) / (hi - lo + 1), 0), 1 - 0x1p-53)
        case .interval(let lo, let hi):
            guard c < body, hi > lo else { return 0 }
            return min(max((v - lo) / (hi - lo) * Double(body) - Double(c), 0), 1 - 0x1p-53)
        }
    }
}
