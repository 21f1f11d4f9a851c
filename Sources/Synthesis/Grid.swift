// The cells of a column: a partition of its declared domain that depends on the public schema alone, never on a row. Histograms
// are released over cells, encoders merge cells into bins, and sampled bins are drawn back to cells and then to values.
// What is not here: counts (NoisyTree.swift) and bins (Encoder.swift).

import Basics
import Tables

/// The partition of one column. Cells are numbered 0 ..< count: first the `body` (levels, values or equal intervals in order),
/// then one cell for each single value cut out of the body (`atoms`), last the missing cell when the field allows missing.
package struct ColumnGrid: Sendable {
    package enum Axis: Sendable {
        case levels                                   // categorical: cell = level
        case values                                   // one cell for each value, cell = offset from the minimum in steps
        case wideSteps(values: Int64)                 // more values than cells: equal intervals of offsets
        case interval(minimum: Double, maximum: Double) // a number without step: equal intervals of the real line
    }
    package let axis: Axis
    package let body: Int
    /// Offsets (`wideSteps`) or values (`interval`) that have a cell of their own, ascending.
    package let atoms: [Double]
    package let hasMissing: Bool
    package let numerical: Bool
    package var count: Int { body + atoms.count + (hasMissing ? 1 : 0) }
    package var missingCell: Int? { hasMissing ? count - 1 : nil }
    /// Divisors of the body at which histograms are released, coarsest first; the last is always 1.
    package let divisors: [Int]

    /// A row count at which one table cell still fits 16 bits, missing included.
    static let mostCells = 65_536
    static let equalCells = 32_768

    /// - Parameter atoms: values of this column which the user names in public, beside the bounds and zero.
    package init(_ field: Field, atoms named: [Double] = []) throws {
        hasMissing = !field.required
        let room = Self.mostCells - 1
        let values = field.kind.count ?? 0
        var zero: Double? = nil       // offset of the value 0
        var origin = 0.0, width = 1.0 // offset = (value - origin) / width
        switch field.kind {
        case .categorical(let levels):
            guard levels.count <= room else { throw Failure(.schema, "column \(field.name): more than \(room) levels") }
            (axis, body, self.atoms, numerical, divisors) = (.levels, levels.count, [], false, [1])
            return
        case .boolean:
            (axis, body, self.atoms, numerical, divisors) = (.levels, 2, [], false, [1])
            return
        case .integer(let lo, let hi, let step):
                        (origin, width) = (Double(lo), Double(step))
            if lo <= 0 && hi >= 0 { zero = -Double(lo) / Double(step) }
        case .date(let lo, _):
                        origin = Double(lo)
        case .datetime(let lo, _, let step):
                        (origin, width) = (Double(lo), Double(step))
        case .number(let lo, let hi, let step):
            guard let step else {
                guard (hi - lo).isFinite else { throw Failure(.schema, "column \(field.name): the declared range is too wide") }
                var own = Set([lo, hi] + named.filter { $0 >= lo && $0 <= hi })
                if lo <= 0 && hi >= 0 { own.insert(0) }
                guard own.count < 1024 else { throw Failure(.argument, "column \(field.name): more than 1000 atoms") }
                let narrow = lo == hi
                axis = .interval(minimum: lo, maximum: hi)
                body = narrow ? 1 : Self.equalCells
                self.atoms = narrow ? [] : own.sorted()
                (numerical, divisors) = (true, Self.ladder(body))
                return
            }
            guard let grid = field.kind.grid else { throw Failure(.schema, "column \(field.name): the declared range holds no multiple of the step") }
            (origin, width) = (Double(grid.first) * step, step)
            if lo <= 0 && hi >= 0 { zero = Double(-grid.first) }
        }
        numerical = true
        if values <= Int64(room) {
            (axis, body, self.atoms) = (.values, Int(values), [])
        } else {
            var own = Set([0, Double(values - 1)])
            if let zero { own.insert(zero) }
            for v in named {
                let k = ((v - origin) / width).rounded()
                if k >= 0, k < Double(values) { own.insert(k) }
            }
            guard own.count < 1024 else { throw Failure(.argument, "column \(field.name): more than 1000 atoms") }
            (axis, body, self.atoms) = (.wideSteps(values: values), Self.equalCells, own.sorted())
        }
        divisors = Self.ladder(body)
    }

    /// One histogram for up to 128 cells, two levels for up to 8192, three above: each level multiplies the resolution alike.
    private static func ladder(_ cells: Int) -> [Int] {
        func root(_ k: Double) -> Int { var b = 1; while true { var p = 1.0; for _ in 0..<Int(k) { p *= Double(b) }; if p >= Double(cells) { return b }; b += 1 } }
        if cells <= 128 { return [1] }
        if cells <= 8192 { return [root(2), 1] }
        let b = root(3)
        return [b * b, b, 1]
    }

    /// Size of the histogram at one divisor: body cells merged by `divisor`, then atoms and missing as they are.
    package func histogramSize(divisor: Int) -> Int { (body + divisor - 1) / divisor + (count - body) }

    // MARK: value to cell

    /// The cell of a stepped or categorical value. `offset`: level index or steps above the minimum, -1 for missing.
    @inline(__always)
    package func cell(offset k: Int64) -> Int {
        if k < 0 { return missingCell ?? 0 }
        switch axis {
        case .levels, .values: return min(Int(k), body - 1)
        case .wideSteps(let values):
            for (i, a) in atoms.enumerated() where Double(k) == a { return body + i }
            // k < values ≤ 2⁶³: the product is taken in floating point, which only moves interval borders, the same for every row.
            return min(Int(Double(k) / Double(values) * Double(body)), body - 1)
        case .interval: return 0
        }
    }

    /// The cell of a real value; not-a-number is missing.
    @inline(__always)
    package func cell(value v: Double) -> Int {
        guard case .interval(let lo, let hi) = axis, !v.isNaN else { return missingCell ?? 0 }
        for (i, a) in atoms.enumerated() where v == a { return body + i }
        return hi > lo ? max(0, min(Int((v - lo) / (hi - lo) * Double(body)), body - 1)) : 0
    }

    // MARK: cell to value

    /// An offset inside a cell of a stepped column. `u`: uniform in [0, 1).
    package func offset(cell c: Int, u: Double) -> Int64 {
        guard case .wideSteps(let values) = axis else { return Int64(c) }
        if c >= body { return Int64(atoms[c - body]) }
        let w = Double(values) / Double(body)
        let lo = (Double(c) * w).rounded(.up), hi = ((Double(c + 1) * w).rounded(.up) - 1)
        return max(0, min(values - 1, Int64(lo + ((hi - lo + 1) * u).rounded(.down))))
    }

    /// A real value inside a cell of a column without step. `u`: uniform in [0, 1).
    package func value(cell c: Int, u: Double) -> Double {
        guard case .interval(let lo, let hi) = axis else { return .nan }
        if c >= body { return atoms[c - body] }
        return max(lo, min(hi, lo + (Double(c) + u) / Double(body) * (hi - lo)))
    }
}
