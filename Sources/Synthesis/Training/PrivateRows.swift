// Where rows become private: every cell is replaced by its grid cell, a function of that row and the public schema,
// and handed to the door, or added to sums for a door elsewhere. Nobody reads the rows again afterwards.

import Basics
import Privacy
import Tables

/// What a plan makes of one row: cells and a group.
struct CellReader {
    private let schema: Schema, shape: RowShape, grids: [ColumnGrid], grouping: Grouping?, groups: [String],
        rowsPerPerson: Int

    init(_ plan: Plan) {
        (schema, shape, grids, grouping) = (plan.declared, plan.shape, plan.grids, plan.releasedGrouping)
        (groups, rowsPerPerson) = (plan.releasedGroups, plan.settings.rowsPerPerson)
    }

    /// - Throws: `.state` for a table that is not complete, or whose persons are not bounded as the plan promises;
    ///   `.schema` for another schema.
    func check(_ table: Table) throws {
        let k = rowsPerPerson, bound = table.rowsPerPerson
        guard k == 0 ? bound == 0 : bound > 0 && bound <= k else {
            throw Failure(.state, k == 0
                ? "the table was bounded to \(bound) rows a person: the plan must promise for persons, "
                    + "\"max_rows_per_person\": \(bound)"
                : "the plan promises for persons of at most \(k) rows: the table must be bounded to that many when "
                    + "it is loaded")
        }
        try table.requireComplete()
        guard table.schema == schema else { throw Failure(.schema, "the table's schema is not the plan's") }
    }

    /// Rows `first ..< first + count` of a table that was checked, as cells and groups; the table itself is not kept.
    /// - Throws: `.argument` for too many rows, `.noMemory`.
    func cells(_ table: Table, first: Int, count: Int) throws -> PrivateTable {
        let out = try PrivateTable(rows: count, cellCounts: grids.map(\.count), groups: groups)
        let row = try Buffer<Double>(count: table.columns.count, for: "a row")
        for (t, grid) in grids.enumerated() {
            try out.fill(column: t) { cells in
                guard case .plain(let j) = shape.sources[t] else {
                    // A learned column is a function of the same row's declared ones.
                    let probe = try Column.probe(shape.learned.fields[t]), used = shape.inputs(of: t)
                    for i in 0..<count {
                        for j in used { row[j] = table.columns[j].double(first + i) }
                        cells[i] = UInt16(truncatingIfNeeded: grid.cell(of: shape.learn(t, row.base), probe))
                    }
                    return
                }
                let column = table.columns[j]
                for i in 0..<count { cells[i] = UInt16(truncatingIfNeeded: grid.cell(column, row: first + i)) }
            }
        }
        if let grouping {
            try out.fillGroups { groups in
                let columns = shape.sources.map { source -> Column? in
                    if case .plain(let j) = source { return table.columns[j] }
                    return nil
                }
                for i in 0..<count {
                    groups[i] = Int32(truncatingIfNeeded: grouping.group(columns, grids, row: first + i))
                }
            }
        }
        return out
    }
}

/// How rows elsewhere are read.
package struct RemoteOptions: Sendable {
    package enum RollCall: String, CaseIterable, Sendable { case never = "none", once }
    package enum Invalid: String, CaseIterable, Sendable { case refuse, coerce }
    /// Whether the rows are read once before anything is charged, to be compared with every later reading.
    package var rollCall = RollCall.never
    /// What happens before the first charge when cells break the schema; afterwards they are always replaced.
    package var invalid = Invalid.refuse
    package init() {}

    /// Every option, in the order in which they are described.
    package static let table = OptionTable<RemoteOptions>([
        .choice("roll_call", \.rollCall, help: "\"once\": the rows are read once more, before anything is charged, so "
            + "that rows which change while they are read are seen at once"),
        .choice("invalid", \.invalid, help: "cells that break the schema: refuse all rows before the first charge, or "
            + "replace them by the nearest value"),
    ])

    /// - Throws: `.argument` for an unknown key.
    package init(_ config: JSON) throws {
        let r = try JSONReader(config, context: "remote")
        try self.init(r)
        try r.finish()
    }

    /// The same; the caller finishes the reader.
    package init(_ r: JSONReader) throws { try Self.table.read(r, into: &self) }
}

/// The rows of a training.
enum TrainingRows {
    case table(Table)
    case elsewhere(RemoteOptions)
    /// Nothing more is to be released.
    case none

    var options: RemoteOptions? { if case .elsewhere(let options) = self { options } else { nil } }

    /// The door to them.
    func door(_ plan: Plan, _ ledger: Ledger, _ random: SecureRandom) throws -> Door {
        switch self {
        case .table(let table):
            let reader = CellReader(plan)
            try reader.check(table)
            return try Door(table: reader.cells(table, first: 0, count: table.rows), budget: plan.budget,
                            ledger: ledger, random: random)
        case .elsewhere, .none:
            return try Door(elsewhere: plan.grids.map(\.count), columns: plan.schema.fields.map(\.name),
                            budget: plan.budget, ledger: ledger, random: random)
        }
    }
}
