// The protected groups: all combinations of the protected columns' declared parts, whether or not anybody is in them. A
// part is a level, an interval between the user's cuts, or "missing". Which group a row is in depends on that row and
// the public schema alone.

import Basics
import Privacy
import Tables

package struct Grouping: Sendable {
    /// One protected column.
    package struct Axis: Sendable {
        /// Its place in the schema.
        package let column: Int
        package let parts: [String]
        /// Part of each cell of the column's grid.
        package let partOfCell: Buffer<UInt16>
        /// Whether cells and parts are the same, in the same order.
        package var isPlain: Bool { partOfCell.count == parts.count }
    }
    package let axes: [Axis]
    /// "sex=f, age=25 to <45": the last column's parts change fastest.
    package let names: [String]
    /// Parts of each group, one for each axis.
    let partsOf: [[Int]]

    /// Groups beyond this leave too few rows in each, and their moments too much noise.
    package static let most = 1024
    /// Whole numbers with at most so many values are levels when no cut is named.
    static let maxLevels = 32

    /// - Throws: `.argument` naming the column and the rule that is broken.
    init(_ schema: Schema, grids: [ColumnGrid], protected: [String], cuts: [String: [JSON]]) throws {
        let values = try ValueReader(schema)
        for name in cuts.keys.sorted() where !protected.contains(name) {
            throw Failure(.argument, "config, fairness cuts \(quoted(name)): not a protected column")
        }
        axes = try protected.map { name in
            let j = try schema.place(of: name)
            return try Self.axis(j, schema.fields[j], grids[j], cuts[name], values)
        }
        var names = [""], parts: [[Int]] = [[]]
        for axis in axes {
            guard names.count * axis.parts.count <= Self.most else {
                throw Failure(.argument,
                              "protected columns: their levels make more than \(Self.most) groups; protect fewer "
                                  + "columns or cut them into fewer parts")
            }
            let column = schema.fields[axis.column].name
            parts = parts.flatMap { head in axis.parts.indices.map { head + [$0] } }
            names = names.flatMap { head in axis.parts.map { head + (head.isEmpty ? "" : ", ") + column + "=" + $0 } }
        }
        guard Set(names).count == names.count else {
            throw Failure(.argument, "protected columns: two groups have the same name; rename a level")
        }
        (self.names, partsOf) = (names, parts)
    }

    private static func axis(_ j: Int, _ field: Field, _ grid: ColumnGrid, _ cuts: [JSON]?,
                             _ values: ValueReader) throws -> Axis {
        func wrong(_ rule: String) -> Failure { Failure(.argument, "protected column \(quoted(field.name)): \(rule)") }
        let part = try Buffer<UInt16>(count: grid.count, for: "groups")
        var parts: [String]
        if let cuts, !cuts.isEmpty {
            guard grid.numerical else { throw wrong("only a column with an order can be cut") }
            let edges = try cuts.map { x -> Double in
                guard let v = values.value(x, column: j), !v.isNaN else {
                    throw wrong("a cut is not a value of this column")
                }
                return v
            }
            guard zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 }) else { throw wrong("cuts must ascend") }
            let texts = cuts.map { $0.asString ?? $0.text }
            parts = (0...edges.count).map { k in
                k == 0 ? "<" + texts[0] : k == edges.count ? ">=" + texts[k - 1] : texts[k - 1] + " to <" + texts[k]
            }
            for c in 0..<grid.body + grid.atomCount {
                let low = values.value(grid, column: j, cell: c)
                part[c] = UInt16(edges.reduce(0) { $0 + (low >= $1 ? 1 : 0) })
            }
            for k in 0...edges.count where !(0..<grid.body).contains(where: { Int(part[$0]) == k }) {
                throw wrong("a cut leaves a part without values")
            }
        } else {
            if grid.numerical {
                guard case .values = grid.axis, grid.body <= maxLevels else {
                    throw wrong("a numerical column needs cuts: config {\"fairness\": {\"cuts\": {column: "
                        + "[edges]}}}, or strength 0")
                }
            }
            parts = (0..<grid.body).map { field.levels?[$0] ?? values.text(grid, column: j, cell: $0) }
            for c in 0..<grid.body { part[c] = UInt16(c) }
        }
        let gone = grid.body + grid.atomCount..<grid.count    // the reasons of missing values, and missing
        if !gone.isEmpty {
            var name = "missing"
            while parts.contains(name) { name = "(\(name))" }
            for c in gone { part[c] = UInt16(parts.count) }
            parts.append(name)
        }
        return Axis(column: j, parts: parts, partOfCell: part)
    }

    package var count: Int { names.count }

    /// Where group shares are known for each axis apart: their products.
    func products(_ shares: [[Double]]) -> [Double] {
        (0..<count).map { g in zip(partsOf[g], shares).reduce(1) { $0 * $1.1[$1.0] } }
    }

    /// Sums of group numbers over all groups with the same part of one axis.
    func marginal(_ groups: [Double], axis a: Int) -> [Double] {
        var out = [Double](repeating: 0, count: axes[a].parts.count)
        for g in 0..<count { out[partsOf[g][a]] += groups[g] }
        return out
    }

    /// Group of row i.
    /// - Parameter columns: the learned columns that a table has as they are, those of the axes among them.
    func group(_ columns: [Column?], _ grids: [ColumnGrid], row i: Int) -> Int {
        axes.reduce(0) { g, axis in
            let cell = columns[axis.column].map { grids[axis.column].cell($0, row: i) } ?? 0
            return g * axis.parts.count + Int(axis.partOfCell[cell])
        }
    }

    /// The group with these parts. - part: of a column, by its place in the schema.
    func group(_ part: (Int) -> Int) -> Int { axes.reduce(0) { $0 * $1.parts.count + part($1.column) } }
}

/// Which groups the releases of a plan were counted by. It is the plan's own groups, but for a model that was made
/// again from the releases of another one with other protected columns: what was released stays as it is.
package struct ReleaseShape: Sendable, Equatable {
    /// Protected columns of the training that made the releases.
    let protected: [String]
    /// Whether it aligned groups: then these columns were counted by their parts, and together.
    let isAligned: Bool

    var json: JSON {
        .members([("protected", .array(protected.map { .string($0) })), ("aligned", .bool(isAligned))])
    }

    init(protected: [String], isAligned: Bool) { (self.protected, self.isAligned) = (protected, isAligned) }

    /// - Throws: `.format`, `.argument`.
    init(_ json: JSON) throws {
        let r = try JSONReader(json, context: "plan, released_by")
        self.init(protected: try r.strings("protected"), isAligned: try r.bool("aligned"))
        try r.finish()
    }
}
