// Several conditions in one call, and half rows completed: what a host may ask of a model beside plain rows.

import Basics
import Compute
import Tables

/// Rows that meet one condition.
package struct SampleRequest: Sendable {
    package let condition: Condition?
    package let rows: Int

    /// Reads [{"where": {...}, "rows": n}, ...]; without "where" any rows.
    /// - Throws: `.argument` naming request and key.
    package static func list(_ items: [JSON], schema: Schema) throws -> [SampleRequest] {
        guard !items.isEmpty else { throw Failure(.argument, "where: the list of requests is empty") }
        var total = 0
        return try items.enumerated().map { k, item in
            let r = try JSONReader(item, context: "where, request \(k + 1)")
            let condition = try r.optional("where").flatMap { $0 == .null ? nil : try Condition($0, schema: schema) }
            let rows = try r.int("rows", in: 1...Table.maxRows - 1)
            try r.finish()
            total += rows
            guard total < Table.maxRows else { throw Failure(.argument, "where: too many rows in all") }
            return SampleRequest(condition: condition, rows: rows)
        }
    }
}

extension Model {
    /// The rows of all requests, one request after another: rows `first ..< first + all` of `seed`, where row k is a
    /// function of the model, the seed, k and its request.
    /// - Throws: as `sample(first:count:seed:where:)`.
    package func sample(_ requests: [SampleRequest], first: Int = 0, seed: UInt64? = nil, threads: Int = 0,
                        progress: (Int, Int) -> Bool = { _, _ in true }) throws -> Table {
        let seed = try seed ?? freshSeed(), all = requests.reduce(0) { $0 + $1.rows }
        var parts: [Table] = [], done = 0
        for request in requests {
            let start = done
            parts.append(try sample(first: first + start, count: request.rows, seed: seed, where: request.condition,
                                    threads: threads) { now, _ in progress(start + now, all) })
            done += request.rows
        }
        return try Table.joined(parts)
    }

    /// Half rows made whole: missing cells are drawn given the others, given cells stay. Row k of the answer belongs to
    /// row k of the request.
    /// - Parameters:
    ///   - half: a table that has some of the model's columns, with the same names, types, levels and bounds; a column
    ///     that it lacks is missing in every row.
    ///   - seed: nil draws a fresh one from the operating system.
    /// - Throws: `.schema` for columns that are not the model's; `.argument` where given cells of a row break a rule
    ///   by themselves; `.unsupported` where a row cannot be completed; `.noMemory`, `.cancelled`.
    package func complete(_ half: Table, seed: UInt64? = nil, threads: Int = 0,
                          progress: (Int, Int) -> Bool = { _, _ in true }) throws -> Table {
        try half.requireComplete()
        let seed = try seed ?? freshSeed(), threads = threads > 0 ? threads : Workers.available
        let places = try half.schema.fields.map { field in
            guard let j = schema.index(of: field.name), schema.fields[j].kind == field.kind,
                  schema.fields[j].type == field.type else {
                throw Failure(.schema, "column \(quoted(field.name)): not a column of the model, or one with other "
                    + "levels or bounds")
            }
            return j
        }
        let sampler = Sampler(plan: plan, generator)
        let keeper = try RowKeeper(plan: plan, statistics: statistics, tilt: generator.tilt),
            out = try Table(schema: schema, rows: half.rows)
        let chain = generator.autoencoder == nil ? nil : try LatentChain(sampler.rows, keeper, threads: threads)
        let block = 2048
        for lo in stride(from: 0, to: half.rows, by: block) {
            let n = min(block, half.rows - lo)
            let requests = try (0..<n).map { i in
                try RowRequest(given(half, row: lo + i, places), keeper)
            }
            let kept = KeptDraw(keeper: keeper, chain: chain, request: { requests[$0] })
            try sampler.fill(out, seed: seed, first: Int64(lo), kept, offset: lo, count: n, threads: threads) {
                now, _ in progress(lo + now, half.rows)
            }
        }
        return out
    }

    /// The given cells of a row.
    private func given(_ half: Table, row i: Int, _ places: [Int]) throws -> Condition {
        var x = [Double](repeating: .nan, count: schema.fields.count), tests: [ColumnTest] = []
        for (column, j) in zip(half.columns, places) where !column.isMissing(i) {
            x[j] = column.double(i)
            tests.append(ColumnTest(column: j, test: .values([x[j]], missing: false)))
        }
        for rule in schema.rules.all {
            guard rule.columns.allSatisfy({ !x[$0].isNaN }), !rule.holds(x, schema.rules) else { continue }
            throw Failure(.argument, "complete, row \(i + 1): its given cells break the rule \(quoted(rule.name))")
        }
        return Condition(tests: tests)
    }
}
