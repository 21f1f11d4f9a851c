// Cells that grow with the distance from zero, for wide declared ranges: a cell is one step near zero, and farther out
// a fixed share of its distance. What amounts of money need: a range up to ten million in equal cells has one cell for
// everything below three hundred. The edges follow from the declared range and step alone.

import Basics
import Tables

/// Edges of the cells of a column with more values than cells: of offsets, or of real values.
struct PowerCells: Sendable {
    /// Cell c holds the values from edge c up to edge c + 1. Offsets of a stepped column are whole.
    let edges: [Double]
    var count: Int { edges.count - 1 }

    /// A range without a step is measured in so many units from zero to its far end.
    private static let units = 0x1p40

    /// - Parameters:
    ///   - low, high: ends of the range in steps from zero, whole, the first below the second, at most 2⁵³ apart from
    ///     zero.
    ///   - most: of cells.
    private init(low: Double, high: Double, most: Int) {
        // The least growth with which the cells are few enough: halving, whose sums and products are the same on every
        // machine.
        var coarse = 1.0, fine = 0.0
        for _ in 0..<50 {
            let growth = (coarse + fine) / 2
            if Self.walk(low, high, growth, most: most) == nil { fine = growth } else { coarse = growth }
        }
        edges = Self.walk(low, high, coarse, most: most) ?? [low, high]
    }

    /// The edges of cells that are one step or `growth` of their distance from zero wide, whatever is more; nil where
    /// there are more than `most` cells.
    private static func walk(_ low: Double, _ high: Double, _ growth: Double, most: Int) -> [Double]? {
        func side(_ start: Double, _ end: Double) -> [Double]? {
            var all = [start], at = start
            while at < end {
                guard all.count <= most else { return nil }
                at = min(at + max(1, (growth * at).rounded(.down)), end)
                all.append(at)
            }
            return all
        }
        // Below zero the same distances, mirrored: zero itself is the first value above.
        guard let above = high > 0 ? side(max(low, 0), high) : [],
              let below = low < 0 ? side(max(-high, 0), -low) : [] else { return nil }
        let edges = below.reversed().map { -$0 } + (below.isEmpty || above.isEmpty ? above : Array(above.dropFirst()))
        return edges.count - 1 <= most ? edges : nil
    }

    /// Cells of a stepped column. Offsets count from the minimum.
    /// - Parameters:
    ///   - values: how many offsets there are.
    ///   - zero: the offset of the value zero, which may lie outside.
    init(values: Int64, zero: Int64, most: Int) {
        let start = Double(-zero)
        let steps = PowerCells(low: start, high: start + Double(values), most: most)
        edges = steps.edges.map { $0 - start }
    }

    /// Cells of a column without a step.
    init(minimum: Double, maximum: Double, most: Int) {
        let unit = max(minimum.magnitude, maximum.magnitude) / Self.units
        let steps = PowerCells(low: (minimum / unit).rounded(.down), high: (maximum / unit).rounded(.up), most: most)
        edges = [minimum] + steps.edges.dropFirst().dropLast().map { $0 * unit }.filter { $0 > minimum && $0 < maximum }
            + [maximum]
    }

    /// The cell of a value or an offset; beyond the edges the outermost one.
    func cell(_ x: Double) -> Int {
        var low = 0, high = count
        while high - low > 1 {
            let middle = (low + high) >> 1
            if edges[middle] <= x { low = middle } else { high = middle }
        }
        return low
    }

    /// Whether a declared range asks for such cells by itself: it reaches 2²⁵ steps from zero (without a step, 2²⁰),
    /// where an equal cell holds a thousand steps, and a thousand times as far as its near end. Amounts in cents up to
    /// a million do; shares, ages, temperatures, days and moments do not.
    static func suit(_ field: Field) -> Bool {
        let near: Double, far: Double
        switch field.kind {
        case .integer(let low, let high, let step):
            (near, far) = ends(Double(low) / Double(step), Double(high) / Double(step))
        case .number(let low, let high, let step): (near, far) = ends(low / (step ?? 0x1p-5), high / (step ?? 0x1p-5))
        case .categorical, .boolean, .date, .datetime: return false
        }
        return far >= 0x1p25 && near * 0x1p10 <= far
    }

    private static func ends(_ low: Double, _ high: Double) -> (near: Double, far: Double) {
        let far = max(low.magnitude, high.magnitude)
        return (low <= 0 && high >= 0 ? 0 : min(low.magnitude, high.magnitude), far)
    }
}
