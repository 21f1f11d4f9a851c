// One generated row in the making: columns that break a rule or a request are drawn again, by the row's own weights
// until all hold. Columns of the protected groups, where they are drawn apart, stay.
//
// First, columns are drawn freely, so that the row has the model's distribution given that it keeps the rules. Where
// that does not end, one column after another takes the value with which the fewest things are broken.

import Basics
import Compute
import Tables

/// One row in the making, and one worker's memory for it.
final class RowDraft {
    let keeper: RowKeeper
    /// Cells of the learned columns, places inside them, and their bins.
    private(set) var cells: [Int], places: [Double], bins: [Int]
    /// Learned and declared values.
    private let y: Buffer<Double>, x: Buffer<Double>
    /// Tilted weights of one column's bins.
    private let tilted: Buffer<Float>
    private var bad: Int?
    private static let freeTries = 24, tries = 72, candidates = 32

    init(_ keeper: RowKeeper) throws {
        self.keeper = keeper
        let m = keeper.grids.count
        (cells, places, bins) = ([Int](repeating: 0, count: m), [Double](repeating: 0, count: m),
                                 [Int](repeating: 0, count: m))
        y = try Buffer(count: m, for: "a row")
        tilted = try Buffer(count: keeper.encoders.map(\.bins).max() ?? 1, for: "a row")
        x = try Buffer(count: keeper.shape.declared.fields.count, for: "a row")
    }

    var row: UnsafePointer<Double> { UnsafePointer(x.base) }

    func set(_ t: Int, bin: Int, cell: Int, place: Double) {
        (bins[t], cells[t], places[t]) = (bin, cell, place)
        y[t] = cellValue(keeper.grids[t], keeper.columns[t], cell, place)
    }

    /// Computes the declared row.
    func declare() { bad = keeper.shape.declare(y.base, x.base) }

    /// Everything that is broken.
    func breaches(_ request: RowRequest?) -> [RowKeeper.Breach] {
        var out: [RowKeeper.Breach] = []
        if let bad { out.append(.domain(bad)) }
        for (k, rule) in keeper.rules.all.enumerated() where !rule.holds(row, keeper.rules) { out.append(.rule(k)) }
        if let request { for t in request.tests where !t.test.holds(x[t.column]) { out.append(.test(t)) } }
        return out
    }

    private func count(_ request: RowRequest?) -> Int {
        declare()
        var n = bad == nil ? 0 : 1
        for rule in keeper.rules.all where !rule.holds(row, keeper.rules) { n += 1 }
        if let request { for t in request.tests where !t.test.holds(x[t.column]) { n += 1 } }
        return n
    }

    /// Draws columns again until nothing is broken.
    /// - Parameters:
    ///   - weights: of the bins of every column that a head draws, side by side.
    /// - Returns: what is broken still; nil where nothing is.
    func settle(_ weights: UnsafePointer<Float>, _ request: RowRequest?,
                _ stream: inout CounterStream) -> RowKeeper.Breach? {
        for attempt in 0..<Self.tries {
            let broken = breaches(request)
            guard !broken.isEmpty else { return nil }
            let breach = broken[min(Int(stream.uniformDouble() * Double(broken.count)), broken.count - 1)]
            if assign(breach, request, &stream) { continue }
            let own = keeper.deciders(breach).filter { keeper.starts[$0] != nil }
            guard !own.isEmpty else { return breach }
            if attempt < Self.freeTries {
                for t in own { draw(t, weights, request, &stream) }
                declare()
            } else {
                let t = own[min(Int(stream.uniformDouble() * Double(own.count)), own.count - 1)]
                improve(t, weights, request, &stream, all: attempt >= Self.tries / 2)
            }
        }
        return breaches(request).first
    }

