// A private domain: bounds, levels and the row count of a table, estimated under a shared budget by one noisy release,
// so that nobody has to know or to guess them. The training that follows spends from the same budget.

import Basics
import Glibc
import Privacy
import Tables

/// Reads the CSV file at `path` and estimates what `sketch` leaves open: charged to the budget's file before anything
/// is drawn.
///
/// Numbers, dates and times get the bounds of a public grid of powers of two (`PowerGrid`): from the first to the last
/// cell whose noisy count stands out of the noise. Texts get the levels whose noisy count is above the threshold, and
/// one more for all others.
/// - Returns: the schema, marked as bought, and a report: run, epsilon, selection_delta, rows (noisy), deviation of the
///   noise in rows, threshold, ledger.
/// - Throws: `.budget` when the budget has too little left of ε or of δ; `.schema`, `.format`, `.io`, `.cancelled` of
///   reading; `.argument`, `.noMemory`, `.entropy`.
package func releaseDomain(_ sketch: SchemaSketch, csv path: String, from shared: SharedBudget,
                           _ options: DomainOptions,
                       progress: TableProgress? = nil) throws -> (schema: Schema, report: JSON) {
    let terms = shared.terms, open = sketch.needs.indices.filter { sketch.needs[$0] != .nothing }
    guard !open.isEmpty else {
        throw Failure(.argument, "domain: the schema leaves nothing open: there is nothing to buy")
    }
    guard !options.name.isEmpty, options.name.utf8.count <= 200, !options.name.utf8.contains(0) else {
        throw Failure(.argument, "name: of a run, must have 1 to 200 bytes")
    }
    guard !options.other.isEmpty, options.other.utf8.count <= 200, !options.other.utf8.contains(0),
        !sketch.missingValues.contains(options.other) else {
        throw Failure(.argument, "other: must be a text of 1 to 200 bytes that does not mean missing")
    }
    guard (options.csv.person?.maxRows ?? 0) == terms.rowsPerPerson else {
        throw Failure(.argument, "domain: person and max_rows_per_person must be those that the budget was made for")
    }
    guard let part = try terms.part(epsilon: options.epsilon(of: shared)) else {
        throw Failure(.budget, "domain: no noise meets this epsilon at the budget's order; ask for more, or for a "
            + "share")
    }
    let sigma = try part.firstNoise(share: 1, sensitivity: Double(open.count + 1).squareRoot()),
        hasTexts = open.contains { sketch.needs[$0] == .levels }
    var selection = 0.0
    if hasTexts {
        selection = try options.selection ?? (terms.selection - shared.account().selection) * (1 - 1e-9)
        guard selection > 0 else {
            throw Failure(.budget,
                          "domain: levels need a part of delta: make the budget with selection_delta, or declare them")
        }
    }

    let broken = try sketch.checker()
    let door = try DomainDoor(open.map { if case .bounds(let grid) = sketch.needs[$0] { .bins(grid.count) }
        else { .levels } })
    try RawRows(path, names: sketch.names, options: options.csv, progress: progress).forEach { line, cell in
        // now, and not when it has been paid for
        if options.csv.invalid == .refuse {
            for j in sketch.names.indices {
                if let rule = broken(cell(j), j) {
                    throw Failure(.schema, "\(path), line \(line), column \(quoted(sketch.names[j])): \(rule)")
                }
            }
        }
        for (k, j) in open.enumerated() {
            guard let text = cell(j), !sketch.isMissing(text, column: j) else { continue }
            switch sketch.needs[j] {
            case .bounds(let grid):
                if let c = sketch.cell(text, j, grid) { door.add(bin: c, column: k) }
            case .levels: if text.count > 0 { try door.add(level: text, column: k) }
            case .nothing: break
            }
        }
        try door.endRow()
    }
    guard !door.isEmpty else { throw Failure(.schema, "\(path): the table has no rows") }

    let run = try newID()
    var ledger = try Ledger(budget: part, assumptions: [
        "column names and types are public, and so are the bounds and levels that the schema declares",
        "every option was chosen without a look at the rows", "the table has at least one row"])
    let random = try options.testSeed.map { SecureRandom(testSeed: $0) } ?? SecureRandom()
    let found = try door.release(name: options.name, ledger: &ledger, noiseMultiplier: sigma, selection: selection,
                                 random: random) { charged in
        try shared.update {
            try $0.begin(.init(id: run, token: run, name: options.name, kind: .domain, isOpen: false, ledger: charged))
        }
    }

    let rows = max(found.rows, 1)
    let marks = JSONObject([(Schema.domainKey, .string(Schema.estimatedPrivately)),
                            (Schema.domainReleaseKey, ["budget": .string(shared.id), "run": .string(run),
                                                  "rows": .number(rows)])])
    let schema = try sketch.schema(levels: { j in
        let k = open.firstIndex(of: j) ?? 0
        // Texts that no schema takes, or that stand for all others, are among the others.
        var seen = Set([options.other])
        return found.levels[k].map(\.text).filter { !$0.utf8.contains(0) && !sketch.missingValues.contains($0)
            && seen.insert($0).inserted } + [options.other]
    }, cells: { j in
        cells(found.bins[open.firstIndex(of: j) ?? 0], deviation: found.standardDeviation)
    }, marks: marks)
    let report: JSON = .members([
        ("run", .string(run)), ("epsilon", .number(ledger.epsilon)), ("delta", .number(ledger.delta)),
            ("selection_delta", .number(selection)), ("rows", .number(rows)),
        ("deviation", .number(found.standardDeviation)), ("threshold", hasTexts ? .int(Int64(found.threshold)) : .null),
            ("ledger", ledger.json)])
    return (schema, report)
}

/// First and last cell whose noisy count no empty cell of the grid reaches but once in a hundred grids; the fullest
/// where there is none.
private func cells(_ counts: [Double], deviation: Double) -> (Int, Int) {
    let limit = deviation * (2 * log(100 * Double(counts.count))).squareRoot()
    if let first = counts.firstIndex(where: { $0 > limit }), let last = counts.lastIndex(where: { $0 > limit }) {
        return (first, last)
    }
    let top = counts.indices.max { counts[$0] < counts[$1] } ?? 0
    return (top, top)
}
