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
    let cells: Buffer<Int32>, places: Buffer<Double>, bins: Buffer<UInt16>
    private let shape: RowShape, rules: Rules
    /// Learned and declared values.
    private let y: Buffer<Double>, x: Buffer<Double>
    /// Tilted weights of one column's bins.
    private let tilted: Buffer<Float>
    private var bad: Int?
    private static let freeTries = 24, tries = 72, candidates = 32

    init(_ keeper: RowKeeper) throws {
        self.keeper = keeper
        (shape, rules) = (keeper.shape, keeper.rules)
        let m = keeper.grids.count
        cells = try Buffer(count: m, for: "a row")
        places = try Buffer(count: m, for: "a row")
        bins = try Buffer(count: m, for: "a row")
        y = try Buffer(count: m, for: "a row")
        tilted = try Buffer(count: keeper.encoders.map(\.bins).max() ?? 1, for: "a row")
        x = try Buffer(count: shape.declared.fields.count, for: "a row")
    }

    var row: UnsafePointer<Double> { UnsafePointer(x.base) }

    func set(_ t: Int, bin: Int, cell: Int, place: Double) {
        bins.base[t] = UInt16(truncatingIfNeeded: bin)
        cells.base[t] = Int32(truncatingIfNeeded: cell)
        places.base[t] = place
        y.base[t] = keeper.value(t, cell: cell, place: place)
    }

    /// Computes the declared row.
    func declare() { bad = shape.declare(y.base, x.base) }

    /// Something that is broken; nil where nothing is.
    func breach(_ request: RowRequest?) -> RowKeeper.Breach? {
        if let bad { return .domain(bad) }
        if let k = rules.broken(row) { return .rule(k) }
        return request?.tests.first { !$0.test.holds(x.base[$0.column]) }.map(RowKeeper.Breach.test)
    }

    /// Everything that is broken.
    func breaches(_ request: RowRequest?) -> [RowKeeper.Breach] {
        var out: [RowKeeper.Breach] = []
        if let bad { out.append(.domain(bad)) }
        for (k, rule) in rules.all.enumerated() where !rule.holds(row, rules) { out.append(.rule(k)) }
        if let request { for t in request.tests where !t.test.holds(x[t.column]) { out.append(.test(t)) } }
        return out
    }

    private func count(_ request: RowRequest?) -> Int {
        declare()
        var n = bad == nil ? 0 : 1
        for rule in rules.all where !rule.holds(row, rules) { n += 1 }
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
            let own = keeper.drawn(breach)
            guard !own.isEmpty else { return breach }
            if attempt < Self.freeTries {
                for t in own { draw(t, weights, request, &stream) }
                declare()
            } else {
                let t = own[min(Int(stream.uniformDouble() * Double(own.count)), own.count - 1)]
                improve(t, weights, request, &stream, attempt)
            }
        }
        return breach(request)
    }

    /// Draws column t by its weights given the columns before it, within what the request leaves.
    /// - Returns: log of the probability that a draw without the request is one within it.
    @discardableResult
    func draw(_ t: Int, _ weights: UnsafePointer<Float>, _ request: RowRequest?,
              _ stream: inout CounterStream) -> Double {
        guard let start = keeper.starts[t] else { return 0 }
        let own = keeper.weights(of: t, weights + start, bins: bins.base, into: tilted.base),
            encoder = keeper.encoders[t]
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
            guard let repair = rules.all[k].repair(row, rules) else { return false }
            (j, value) = repair
        case .test(let t):
            // A computed sum or a day counted from another one, whose value is wanted.
            guard let wanted = t.test.single else { return false }
            if case .difference(_, let from)? = shape.sources.first(where: {
                if case .difference(t.column, _) = $0 { true } else { false }
            }), let place = shape.sources.firstIndex(of: .difference(t.column, from: from)) {
                return put(place, wanted - x[from], request)
            }
            guard let c = shape.computed.first(where: { $0.column == t.column }),
                  case .rule(.sum(let parts)) = c.formula else { return false }
            let part = parts[min(Int(stream.uniformDouble() * Double(parts.count)), parts.count - 1)]
            (j, value) = (part, x[part] + wanted - parts.reduce(0) { $0 + x[$1] })
        }
        guard let t = shape.plain[j], keeper.starts[t] != nil else { return false }
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

    /// The value of column t with which the fewest things are broken: of some that its weights draw, then of all cells
    /// by their weights, at last of all cells alike, for values that the weights hardly leave.
    private func improve(_ t: Int, _ weights: UnsafePointer<Float>, _ request: RowRequest?,
                         _ stream: inout CounterStream, _ attempt: Int) {
        func now() -> (Int, Int, Double) { (Int(bins[t]), Int(cells[t]), places[t]) }
        var best = now(), fewest = count(request), chosen = 0.0
        func take(_ n: Int, _ weight: Double) {
            if n > fewest { return }
            if n < fewest { (fewest, chosen) = (n, 0) }
            chosen += weight
            // Each of the best is taken with its weight.
            if stream.uniformDouble() * chosen < weight { best = now() }
        }
        if attempt < Self.tries / 2 {
            for _ in 0..<Self.candidates {
                draw(t, weights, request, &stream)
                take(count(request), 1)
            }
        } else {
            let encoder = keeper.encoders[t], mask = request?.masks[t], own = keeper.weights(
                of: t, weights + (keeper.starts[t] ?? 0), bins: bins.base, into: tilted.base)
            for c in 0..<keeper.grids[t].count {
                let b = Int(encoder.binOfCell[c]), place = stream.uniformDouble()
                let value = keeper.value(t, cell: c, place: place)
                if let mask, !mask.holds(value) { continue }
                set(t, bin: b, cell: c, place: place)
                let weight = Double(own[b]) * encoder.share[c] + 1e-12
                take(count(request), attempt < Self.tries * 3 / 4 ? weight : 1)
            }
        }
        set(t, bin: best.0, cell: best.1, place: best.2)
        declare()
    }
}
