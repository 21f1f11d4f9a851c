// The groups that releases were counted by, and the plan's own groups from them, where other columns are protected now.

import Basics

extension Plan {
    /// Names of the groups that the releases were counted by, as the ledger has them.
    package var releasedGroups: [String] { releasedGrouping?.names ?? [Self.group] }

    /// Rows of the plan's own groups, from what was released.
    /// - Parameters:
    ///   - counts: of the released groups, in rows; may be negative.
    ///   - encoders: of all columns. rows: of the table.
    /// - Throws: `.unsupported` where the releases do not tell the groups.
    func groupCounts(_ counts: [Double], encoders: [ColumnEncoder], rows: Double) throws -> [Double] {
        guard !isReleasedByOwnGroups else { return counts }
        guard let grouping else { return [counts.reduce(0, +)] }
        for axis in grouping.axes {
            let e = encoders[axis.column]
            guard e.bins == axis.parts.count, (0..<e.binOfCell.count).allSatisfy({
                e.binOfCell[$0] == axis.partOfCell[$0]
            }) else {
                throw Failure(.unsupported, "refit, protected column \(quoted(schema.fields[axis.column].name)): the "
                    + "releases did not count its parts one by one; protect it in a training")
            }
        }
        if let releasedGrouping, let sums = grouping.sums(of: counts, by: releasedGrouping) { return sums }
        guard grouping.axes.count == 1 else {
            throw Failure(.unsupported, "refit: the releases have no counts of the joint groups of these protected "
                + "columns; protect one of them, or train with them")
        }
        return encoders[grouping.axes[0].column].binShare.map { $0 * rows }
    }
}

extension Grouping {
    /// Sums of group numbers of another grouping that has every axis of this one; nil where it has not.
    func sums(of counts: [Double], by other: Grouping) -> [Double]? {
        var places: [Int] = []
        for axis in axes {
            guard let k = other.axes.firstIndex(where: { $0.column == axis.column && $0.parts == axis.parts }) else {
                return nil
            }
            places.append(k)
        }
        var out = [Double](repeating: 0, count: count)
        for g in 0..<other.count {
            out[zip(axes, places).reduce(0) { $0 * $1.0.parts.count + other.partsOf[g][$1.1] }] += counts[g]
        }
        return out
    }
}