    /// Draws column t by its weights given the columns before it, within what the request leaves.
    /// - Returns: log of the probability that a draw without the request is one within it.
    @discardableResult
    func draw(_ t: Int, _ weights: UnsafePointer<Float>, _ request: RowRequest?,
              _ stream: inout CounterStream) -> Double {
        guard let start = keeper.starts[t] else { return 0 }
        let own = keeper.weights(of: t, weights + start, bins: bins, into: tilted.base), encoder = keeper.encoders[t]
        if let mask = request?.masks[t] {
            let d = mask.draw(own, &stream)
            set(t, bin: d.bin, cell: d.cell, place: d.place)
            return mask.logProbability(own)
        }
        var total = 0.0
        for b in 0..<encoder.bins { total += Double(own[b]) }
        let u = stream.uniformDouble() * total
        var sum = 0.0, bin = 0
        for b in 0..<encoder.bins where own[b] > 0 {
            sum += Double(own[b])
            bin = b
            if sum > u { break }
        }
        let cell = encoder.cell(bin: bin, u: stream.uniformDouble())
        set(t, bin: bin, cell: cell, place: stream.uniformDouble())
        return 0
    }

    /// Sets the one cell that a breach decides by itself. False where it decides none, or one that may not be changed.
    private func assign(_ breach: RowKeeper.Breach, _ request: RowRequest?, _ stream: inout CounterStream) -> Bool {
        let (j, value): (Int, Double)
        switch breach {
        case .domain: return false
        case .rule(let k):
            guard let repair = keeper.rules.all[k].repair(row, keeper.rules) else { return false }
            (j, value) = repair
        case .test(let t):
            // A computed sum or a day counted from another one, whose value is wanted.
            guard let wanted = t.test.single else { return false }
            if case .difference(_, let from)? = keeper.shape.sources.first(where: {
                if case .difference(t.column, _) = $0 { true } else { false }
            }), let place = keeper.shape.sources.firstIndex(of: .difference(t.column, from: from)) {
                return put(place, wanted - x[from], request)
            }
            guard let c = keeper.shape.computed.first(where: { $0.column == t.column }),
                  case .rule(.sum(let parts)) = c.formula else { return false }
            let part = parts[min(Int(stream.uniformDouble() * Double(parts.count)), parts.count - 1)]
            (j, value) = (part, x[part] + wanted - parts.reduce(0) { $0 + x[$1] })
        }
        guard let t = keeper.shape.plain[j], keeper.starts[t] != nil else { return false }
        return put(t, value, request)
    }

    private func put(_ t: Int, _ value: Double, _ request: RowRequest?) -> Bool {
        let column = keeper.columns[t], grid = keeper.grids[t]
        var value = value
        if value.isNaN {
            guard grid.missingCell != nil || MissingReason.of(value).map({ $0 < grid.reasons }) ?? false else {
                return false
            }
        } else {
            guard let near = column.nearest(value) else { return false }
            value = near
        }
        if let mask = request?.masks[t], !mask.holds(value) { return false }
        let cell = grid.cell(of: value, column)
        guard y[t] != value && y[t].bitPattern != value.bitPattern else { return false }
        set(t, bin: Int(keeper.encoders[t].binOfCell[cell]), cell: cell,
            place: value.isNaN ? 0 : grid.place(of: value, cell: cell, column))
        declare()
        return true
    }

    /// The value of column t with which the fewest things are broken, of some that its weights draw, or of all cells.
    private func improve(_ t: Int, _ weights: UnsafePointer<Float>, _ request: RowRequest?,
                         _ stream: inout CounterStream, all: Bool) {
        var best = (bins[t], cells[t], places[t]), fewest = count(request), chosen = 0.0
        func take(_ n: Int, _ weight: Double) {
            if n > fewest { return }
            if n < fewest { (fewest, chosen) = (n, 0) }
            chosen += weight
            // Each of the best is taken with its weight.
            if stream.uniformDouble() * chosen < weight { best = (bins[t], cells[t], places[t]) }
        }
        if !all {
            for _ in 0..<Self.candidates {
                draw(t, weights, request, &stream)
                take(count(request), 1)
            }
        } else {
            let encoder = keeper.encoders[t], mask = request?.masks[t], own = keeper.weights(
                of: t, weights + (keeper.starts[t] ?? 0), bins: bins, into: tilted.base)
            for c in 0..<keeper.grids[t].count {
                let b = Int(encoder.binOfCell[c]), place = stream.uniformDouble()
                let value = cellValue(keeper.grids[t], keeper.columns[t], c, place)
                if let mask, !mask.holds(value) { continue }
                set(t, bin: b, cell: c, place: place)
                take(count(request), Double(own[b]) * encoder.share[c] + 1e-12)
            }
        }
        set(t, bin: best.0, cell: best.1, place: best.2)
        declare()
    }
}
