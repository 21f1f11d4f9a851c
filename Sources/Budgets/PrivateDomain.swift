// A private domain: bounds, levels and the row count of a table, estimated under a shared budget by one noisy release,
// so that nobody has to know or to guess them. The training that follows spends from the same budget.

import Basics
import Glibc
import Privacy
import Tables

/// A release of a domain. Numbers, dates and times get the bounds of a public grid of powers of two (`PowerGrid`): from
/// the first to the last cell whose noisy count stands out of the noise. Texts get the levels whose noisy count is
/// above the threshold, and one more for all others.
///
/// The rows are read here (`init(csv:)`) or elsewhere: then `ask` says which sums of them are needed, and `answer`
/// takes them. What follows is one path: charged to the budget's file, then drawn.
package final class PrivateDomain {
    package let rows: DomainRows
    private let shared: SharedBudget, options: DomainOptions
    let door: DomainDoor
    private var rollCall: Bool
    /// The schema, marked as estimated privately, and a report: run, epsilon, selection_delta, rows (noisy), deviation
    /// of the noise in rows, threshold, ledger. Nil before the release.
    package private(set) var released: (schema: Schema, report: JSON)?

    /// A domain of rows in other processes.
    /// - Parameter rollCall: whether the rows are read once before anything is charged, to be compared with the reading
    ///   that is released.
    /// - Throws: `.budget` when the budget has too little left of ε or of δ; `.argument`, `.entropy`.
    package init(_ sketch: SchemaSketch, elsewhere shared: SharedBudget, _ options: DomainOptions,
                 rollCall: Bool) throws {
        rows = DomainRows(sketch, person: options.csv.person)
        (self.shared, self.options, self.rollCall) = (shared, options, rollCall)
        _ = try Self.price(rows, shared, options)
        door = try DomainDoor(rows.columns, elsewhere: sketch.names, open: rows.openNames)
    }

    /// Reads the rows of the CSV file at `path`.
    fileprivate init(_ sketch: SchemaSketch, csv path: String, from shared: SharedBudget, _ options: DomainOptions,
                     progress: TableProgress?) throws {
        let rows = DomainRows(sketch, person: options.csv.person)
        (self.rows, self.shared, self.options, rollCall) = (rows, shared, options, false)
        _ = try Self.price(rows, shared, options)
        let broken = try sketch.checker(), door = try DomainDoor(rows.columns)
        self.door = door
        try RawRows(path, names: sketch.names, options: options.csv, progress: progress).forEach { line, cell in
            // now, and not when it has been paid for
            if options.csv.invalid == .refuse {
                for j in sketch.names.indices {
                    if let rule = broken(try cell(j), j) {
                        throw Failure(.schema, "\(path), line \(line), column \(quoted(sketch.names[j])): \(rule)")
                    }
                }
            }
            try rows.count(cell, into: door)
        }
        guard !door.isEmpty else { throw Failure(.schema, "\(path): the table has no rows") }
    }

    /// What is to be asked of the rows, dealt into `parts` parts; nil when it was released. Asked again before an
    /// answer it is a new ask, and the old one is void: nothing was charged for it.
    /// - Throws: `.argument`; `.entropy`.
    package func ask(parts: Int) throws -> (isRollCall: Bool, tag: AskTag, request: CountRequest)? {
        guard released == nil else { return nil }
        let (tag, request) = try door.ask(rollCall: rollCall, parts: parts)
        return (rollCall, tag, request)
    }

    /// Releases the domain from sums of all parts, or takes note of the roll call. The sums are wiped, unless they are
    /// refused before anything is charged; the ask then stays open.
    /// - Throws: what `Door.accept` throws; `.budget`, `.io` of the budget's file.
    package func answer(_ sums: Sums) throws {
        try door.accept(sums, strict: options.csv.invalid == .refuse)
        defer { door.dismissAnswer() }
        guard !rollCall else { return rollCall = false }
        try release()
    }

    /// What the release costs, and its noise.
    private static func price(_ rows: DomainRows, _ shared: SharedBudget, _ options: DomainOptions) throws
        -> (part: Budget, sigma: Double, selection: Double) {
        let terms = shared.terms, sketch = rows.sketch
        guard !rows.open.isEmpty else {
            throw Failure(.argument, "domain: the schema leaves nothing open: there is nothing to estimate")
        }
        guard !options.name.isEmpty, options.name.utf8.count <= 200, !options.name.utf8.contains(0) else {
            throw Failure(.argument, "name: of a run, must have 1 to 200 bytes")
        }
        guard !options.other.isEmpty, options.other.utf8.count <= 200, !options.other.utf8.contains(0),
            !sketch.missingValues.contains(options.other) else {
            throw Failure(.argument, "other: must be a text of 1 to 200 bytes that does not mean missing")
        }
        guard (options.csv.person?.maxRows ?? 0) == terms.rowsPerPerson else {
            throw Failure(.argument, "domain: person and max_rows_per_person must be those that the budget was made "
                + "for")
        }
        guard let part = try terms.part(epsilon: options.epsilon(of: shared)) else {
            throw Failure(.budget, "domain: no noise meets this epsilon at the budget's order; ask for more, or for a "
                + "share")
        }
        let sigma = try part.firstNoise(share: 1, sensitivity: Double(rows.open.count + 1).squareRoot())
        var selection = 0.0
        if rows.columns.contains(.levels) {
            selection = try options.selection ?? (terms.selection - shared.account().selection) * (1 - 1e-9)
            guard selection > 0 else {
                throw Failure(.budget, "domain: levels need a part of delta: make the budget with selection_delta, or "
                    + "declare them")
            }
        }
        return (part, sigma, selection)
    }

    fileprivate func release() throws {
        let (part, sigma, selection) = try Self.price(rows, shared, options), sketch = rows.sketch, open = rows.open
        let run = try newID()
        var ledger = try Ledger(budget: part, assumptions: [
            "column names and types are public, and so are the bounds and levels that the schema declares",
            "every option was chosen without a look at the rows", "the table has at least one row"])
        let random = try options.testSeed.map { SecureRandom(testSeed: $0) } ?? SecureRandom()
        let found = try door.release(name: options.name, ledger: &ledger, noiseMultiplier: sigma, selection: selection,
                                     random: random) { charged in
            try shared.update {
                try $0.begin(.init(id: run, token: run, name: options.name, kind: .domain, isOpen: false,
                                   ledger: charged))
            }
        }

        let count = max(found.rows, 1)
        let marks = JSONObject([(Schema.domainKey, .string(Schema.estimatedPrivately)),
                                (Schema.domainReleaseKey, ["budget": .string(shared.id), "run": .string(run),
                                                      "rows": .number(count)])])
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
                ("selection_delta", .number(selection)), ("rows", .number(count)),
            ("deviation", .number(found.standardDeviation)),
            ("threshold", rows.columns.contains(.levels) ? .int(Int64(found.threshold)) : .null),
                ("ledger", ledger.json)])
        released = (schema, report)
    }
}

/// Reads the CSV file at `path` and estimates what `sketch` leaves open: charged to the budget's file before anything
/// is drawn.
/// - Returns: the schema and the report.
/// - Throws: as `PrivateDomain`; `.schema`, `.format`, `.io`, `.cancelled` of reading; `.noMemory`.
package func releaseDomain(_ sketch: SchemaSketch, csv path: String, from shared: SharedBudget,
                           _ options: DomainOptions,
                           progress: TableProgress? = nil) throws -> (schema: Schema, report: JSON) {
    let domain = try PrivateDomain(sketch, csv: path, from: shared, options, progress: progress)
    try domain.release()
    guard let released = domain.released else { throw Failure(.internal, "domain: nothing was released") }
    return released
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
