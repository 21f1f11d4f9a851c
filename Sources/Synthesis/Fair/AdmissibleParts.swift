// Columns that may differ between groups, cut into few parts within which rows are compared.

import Glibc

/// Parts of the columns that may differ between groups: disparities are taken within each.
struct AdmissibleParts {
    /// By place in the schema.
    let columns: [Int]
    let count: Int
    /// Of each column: the part of each bin.
    private let parts: [[Int]], sizes: [Int]
    private static let most = 16

    init(_ plan: Plan, _ statistics: Statistics) throws {
        let columns = plan.settings.fairness.admissible.compactMap { plan.schema.index(of: $0) }
        let each = max(2, Int(pow(Double(Self.most), 1 / Double(max(columns.count, 1))) + 1e-9))
        parts = columns.map { j in
            let shares = statistics.encoders[j].binShare
            guard shares.count > each else { return Array(0..<shares.count) }
            guard plan.grids[j].numerical else {
                // The most frequent levels have parts of their own.
                let order = shares.indices.sorted { (shares[$0], $1) > (shares[$1], $0) }
                var out = [Int](repeating: each - 1, count: shares.count)
                for (i, u) in order.prefix(each - 1).enumerated() { out[u] = i }
                return out
            }
            let total = max(shares.reduce(0, +), 1e-300)
            var sum = 0.0
            return shares.map { s in
                defer { sum += s }
                return min(each - 1, Int((sum + s / 2) / total * Double(each)))
            }
        }
        self.columns = columns
        sizes = parts.map { ($0.max() ?? 0) + 1 }
        count = sizes.reduce(1, *)
    }

    /// The part of a row. bin: of a column, by its place in the schema.
    func part(_ bin: (Int) -> Int) -> Int {
        var at = 0
        for (i, j) in columns.enumerated() { at = at * sizes[i] + parts[i][min(bin(j), parts[i].count - 1)] }
        return at
    }
}
