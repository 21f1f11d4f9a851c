// What a host may ask of sampled rows: {"sex": "Female", "age": {"minimum": 30, "maximum": 40}, "ward": ["a", null]}. A row that does
// not meet it is drawn again, so accepted rows have the generator's own distribution given the condition, and are as free as any.

import Basics
import Compute
import Networks
import Tables

package struct Condition: Sendable {
    enum Rule: Sendable {
        /// Values as `Column.double` gives them; NaN is not among them.
        case values(Set<Double>, missing: Bool)
        case range(Double, Double)

        func holds(_ x: Double) -> Bool {
            switch self {
            case .values(let v, let missing): return x.isNaN ? missing : v.contains(x)
            case .range(let lo, let hi): return x >= lo && x <= hi
            }
        }
    }
    let rules: [(column: Int, rule: Rule)]

    /// - Parameter json: for each column a value (null: missing), a list of values, or minimum and maximum of a column with an order.
    /// - Throws: `.argument` naming the column and the rule that is broken.
    package init(_ json: JSON, schema: Schema) throws {
        let r = try JSONReader(json, context: "where")
        let reader = try ValueReader(schema)
        rules = try r.keys.map { name in
            guard let j = schema.index(of: name) else { throw r.failure(name, "not in the schema") }
            let given = try r.value(name), field = schema.fields[j]
            func value(_ x: JSON) throws -> Double {
                guard let v = reader.value(x, column: j) else { throw r.failure(name, "not a value of this column") }
                return v
            }
            if given.asObject != nil {
                if field.levels != nil { throw r.failure(name, "has no order: name its values") }
                let o = try r.object(name)
                let lo = try o.optional("minimum").map(value) ?? -.infinity, hi = try o.optional("maximum").map(value) ?? .infinity
                try o.finish()
                guard lo <= hi else { throw r.failure(name, "minimum is above maximum") }
                return (j, .range(lo, hi))
            }
            let list = given.asArray ?? [given]
            guard !list.isEmpty else { throw r.failure(name, "the list of values is empty") }
            var values = Set<Double>(), missing = false
            for x in list {
                if x == .null {
                    guard !field.required else { throw r.failure(name, "is never missing") }
                    missing = true
                } else {
                    let v = try value(x)
                    if v.isNaN { missing = true } else { values.insert(v) }
                }
            }
            return (j, .values(values, missing: missing))
        }
        try r.finish()
    }
}

/// A condition against one model's bins.
struct ConditionTest: Sendable {
    private let condition: Condition
    /// For each rule: which bins hold a cell that can meet it.
    private let possible: [[Bool]]
    /// Of the sampled table: its columns know what an offset stands for.
    private let columns: [Column]
    /// Generated rows on which the share is estimated, and the fewest that must meet the condition.
    private static let tries = 1 << 16, fewest = 4

    init(_ condition: Condition, _ s: Sampler, _ table: Table) throws {
        self.condition = condition
        columns = table.columns
        let columns = columns
        possible = condition.rules.map { j, rule in
            let grid = s.plan.grids[j], encoder = s.statistics.encoders[j]
            var bins = [Bool](repeating: false, count: encoder.bins)
            for c in 0..<grid.count where !bins[Int(encoder.binOfCell[c])] {
                let a = cellValue(grid, columns[j], c, 0), b = cellValue(grid, columns[j], c, 1 - 0x1p-53)
                // A cell of several values can meet a rule inside; one value is tested as it is.
                let can: Bool
                switch rule {
                case .values(let v, _): can = rule.holds(a) || (a != b && v.contains { $0 >= a && $0 <= b })
                case .range(let lo, let hi): can = !a.isNaN && a <= hi && b >= lo
                }
                if can { bins[Int(encoder.binOfCell[c])] = true }
            }
            return bins
        }
    }

    func isPossible(_ codes: Buffer<UInt16>) -> Bool {
        for (k, r) in condition.rules.enumerated() where !possible[k][Int(codes[r.column])] { return false }
        return true
    }

    /// The cells that `stream` would give this row.
    func holds(_ codes: Buffer<UInt16>, _ stream: inout CounterStream, _ s: Sampler) -> Bool {
        for t in 0..<s.plan.grids.count {
            let u = stream.uniformDouble(), v = stream.uniformDouble()
            for (j, rule) in condition.rules where j == t {
                let grid = s.plan.grids[t], cell = s.statistics.encoders[t].cell(bin: Int(codes[t]), u: u)
                if !rule.holds(cellValue(grid, columns[t], cell, v)) { return false }
            }
        }
        return true
    }

    /// Share of generated rows that meet the condition, estimated on rows of a fixed public seed: as many as it takes to see some.
    /// - Throws: `.unsupported` when hardly any does.
    func share(_ s: Sampler, threads: Int) throws -> Double {
        let plain = Sampler(plan: s.plan, statistics: s.statistics, autoencoder: s.autoencoder, denoiser: s.denoiser, latents: s.latents, tilt: nil)
        let m = s.plan.grids.count, seed: UInt64 = 0x77686572, one = try Buffer<UInt16>(count: m, for: "codes")
        for n in [1 << 11, 1 << 14, Self.tries] {
            let codes = try plain.codes(seed: seed, count: n, threads: threads, stop: { false })
            var met = 0
            for i in 0..<n {
                for t in 0..<m { one[t] = codes[t * n + i] }
                guard isPossible(one) else { continue }
                var stream = plain.cellStream(seed, 0, i, 0)
                if holds(one, &stream, plain) { met += 1 }
            }
            if met >= 64 || (n == Self.tries && met >= Self.fewest) { return Double(met) / Double(n) }
        }
        throw Failure(.unsupported, "where: fewer than \(Self.fewest) of \(Self.tries) generated rows meet it; ask for less at once")
    }
}

/// The value a cell stands for; `u` chooses inside a cell of several. NaN: missing.
func cellValue(_ grid: ColumnGrid, _ column: Column, _ cell: Int, _ u: Double) -> Double {
    if cell == grid.missingCell { return .nan }
    if case .interval = grid.axis { return grid.value(cell: cell, u: u) }
    return column.value(of: grid.offset(cell: cell, u: u))
}
