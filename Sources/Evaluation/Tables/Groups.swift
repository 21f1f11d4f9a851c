// The protected groups of an evaluation: joint levels of the protected columns.
// A numerical protected column is cut at given edges, or at the median of the real table.

import Basics

package struct Groups {
    /// Joint levels that occur in any of the tables, in ascending order of their levels; a row's group is an index into
    /// these.
    package let names: [String]
    /// The group of each row, one array a table.
    let members: [Buffer<Int32>]

    /// - Parameters:
    ///   - frames: tables of the same columns; the first is the real one.
    ///   - columns: places of the protected columns; none makes one group of everybody.
    ///   - edges: cuts of numerical ones, by name, ascending.
    init(_ frames: [Frame], columns: [Int], edges: [String: [Double]]) throws {
        var cuts: [[Double]] = [], sizes: [Int] = []
        for place in columns {
            let column = frames[0].columns[place]
            if let values = column.values {
                let (sorted, n) = try sortedValues(values)
                cuts.append(edges[column.name] ?? (n > 0 ? [quantile(sorted, n, 0.5)] : []))
                sizes.append(cuts.last!.count + 2)
            } else {
                cuts.append([])
                sizes.append(column.codeCount)
            }
        }
        var product = 1
        for size in sizes {
            let (next, over) = product.multipliedReportingOverflow(by: size)
            guard !over, next < 1 << 62 else {
                throw Failure(.argument, "protected: these columns have too many joint levels")
            }
            product = next
        }
        let joint = try frames.map { frame in
            let out = try Buffer<Int64>(count: frame.rows, for: "an evaluation")
            for (c, place) in columns.enumerated() {
                let column = frame.columns[place]
                cuts[c].withUnsafeBufferPointer { cuts in
                    for i in 0..<frame.rows {
                        let k = column.codes.map { Int($0.base[i]) }
                            ?? (column.values!.base[i].isNaN ? cuts.count + 1 : cell(column.values!.base[i], cuts))
                        out.base[i] = out.base[i] &* Int64(sizes[c]) &+ Int64(k)
                    }
                }
            }
            return out
        }
        var seen: Set<Int64> = []
        for list in joint { for k in list { seen.insert(k) } }
        let present = seen.sorted()
        guard present.count <= Groups.maxGroups else {
            throw Failure(.argument, "protected: more than \(Groups.maxGroups) groups occur")
        }
        let place = Dictionary(uniqueKeysWithValues: zip(present, 0...))
        members = try joint.map { list in
            let out = try Buffer<Int32>(count: list.count, for: "an evaluation")
            for i in 0..<list.count { out.base[i] = Int32(place[list.base[i]]!) }
            return out
        }
        names = present.map { key in
            var rest = Int(key), parts: [String] = []
            for c in columns.indices.reversed() {
                parts.insert(Groups.label(frames[0].columns[columns[c]], cuts[c], rest % sizes[c]), at: 0)
                rest /= sizes[c]
            }
            return columns.isEmpty ? "all" : parts.joined(separator: ", ")
        }
    }

    static let maxGroups = 4096

    private static func label(_ column: Frame.Series, _ cuts: [Double], _ k: Int) -> String {
        if let levels = column.levels { return k < levels.count ? levels[k] : "\(column.name) missing" }
        if k > cuts.count { return "\(column.name) missing" }
        if cuts.isEmpty { return column.name }
        if k == 0 { return "\(column.name) < \(cuts[0])" }
        return k == cuts.count ? "\(column.name) >= \(cuts[k - 1])" : "\(cuts[k - 1]) <= \(column.name) < \(cuts[k])"
    }

    /// Rows of each group in one of the tables.
    func counts(_ table: Int) -> [Int] {
        var out = [Int](repeating: 0, count: names.count)
        for k in members[table] { out[Int(k)] += 1 }
        return out
    }
}
