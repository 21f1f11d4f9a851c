// The cells of a column: a partition of its declared domain that depends on the public schema alone, never on a row.
// Histograms are released over cells, encoders merge cells into bins, and sampled bins are drawn back to cells and then
// to values. What is not here: counts (NoisyTree.swift) and bins (ColumnEncoder.swift).

import Basics
import Tables

/// The partition of one column. Cells are numbered 0 ..< count: first the `body` (levels, values or equal intervals in
/// order), then one cell for each single value cut out of the body (`atoms`), one for each labelled reason of a missing
/// value, last the missing cell when the field allows missing.
package struct ColumnGrid: Sendable {
    package enum Axis: Sendable {
        case levels                                   // categorical: cell = level
        // one cell for each value, cell = offset from the minimum in steps
        case values
        case wideSteps(values: Int64)                 // more values than cells: equal intervals of offsets
        case interval(minimum: Double, maximum: Double) // a number without step: equal intervals of the real line
    }
    package let axis: Axis
    package let body: Int
    /// The body's cells where they grow with the distance from zero; nil where they are equal, or one for each value.
    private let powers: PowerCells?
    package var isPowers: Bool { powers != nil }
    /// Values (`interval`) that have a cell of their own, ascending.
    package let atoms: [Double]
    /// Offsets (`wideSteps`) that have a cell of their own, ascending. Whole numbers: beyond 2⁵³ doubles skip some.
    package let atomOffsets: [Int64]
    package var atomCount: Int { atoms.count + atomOffsets.count }
    /// Reasons of missing values that have a cell each (Tables, MissingReason.swift).
    package let reasons: Int
    package let hasMissing: Bool
    package let numerical: Bool
    package var count: Int { body + atomCount + reasons + (hasMissing ? 1 : 0) }
    /// The cells of the reasons.
    package var reasonCells: Range<Int> { body + atomCount..<body + atomCount + reasons }
    package var missingCell: Int? { hasMissing ? count - 1 : nil }
    /// Divisors of the body at which histograms are released, coarsest first; the last is always 1.
    package let divisors: [Int]

    /// A row count at which one table cell still fits 16 bits, missing included.
    static let maxCells = 65_536
    static let equalCells = 32_768

    /// - Parameters:
    ///   - atoms: values of this column which the user names in public, beside the bounds and zero.
    ///   - isPowers: whether the cells of a number or an integer with more values than cells grow with the distance
    ///     from zero (`PowerCells`).
    ///   - hasReasons: whether the field's reasons of missing values have cells. Without, they are missing like any
    ///     other, as in plans of older files.
    package init(_ field: Field, atoms named: [Double] = [], isPowers: Bool = false, hasReasons: Bool = true) throws {
        hasMissing = !field.required
        reasons = hasReasons ? field.reasons.count : 0
        let most = Self.maxCells - 1 - reasons
        let values: Int64             // of a stepped column
        var zero: Int64? = nil        // offset of the value 0
        let origin: Double, width: Double // offset = (value - origin) / width
        switch field.kind {
        case .categorical, .boolean:
            let levels = Int(field.kind.count ?? 1)
            guard levels <= most else {
                throw Failure(.schema, "column \(quoted(field.name)): more than \(most) levels")
            }
            (axis, body, atoms, atomOffsets, numerical, divisors) = (.levels, levels, [], [], false, [1])
            powers = nil
            return
        case .number(let lo, let hi, nil):
            guard (hi - lo).isFinite else {
                throw Failure(.schema, "column \(quoted(field.name)): the declared range is too wide")
            }
            let narrow = lo == hi
            axis = .interval(minimum: lo, maximum: hi)
            powers = isPowers && !narrow ? PowerCells(minimum: lo, maximum: hi, most: Self.equalCells) : nil
            body = narrow ? 1 : powers?.count ?? Self.equalCells
            atoms = narrow ? [] : try Self.few(([lo, hi, 0] + named).filter { $0 >= lo && $0 <= hi }, field)
            (atomOffsets, numerical, divisors) = ([], true, Self.ladder(body))
            return
        case .integer(let lo, let hi, let step), .datetime(let lo, let hi, let step):
            (values, origin, width) = (field.kind.count ?? 1, Double(lo), Double(step))
            if lo <= 0, hi >= 0, lo % step == 0 { zero = -(lo / step) }
        case .date(let lo, _):
            (values, origin, width) = (field.kind.count ?? 1, Double(lo), 1)
        case .number(_, _, let step?):
            guard let grid = field.kind.grid else {
                throw Failure(.schema, "column \(quoted(field.name)): the declared range holds no multiple of the step")
            }
            (values, origin, width) = (grid.count, Double(grid.first) * step, step)
            zero = -grid.first
        }
        (atoms, numerical) = ([], true)
        if values <= Int64(most) {
            (axis, body, atomOffsets) = (.values, Int(values), [])
            powers = nil
        } else {
            let wanted = named.compactMap { v -> Int64? in
                let k = ((v - origin) / width).rounded()
                return k >= 0 && k < 0x1p62 ? Int64(k) : nil
            }
            axis = .wideSteps(values: values)
            let isAmount = field.type == .integer || field.type == .number
            let places = (-origin / width).rounded()
            powers = isPowers && isAmount && places.magnitude + Double(values) < 0x1p53
                ? PowerCells(values: values, zero: Int64(places), most: Self.equalCells) : nil
            body = powers?.count ?? Self.equalCells
            atomOffsets = try Self.few(([0, values - 1] + [zero].compactMap { $0 }
                + wanted).filter { (0..<values).contains($0) }, field)
        }
        divisors = Self.ladder(body)
    }

    /// Each value once, ascending.
    private static func few<T: Comparable & Hashable>(_ atoms: [T], _ field: Field) throws -> [T] {
        let own = Set(atoms).sorted()
        guard own.count <= 1000 else { throw Failure(.argument, "column \(quoted(field.name)): more than 1000 atoms") }
        return own
    }

    /// One histogram for up to 128 cells, two levels for up to 8192, three above: each level multiplies the resolution
    /// alike.
    private static func ladder(_ cells: Int) -> [Int] {
        if cells <= 128 { return [1] }
        var b = 1
        if cells <= 8192 {
            while b * b < cells { b += 1 }
            return [b, 1]
        }
        while b * b * b < cells { b += 1 }
        return [b * b, b, 1]
    }

    /// Size of the histogram at one divisor: body cells merged by `divisor`, then atoms and missing as they are.
    package func histogramSize(divisor: Int) -> Int { (body + divisor - 1) / divisor + (count - body) }

    // MARK: value to cell

    /// The cell of a stepped or categorical value. `offset`: level index or steps above the minimum, -1 for missing.
    @inline(__always)
    package func cell(offset k: Int64) -> Int {
        if k < 0 { return cell(missing: MissingReason.of(offset: k)) }
        switch axis {
        case .levels, .values: return min(Int(k), body - 1)
        case .wideSteps(let values):
            for (i, a) in atomOffsets.enumerated() where k == a { return body + i }
            if let powers { return powers.cell(Double(k)) }
            // k < values ≤ 2⁶³: the product is taken in floating point, which only moves interval borders, the same for
            // every row.
            return min(Int(Double(k) / Double(values) * Double(body)), body - 1)
        case .interval: return 0
        }
    }

    /// The cell of a real value; not-a-number is missing.
    @inline(__always)
    package func cell(value v: Double) -> Int {
        guard case .interval(let lo, let hi) = axis, !v.isNaN else { return cell(missing: MissingReason.of(v)) }
        for (i, a) in atoms.enumerated() where v == a { return body + i }
        if let powers { return powers.cell(v) }
        return hi > lo ? max(0, min(Int((v - lo) / (hi - lo) * Double(body)), body - 1)) : 0
    }

    func cell(missing reason: Int?) -> Int {
        if let reason, reason < reasons { return reasonCells.lowerBound + reason }
        return missingCell ?? 0
    }

    // MARK: cell to value

    /// The reason that a cell stands for.
    package func reason(cell c: Int) -> Int? { reasonCells.contains(c) ? c - reasonCells.lowerBound : nil }

    /// An offset inside a cell of a stepped column, or that of a reason. `u`: uniform in [0, 1).
    package func offset(cell c: Int, u: Double) -> Int64 {
        if let r = reason(cell: c) { return MissingReason.offset(r) }
        guard case .wideSteps(let values) = axis else { return Int64(c) }
        if c >= body { return atomOffsets[c - body] }
        if let powers {
            let low = powers.edges[c], high = powers.edges[c + 1]
            // Rounding must not lead into the next cell.
            return Int64(low + min(((high - low) * u).rounded(.down), high - low - 1))
        }
        let w = Double(values) / Double(body)
        let lo = (Double(c) * w).rounded(.up), hi = ((Double(c + 1) * w).rounded(.up) - 1)
        return max(0, min(values - 1, Int64(lo + ((hi - lo + 1) * u).rounded(.down))))
    }

    /// A real value inside a cell of a column without step. `u`: uniform in [0, 1).
    package func value(cell c: Int, u: Double) -> Double {
        guard case .interval(let lo, let hi) = axis else { return .nan }
        if let r = reason(cell: c) { return MissingReason.number(r) }
        if c >= body { return atoms[c - body] }
        if let powers {
            let low = powers.edges[c], high = powers.edges[c + 1]
            return min(low + u * (high - low), high.nextDown)
        }
        return max(lo, min(hi, lo + (Double(c) + u) / Double(body) * (hi - lo)))
    }

    // MARK: cells side by side

    /// The body cell in which an atom would lie had it not been cut out.
    func neighbour(ofAtom i: Int) -> Int {
        switch axis {
        case .wideSteps(let values):
            return powers?.cell(Double(atomOffsets[i]))
                ?? min(Int(Double(atomOffsets[i]) / Double(values) * Double(body)), body - 1)
        case .interval(let lo, let hi):
            return powers?.cell(atoms[i]) ?? max(0, min(Int((atoms[i] - lo) / (hi - lo) * Double(body)), body - 1))
        case .levels, .values: return 0
        }
    }

    /// The body cells `range` and those around it, on either side as far as `factor` times what the range spans: in
    /// values, which cells that grow are no measure of.
    func widened(_ range: ClosedRange<Int>, by factor: Int) -> Range<Int> {
        guard let powers else {
            let margin = factor * max(range.upperBound - range.lowerBound, 1)
            return max(0, range.lowerBound - margin)..<min(body, range.upperBound + margin + 1)
        }
        let low = powers.edges[range.lowerBound], high = powers.edges[range.upperBound + 1]
        let margin = Double(factor) * (high - low)
        return powers.cell(low - margin)..<powers.cell(high + margin) + 1
    }
}
